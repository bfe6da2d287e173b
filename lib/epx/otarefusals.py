"""Why a device does not do what it is asked for."""

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
