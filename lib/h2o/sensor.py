"""The water tank's senses: level switches on a port expander, a flow meter on a pin."""

from time import ticks_diff, ticks_ms

from micropython import const

from epx.loop import Task
from epx.revive import Part

try:
    from machine import Counter
except ImportError:
    from third.pincounter import Counter

# Bits of Tank.malfunctions. 16 is taken: "more pulses than possible", which is never raised.
_DRY_BELOW_WET = const(1)
_NO_EXPANDER = const(2)
_READ_FAILED = const(4)

_SAFE_LEVEL_PCT = const(100)  # Whoever fills the tank stops at 100.
_EQUAL_SAMPLES = const(4)
_SAMPLE_MS = const(1000)
_TOLERANCE_MS = const(50)
_FLOW_WINDOW_MS = const(5000)
_SMALL_INT_MASK = const(0x3FFFFFFF)


class Tank:
    """Level and flow: the values of h2o.service.TOPICS.

    level_pct: level, 100 from a failure until it is known again, None before the first reading;
    wet: a bit per switch, lowest first, or -1 while unknown; malfunctions: sum of the bits above.
    flow: units per minute; is_noisy: the last sample had more pulses than the pump can make and
    was not counted. Volumes are computed from the count of pulses, never added up.
    """

    level_pct = None
    wet = -1
    malfunctions = 0
    flow = 0
    is_noisy = False

    def __init__(self, config, expander, pin):
        self.unit = config.unit
        self.heights = config.levelsensors
        self._capacity = config.capacity
        self._expander = expander
        self._switches = Part("h2o: level switches")
        self._candidate = -1
        self._equal = 0
        self._true_pct = None
        self._pulse_rate = config.flowpulserate  # per second at one unit per minute
        self._max_rate = config.maxflow * config.flowpulserate
        self._per_unit = int(config.flowpulserate * 60000 + 0.5)  # millipulses
        # A pulse shorter than a quarter of the shortest period is noise. The hardware of an
        # ESP32 filters up to 12.8 us only, its firmware takes longer times as that.
        shortest_us = min(int(250000 / self._max_rate), 1000000)
        self._counter = Counter(0, pin, filter_ns=shortest_us * 1000)
        self._count = self._counter.value()
        self._sampled_ms = ticks_ms()
        self._pulses = self._window_pulses = self._changed_pulses = 0  # in all, at ...
        self._window_ms = 0
        self._read_tenths = self._sent_tenths = 0
        Task(self._sample, 0, _SAMPLE_MS, tolerance_ms=_TOLERANCE_MS)

    def health(self):
        """For an update on trial: is the hardware there?"""
        return "malfunction%d" % self.malfunctions if self.malfunctions else "ok"

    def _sample(self):
        self._sample_flow()
        switches = self._switches
        if switches.rests(_SAMPLE_MS):
            return
        bit = _NO_EXPANDER
        try:
            if not switches.ready:
                self._expander.start()
                switches.works()
                self.malfunctions = 0
            bit = _READ_FAILED
            word = self._expander.read()
        except OSError as error:
            # Nothing is known until the expander works again and four samples were equal.
            self.malfunctions = switches.failed(bit, error)
            self.level_pct = _SAFE_LEVEL_PCT
            self.wet = self._candidate = -1
        else:
            self._sample_level(word)

    def _sample_level(self, word):
        wet = ~word & (1 << len(self.heights)) - 1
        if wet != self._candidate:
            self._candidate = wet
            self._equal = 0
        self._equal += 1
        if self._equal != _EQUAL_SAMPLES:
            return
        count = 0  # of switches up to the highest wet one
        while wet >> count:
            count += 1
        self.malfunctions = 0 if wet == (1 << count) - 1 else _DRY_BELOW_WET
        self.wet = wet
        self.level_pct = pct = self.heights[count - 1] if count else 0
        if pct != self._true_pct:
            self._true_pct = pct
            self._changed_pulses = self._pulses

    def _sample_flow(self):
        now_ms = ticks_ms()
        elapsed_ms = ticks_diff(now_ms, self._sampled_ms)
        self._sampled_ms = now_ms
        count = self._counter.value()
        pulses = (count - self._count) & _SMALL_INT_MASK
        self._count = count
        # One more than fits: the edges of a sample cut wherever they like.
        self.is_noisy = (pulses - 1) * 1000 > self._max_rate * elapsed_ms
        if not self.is_noisy:
            self._pulses += pulses
        self._window_ms += elapsed_ms
        if self._window_ms > _FLOW_WINDOW_MS:
            pulses = self._pulses - self._window_pulses
            self.flow = pulses * 1000 / (self._window_ms * self._pulse_rate)
            self._window_pulses = self._pulses
            self._window_ms = 0

    def _units(self, pulses, digits):
        """Volume of pulses in units of 10**-digits, rounded, an integer."""
        per_unit = self._per_unit
        return (pulses * 2000 * 10**digits + per_unit) // (2 * per_unit)

    def level_volume(self):
        pct = self.level_pct
        return None if pct is None else self._capacity * pct / 100

    def estimated_volume(self):
        volume = self.level_volume()
        return None if volume is None else volume + self.pumped()

    def estimated_text(self):
        """Level and what was pumped since: '60% + 6L'."""
        pct = self.level_pct
        if pct is None:
            return None
        units = self._units(self._pulses - self._changed_pulses, 0)
        return "%d%% + %d%s" % (int(pct + 0.5), units, self.unit)

    def pumped(self):
        """Units since the level changed."""
        return self._units(self._pulses - self._changed_pulses, 1) / 10

    def pumped_since_sent(self):
        """Units since pumped_sent(), to a tenth; what rounding left out comes with the next."""
        self._read_tenths = self._units(self._pulses, 1)
        return (self._read_tenths - self._sent_tenths) / 10

    def pumped_sent(self):
        """What pumped_since_sent() said last is on its way."""
        self._sent_tenths = self._read_tenths

    def wet_text(self):
        if self.wet < 0:
            return None
        return ",".join([str(self.wet >> i & 1) for i in range(len(self.heights))])
