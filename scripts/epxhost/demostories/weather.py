"""A day with sun and a shower, and sensors that can be unplugged."""

import math
from typing import Any

from rich.text import Text

from epxhost.demorows import plugged
from epxhost.demostory import Key, Step, Story

# Degrees, percent, hPa of a weather.
_SUN = (24.0, 45.0, 1019.0)
_RAIN = (15.0, 88.0, 1003.0)
_PACE_S = 15.0
_TELL_S = 1.0
_PARTS = ("hygrometer", "barometer")


class Day(Story):
    """feels goes to the weather that it is, and wanders a little."""

    name = "Weather"
    has_display = True
    own_steps = (
        Step(0.0, "The sun shines", "the first reading comes after 15 s", "shine"),
        Step(0.3, "A shower", "cooler and wetter; the pressure falls", "rain"),
        Step(0.5, "Somebody asks", "cmnd/{name}/Refresh; by itself each minute", "refresh"),
        Step(0.75, "The sun comes out again", "the display follows every 5 s", "shine"),
    )
    own_keys = (
        Key("s", "s", "sun/rain", "toggle_sun"),
        Key("h", "h", "HDC", "toggle_hygrometer"),
        Key("p", "p", "BME", "toggle_barometer"),
    )

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.sunny = True
        self.feels = [20.0, 60.0, 1012.0]
        self.there = dict.fromkeys(_PARTS, True)
        self._age_s = self._told_s = 0.0

    def live(self, passed_s: float) -> None:
        self._age_s += passed_s
        share = 1 - math.exp(-passed_s / _PACE_S)
        for i, goal in enumerate(_SUN if self.sunny else _RAIN):
            wander = math.sin(self._age_s / (3 + i)) * 0.4
            self.feels[i] += (goal + wander - self.feels[i]) * share
        if self._age_s - self._told_s < _TELL_S:
            return
        self._told_s = self._age_s
        celsius, humidity, hectopascals = self.feels
        self.hardware(f"set hygrometer.celsius {celsius:.2f}")
        self.hardware(f"set hygrometer.humidity {humidity:.2f}")
        self.hardware(f"set barometer.celsius {celsius + 0.4:.2f}")
        self.hardware(f"set barometer.hectopascals {hectopascals:.2f}")

    def set_up_again(self) -> None:
        for part in _PARTS:
            self._plug(part, self.there[part])

    def _plug(self, part: str, there: bool) -> None:
        self.there[part] = there
        self.hardware(f"set {part}.present {int(there)}")

    def shine(self) -> None:
        self.sunny = True

    def rain(self) -> None:
        self.sunny = False

    def toggle_sun(self) -> None:
        self.sunny = not self.sunny

    def toggle_hygrometer(self) -> None:
        self._plug("hygrometer", not self.there["hygrometer"])

    def toggle_barometer(self) -> None:
        self._plug("barometer", not self.there["barometer"])

    def rows(self, narrow: bool) -> list[tuple[str, Text]]:
        celsius, humidity, hectopascals = self.feels
        air = f"{celsius:.1f} °C" if narrow else f"{celsius:.1f} °C  {humidity:.0f} %"
        return [
            ("sky", Text("sunny" if self.sunny else "a shower", "bold yellow")),
            ("HDC1080", plugged(air, self.there["hygrometer"])),
            ("BME280", plugged(f"{hectopascals:.1f} hPa", self.there["barometer"])),
        ]


STORY = Day
