"""Weighs once: powers the converter up, waits until it is warm, takes samples until they agree."""

from time import ticks_diff, ticks_ms

from micropython import const

from epx import log
from epx.loop import Task

# Codes of malfunctions.
_NOT_THERE = const(1)
_NOT_READ = const(4)
_NEVER_STEADY = const(8)

_POLL_MS = const(100)
_FRESH_MS = const(10)  # what a value may be late, of the 100 until the next one spoils it
_PATIENCE_MS = const(5000)  # for the chip to appear, and for each sample
_WARM_MS = const(10000)
_PERIOD_MS = const(1000)
_SETTLED_MS = const(500)  # after that a chip that is off has proved it
_SAMPLES = const(12)
_LEAST = const(8)  # of them must agree
_WINDOWS = const(4)
_BATTERY_SAMPLES = const(16)


def battery_mv(pin, ratio):
    """Of the battery, behind a divider; 0 if it is not known. pin: 32 to 39, None: no divider."""
    if pin is None:
        return 0
    from machine import ADC, Pin

    adc = ADC(Pin(pin), atten=ADC.ATTN_11DB)
    total_uv = 0
    for _ in range(_BATTERY_SAMPLES):
        total_uv += adc.read_uv() // _BATTERY_SAMPLES
    # It can tell nothing below 150 mV; no battery is that empty.
    return int(total_uv * ratio / 1000 + 0.5) if total_uv > 150000 else 0


class Scale:
    """weight_kg = (raw + b) / a, None before the result and after a failure.

    malfunction: None before the result, then 0 or one of the codes above. done(this) is called
    once, with the result there and the converter powered down. battery_mv is handed on only:
    measure it before the radio draws its current.
    """

    weight_kg = malfunction = None
    _windows = 0
    _action = None

    def __init__(self, driver, a, b, done, battery_mv=0):
        self.battery_mv = battery_mv
        self._driver = driver
        self._a = a
        self._b = b
        self._done = done
        self._raws = []
        self._began_ms = ticks_ms()
        self._asked_ms = 0
        self._task = Task(self._turn)
        self._action = self._power_up

    def health(self):
        """For an update on trial: does it weigh?"""
        if self.malfunction is None:
            return "unsure"
        return "malfunction%d" % self.malfunction if self.malfunction else "ok"

    def _turn(self):
        self._action()

    def _later(self, action, delay_ms):
        self._action = action
        self._task.restart(delay_ms)

    def _power_up(self):
        try:
            self._driver.power_up()
        except OSError as error:
            self._fail(_NOT_THERE, error)
        else:
            self._later(self._appear, _POLL_MS)

    def _appear(self):
        """Its first value says that it is there."""
        passed_ms = ticks_diff(ticks_ms(), self._began_ms)
        if self._driver.ready():
            self._later(self._sample, _WARM_MS - passed_ms)
        elif passed_ms < _PATIENCE_MS:
            self._later(self._appear, _POLL_MS)
        else:
            self._fail(_NOT_THERE, "no value")

    def _sample(self):
        """What waits there may be spoiled by the next conversion any time: take that one."""
        self._asked_ms = ticks_ms()
        self._driver.skip()
        self._later(self._read, _FRESH_MS)

    def _read(self):
        driver = self._driver
        why = "no value"
        if driver.ready():
            try:
                self._raws.append(driver.read())
                why = None
            except OSError as error:
                why = error
        passed_ms = ticks_diff(ticks_ms(), self._asked_ms)
        if why is None:
            if len(self._raws) < _SAMPLES:
                self._later(self._sample, _PERIOD_MS - passed_ms)
            else:
                self._judge()
        elif passed_ms < _PATIENCE_MS:
            self._later(self._read, _FRESH_MS)
        else:
            self._fail(_NOT_READ, why)

    def _judge(self):
        """Mean of the samples less than 50 g off the mean of all."""
        raws = self._raws
        total = sum(raws)
        # Integers are exact; what is left of two large numbers of 32 bits would not be.
        first = raws[0]
        count = rest = 0
        for raw in raws:
            # 50 g are a / 20; both sides are 12 times that, times 5.
            if abs(raw * _SAMPLES - total) * 5 < abs(self._a) * 3:
                count += 1
                rest += raw - first
        spread = max(raws) - min(raws)
        log.info("scale: value %d, spread %d, %d agree", total // _SAMPLES, spread, count)
        if count >= _LEAST:
            self.weight_kg = (first + self._b + rest / count) / self._a
            self._end(0)
            return
        raws.clear()
        self._windows += 1
        if self._windows < _WINDOWS:
            self._later(self._sample, _PERIOD_MS)
        else:
            self._fail(_NEVER_STEADY, "never steady")

    def _fail(self, code, why):
        log.error("scale: malfunction %d: %s", code, why)
        self._end(code)

    def _end(self, code):
        self.malfunction = code
        self._driver.power_down()
        self._later(self._look, _SETTLED_MS)

    def _look(self):
        if self.malfunction != _NOT_THERE and not self._driver.is_down():
            log.warn("scale: converter is not off, the battery will not last")
        self._done(self)
