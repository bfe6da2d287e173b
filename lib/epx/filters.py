"""Filters: what becomes of the readings of a sensor before they are told, as a table of rows.

Rows are applied in their order; they mean what filters of the same name mean in ESPHome:

("offset", x)                           x is added
("scale", k)                            times k
("calibrate_linear", ((raw, true), ...))  the straight line closest to these points
("clamp", low, high)                    not below low, not above high; None: no limit
("median", window)                      of the last readings, as many as there are at first
("moving_average", window)              likewise
("exponential_average", alpha)          alpha of the reading, the rest of the average so far
("delta", least)                        only what differs from what it let through last by least
("throttle", ms)                        at most one in so many ms
("heartbeat", ms)                       the newest one every so many ms, nothing in between
("timeout", ms)                         no reading for so long: nothing is known
"""

from micropython import const

# Times may be those of ticks_ms(): they wrap here.
_TICKS_MASK = const(0x3FFFFFFF)


# A step: what becomes of value, None if nothing is to be said. row: its row; kept: a list of its
# own, empty at first and after a time-out.


def _offset(value, row, kept, now_ms):
    return value + row[1]


def _scale(value, row, kept, now_ms):
    return value * row[1]


def _calibrate_linear(value, row, kept, now_ms):
    if not kept:
        # Least squares about the mean of the points: a float32 has no digits to waste.
        points = row[1]
        raw = sum([point[0] for point in points]) / len(points)
        true = sum([point[1] for point in points]) / len(points)
        spread = sum([(point[0] - raw) ** 2 for point in points])
        slope = sum([(point[0] - raw) * (point[1] - true) for point in points])
        kept.extend((raw, true, slope / spread if spread else 1))
    return (value - kept[0]) * kept[2] + kept[1]


def _clamp(value, row, kept, now_ms):
    if row[1] is not None and value < row[1]:
        return row[1]
    return row[2] if row[2] is not None and value > row[2] else value


def _slide(value, row, kept):
    kept.append(value)
    if len(kept) > row[1]:
        kept.pop(0)


def _median(value, row, kept, now_ms):
    _slide(value, row, kept)
    ranked = sorted(kept)
    half = len(ranked) // 2
    return ranked[half] if len(ranked) & 1 else (ranked[half - 1] + ranked[half]) / 2


def _moving_average(value, row, kept, now_ms):
    _slide(value, row, kept)
    return sum(kept) / len(kept)


def _exponential_average(value, row, kept, now_ms):
    if kept:
        value = row[1] * value + (1 - row[1]) * kept[0]
    kept[:] = (value,)
    return value


def _delta(value, row, kept, now_ms):
    if kept and (value == kept[0] or abs(value - kept[0]) < row[1]):
        return None
    kept[:] = (value,)
    return value


def _throttle(value, row, kept, now_ms):
    if kept and not _over(row, kept, now_ms):
        return None
    kept[:] = (now_ms,)
    return value


def _heartbeat(value, row, kept, now_ms):
    """A beat that nobody came for is not made up for."""
    if not kept:
        kept.extend((now_ms, value))
    kept[1] = value
    if not _over(row, kept, now_ms):
        return None
    kept[0] = (now_ms - ((now_ms - kept[0]) & _TICKS_MASK) % row[1]) & _TICKS_MASK
    return value


def _timeout(value, row, kept, now_ms):
    kept[:] = (now_ms,)
    return value


def _over(row, kept, now_ms):
    """Have the milliseconds of this row passed since the time it keeps?"""
    return ((now_ms - kept[0]) & _TICKS_MASK) >= row[1]


_STEPS = {
    "offset": _offset,
    "scale": _scale,
    "calibrate_linear": _calibrate_linear,
    "clamp": _clamp,
    "median": _median,
    "moving_average": _moving_average,
    "exponential_average": _exponential_average,
    "delta": _delta,
    "throttle": _throttle,
    "heartbeat": _heartbeat,
    "timeout": _timeout,
}


class Pipeline:
    """Rows at work. value: what came out last, None before that and after a time-out.

    now_ms are milliseconds that never go back, of ticks_ms() or any other clock. Rows with
    heartbeat or timeout need tick(now_ms) every now and then, at least every six days.
    """

    value = None

    def __init__(self, rows):
        for row in rows:
            if row[0] not in _STEPS:
                raise ValueError("no filter is called %s" % row[0])
        self._rows = rows
        self._kept = [[] for _ in rows]

    def feed(self, value, now_ms):
        """A reading; None or NaN is none. What is to be said now, None: nothing."""
        if value is None or value != value:
            return self.tick(now_ms)
        self._expire(now_ms)
        return self._run(0, value, now_ms)

    def tick(self, now_ms):
        """Time has passed. What is to be said now, None: nothing; look at value."""
        self._expire(now_ms)
        for i, row in enumerate(self._rows):
            kept = self._kept[i]
            if row[0] == "heartbeat" and kept and _over(row, kept, now_ms):
                return self._run(i, kept[1], now_ms)
        return None

    def _run(self, first, value, now_ms):
        for i in range(first, len(self._rows)):
            row = self._rows[i]
            value = _STEPS[row[0]](value, row, self._kept[i], now_ms)
            if value is None:
                return None
        self.value = value
        return value

    def _expire(self, now_ms):
        for i, row in enumerate(self._rows):
            if row[0] == "timeout" and self._kept[i] and _over(row, self._kept[i], now_ms):
                self.forget()

    def forget(self):
        """Begin anew: nothing is known, and what came before does not count."""
        self.value = None
        for kept in self._kept:
            kept.clear()
