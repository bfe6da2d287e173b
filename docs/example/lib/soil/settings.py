"""Keys of config.txt that soil has: its calibration."""

from epx.config import Key, integer, number

KEYS = (
    # How often the probe is read.
    Key("period", integer(1, 3600), 10, unit="s"),
    # Voltage of the probe in air: 0 %.
    Key("dry", number(0.5, 2.45), unit="V"),
    # Voltage of the probe in water: 100 %.
    Key("wet", number(0.5, 2.45), unit="V"),
)
