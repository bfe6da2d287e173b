"""The weather sensor's display: uptime, what it measures, and the altitude by the pressure."""

from micropython import const

from epx.screen import Screen, status_lines
from epx.textfmt import decimal

_SEA_LEVEL_HPA = const(1013)


def altitude(pressure, temperature):
    """Metres above where the pressure is 1013 hPa."""
    return ((_SEA_LEVEL_HPA / pressure) ** (1 / 5.257) - 1) * (temperature + 273.15) / 0.0065


class Display(Screen):
    """A value that never came leaves its line empty; one that is stale is a question mark."""

    period_ms = 5000

    def __init__(self, chip, weather, net, mqtt):
        self._weather = weather
        self._net = net
        self._mqtt = mqtt
        Screen.__init__(self, "weather: display", chip)

    def text(self):
        weather = self._weather
        temperature, pressure = weather.temperature, weather.pressure
        height = None
        if temperature is not None and pressure is not None:
            height = altitude(pressure, temperature)
        return (
            status_lines(self._net, self._mqtt)[2],
            self._line(1, "T %s C", decimal(temperature, 1)),
            self._line(2, "RH %s %%", decimal(weather.humidity, 1)),
            self._line(3, "P %s hPa", decimal(pressure, 1)),
            self._line(4, "h %s m", decimal(height)),
        )

    def _line(self, number, words, value):
        if value is None and not self.lines[number]:
            return ""
        return words % (value or "?")
