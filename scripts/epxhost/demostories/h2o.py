"""A water tank that empties, is filled by a pump, and has a level switch that fails."""

from typing import Any

from rich.text import Text

from epxhost.demorows import bar, lamps, on_off
from epxhost.demostory import Key, Step, Story

# Heights of the level switches in percent; their number is that of the keys 1 to 5.
SWITCHES_PCT = (20, 40, 60, 80, 100)
CAPACITY_L = 30.0
PUMP_L_PER_MIN = 45.0
_TAP_PCT_PER_S = 3.0
_START_PCT = 75.0
_PULSES_PER_S = 4.8  # at 1 L/min


class Tank(Story):
    """A level switch is wet when the water is above it, unless it is forced: switches[i] is then
    True or False instead of None."""

    name = "H2O"
    has_display = True
    config = (
        f"unit L\ncapacity {CAPACITY_L:g}\n"
        f"levelsensors {','.join(str(pct) for pct in SWITCHES_PCT)}\n"
        f"flowpulserate {_PULSES_PER_S:g}\nmaxflow {PUMP_L_PER_MIN * 2:g}\n"
    )
    own_steps = (
        Step(0.0, "The tank empties", "somebody has opened the tap", "open_tap"),
        Step(0.2, "The pump fills it", "the flow meter counts what comes in", "start_pump"),
        Step(0.27, "A level switch fails", "the lowest one says dry below a wet one",
             "break_switch"),
        Step(0.55, "The switch is repaired", "the display goes back to volumes", "repair_switch"),
    )  # fmt: skip
    own_keys = (
        Key("12345", "1-5", "switch", "toggle_switch"),
        Key("f", "f", "pump", "toggle_pump"),
        Key("t", "t", "tap", "toggle_tap"),
    )

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.level_pct = _START_PCT
        self.tap_open = False
        self.pump_on = False
        self.switches: list[bool | None] = [None] * len(SWITCHES_PCT)
        self._inputs = -1

    def set_up_again(self) -> None:
        self._inputs = -1
        self.set_pump(self.pump_on)

    def live(self, passed_s: float) -> None:
        if self.tap_open:
            self.level_pct -= _TAP_PCT_PER_S * passed_s
        if self.pump_on:
            self.level_pct += PUMP_L_PER_MIN / 60 / CAPACITY_L * 100 * passed_s
            if self.level_pct >= 100:
                self.set_pump(False)
        self.level_pct = min(max(self.level_pct, 0.0), 100.0)
        self._tell_switches()

    def wet(self, i: int) -> bool:
        forced = self.switches[i]
        return self.level_pct >= SWITCHES_PCT[i] if forced is None else forced

    def _tell_switches(self) -> None:
        """A wet switch is closed and pulls its input low."""
        inputs = 0xFFFF
        for i in range(len(SWITCHES_PCT)):
            if self.wet(i):
                inputs &= ~(1 << i)
        if inputs != self._inputs:
            self._inputs = inputs
            self.hardware(f"set expander.inputs {inputs:#x}")

    def open_tap(self) -> None:
        self.tap_open = True
        self.set_pump(False)

    def toggle_tap(self) -> None:
        self.tap_open = not self.tap_open

    def start_pump(self) -> None:
        self.tap_open = False
        self.set_pump(True)

    def toggle_pump(self) -> None:
        self.set_pump(not self.pump_on)

    def set_pump(self, on: bool) -> None:
        self.pump_on = on
        rate_hz = PUMP_L_PER_MIN * _PULSES_PER_S if on else 0
        self.hardware(f"set flow.rate_hz {rate_hz:g}")

    def break_switch(self) -> None:
        self.switches[0] = False

    def repair_switch(self) -> None:
        self.switches[0] = None

    def toggle_switch(self, i: int) -> None:
        self.switches[i] = not self.wet(i) if self.switches[i] is None else None
        self._tell_switches()

    def rows(self, narrow: bool) -> list[tuple[str, Text]]:
        pump, tap = on_off("pump", self.pump_on), on_off("tap", self.tap_open)
        wet = [self.wet(i) for i in range(len(SWITCHES_PCT))]
        switches = lamps(wet, [switch is not None for switch in self.switches])
        if narrow:
            compact = Text(switches.plain.replace(" ", ""), "dodger_blue2")
            return [("tank", bar(self.level_pct, 8)), ("switches", compact), ("", pump), ("", tap)]
        water = pump.append("   ").append_text(tap)
        return [("tank", bar(self.level_pct, 16)), ("switches", switches), ("water", water)]


STORY = Tank
