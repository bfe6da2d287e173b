"""Keys of config.txt that thermometers have."""

from epx.config import Key

_DIGITS = "0123456789abcdef"


def offsets(words):
    """NUMBER:DEGREES,NUMBER:DEGREES ... -> {number: degrees}"""
    found = {}
    try:
        for word in words.split(","):
            name, _, degrees = word.strip().partition(":")
            name = name.strip().lower()
            value = float(degrees)
            if len(name) != 16 or name in found or not -10 <= value <= 10:
                break
            for digit in name:
                if digit not in _DIGITS:
                    raise ValueError
            found[name] = value
        else:
            return found
    except ValueError:
        pass
    raise ValueError("want NUMBER:DEGREES for each, 16 hex digits : -10 to 10, commas between")


KEYS = (
    # What is added to the readings of single thermometers, by their numbers.
    Key("offsets", offsets, None, unit="C"),
)
