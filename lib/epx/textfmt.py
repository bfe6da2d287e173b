"""Numbers as text, the same on every interpreter and with 32-bit floats."""

from micropython import const

# "%.1f" % 6.25 is 6.3 on MicroPython and 6.2 on CPython, and an ESP32 has float32 only: a value
# closer to a half than a float32 can tell is a half on all of them.
_FLOAT32_SLACK = 2e-7
_FLOAT32_INTEGERS = const(1 << 23)  # from here on a float32 has no fraction


def decimal(value, digits=0):
    """Text of value with digits decimals, halves away from zero; None for None, NaN, infinity."""
    if value is None or value - value != 0:
        return None
    unit = 10**digits
    number = abs(value) * unit
    if not isinstance(value, int):
        if number < _FLOAT32_INTEGERS:
            number += min(number * _FLOAT32_SLACK, 0.1) + 0.5
        number = int(number)
    words = "%s%d" % ("-" if value < 0 and number else "", number // unit)
    return words + "." + str(unit + number % unit)[1:] if digits else words
