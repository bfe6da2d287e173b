"""The hardware watchdog, fed by a second thread while the loop turns or a declared block lasts."""

import _thread
import time

import machine
from micropython import const

from epx.loop import Task

_LIMIT_MS = const(15000)
_MARKS = const(1)  # seconds that one sign of life is worth
_MARKS_BLOCKED = const(120)


class Watchdog:
    """Resets the device when its loop stands still.

    Armed grace_ms after construction, for somebody at the serial port. Once armed it cannot be
    stopped, by hardware. Without enabled it does nothing at all.
    """

    _depth = 0
    _marks = _MARKS

    def __init__(self, enabled, grace_ms=10000):
        if enabled:
            Task(self._arm, grace_ms, core=True)

    def _arm(self):
        self._wdt = machine.WDT(timeout=_LIMIT_MS)
        Task(self._mark, 1000, 1000, tolerance_ms=900, core=True)
        _thread.start_new_thread(self._feed, ())

    def _mark(self):
        if not self._depth:
            self._marks = _MARKS

    def _feed(self):
        while True:
            if self._marks > 0:
                self._marks -= 1
                self._wdt.feed()
            time.sleep_ms(1000)

    def may_block(self):
        """From here to may_block_exit() the loop may stand still, for 120 s at most in all.

        A block within a block does not prolong it.
        """
        if not self._depth:
            self._marks = _MARKS_BLOCKED
        self._depth += 1

    def may_block_exit(self):
        if not self._depth:
            raise RuntimeError("may_block() is missing")
        self._depth -= 1
        if not self._depth:
            self._marks = _MARKS
