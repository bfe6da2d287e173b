"""The rest of machine: names that machine.py fetches when somebody asks for them.

On a board they cost no heap; in real time on MicroPython (realtime.py) they would.
"""

import _sim
from machine import I2C

_bench = _sim.bench


def soft_reset():
    _bench.reset(5)


def idle():
    pass


def disable_irq():
    return 0


def enable_irq(state):
    pass


class SoftI2C(I2C):
    """The same by software, on any two pins."""

    def __init__(self, scl, sda, *, freq=400_000, timeout=50_000):
        self._setup((scl._state.number, sda._state.number), freq)


class RTC:
    """The clock that survives resets, with its memory."""

    def __init__(self, id=0):
        pass

    def memory(self, data=None):
        if data is None:
            return _bench.rtc_memory
        if len(data) > 2048:
            raise ValueError("buffer too long")
        _bench.rtc_memory = bytes(data)
