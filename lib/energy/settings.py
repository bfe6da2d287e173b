"""Keys of config.txt that a mains energy meter has; it has no outputs."""

from epx.config import Key, integer

KEYS = (
    # More power than this is an alarm. None: the meter keeps its own threshold, and no alarm is
    # published.
    Key("alarm", integer(1, 25000), None, unit="W"),
)
