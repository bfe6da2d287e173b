"""What soil senses: a capacitive moisture probe, which gives less volts the wetter it is."""

from time import ticks_ms

from micropython import const

from epx.clock import SECONDS
from epx.filters import Pipeline
from epx.loop import Task

_TOLERANCE_MS = const(50)
_NO_PROBE_UV = const(400000)  # and less: nobody is there
_STALE_MS = const(60000)


class Sensor:
    """The values of soil.service.TOPICS, None while they are not known."""

    moisture = None
    volts = None

    def __init__(self, config, adc):
        self._adc = adc
        points = ((config.dry, 0), (config.wet, 100))
        self._filter = Pipeline(
            (
                ("median", 5),
                ("calibrate_linear", points),
                ("clamp", 0, 100),
                ("timeout", max(_STALE_MS, 3 * config.period * SECONDS)),
            )
        )
        Task(self._sample, 0, config.period * SECONDS, tolerance_ms=_TOLERANCE_MS)

    def health(self):
        """Of an update on trial: "ok", or one word about what is wrong."""
        return "ok" if self.moisture is not None else "noprobe"

    def _sample(self):
        microvolts = self._adc.read_uv()
        self.volts = microvolts / 1000000 if microvolts > _NO_PROBE_UV else None
        self._filter.feed(self.volts, ticks_ms())
        self.moisture = self._filter.value
