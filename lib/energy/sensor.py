"""The mains energy meter: a reading each second, means of each minute, a total for ever."""

from micropython import const

from epx import log
from epx.loop import Task, uptime_s
from epx.nvram import Nvram
from epx.revive import Part
from epx.topics import Source

# Codes of malfunctions. One of the first and the last, and the one between for an hour.
_NOT_STARTED = const(1)
_COUNTER_BEGAN_ANEW = const(2)
_READ_FAILED = const(4)

_BEAT_MS = const(1000)
_START_MS = const(20000)
_MINUTE_MS = const(60000)
_TOLERANCE_MS = const(50)
_TRIES = const(3)  # a wrong answer or two are no malfunction
_TICKER_S = const(60)
_NOTICE_S = const(3600)

# For PZEM004T.ask(), and indices of PZEM004T.values.
_SETTINGS = const(0x03)
_VALUES = const(0x04)
_SET_ALARM = const(0x06)
_V = const(0)
_A = const(1)
_WH = const(5)
_ALARM = const(6)

# The meter ends at 23 kW: 6.4 Wh per second.
_MOST_WH_PER_S = const(8)
_SLACK_WH = const(10)
_AGREEING = const(5)
_MOST_WH = const(0x7FFFFFFF)  # what the NVRAM takes

# What is told of readings, and their units as parts of it; the first ones in the order of
# PZEM004T.values.
_TOLD = ("v", "a", "w", "hz", "pf", "va")
_PARTS = (10, 1000, 10, 10, 100, 10)
_VA = const(5)
_LEAST_V = const(6)
_MOST_V = const(7)
_MOST_A = const(8)


class Total:
    """Wh since the first day: the meter's counter and an offset that makes up for its resets.

    wh is stored before it is told, so it never goes backwards: at most once per minute, 525,600
    times a year, which the NVRAM takes for a century. A power cut loses nothing, as the meter goes
    on counting; if its counter is reset while nobody looks, what it has counted since wh is lost.
    """

    _count = None  # of the meter, as believed last
    _candidate = _agreeing = _believed_s = 0
    _noticed_s = -_NOTICE_S

    def __init__(self):
        self._nvram = nvram = Nvram("energy")
        self.wh = nvram.get_int("wh")  # None before the first minute of all
        self._offset = nvram.get_int("offset", 0)

    def feed(self, count):
        """The meter's counter. Whether it began anew, or is another one, several readings in a row
        must say: one alone is a glitch."""
        known = self._count
        now_s = uptime_s()
        most = (now_s - self._believed_s) * _MOST_WH_PER_S + _SLACK_WH
        if known is None or not 0 <= count - known <= most:
            if not 0 <= count - self._candidate <= _SLACK_WH:
                self._agreeing = 0
            self._candidate = count
            self._agreeing += 1
            if self._agreeing < _AGREEING:
                return
            wh = self.wh or 0
            if known is not None:
                # More than can have been counted since is not ours.
                wh = known + self._offset + (count if count <= most else 0)
            if known is not None or count + self._offset < wh:
                self._offset = min(wh, _MOST_WH) - count
                self._nvram.set_int("offset", self._offset)
                self._noticed_s = now_s
                log.warn("energy: counter began anew at %d Wh", count)
        self._agreeing = 0
        self._count = count
        self._believed_s = now_s

    def save(self):
        """Once per minute: what has been counted becomes what is told."""
        if self._count is not None:
            self.wh = min(max(self._count + self._offset, self.wh or 0), _MOST_WH)
            self._nvram.set_int("wh", self.wh)


class Readings(Source):
    """Of one second or one minute, in V, A, W, Hz, VA: what energy.service tells of them."""

    v = a = w = hz = pf = va = None
    v_min = v_max = a_max = wh = None

    def update(self, values, count):
        """Means of so many readings; None: not known, for want of any."""
        for i in range(len(_TOLD)):
            setattr(self, _TOLD[i], values[i] / (count * _PARTS[i]) if count else None)


class Meter(Total):
    """minute and now are the sources of the tables MINUTE and NOW, this one that of METER.

    Minutes follow each other without a gap, counted from boot; a reading belongs to one of them.
    What is asked for in one turn is taken in the next, so that there is one wakeup per second.
    """

    faults = _ticker_s = _readings = 0
    _sums = None  # of the readings of this minute

    def __init__(self, config, chip):
        Total.__init__(self)
        self._chip = chip
        self._alarm_w = config.alarm
        self._part = Part("energy: meter")
        self.minute = Readings()
        self.minute.wh = self.wh
        self.now = Readings()
        Task(self._beat, _START_MS, _BEAT_MS, tolerance_ms=_TOLERANCE_MS)
        Task(self._each_minute, _MINUTE_MS, _MINUTE_MS, tolerance_ms=_TOLERANCE_MS)

    def health(self):
        """For an update on trial: does the meter give values?"""
        return "ok" if self._part.ready else "malfunction%d" % self._part.malfunctions

    def malfunction(self):
        noticed = uptime_s() - self._noticed_s < _NOTICE_S
        return self._part.malfunctions | (_COUNTER_BEGAN_ANEW if noticed else 0)

    def ticker(self, on):
        """Somebody wants each reading, for a minute."""
        self._ticker_s = _TICKER_S if on else 1  # to the next turn

    def alarm(self):
        if self._alarm_w is not None and self._part.ready:
            return self._chip.values[_ALARM] & 1
        return None

    def _beat(self):
        if self._ticker_s:
            self._ticker_s -= 1
            if not self._ticker_s:
                self.now.update((), 0)
        if self._part.rests(_BEAT_MS):
            return
        chip = self._chip
        try:
            if chip.asked:
                chip.read()
                self.faults = 0
                if chip.asked == _VALUES:
                    self._part.works()
                    self._read(chip.values)
        except OSError as error:
            self.faults += 1
            if self.faults >= _TRIES:
                self._failed(error)
                return
        if chip.alarm_w is None:
            chip.ask(_SETTINGS)
        elif self._alarm_w is not None and chip.alarm_w != self._alarm_w:
            chip.ask(_SET_ALARM, self._alarm_w)
        else:
            chip.ask(_VALUES)

    def _failed(self, error):
        """Nothing is known until it works again; what there is of this minute is forgotten."""
        part = self._part
        chip = self._chip
        code = _READ_FAILED if chip.asked == _VALUES else _NOT_STARTED
        if part.malfunctions != code:
            part.malfunctions = 0
        part.failed(code, error)
        chip.alarm_w = None
        chip.asked = self.faults = self._readings = 0
        self._each_minute()
        self.now.update((), 0)
        self.now.announce("reading")

    def _read(self, values):
        dv = values[_V]
        ma = values[_A]
        va = (dv * ma + 500) // 1000
        if not self._readings:
            self._sums = [0, 0, 0, 0, 0, 0, dv, dv, ma]
        self._readings += 1
        sums = self._sums
        for i in range(_VA):
            sums[i] += values[i]
        sums[_VA] += va
        sums[_LEAST_V] = min(dv, sums[_LEAST_V])
        sums[_MOST_V] = max(dv, sums[_MOST_V])
        sums[_MOST_A] = max(ma, sums[_MOST_A])
        self.feed(values[_WH])
        if self._ticker_s:
            self.now.update(values[:_VA] + (va,), 1)
            self.now.announce("reading")

    def _each_minute(self):
        minute = self.minute
        sums = self._sums
        count = self._readings
        self._readings = 0
        minute.update(sums, count)
        minute.v_min = sums[_LEAST_V] / 10 if count else None
        minute.v_max = sums[_MOST_V] / 10 if count else None
        minute.a_max = sums[_MOST_A] / 1000 if count else None
        self.save()
        minute.wh = self.wh
        minute.announce("minute")
