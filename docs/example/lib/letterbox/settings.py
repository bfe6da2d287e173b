"""Keys of config.txt that a letterbox has."""

from epx.config import Key, integer
from epx.nowsettings import RADIO_KEYS

KEYS = RADIO_KEYS + (
    # How long it sleeps between two looks, unless its central says otherwise.
    Key("period", integer(1, 1440), 15, unit="min"),
)
