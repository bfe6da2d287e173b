"""A scale on a battery that wakes, weighs, tells its manager by radio, and sleeps."""

from typing import Any

from rich.text import Text

from epxhost.demostory import Key, Step, Story

_RADIO = "espnowpsk a secret of the demo\nespnowgroup Demo\n"
_EMPTY_KG, _FULL_KG = 7.0, 12.5


class Scale(Story):
    """other: the scale, whose simulated hardware begins anew with each wake."""

    name = "Scale"
    events = ("Weight", "Malfunction")
    config = _RADIO
    profile = "scale_manager"
    other_profile = "scale_sensor"
    other_config = f"ssid (none)\n{_RADIO}calibration_a 10\ncalibration_b 20\n"
    own_steps = (
        Step(0.0, "The scale weighs, and looks for its manager", "they pair by radio", "nothing"),
        Step(0.45, "A bag is put on it", "seen when it has woken and weighed", "put_on"),
        Step(0.78, "The bag is taken away", "while it weighs: it weighs anew", "take_off"),
    )
    own_keys = (
        Key("m", "m", "mass", "toggle_mass"),
        Key("c", "c", "converter", "toggle_converter"),
    )

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.mass_kg = _EMPTY_KG
        self.there = True
        self.sensor = "awake"
        self.wakes = 1

    def other_event(self, kind: str, value: object) -> None:
        if isinstance(value, dict) and "deepsleep" in value:
            self.sensor = "sleeps"
            minutes = value["deepsleep"] // 60000
            self._state.tell("radio", f"it would sleep for {minutes} minutes; here it wakes soon")
        elif kind == "console" and "reset by deep sleep" in str(value):
            self.sensor = "awake"
            self.wakes += 1
            self._tell_cell()

    def _tell_cell(self) -> None:
        self.other_hardware(f"set cell.mass_kg {self.mass_kg}")
        self.other_hardware(f"set cell.present {int(self.there)}")

    def _put(self, mass_kg: float) -> None:
        self.mass_kg = mass_kg
        self._tell_cell()

    def nothing(self) -> None:
        pass

    def put_on(self) -> None:
        self._put(_FULL_KG)

    def take_off(self) -> None:
        self._put(_EMPTY_KG)

    def toggle_mass(self) -> None:
        self._put(_FULL_KG if self.mass_kg == _EMPTY_KG else _EMPTY_KG)

    def toggle_converter(self) -> None:
        self.there = not self.there
        self._tell_cell()

    def rows(self, narrow: bool) -> list[tuple[str, Text]]:
        return [
            ("on it", Text(f"{self.mass_kg:.1f} kg")),
            ("scale", Text(self.sensor, "bold yellow" if self.sensor == "awake" else "grey50")),
            ("wakes", Text(str(self.wakes))),
            ("clocks", Text(self.pace)),
            ("sleeps", Text("2 s, not 60 min")),
        ]


STORY = Scale
