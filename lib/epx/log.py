"""One line per event: to the console at once, and to the log topic once somebody listens.

The last lines are kept in a ring of fixed size, lines of the boot included; what does not fit is
lost, counted, and said.
"""

from collections import deque

from micropython import const

_LEVELS = ("error", "warn", "info", "debug")

_LINES = const(24)
_LINE_CHARACTERS = const(160)

_ring = deque((), _LINES)  # noqa: RUF037 MicroPython wants both
_level = 2
_lost = 0
_no_memory_line = "error out of memory, collected"


def set_level(name):
    global _level
    _level = _LEVELS.index(name)


def error(line, *values):
    _put(0, line, values)


def warn(line, *values):
    _put(1, line, values)


def info(line, *values):
    _put(2, line, values)


def debug(line, *values):
    _put(3, line, values)


def answer(line, *values):
    """What somebody has asked for: at every level."""
    _put(_level if _level < 2 else 2, line, values)


def out_of_memory():
    """Say so without allocating."""
    print(_no_memory_line)
    _keep(_no_memory_line)


def _put(level, line, values):
    if level > _level:
        return
    if values:
        line = line % values
    line = _LEVELS[level] + " " + line
    print(line)
    _keep(line if len(line) <= _LINE_CHARACTERS else line[: _LINE_CHARACTERS - 3] + "...")


def _keep(line):
    global _lost
    if len(_ring) == _LINES:
        _lost += 1
    _ring.append(line)  # the oldest one makes room


def peek():
    """The oldest line that waits, or None."""
    if _lost:
        return "warn %d log lines lost" % _lost
    return _ring[0] if _ring else None


def drop():
    """What peek() showed has been delivered."""
    global _lost
    if _lost:
        _lost = 0
    elif _ring:
        _ring.popleft()
