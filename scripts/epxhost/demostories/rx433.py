"""Neighbours and their key fobs, one that is taught, and noise on the air."""

from typing import Any

from rich.text import Text

from epxhost.demostory import Key, Step, Story

# Protocol, code, who it is; the first two have a name in config.txt.
_FOBS = (
    ("EV1527", 11259365, "gate"),
    ("HT6P20", 19088741, "garage"),
    ("EV1527", 703710, "a neighbour"),
    ("EV1527", 5592405, "a new one"),
)
_GATE, _GARAGE, _NEIGHBOUR, _NEW = range(4)
# Held for about as long as a person does.
_FRAMES = 20
_JITTER_PCT = 5
_NOISE_PULSES = 400


class Street(Story):
    name = "Keyfobs"
    events = ("Keyfob", "Button")
    # A processor that listens by itself needs all of this computer.
    config = f"rmt 1\ncodes {', '.join(f'{kind}:{code} {who}' for kind, code, who in _FOBS[:2])}\n"
    own_steps = (
        Step(0.0, "It starts to listen", "12 s after its start", "quiet"),
        Step(0.2, "The gate's button is pressed", "Keyfob says the code, Button the name", "gate"),
        Step(0.28, "A neighbour presses his", "a code without a name", "neighbour"),
        Step(0.36, "Noise on the air", "nothing comes of it; see Statistics", "noise"),
        Step(0.46, "A new one is taught", "cmnd/{name}/Learn door, then its button", "learn"),
        Step(0.53, "Its button is pressed", "Learned says its code and name", "new"),
        Step(0.63, "A button while the broker is away", "the event waits", "garage"),
        Step(0.74, "The gate's button again", "each press is one event", "gate"),
        Step(0.8, "The new one", "Button says its name, if it was taught", "new"),
        Step(0.92, "The garage", "another protocol", "garage"),
    )
    own_keys = (
        Key("1234", "1-4", "fob", "press"),
        Key("l", "l", "learn", "learn"),
        Key("n", "n", "noise", "noise"),
    )

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.last = "nothing yet"
        self.set_up_again()

    def set_up_again(self) -> None:
        self.hardware(f"set keyfob.frames {_FRAMES}")
        self.hardware(f"set keyfob.jitter_pct {_JITTER_PCT}")

    def press(self, i: int) -> None:
        kind, code, self.last = _FOBS[i]
        self.hardware(f"call keyfob.{kind.lower()} {code}")

    def quiet(self) -> None:
        pass

    def gate(self) -> None:
        self.press(_GATE)

    def garage(self) -> None:
        self.press(_GARAGE)

    def neighbour(self) -> None:
        self.press(_NEIGHBOUR)

    def new(self) -> None:
        self.press(_NEW)

    def learn(self) -> None:
        self.send("Learn", "door")

    def noise(self) -> None:
        self.last = "noise"
        self.hardware(f"call keyfob.noise {_NOISE_PULSES}")

    def rows(self, narrow: bool) -> list[tuple[str, Text]]:
        fobs = [(f"fob {i + 1}", Text(who)) for i, (_, _, who) in enumerate(_FOBS)]
        return [*fobs, ("on air", Text(self.last, "bold yellow"))]


STORY = Street
