"""Filters: what becomes of the readings of a sensor before they are told, as a table of rows.

Rows are applied in their order; they mean what filters of the same name mean in ESPHome:

("offset", x)                             x is added
("scale", k)                              times k
("calibrate_linear", ((raw, true), ...))  the straight line closest to these points
("clamp", low, high)                      not below low, not above high; None: no limit
("median", window)                        of the last readings, at first of as many as there are
("moving_average", window)                likewise
("exponential_average", alpha)            alpha of the reading, the rest of the average so far
("delta", least)                          only what differs by least from what it let through last
("throttle", ms)                          at most one in so many ms
("heartbeat", ms)                         the newest one every so many ms, nothing in between
("timeout", ms)                           no reading for so long: nothing is known any more

One function for several kinds takes half the heap of one for each.
"""

from micropython import const

# Times may be those of ticks_ms(): they wrap here.
_TICKS_MASK = const(0x3FFFFFFF)

_KINDS = (
    "offset",
    "scale",
    "calibrate_linear",
    "clamp",
    "median",
    "moving_average",
    "exponential_average",
    "delta",
    "throttle",
    "heartbeat",
    "timeout",
)


class Pipeline:
    """Rows at work. value: what came out last, None before that and after a time-out.

    now_ms are milliseconds that never go back, of ticks_ms() or any other clock. Rows with
    heartbeat or timeout need tick(now_ms) every now and then, at least every six days.
    """

    value = None

    def __init__(self, rows):
        self._steps = steps = []
        for row in rows:
            if row[0] not in _KINDS:
                raise ValueError("no filter is called %s" % row[0])
            line = (row[0],) + _line(row[1]) if row[0] == "calibrate_linear" else row
            # A row, and what it keeps: empty at first and after a time-out.
            steps.append((line, []))

    def feed(self, value, now_ms):
        """A reading; None or NaN is none. What is to be said now, None: nothing."""
        if value != value:
            value = None
        for row, kept in self._steps:
            if row[0] == "timeout" and kept and _over(row[1], kept, now_ms):
                self.forget()
        for row, kept in self._steps:
            kind = row[0]
            if value is not None:
                value = _smooth(_change(value, kind, row), kind, row[1], kept)
            if value is not None or kind == "heartbeat":
                value = _hold(value, kind, row[1], kept, now_ms)
        if value is not None:
            self.value = value
        return value

    def tick(self, now_ms):
        """Time has passed. What is to be said now, None: nothing; look at value."""
        return self.feed(None, now_ms)

    def forget(self):
        """Begin anew: nothing is known, and what came before does not count."""
        self.value = None
        for _, kept in self._steps:
            kept.clear()


def _line(points):
    """Slope and height at zero of the line with the least squares."""
    raw = true = spread = slope = 0
    for x, y in points:
        raw += x
        true += y
    raw /= len(points)
    true /= len(points)
    for x, y in points:
        spread += (x - raw) ** 2
        slope += (x - raw) * (y - true)
    slope = slope / spread if spread else 1
    return slope, true - slope * raw


def _over(ms, kept, now_ms):
    """Have so many ms passed since the time that is kept?"""
    return ((now_ms - kept[0]) & _TICKS_MASK) >= ms


def _change(value, kind, row):
    if kind == "offset":
        return value + row[1]
    if kind == "scale":
        return value * row[1]
    if kind == "calibrate_linear":
        return value * row[1] + row[2]
    if kind == "clamp":
        if row[1] is not None:
            value = max(value, row[1])
        if row[2] is not None:
            value = min(value, row[2])
    return value


def _smooth(value, kind, size, kept):
    if kind == "exponential_average":
        if kept:
            value = size * value + (1 - size) * kept[0]
        kept[:] = (value,)
    elif kind in ("median", "moving_average"):
        kept.append(value)
        if len(kept) > size:
            kept.pop(0)
        if kind == "moving_average":
            return sum(kept) / len(kept)
        ranked = sorted(kept)
        half = len(kept) // 2
        return ranked[half] if len(kept) & 1 else (ranked[half - 1] + ranked[half]) / 2
    return value


def _hold(value, kind, least, kept, now_ms):
    if kind == "delta":
        if kept and (value == kept[0] or abs(value - kept[0]) < least):
            return None
        kept[:] = (value,)
    elif kind == "throttle":
        if kept and not _over(least, kept, now_ms):
            return None
        kept[:] = (now_ms,)
    elif kind == "timeout":
        kept[:] = (now_ms,)
    elif kind == "heartbeat":
        if value is not None:
            kept[1:] = (value,) if kept else (now_ms, value)
        if not kept or not _over(least, kept, now_ms):
            return None
        # A beat that nobody came for is not made up for.
        kept[0] = (now_ms - ((now_ms - kept[0]) & _TICKS_MASK) % least) & _TICKS_MASK
        return kept[1]
    return value
