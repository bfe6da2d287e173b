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


class Timer:
    """A timer; its callback comes as soon as no thread runs. Virtual time only."""

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id, **options):
        self._alarm = None
        if options:
            self.init(**options)

    def init(self, *, mode=1, freq=-1, period=-1, callback=None, tick_hz=1000, hard=False):
        self.deinit()
        self._period_ms = 1000 / freq if freq > 0 else period * 1000 / tick_hz
        self._periodic = mode == Timer.PERIODIC
        self._callback = callback
        self._arm()

    def _arm(self):
        self._alarm = _bench.clock.call_after(self._period_ms, self._due)

    def _due(self):
        self._alarm = None
        if self._periodic:
            self._arm()
        if self._callback:
            self._callback(self)

    def deinit(self):
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None


class UART:
    """A serial line; what hangs on it has uart_write(data), uart_read(n) and uart_any()."""

    def __init__(self, id, baudrate=9600, bits=8, parity=None, stop=1, **options):
        self._model = _bench.uarts.get(id)
        self._byte_us = 10_000_000 // baudrate

    def init(self, baudrate=9600, bits=8, parity=None, stop=1, **options):
        self._byte_us = 10_000_000 // baudrate

    def any(self):
        return self._model.uart_any() if self._model else 0

    def write(self, buf):
        _bench.clock.spend_us(len(buf) * self._byte_us)
        if self._model:
            self._model.uart_write(bytes(buf))
        return len(buf)

    def read(self, nbytes=-1):
        n = self.any()
        if not n:
            return None
        return self._model.uart_read(n if nbytes < 0 else min(n, nbytes))

    def readinto(self, buf, nbytes=-1):
        data = self.read(len(buf) if nbytes < 0 else nbytes)
        if data is None:
            return None
        buf[: len(data)] = data
        return len(data)

    def deinit(self):
        self._model = None
