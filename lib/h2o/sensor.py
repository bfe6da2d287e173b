"""The water tank's senses: level switches on a port expander, a flow meter on a pin."""

from time import ticks_diff, ticks_ms

from micropython import const

from epx import log
from epx.clock import MINUTES, SECONDS
from epx.loop import Task
from epx.textfmt import decimal

try:
    from machine import Counter
except ImportError:  # firmware before 1.26, or a chip without pulse counters
    Counter = None

# Bits of Tank.malfunctions. 16 is taken: "more pulses than possible", which is never raised.
DRY_BELOW_WET = 1
NO_EXPANDER = 2
READ_FAILED = 4

_SAFE_LEVEL_PCT = const(100)  # Whoever fills the tank stops at 100.
_EQUAL_SAMPLES = const(4)
_SAMPLE_MS = 1 * SECONDS
_RESTART_MS = 10 * MINUTES
_TOLERANCE_MS = const(50)
_FLOW_WINDOW_MS = const(5000)
_SMALL_INT_MASK = const(0x3FFFFFFF)
_LONGEST_FILTER_US = const(1000000)


class Level:
    """The level as the switches tell it; 100 % from a failure until it is known again.

    pct: level, or None before the first reading; wet: a bit per switch, lowest first, or None
    while unknown; malfunctions: sum of the bits above. changed() is called after each change
    of the true level.
    """

    def __init__(self, expander, percentages, changed):
        self.pct = None
        self.wet = None
        self.malfunctions = 0
        self._expander = expander
        self._percentages = percentages
        self._changed = changed
        self._true_pct = None
        self._candidate = -1
        self._equal = 0
        self._sampler = Task(self._sample, _SAMPLE_MS, _SAMPLE_MS, tolerance_ms=_TOLERANCE_MS)
        self._starter = Task(self._start)

    def _start(self):
        try:
            self._expander.start()
        except OSError as error:
            self._fail(NO_EXPANDER, error)
            return
        if self.malfunctions:
            log.info("h2o: level switches work again")
        self.malfunctions = 0
        self._sampler.restart(0)

    def _sample(self):
        try:
            word = self._expander.read()
        except OSError as error:
            self._fail(READ_FAILED, error)
            return
        wet = ~word & (1 << len(self._percentages)) - 1
        if wet != self._candidate:
            self._candidate = wet
            self._equal = 0
        if self._equal < _EQUAL_SAMPLES:
            self._equal += 1
            if self._equal == _EQUAL_SAMPLES:
                self._adopt(wet)

    def _adopt(self, wet):
        count = 0  # of switches up to the highest wet one
        while wet >> count:
            count += 1
        pct = self._percentages[count - 1] if count else 0
        self.malfunctions = 0 if wet == (1 << count) - 1 else DRY_BELOW_WET
        self.wet = wet
        self.pct = pct
        if pct != self._true_pct:
            self._true_pct = pct
            self._changed()

    def _fail(self, bit, error):
        """Nothing is known until the expander works again and four samples were equal."""
        if not self.malfunctions & bit:
            log.warn("h2o: level switches: %s, next try in 10 min", error)
        self.malfunctions = self.malfunctions & ~DRY_BELOW_WET | bit
        self.pct = _SAFE_LEVEL_PCT
        self.wet = None
        self._candidate = -1
        self._sampler.cancel()
        self._starter.restart(_RESTART_MS)


class PinCounter:
    """Counts rising edges by interrupt, modulo 2**30, for firmware without machine.Counter.

    The handler allocates nothing. It does not judge the time between edges either: an ESP32
    runs it late and several in a row after a garbage collection, so that true pulses would
    look like bounces.
    """

    def __init__(self, pin):
        self._count = 0
        pin.irq(self._edge, pin.IRQ_RISING)

    def value(self):
        return self._count

    def _edge(self, _pin):
        self._count = (self._count + 1) & _SMALL_INT_MASK


def pulse_counter(pin, pulses_per_second):
    """What counts the pulses on pin, of which there are at most pulses_per_second.

    A pulse shorter than a quarter of the shortest period is noise. The hardware of an ESP32
    filters up to 12.8 us only, its firmware takes longer times as that.
    """
    if Counter is None:
        return PinCounter(pin)
    shortest_us = min(int(250000 / pulses_per_second), _LONGEST_FILTER_US)
    return Counter(0, pin, filter_ns=shortest_us * 1000)


class Flow:
    """What flowed, counted in pulses: volumes are computed from the count, never added up.

    pulse_rate: pulses per second at one unit per minute. rate: units per minute.
    is_noisy: the last sample had more pulses than max_flow allows and was not counted.
    """

    def __init__(self, counter, pulse_rate, max_flow):
        self.rate = 0
        self.pulses = 0
        self.is_noisy = False
        self._counter = counter
        self._pulse_rate = pulse_rate
        self._millipulses_per_unit = int(pulse_rate * 60000 + 0.5)
        self._max_millipulses_per_s = int(max_flow * pulse_rate * 1000)
        self._count = counter.value()
        self._sampled_ms = ticks_ms()
        self._window_pulses = 0
        self._window_ms = 0
        Task(self._sample, _SAMPLE_MS, _SAMPLE_MS, tolerance_ms=_TOLERANCE_MS)

    def units(self, pulses, digits):
        """Volume of pulses in units of 10**-digits, rounded, an integer."""
        per_unit = self._millipulses_per_unit
        return (pulses * 2000 * 10**digits + per_unit) // (2 * per_unit)

    def _sample(self):
        now_ms = ticks_ms()
        elapsed_ms = ticks_diff(now_ms, self._sampled_ms)
        self._sampled_ms = now_ms
        count = self._counter.value()
        pulses = (count - self._count) & _SMALL_INT_MASK
        self._count = count
        self.is_noisy = pulses * 1000000 > self._max_millipulses_per_s * elapsed_ms
        if pulses and not self.is_noisy:
            self.pulses += pulses
            self._window_pulses += pulses
        self._window_ms += elapsed_ms
        if self._window_ms > _FLOW_WINDOW_MS:
            pulses = self._window_pulses
            self.rate = pulses * 1000 / (self._window_ms * self._pulse_rate) if pulses else 0
            self._window_pulses = 0
            self._window_ms = 0


class Tank:
    """Level and flow together: the values of h2o.service.TOPICS.

    Level and volumes are None before the first reading of the switches.
    """

    def __init__(self, config, expander, counter):
        self.unit = config.unit
        self._capacity = config.capacity
        self._sensors = len(config.levelsensors)
        self._changed_at = 0  # pulses
        self._read_tenths = 0
        self._sent_tenths = 0
        self._text = None
        self._text_level = None
        self._text_units = 0
        self._flow = Flow(counter, config.flowpulserate, config.maxflow)
        self._level = Level(expander, config.levelsensors, self._level_changed)

    def _level_changed(self):
        self._changed_at = self._flow.pulses

    def level_pct(self):
        return self._level.pct

    def level_volume(self):
        pct = self._level.pct
        return None if pct is None else self._capacity * pct / 100

    def estimated_volume(self):
        volume = self.level_volume()
        return None if volume is None else volume + self.pumped()

    def estimated_text(self):
        """Level and what was pumped since: '60% + 6L'. Built only when it changes."""
        pct = self._level.pct
        if pct is None:
            return None
        units = self._flow.units(self._flow.pulses - self._changed_at, 0)
        if pct != self._text_level or units != self._text_units:
            self._text_level = pct
            self._text_units = units
            self._text = "%s%% + %d%s" % (decimal(pct), units, self.unit)
        return self._text

    def flow(self):
        return self._flow.rate

    def is_noisy(self):
        return self._flow.is_noisy

    def pumped(self):
        """Units since the level changed."""
        return self._flow.units(self._flow.pulses - self._changed_at, 1) / 10

    def pumped_since_sent(self):
        """Units since pumped_sent(), to a tenth; what rounding left out comes with the next."""
        self._read_tenths = self._flow.units(self._flow.pulses, 1)
        return (self._read_tenths - self._sent_tenths) / 10

    def pumped_sent(self):
        """What pumped_since_sent() said last is on its way."""
        self._sent_tenths = self._read_tenths

    def malfunctions(self):
        return self._level.malfunctions

    def wet(self):
        return self._level.wet

    def wet_text(self):
        wet = self._level.wet
        if wet is None:
            return None
        return ",".join(["1" if wet >> i & 1 else "0" for i in range(self._sensors)])
