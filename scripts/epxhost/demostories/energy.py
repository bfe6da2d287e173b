"""A house whose kettle and oven are switched on and off, behind a meter of the mains."""

import math
from typing import Any

from rich.text import Text

from epxhost.demorows import on_off, plugged
from epxhost.demostory import Key, Step, Story

_BASE_W, _KETTLE_W, _OVEN_W, _ALARM_W = 120, 2000, 1800, 3000
_USUAL_V, _SAG_V = 230.0, 206.0
_WIRE_OHM = 0.4
_TELL_S = 0.5


class Mains(Story):
    name = "Energy"
    config = f"alarm {_ALARM_W}\n"
    own_steps = (
        Step(0.04, "Somebody looks closely", "cmnd/{name}/Ticker on; the first reading is at 20 s",
             "ticker"),
        Step(0.26, "A kettle is switched on", "2 kW more, and some volts less", "start_kettle"),
        Step(0.36, "The oven, too", f"more than {_ALARM_W} W are an alarm", "start_oven"),
        Step(0.5, "Both are switched off", "Alarm 0", "stop_all"),
        Step(0.72, "Somebody looks again", "cmnd/{name}/Ticker on: for a minute", "ticker"),
        Step(0.75, "The mains sag", "a storm somewhere", "sag"),
        Step(0.92, "The mains recover", "Vmin of this minute will tell", "recover"),
    )  # fmt: skip
    own_keys = (
        Key("k", "k", "kettle", "toggle_kettle"),
        Key("o", "o", "oven", "toggle_oven"),
        Key("m", "m", "meter", "toggle_meter"),
    )

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.kettle = self.oven = self.sags = False
        self.there = True
        self.wh = 0.0
        self._age_s = self._told_s = 0.0

    @property
    def v(self) -> float:
        wanders = 1.2 * math.sin(self._age_s / 7) + 0.4 * math.sin(self._age_s / 1.7)
        return (_SAG_V if self.sags else _USUAL_V) + wanders - _WIRE_OHM * self.w / _USUAL_V

    @property
    def w(self) -> float:
        base = _BASE_W + 25 * math.sin(self._age_s / 11)
        return base + _KETTLE_W * self.kettle + _OVEN_W * self.oven

    def live(self, passed_s: float) -> None:
        self._age_s += passed_s
        if self.there:
            self.wh += self.w * passed_s / 3600
        if self._age_s - self._told_s < _TELL_S:
            return
        self._told_s = self._age_s
        v, w = self.v, self.w
        # Heaters are resistors, the rest of the house is not.
        power_factor = 0.99 if w > 1000 else 0.82
        values = {
            "v": v, "w": w, "pf": power_factor, "a": w / power_factor / v,
            "hz": 50 + 0.06 * math.sin(self._age_s / 5),
        }  # fmt: skip
        for name, value in values.items():
            self.hardware(f"set meter.{name} {value:.3f}")

    def set_up_again(self) -> None:
        self.hardware(f"set meter.wh {int(self.wh)}")
        self.hardware(f"set meter.present {int(self.there)}")

    def ticker(self) -> None:
        self.send("Ticker", "on")

    def start_kettle(self) -> None:
        self.kettle = True

    def start_oven(self) -> None:
        self.oven = True

    def stop_all(self) -> None:
        self.kettle = self.oven = False

    def sag(self) -> None:
        self.sags = True

    def recover(self) -> None:
        self.sags = False

    def toggle_kettle(self) -> None:
        self.kettle = not self.kettle

    def toggle_oven(self) -> None:
        self.oven = not self.oven

    def toggle_meter(self) -> None:
        self.there = not self.there
        self.hardware(f"set meter.present {int(self.there)}")

    def rows(self, narrow: bool) -> list[tuple[str, Text]]:
        return [
            ("mains", Text(f"{self.v:.0f} V", "bold red" if self.sags else "default")),
            ("load", Text(f"{self.w:.0f} W")),
            ("", on_off("kettle", self.kettle)),
            ("", on_off("oven", self.oven)),
            ("meter", plugged(f"{self.wh:.0f} Wh", self.there)),
        ]


STORY = Mains
