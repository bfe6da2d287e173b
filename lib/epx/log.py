"""One line per event: to the console at once, and to the log topic once somebody listens.

The last lines are kept in a ring of fixed size, lines of the boot included; what does not fit is
lost, counted, and said.
"""

from micropython import const

ERROR = const(0)
WARN = const(1)
INFO = const(2)
DEBUG = const(3)
LEVELS = ("error", "warn", "info", "debug")

_LINES = const(24)
_LINE_CHARACTERS = const(160)

_ring = [None] * _LINES
_first = 0
_count = 0
_level = INFO
_lost = 0
_no_memory_line = "error out of memory, collected"


def set_level(name):
    global _level
    _level = LEVELS.index(name)


def error(line, *values):
    _put(ERROR, line, values)


def warn(line, *values):
    _put(WARN, line, values)


def info(line, *values):
    _put(INFO, line, values)


def debug(line, *values):
    _put(DEBUG, line, values)


def out_of_memory():
    """Say so without allocating."""
    print(_no_memory_line)
    _keep(_no_memory_line)


def _put(level, line, values):
    if level > _level:
        return
    if values:
        line = line % values
    line = LEVELS[level] + " " + line
    print(line)
    _keep(line if len(line) <= _LINE_CHARACTERS else line[: _LINE_CHARACTERS - 3] + "...")


def _keep(line):
    global _first, _count, _lost
    if _count == _LINES:
        _first = (_first + 1) % _LINES
        _count -= 1
        _lost += 1
    _ring[(_first + _count) % _LINES] = line
    _count += 1


def peek():
    """The oldest line that waits, or None."""
    if _lost:
        return "warn %d log lines lost" % _lost
    return _ring[_first] if _count else None


def drop():
    """What peek() showed has been delivered."""
    global _first, _count, _lost
    if _lost:
        _lost = 0
    elif _count:
        _ring[_first] = None
        _first = (_first + 1) % _LINES
        _count -= 1
