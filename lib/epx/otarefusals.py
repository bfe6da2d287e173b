"""Why a device does not do what it is asked for."""

from epx.otawire import Refusal

# Why a device refuses; the number is the place in here plus one.
REFUSALS = (
    "wrong profile",
    "wrong mpy version",
    "lower version",
    "too large",
    "path not allowed",
    "bad message",
    "out of order",
    "corrupt",
    "file system",
    "bad config",
    "on trial",
    "nothing staged",
    "no firmware update",
    "bad firmware image",
)


def number(name):
    """The number of a reason."""
    return REFUSALS.index(name) + 1


def refusal_of(error, name):
    """The Refusal that an exception is worth; name is the reason if it says nothing itself."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, OSError):
        return Refusal("file system", str(error))
    if isinstance(error, MemoryError):
        return Refusal("too large", "out of memory")
    return Refusal(name, "%s %s" % (type(error).__name__, error))
