"""Numbers as text, the same on every interpreter and with 32-bit floats."""

# "%.1f" % 6.25 is 6.3 on MicroPython and 6.2 on CPython, and an ESP32 has float32 only: a value
# closer to a half than a float32 can tell is a half on all of them.
_FLOAT32_SLACK = 2e-7
_FLOAT32_INTEGERS = 1 << 23  # from here on a float32 has no fraction


def scaled(number, digits):
    """Text of the integer number counted in units of 10**-digits: scaled(-5, 1) is '-0.5'."""
    if not digits:
        return str(number)
    sign = "-" if number < 0 else ""
    unit = 10**digits
    whole, rest = divmod(abs(number), unit)
    return "%s%d.%s" % (sign, whole, ("%d" % (unit + rest))[1:])


def rounded(value, digits=0):
    """value in units of 10**-digits as an integer, halves away from zero."""
    if isinstance(value, int):
        return value * 10**digits
    number = abs(value) * 10**digits
    if number < _FLOAT32_INTEGERS:
        number += min(number * _FLOAT32_SLACK, 0.1) + 0.5
    number = int(number)
    return -number if value < 0 else number


def decimal(value, digits=0):
    """Text of value with digits decimals, halves away from zero; None for None, NaN, infinity."""
    if value is None or value != value or value in (float("inf"), float("-inf")):
        return None
    return scaled(rounded(value, digits), digits)
