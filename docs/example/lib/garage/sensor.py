"""The contact of a garage door."""

from micropython import const

from epx.loop import Task
from epx.topics import Source

_SAMPLE_MS = const(100)
_TOLERANCE_MS = const(20)


class Door(Source):
    """closed: None before two samples were equal; event: what happened last."""

    closed = None
    event = None

    def __init__(self, pin):
        self._pin = pin
        self._candidate = None
        Task(self._sample, 0, _SAMPLE_MS, tolerance_ms=_TOLERANCE_MS)

    def _sample(self):
        closed = self._pin.value() == 0
        if closed != self._candidate:
            self._candidate = closed
        elif closed != self.closed:
            was_known = self.closed is not None
            self.closed = closed
            if was_known:
                self.event = "closed" if closed else "opened"
                self.announce("moved")

    def health(self):
        """Of an update on trial: "ok", or one word about what is wrong."""
        return "ok" if self.closed is not None else "unsure"
