"""Keys of config.txt that a scale has: kg = (raw + calibration_b) / calibration_a."""

from epx.config import Key, integer, number
from epx.nowsettings import RADIO_KEYS

_either_sign = number(-10000000, 10000000)


def _divisor(words):
    value = _either_sign(words)
    if not value:
        raise ValueError("want a number that is not 0")
    return value


KEYS = RADIO_KEYS + (
    # How much more the converter's value is for each kilogram. The console shows the value of each
    # weighing: take the difference of two of them, divide by that of the weights.
    Key("calibration_a", _divisor, unit="1/kg"),
    # Minus the value of the empty scale.
    Key("calibration_b", _either_sign),
    # Where the voltage of the battery is measured, below 2.45 V by a divider. None: nowhere.
    Key("batterypin", integer(32, 39), None),
    # Of that divider: how many times more the battery has.
    Key("batteryratio", number(1, 100), 2),
)
