"""Keys of config.txt that a garage door has, and its outputs."""

from epx.config import Key, integer

KEYS = (
    # How long the relay presses the button of the door's own motor.
    Key("pulse", integer(100, 2000), 500, unit="ms"),
)

# Pin and level: what the loader drives before the program is even imported.
SAFE_PINS = ((26, 0),)
