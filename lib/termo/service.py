"""What thermometers publish."""

from epx.clock import MINUTES, SECONDS
from epx.topics import Pub

TOPICS = (
    # 1: no thermometer was found; 2: nobody answers any more; else nobody could be read, and it
    # is the product over all of 3 (does not answer) and 5 (answers nonsense, lost its supply).
    Pub("Malfunction", "malfunction", 0, every_ms=60 * SECONDS, refresh_ms=30 * MINUTES),
)
# Of each thermometer as it is found.
PROBE = (
    # Degrees Celsius, smoothed; %s is the number of the thermometer, 16 hex digits. None, once,
    # when there was no reading for a minute.
    Pub("Temperature/%s", "value", 1, every_ms=5 * SECONDS, refresh_ms=5 * MINUTES),
)
