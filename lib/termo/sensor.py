"""Thermometers on a bus of one wire, which come and go."""

from binascii import hexlify
from errno import ENODEV
from time import ticks_diff, ticks_ms

from micropython import const

from epx import log
from epx.filters import Pipeline
from epx.loop import Task
from third.ds18b20 import CONVERSION_MS, FAMILY

_BEAT_MS = const(1000)
_TOLERANCE_MS = const(50)
_BEATS = const(5)  # in the first one all measure, in the others they are read
_READ_PER_CYCLE = const(4)  # ... one per beat; more only of more thermometers
_CYCLES_PER_SEARCH = const(6)
_MOST_PROBES = const(8)
_STALE_MS = const(60000)

_NO_PROBE = const(1)
_NO_CONVERSION = const(2)
# Factors, by thermometer.
_NO_ANSWER = const(3)
_NONSENSE = const(5)

_NOISE = 0.25  # variance of a reading, C2
_DRIFT_PER_MS = 0.0625 / 60000  # variance that a true temperature gains
_UNKNOWN = const(100)  # variance before the first reading
_LEAST_CHANGE = 0.1


class Kalman:
    """Smooths readings of what drifts: value, and its variance. None before the first one."""

    value = None
    variance = _UNKNOWN

    def feed(self, reading, elapsed_ms):
        """elapsed_ms: since the reading before."""
        if self.value is None:
            self.value = reading
        variance = self.variance + _DRIFT_PER_MS * elapsed_ms
        gain = variance / (variance + _NOISE)
        self.value += gain * (reading - self.value)
        self.variance = (1 - gain) * variance


class Probe:
    """One thermometer. value: degrees to be told, None before the first and a minute after the
    last reading; it changes when the estimate has moved by more than its own uncertainty."""

    value = None
    is_set_up = False
    _kalman = None
    _read_ms = 0

    def __init__(self, rom, offsets):
        self.rom = rom
        self.name = hexlify(rom).decode()
        offset = offsets.get(self.name, 0) if offsets else 0
        self._filter = Pipeline((("offset", offset), ("timeout", _STALE_MS)))

    def feed(self, celsius):
        now_ms = ticks_ms()
        celsius = self._filter.feed(celsius, now_ms)
        kalman = self._kalman
        if kalman is None:
            kalman = self._kalman = Kalman()
            self._read_ms = now_ms
        kalman.feed(celsius, ticks_diff(now_ms, self._read_ms))
        self._read_ms = now_ms
        if self.value is None:
            log.info("termo: %s is there", self.name)
        elif abs(kalman.value - self.value) < max(_LEAST_CHANGE, kalman.variance**0.5):
            return
        self.value = kalman.value

    def look(self):
        """Once per cycle: how old is the last reading?"""
        self._filter.tick(ticks_ms())
        if self._filter.value is None and self.value is not None:
            self.value = self._kalman = None
            log.warn("termo: %s has given no reading for a minute", self.name)


class Thermometers:
    """Searches the bus, lets all measure, reads one after the other; never ends to try.

    malfunction: see termo.service; None before the first result. A cycle begins with a reset of
    the bus and a search sets up its pin: a restart of the device would do no more, so there is
    none. found(probe) hears of each new thermometer, of eight at most.
    """

    malfunction = None
    _beat = 0
    _cycles = 0  # until the next search
    _at = 0  # the thermometer that comes next
    _started_ms = None  # when they began to measure
    _succeeded = False
    _faults = 1  # product of the factors above
    _is_full = False  # and somebody came too late

    def __init__(self, bus, offsets, found):
        self.probes = []
        self._bus = bus
        self._offsets = offsets
        self._found = found
        Task(self._next_beat, 0, _BEAT_MS, tolerance_ms=_TOLERANCE_MS)
        # One action on the bus per turn of the loop.
        self._worker = Task(self._work)
        self._worker.cancel()
        self._action = None

    def health(self):
        """For an update on trial: can they be read?"""
        if self.malfunction is None:
            return "unsure"
        return "malfunction%d" % self.malfunction if self.malfunction else "ok"

    def _next_beat(self):
        beat = self._beat
        self._beat = (beat + 1) % _BEATS
        if beat:
            if self._started_ms is not None:
                self._at = beat - 1
                self._read()
            return
        self._worker.cancel()  # late, if the loop was held up
        if self._cycles:
            self._judge()
        self._at = 0
        if self._cycles <= 1 or not self.probes:
            self._cycles = _CYCLES_PER_SEARCH
            self._bus.search()
            self._search()
        else:
            self._cycles -= 1
            self._prepare()

    def _later(self, action, delay_ms):
        self._action = action
        self._worker.restart(delay_ms)

    def _work(self):
        self._action()

    def _judge(self):
        """The cycle is over."""
        for probe in self.probes:
            probe.look()
        if self._succeeded:
            self.malfunction = 0
        elif not self.probes:
            self.malfunction = _NO_PROBE
        elif self._started_ms is None:
            self.malfunction = _NO_CONVERSION
        else:
            self.malfunction = self._faults
        self._succeeded = False
        self._faults = 1
        self._started_ms = None

    def _search(self):
        """Find one more; when that were all, go on."""
        try:
            rom = self._bus.find()
        except OSError:  # whoever was found before counts
            rom = None
        if rom is None:
            self._later(self._prepare, 1)
            return
        if rom[0] == FAMILY:
            self._note(rom)
        self._later(self._search, 1)

    def _note(self, rom):
        for probe in self.probes:
            if probe.rom == rom:
                return
        if len(self.probes) < _MOST_PROBES:
            probe = Probe(rom, self._offsets)
            self.probes.append(probe)
            self._found(probe)
        elif not self._is_full:
            self._is_full = True
            log.error("termo: more than %d thermometers since boot", _MOST_PROBES)

    def _prepare(self):
        """Set up who is new or had no supply; then let all measure."""
        bus = self._bus
        try:
            while self._at < len(self.probes):
                probe = self.probes[self._at]
                self._at += 1
                if not probe.is_set_up:
                    bus.set_up(probe.rom)
                    probe.is_set_up = True
                    self._later(self._prepare, 1)
                    return
            bus.start()
            self._started_ms = ticks_ms()
        except OSError:  # _judge() notices
            pass

    def _read(self):
        """Read one, and later in the same second those that come four places after it."""
        if self._at >= len(self.probes):
            return
        rest_ms = CONVERSION_MS - ticks_diff(ticks_ms(), self._started_ms)
        if rest_ms > 0:
            self._later(self._read, rest_ms)
            return
        probe = self.probes[self._at]
        try:
            celsius = self._bus.read(probe.rom)
        except OSError as error:
            self._faults *= _NO_ANSWER if error.args[0] == ENODEV else _NONSENSE
        else:
            if celsius is None:
                probe.is_set_up = False
                self._faults *= _NONSENSE
            else:
                self._succeeded = True
                self.malfunction = 0
                probe.feed(celsius)
        self._at += _READ_PER_CYCLE
        if self._at < len(self.probes):
            self._later(self._read, 1)
