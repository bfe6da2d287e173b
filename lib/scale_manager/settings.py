"""Keys of config.txt that a scale manager has."""

from epx.nowsettings import CENTRAL_KEYS

KEYS = CENTRAL_KEYS
