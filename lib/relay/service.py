"""What each of four relays publishes and obeys; %d is its number, from 0."""

from epx.clock import MINUTES, SECONDS
from epx.topics import Pub, Sub


def seconds(payload):
    try:
        return int(float(payload))
    except (ValueError, OverflowError):
        pass
    raise ValueError("want a number of seconds")


TOPICS = (
    # 1: on.
    Pub("%d/State", "state", 0, every_ms=1 * SECONDS, refresh_ms=30 * MINUTES),
    # On for so long from now, at most for the time of the key maxon; 0 or less: off. A reset
    # switches off until the program runs, then it is on for the rest of the time, but not after
    # a power-on.
    Sub("%d/TurnOnWithTimeout", "turn_on", seconds),
)
