"""Somebody who switches four relays on for a while, by MQTT."""

from rich.text import Text

from epxhost.demorows import lamps
from epxhost.demostory import Key, Step, Story
from epxhost.devicelib import device_module

_LONG_S, _SHORT_S, _KEY_S = 3600, 5, 10


class Relays(Story):
    """A relay is on while its output is low."""

    name = "Relay"
    has_display = True
    own_steps = (
        Step(0.03, "Relay 0 for five seconds", "0/TurnOnWithTimeout 5", "short"),
        Step(0.15, "Relay 1 until somebody says off", "at most for the time of maxon", "long"),
        Step(0.3, "All of them", "each has a box on the display, and a time", "all_on"),
        Step(0.54, "Relay 3 for an hour", "it stays on without a broker, too", "fourth"),
        Step(0.78, "Relay 1 off", "1/TurnOnWithTimeout 0", "long_off"),
        Step(0.92, "All off", "each to 0", "all_off"),
    )
    own_keys = (Key("1234", "1-4", "relay 0-3", "toggle"),)

    def _turn_on(self, i: int, seconds: int) -> None:
        self.send(f"{i}/TurnOnWithTimeout", str(seconds))

    def on(self) -> list[bool]:
        pins = device_module("relay.settings").PINS
        return [self._state.pins.get(str(pin)) == 0 for pin in pins]

    def short(self) -> None:
        self._turn_on(0, _SHORT_S)

    def long(self) -> None:
        self._turn_on(1, _LONG_S)

    def long_off(self) -> None:
        self._turn_on(1, 0)

    def fourth(self) -> None:
        self._turn_on(3, _LONG_S)

    def all_on(self) -> None:
        for i in range(4):
            self._turn_on(i, _LONG_S if i == 1 else _KEY_S + 3 * i)

    def all_off(self) -> None:
        for i in range(4):
            self._turn_on(i, 0)

    def toggle(self, i: int) -> None:
        self._turn_on(i, 0 if self.on()[i] else _KEY_S)

    def rows(self, narrow: bool) -> list[tuple[str, Text]]:
        relays = lamps(self.on(), first=0)
        if narrow:
            relays = Text(relays.plain.replace(" ", ""), "dodger_blue2")
        return [("relays", relays)]


STORY = Relays
