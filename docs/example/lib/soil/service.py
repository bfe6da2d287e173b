"""What soil publishes: topic, value of its sensor, decimals, when."""

from epx.clock import MINUTES, SECONDS
from epx.topics import Pub

TOPICS = (
    # Moisture in percent; unknown while there is no probe.
    Pub("Moisture", "moisture", 0, every_ms=10 * SECONDS, refresh_ms=30 * MINUTES),
    # Voltage of the probe, for its calibration.
    Pub("Volts", "volts", 2, every_ms=60 * SECONDS, refresh_ms=30 * MINUTES),
)
