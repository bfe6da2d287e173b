"""Keys of config.txt that four relays have, and their outputs."""

from epx.config import Key

PINS = (25, 26, 27, 33)
_WEEK_S = 604800


def times(words):
    """Four numbers of seconds."""
    try:
        found = tuple([int(word) for word in words.split(",")])
        if len(found) == len(PINS) and 1 <= min(found) <= max(found) <= _WEEK_S:
            return found
    except ValueError:
        pass
    raise ValueError("want %d integers from 1 to %d, commas between" % (len(PINS), _WEEK_S))


KEYS = (
    # The longest time that each relay may be on; a longer one is cut to it.
    Key("maxon", times, (600, 86400, 86400, 86400), unit="s"),
)

# High is off. A reset, whatever its cause, switches off; what was on is on again when the
# program has started, for the rest of its time.
SAFE_PINS = ((25, 1), (26, 1), (27, 1), (33, 1))
