"""Keys of config.txt that the gateway of letterboxes has."""

from epx.nowsettings import CENTRAL_KEYS

KEYS = CENTRAL_KEYS
