"""Keys of config.txt that the peripheral of a link test has."""

from epx.nowsettings import RADIO_KEYS

KEYS = RADIO_KEYS
