"""Keys of config.txt that the central of a link test has."""

from epx.nowsettings import CENTRAL_KEYS

KEYS = CENTRAL_KEYS
