"""Three thermometers: at a boiler, at a window, and one that is pulled off and put back."""

import math
from typing import Any

from rich.text import Text

from epxhost.demorows import on_off, plugged
from epxhost.demostory import Key, Step, Story

_ROOM_C, _HOT_C, _COLD_C = 21.0, 58.0, 6.0
_PACE_S = 12.0
_TELL_S = 1.0
# Their names in stage.py, and where they are.
_PARTS = ("first", "second", "third")
_PLACES = ("boiler", "window", "room")


class House(Story):
    """celsius of each goes to that of its place."""

    name = "Termo"
    own_steps = (
        Step(0.03, "The boiler heats", "readings are smoothed, so they follow", "heat"),
        Step(0.2, "A window is opened", "the second one cools", "open_window"),
        Step(0.3, "The third is pulled off", "None after a minute; others go on", "pull_off"),
        Step(0.5, "It is put back", "nothing has to be restarted", "put_back"),
        Step(0.75, "The window is closed", "values follow", "close_window"),
        Step(0.8, "The boiler rests", "values follow", "cool"),
    )
    own_keys = (
        Key("123", "1-3", "plug", "toggle"),
        Key("h", "h", "heat", "toggle_boiler"),
        Key("o", "o", "open", "toggle_window"),
    )

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.heats = self.window_open = False
        self.celsius = [_ROOM_C + i for i in range(len(_PARTS))]
        self.there = [True] * len(_PARTS)
        self._age_s = self._told_s = 0.0

    def live(self, passed_s: float) -> None:
        self._age_s += passed_s
        share = 1 - math.exp(-passed_s / _PACE_S)
        goals = (
            _HOT_C if self.heats else _ROOM_C,
            _COLD_C if self.window_open else _ROOM_C,
            _ROOM_C + math.sin(self._age_s / 9),
        )
        for i, goal in enumerate(goals):
            self.celsius[i] += (goal - self.celsius[i]) * share
        if self._age_s - self._told_s >= _TELL_S:
            self._told_s = self._age_s
            for part, celsius in zip(_PARTS, self.celsius, strict=True):
                self.hardware(f"set {part}.celsius {celsius:.2f}")

    def set_up_again(self) -> None:
        for i, there in enumerate(self.there):
            self._plug(i, there)

    def _plug(self, i: int, there: bool) -> None:
        self.there[i] = there
        self.hardware(f"set {_PARTS[i]}.present {int(there)}")

    def heat(self) -> None:
        self.heats = True

    def cool(self) -> None:
        self.heats = False

    def open_window(self) -> None:
        self.window_open = True

    def close_window(self) -> None:
        self.window_open = False

    def pull_off(self) -> None:
        self._plug(2, False)

    def put_back(self) -> None:
        self._plug(2, True)

    def toggle(self, i: int) -> None:
        self._plug(i, not self.there[i])

    def toggle_boiler(self) -> None:
        self.heats = not self.heats

    def toggle_window(self) -> None:
        self.window_open = not self.window_open

    def rows(self, narrow: bool) -> list[tuple[str, Text]]:
        values = [f"{celsius:.1f} °C" for celsius in self.celsius]
        places = [
            (place, plugged(value, there))
            for place, value, there in zip(_PLACES, values, self.there, strict=True)
        ]
        return [
            *places,
            ("", on_off("boiler", self.heats)),
            ("", Text("window open" if self.window_open else "window shut")),
        ]


STORY = House
