"""The demo's story and its tank: what happens around the appliance, and when."""

import threading
from collections.abc import Callable
from typing import NamedTuple

from epxhost.appliance_process import ApplianceProcess
from epxhost.demostate import DemoState, Listener
from epxhost.errors import ToolError

# Heights of the level switches in percent; their number is that of the keys 1 to 5.
SWITCHES_PCT = (20, 40, 60, 80, 100)
CAPACITY_L = 30.0
PUMP_L_PER_MIN = 45.0
_TAP_PCT_PER_S = 3.0
_START_PCT = 75.0
_PULSES_PER_S = 4.8  # at 1 L/min
_STEP_S = 0.1

# Shown when the story has a length of its own.
LOOP_S = 90.0


class Step(NamedTuple):
    """at: part of the loop that has passed; do: a method of Story."""

    at: float
    title: str
    why: str
    do: str


STEPS = (
    Step(0.0, "The tank empties", "somebody has opened the tap", "open_tap"),
    Step(0.2, "The pump fills it", "the flow meter counts what comes in", "start_pump"),
    Step(0.27, "A level switch fails", "the lowest one says dry below a wet one", "break_switch"),
    Step(0.55, "The switch is repaired", "the display goes back to volumes", "repair_switch"),
    Step(0.58, "The broker goes away", "the appliance goes on, values wait", "stop_broker"),
    Step(0.68, "The broker comes back", "the newest values are published", "start_broker"),
    Step(0.85, "Somebody asks for all values", "cmnd/H2O/Refresh", "refresh"),
)


class Story:
    """Acts on the simulated hardware and on the broker; by the clock, or by keys.

    A level switch is wet when the water is above it, unless it is forced: switches[i] is then
    True or False instead of None.
    """

    def __init__(
        self, state: DemoState, process: ApplianceProcess, listener: Listener, loop_s: float
    ) -> None:
        self._state = state
        self._process = process
        self._listener = listener
        self.loop_s = loop_s
        self._resets = state.resets
        self.level_pct = _START_PCT
        self.tap_open = False
        self.pump_on = False
        self.wifi_on = True
        self.switches: list[bool | None] = [None] * len(SWITCHES_PCT)
        self.paused = False
        self.step: Step | None = None
        self.seen: set[str] = set()
        self._clock_s = 0.0
        self._next = 0
        self._ticked_s = state.now_s()
        self._inputs = -1

    @property
    def progress(self) -> float:
        return self._clock_s / self.loop_s

    def tick(self) -> None:
        """Let the time pass that has passed."""
        now_s = self._state.now_s()
        passed_s = now_s - self._ticked_s
        if passed_s < _STEP_S:
            return
        self._ticked_s = now_s
        if self._resets != self._state.resets:
            self._resets = self._state.resets
            self._set_up_again()
        self._water(passed_s)
        if self.paused:
            return
        self._clock_s += passed_s
        while self._next < len(STEPS) and self._clock_s >= STEPS[self._next].at * self.loop_s:
            self._begin(STEPS[self._next])
            self._next += 1
        if self._clock_s >= self.loop_s:
            self._clock_s -= self.loop_s
            self._next = 0

    def _begin(self, step: Step) -> None:
        if step.do == "stop_broker" and self._state.updating:
            self._state.tell("story", "The broker stays: the appliance is being updated")
            return
        if step.do == "start_broker" and self._state.broker.running:
            return
        self.step = step
        self.seen.add(step.do)
        self._state.tell("story", f"{step.title}: {step.why}")
        act: Callable[[], None] = getattr(self, step.do)
        act()

    def _set_up_again(self) -> None:
        """The simulated hardware begins anew with each start of the appliance."""
        self._inputs = -1
        self.set_pump(self.pump_on)
        if not self.wifi_on:
            self._process.command("set wifi.available 0")

    def _water(self, passed_s: float) -> None:
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
            self._process.command(f"set expander.inputs {inputs:#x}")

    # What the steps and the keys do.

    def open_tap(self) -> None:
        self.tap_open = True
        self.set_pump(False)

    def start_pump(self) -> None:
        self.tap_open = False
        self.set_pump(True)

    def set_pump(self, on: bool) -> None:
        self.pump_on = on
        rate_hz = PUMP_L_PER_MIN * _PULSES_PER_S if on else 0
        self._process.command(f"set flow.rate_hz {rate_hz:g}")

    def break_switch(self) -> None:
        self.switches[0] = False

    def repair_switch(self) -> None:
        self.switches[0] = None

    def toggle_switch(self, i: int) -> None:
        self.switches[i] = not self.wet(i) if self.switches[i] is None else None
        self._tell_switches()

    def stop_broker(self) -> None:
        self._state.broker.kill()
        self._state.broker_stopped()

    def start_broker(self) -> None:
        """In a thread of its own: one that is written in Python takes two seconds."""
        if not self._state.broker.running:
            threading.Thread(target=self._start_broker, daemon=True).start()

    def _start_broker(self) -> None:
        try:
            self._state.broker.start()
        except ToolError as error:  # stopped again at once, or no memory
            self._state.tell("story", str(error))
        else:
            self._state.broker_started()

    def toggle_broker(self) -> None:
        if self._state.broker.running:
            self.stop_broker()
        else:
            self.start_broker()

    def toggle_wifi(self) -> None:
        self.wifi_on = not self.wifi_on
        self._process.command(f"set wifi.available {int(self.wifi_on)}")

    def refresh(self) -> None:
        self._listener.command("Refresh", "1")


def config_text(broker_port: int, name: str, otakey: str) -> str:
    """config.txt of the tank in this story."""
    levels = ",".join(str(pct) for pct in SWITCHES_PCT)
    return (
        "ssid demo\npassword demo\n"
        f"mqttbroker 127.0.0.1\nmqttport {broker_port}\nmqttname {name}\n"
        f"watchdog 1\notakey {otakey}\n"
        f"unit L\ncapacity {CAPACITY_L:g}\nlevelsensors {levels}\n"
        f"flowpulserate {_PULSES_PER_S:g}\nmaxflow {PUMP_L_PER_MIN * 2:g}\n"
    )
