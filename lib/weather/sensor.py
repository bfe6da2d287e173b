"""The weather sensor's senses: a hygrometer that tells the temperature too, and a barometer."""

from time import ticks_ms

from micropython import const

from epx.loop import Task
from epx.revive import Part
from epx.topics import Source

# Bits of Weather.malfunctions. Humidity and temperature come in one transfer, or neither does.
_NO_HYGROMETER = const(1)
_NO_BAROMETER = const(2)
_NO_HUMIDITY = const(4)
_NO_TEMPERATURE = const(8)
_NO_PRESSURE = const(16)

_FIRST_MS = const(15000)
_PERIOD_MS = const(5000)
_CONVERSION_MS = const(20)  # of both chips, which need 13 and 7
_STALE_PERIODS = const(12)  # that is a minute
_TOLERANCE_MS = const(50)
_NOTHING = (None, None)


class Sensor(Part):
    """A chip that converts for a while: trigger(), later read(), once per period.

    values: the two that it gave last; None when that was a minute ago. A single failure is
    forgiven: long wires have them, and a rest takes ten minutes.
    """

    values = _NOTHING
    _age = 0  # of values, in periods
    _triggered = False

    def __init__(self, name, chip, not_there, not_read):
        """The last two: bits for malfunctions."""
        Part.__init__(self, name)
        self.chip = chip
        self._bits = not_there, not_read

    def trigger(self):
        self._triggered = False
        self._age += 1
        if self._age == _STALE_PERIODS:
            self.values = _NOTHING
        if self.rests(_PERIOD_MS):
            return
        step = 0
        try:
            if not self.ready:
                self.chip.start()
            step = 1
            self.chip.trigger()
            self._triggered = True
        except OSError as error:
            self._fails(step, error)

    def read(self):
        if self._triggered:
            try:
                self.values = self.chip.read()
                self._age = 0
                self.works()
            except OSError as error:
                self._fails(1, error)

    def _fails(self, step, error):
        if not self.ready or self._age > 1:
            self.failed(self._bits[step], error)


class Weather(Source):
    """The values of weather.service.TOPICS, None while they are not known.

    malfunctions: sum of the bits above, None before the first reading.
    """

    temperature = humidity = pressure = malfunctions = None

    def __init__(self, config, hygrometer, barometer):
        self._sensors = (
            Sensor(
                "weather: hygrometer", hygrometer, _NO_HYGROMETER, _NO_HUMIDITY | _NO_TEMPERATURE
            ),
            Sensor("weather: barometer", barometer, _NO_BAROMETER, _NO_PRESSURE),
        )
        self._filters = (
            _filter(config.temperatureoffset),
            _filter(config.humidityoffset),
            _filter(config.pressureoffset),
        )
        self._reader = Task(self._read)
        self._reader.cancel()
        Task(self._trigger, _FIRST_MS, _PERIOD_MS, tolerance_ms=_TOLERANCE_MS)

    def health(self):
        """For an update on trial: is the hardware there?"""
        return "malfunction%d" % self.malfunctions if self.malfunctions else "ok"

    def _trigger(self):
        for sensor in self._sensors:
            sensor.trigger()
        self._reader.restart(_CONVERSION_MS)

    def _read(self):
        malfunctions = 0
        for sensor in self._sensors:
            sensor.read()
            malfunctions |= sensor.malfunctions
        hygrometer, barometer = self._sensors
        self.temperature = self._filtered(0, hygrometer.values[0])
        self.humidity = self._filtered(1, hygrometer.values[1])
        self.pressure = self._filtered(2, barometer.values[1])
        if malfunctions != self.malfunctions:
            # What fails or works again is told at once; what has changed, every minute.
            self.malfunctions = malfunctions
            self.announce("news")

    def _filtered(self, which, value):
        pipeline = self._filters[which]
        return pipeline.feed(value, ticks_ms()) if pipeline else value


def _filter(offset):
    """Few sensors need one, and the module takes 2 KB."""
    if not offset:
        return None
    from epx.filters import Pipeline

    return Pipeline((("offset", offset),))
