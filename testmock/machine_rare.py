"""The rest of machine: names that machine.py fetches when somebody asks for them.

On a board they cost no heap; in real time on MicroPython (realtime.py) they would.
"""

import _sim
from machine import I2C

_bench = _sim.bench


TIMER_WAKE = 4


def soft_reset():
    _bench.reset(5)


def deepsleep(time_ms=0):
    """Ends the program; after time_ms (0: never) the next begins, with reset cause 4.

    Pins fall back to inputs unless they are held; of memory only RTC().memory() stays.
    """
    _bench.on_sleep(time_ms or None)


def wake_reason():
    return TIMER_WAKE if _bench.cause == 4 else 0


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
        if _bench.on_rtc_memory:
            _bench.on_rtc_memory()


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
    """A serial line. A byte takes the time of its bits, both ways; the program goes on meanwhile.

    What hangs on it has uart_write(data), which returns its answer to these bytes (None: none).
    That begins when the last of them has arrived, and answer_us later if the model has this
    attribute. Bytes that nobody asked for: bench.uart_send(). Not for poll().
    """

    def __init__(self, id, baudrate=9600, bits=8, parity=None, stop=1, **options):
        if id not in (0, 1, 2):
            raise ValueError("UART(%d) doesn't exist" % id)
        self._model = _bench.uarts.get(id)
        self._sent_us = self._answered_us = 0
        self._coming = []  # (when the first bit comes, bytes)
        self._received = b""
        _bench.uart_lines[id] = self
        self.init(baudrate, bits, parity, stop, **options)

    def init(self, baudrate=9600, bits=8, parity=None, stop=1, **options):
        bits += 1 + stop if parity is None else 2 + stop
        self._byte_us = (bits * 1_000_000 + baudrate // 2) // baudrate
        self._send_limit = options.get("txbuf", 256)
        self._receive_limit = options.get("rxbuf", 256)

    def _arrive(self, data, not_before_us=0):
        """Bytes come in, after those that are coming already."""
        begin_us = max(_bench.clock.now_us(), not_before_us, self._answered_us)
        self._answered_us = begin_us + len(data) * self._byte_us
        self._coming.append((begin_us, bytes(data)))

    def any(self):
        now_us = _bench.clock.now_us()
        while self._coming:
            begin_us, data = self._coming[0]
            n = max(0, min(len(data), (now_us - begin_us) // self._byte_us))
            # What the buffer does not take is lost.
            self._received = (self._received + data[:n])[: self._receive_limit]
            if n < len(data):
                self._coming[0] = (begin_us + n * self._byte_us, data[n:])
                break
            self._coming.pop(0)
        return len(self._received)

    def write(self, buf):
        clock = _bench.clock
        n = len(buf)
        self._sent_us = max(clock.now_us(), self._sent_us) + n * self._byte_us
        excess_us = self._sent_us - clock.now_us() - self._send_limit * self._byte_us
        if excess_us > 0:
            clock.spend_us(excess_us)
        answer = self._model.uart_write(bytes(buf)) if self._model else None
        if answer:
            self._arrive(answer, self._sent_us + getattr(self._model, "answer_us", 0))
        return n

    def txdone(self):
        return _bench.clock.now_us() >= self._sent_us

    def flush(self):
        if not self.txdone():
            _bench.clock.spend_us(self._sent_us - _bench.clock.now_us())

    def read(self, nbytes=-1):
        """What has come so far, as with the default of timeout=0; None if that is nothing."""
        n = self.any()
        if 0 <= nbytes < n:
            n = nbytes
        data, self._received = self._received[:n], self._received[n:]
        return data or None

    def readinto(self, buf, nbytes=-1):
        data = self.read(len(buf) if nbytes < 0 else min(nbytes, len(buf)))
        if data is None:
            return None
        buf[: len(data)] = data
        return len(data)

    def deinit(self):
        self._model = None


def time_pulse_us(pin, pulse_level, timeout_us=1_000_000):
    """For a pin with a signal that has next_edge_us(now_us): jumps from edge to edge."""
    state = pin._state
    if _wait_while(state, 1 - pulse_level, timeout_us) is None:
        return -2
    passed_us = _wait_while(state, pulse_level, timeout_us)
    return -1 if passed_us is None else passed_us


def _wait_while(state, level, limit_us):
    """How long the pin had this level from now on; None if longer than the limit."""
    clock = _bench.clock
    began_us = clock.now_us()
    while state.level() == level:
        now_us = clock.now_us()
        edge_us = state.signal.next_edge_us(now_us) if state.signal else None
        if edge_us is None or edge_us - began_us > limit_us:
            clock.spend_us(began_us + limit_us - now_us)
            return None
        clock.spend_us(edge_us - now_us)
    return clock.now_us() - began_us
