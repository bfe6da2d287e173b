"""What a garage door publishes and obeys."""

from epx.clock import MINUTES, SECONDS
from epx.payloads import on_off
from epx.topics import Pub, Sub

DOOR = (
    # 1 while the door is closed.
    Pub("Closed", "closed", 0, every_ms=1 * SECONDS, refresh_ms=30 * MINUTES),
    # Each time it was opened or closed, also while the broker was away: opened, closed
    Pub("Event", "event", on="moved", event=True),
)
OPENER = (
    # on: press the button once.
    Sub("Press", "press", on_off),
)
