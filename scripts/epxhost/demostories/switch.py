"""Buttons and switches on the wall, lamps, and somebody who switches by MQTT."""

from typing import Any

from rich.text import Text

from epxhost.demorows import lamps
from epxhost.demostory import Key, Step, Story
from epxhost.devicelib import device_module

_DRIVER = "Direct4"
# Button 0: one lamp; button 1: two lamps in turn; 2 is a toggle; 3 is a button of all lamps.
_PROGRAM = "0:P:-0/+0; 1:P:-1,-2/+1,-2/-1,+2/+1,+2; 2:T:-3/+3; 3:P:-0,-1,-2,-3/+0,+1,+2,+3"
_PRESS_S, _LONG_S = 0.3, 1.6
_TOGGLE = 2


class Wall(Story):
    """closed_s[i]: how long input i stays closed; the toggle stays until it is moved again."""

    name = "Switch"
    config = f"driver {_DRIVER}\n"
    events = ("/Event",)
    own_steps = (
        Step(0.03, "A program is sent", "which button moves which lamps", "program"),
        Step(0.12, "Button 0 is pressed", "lamp 0", "press_first"),
        Step(0.2, "Button 1 is pressed", "lamp", "press_second"),
        Step(0.28, "And again", "its next phase: lamp 2 instead", "press_second"),
        Step(0.36, "Switch 2 is moved", "lamp 3; each way is a step", "move"),
        Step(0.46, "Button 1, for long", "L: back to its first phase", "press_long"),
        Step(0.63, "Button 0 while the broker is away", "works; its event waits", "press_first"),
        Step(0.76, "Somebody switches by MQTT", "cmnd/{name}/1/State on", "remote"),
        Step(0.92, "Button 3 is pressed twice", "all on, all off", "press_all"),
    )
    own_keys = (
        Key("1234", "1-4", "input", "use"),
        Key("l", "l", "long", "press_long"),
        Key("o", "o", "lamp", "toggle_remote"),
    )

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.board = device_module("switch.boards").board_of(_DRIVER)
        self.closed_s = [0.0] * len(self.board.inputs)
        self._again_s = 0.0

    def live(self, passed_s: float) -> None:
        for i, left_s in enumerate(self.closed_s):
            if left_s and i != _TOGGLE:
                self.closed_s[i] = max(left_s - passed_s, 0.0)
                if not self.closed_s[i]:
                    self._tell(i)
        if self._again_s:
            self._again_s = max(self._again_s - passed_s, 0.0)
            if not self._again_s:
                self._close(3, _PRESS_S)

    def set_up_again(self) -> None:
        for i in range(len(self.closed_s)):
            self._tell(i)

    def _tell(self, i: int) -> None:
        on = bool(self.closed_s[i])
        self.hardware(f"input {self.board.inputs[i]} {int(on == bool(self.board.on_level))}")

    def _close(self, i: int, seconds: float) -> None:
        self.closed_s[i] = seconds
        self._tell(i)

    def program(self) -> None:
        self.send("Program", _PROGRAM)

    def press_first(self) -> None:
        self._close(0, _PRESS_S)

    def press_second(self) -> None:
        self._close(1, _PRESS_S)

    def press_long(self) -> None:
        self._close(1, _LONG_S)

    def press_all(self) -> None:
        self._close(3, _PRESS_S)
        self._again_s = 3 * _PRESS_S

    def move(self) -> None:
        self._close(_TOGGLE, 0.0 if self.closed_s[_TOGGLE] else 1.0)

    def use(self, i: int) -> None:
        if i == _TOGGLE:
            self.move()
        else:
            self._close(i, _PRESS_S)

    def remote(self) -> None:
        self.send("1/State", "on")

    def toggle_remote(self) -> None:
        self.send("1/State", "off" if self.lit()[1] else "on")

    def lit(self) -> list[bool]:
        return [self._state.pins.get(str(pin)) == 1 for pin in self.board.outputs]

    def rows(self, narrow: bool) -> list[tuple[str, Text]]:
        return [
            ("inputs", lamps([bool(left_s) for left_s in self.closed_s], first=0)),
            ("lamps", lamps(self.lit(), first=0)),
        ]


STORY = Wall
