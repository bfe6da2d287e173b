"""What a weather sensor publishes: topic, value of weather.sensor.Weather, decimals, when."""

from epx.clock import MINUTES
from epx.topics import Pub

_EVERY_MS = 1 * MINUTES
_AGAIN_MS = 30 * MINUTES

TOPICS = (
    # Degrees Celsius. Like the next two: unknown after a minute without a reading.
    Pub("Temperature", "temperature", 1, every_ms=_EVERY_MS, refresh_ms=_AGAIN_MS, on="news"),
    # Relative humidity in percent.
    Pub("Humidity", "humidity", 1, every_ms=_EVERY_MS, refresh_ms=_AGAIN_MS, on="news"),
    # Air pressure in hPa where the sensor is, not that of sea level.
    Pub("Pressure", "pressure", 1, every_ms=_EVERY_MS, refresh_ms=_AGAIN_MS, on="news"),
    # 1: no hygrometer, 2: no barometer, 4: no humidity, 8: no temperature, 16: no pressure.
    Pub("Malfunction", "malfunctions", 0, every_ms=_EVERY_MS, refresh_ms=_AGAIN_MS, on="news"),
)
