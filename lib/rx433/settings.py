"""Keys of config.txt that a receiver of keyfobs has."""

from epx.config import Key, flag, integer

_MOST_CODES = 12
_PROTOCOLS = ("EV1527", "HT6P20")


def codes(words):
    """(("EV1527:123", "gate"), ...)"""
    found = []
    for pair in words.split(","):
        code, _, name = pair.strip().partition(" ")
        protocol, _, number = code.partition(":")
        name = name.strip()
        if (
            protocol not in _PROTOCOLS
            or not number.isdigit()
            or not 0 < len(name) <= 16
            or " " in name
            or len(found) == _MOST_CODES
        ):
            raise ValueError(
                "want up to 12 codes with names, such as EV1527:123 gate, HT6P20:5 door"
            )
        found.append((code, name))
    return tuple(found)


KEYS = (
    # 1: the RMT peripheral listens, if the firmware can (esp32.RMTRX); 0: the processor does.
    Key("rmt", flag, False),
    # So many equal frames make a press. More of them: fewer false ones, and a longer press.
    Key("frames", integer(2, 5), 2),
    # Names of codes; those that the command Learn has taught come on top.
    Key("codes", codes, ()),
    # 0: only codes that have a name are told.
    Key("unknown", flag, True),
)
