"""What all stories of the demo share: their clock, the broker, Wi-Fi, commands, the keys.

A story of one profile is a module of demostories/, whose STORY derives from Story.
"""

import importlib
import threading
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from rich.text import Text

from epxhost.appliance_process import ApplianceProcess
from epxhost.demostate import DemoState, Listener
from epxhost.devicelib import profiles
from epxhost.door import ROOT
from epxhost.errors import ToolError

_STEP_S = 0.1
_FOLDER = ROOT / "scripts/epxhost/demostories"
# Who is online has subscribed after so long.
_SUBSCRIBED_S = 0.5
_MOST_PENDING = 10

# Shown when the story has a length of its own.
LOOP_S = 90.0


class Step(NamedTuple):
    """at: part of the loop that has passed; do: a method of the story."""

    at: float
    title: str
    why: str
    do: str


class Key(NamedTuple):
    """keys: one or more characters; shown, what: on the screen; do: a method of the story, which
    is told the number of the character if there are more than one."""

    keys: str
    shown: str
    what: str
    do: str


COMMON_STEPS = (
    Step(0.58, "The broker goes away", "the appliance goes on, values wait", "stop_broker"),
    Step(0.68, "The broker comes back", "the newest values are published", "start_broker"),
    Step(0.85, "Somebody asks for all values", "cmnd/{name}/Refresh", "refresh"),
)
COMMON_KEYS = (
    Key("b", "b", "broker", "toggle_broker"),
    Key("w", "w", "Wi-Fi", "toggle_wifi"),
    Key("r", "r", "refresh", "refresh"),
)


class Story:
    """Acts on the simulated hardware and on the broker; by the clock, or by keys."""

    # What the story of a profile has of its own. name: in the topics; config: lines of config.txt;
    # has_display: whether there is one to be shown; events: how the topics of events end.
    name = ""
    config = ""
    events: tuple[str, ...] = ()
    has_display = False
    own_steps: tuple[Step, ...] = ()
    own_keys: tuple[Key, ...] = ()
    # Of one with a second device, with which the first talks by radio: its profile, its lines.
    profile = ""
    other_profile = ""
    other_config = ""
    other: ApplianceProcess | None = None
    pace = ""  # how time goes for the two

    def __init__(
        self, state: DemoState, process: ApplianceProcess, listener: Listener, loop_s: float
    ) -> None:
        self._state = state
        self._process = process
        self._listener = listener
        self.loop_s = loop_s
        self.steps = steps_of(type(self))
        self.keys = self.own_keys + COMMON_KEYS
        self._resets = state.resets
        self.wifi_on = True
        self.paused = False
        self.step: Step | None = None
        self.seen: set[Step] = set()
        self._clock_s = 0.0
        self._next = 0
        self._ticked_s = state.now_s()
        self._pending: deque[tuple[str, str]] = deque(maxlen=_MOST_PENDING)

    # For the story of a profile.

    def live(self, passed_s: float) -> None:
        """What the hardware does by itself."""

    def set_up_again(self) -> None:
        """The simulated hardware begins anew with each start of the appliance."""

    def rows(self, narrow: bool) -> list[tuple[str, Text]]:
        """The world as the view shows it: (what, how it is); what may be empty."""
        return []

    def hardware(self, line: str) -> None:
        """See testmock/realtime.py."""
        self._process.command(line)

    def send(self, topic: str, payload: str) -> None:
        """A command to the appliance, as soon as it hears."""
        self._pending.append((topic, payload))

    def other_hardware(self, line: str) -> None:
        if self.other:
            self.other.command(line)

    def other_event(self, kind: str, value: object) -> None:
        """What happens in the second device; as DemoState.event()."""

    def _hear_other(self) -> None:
        while self.other and not self.other.events.empty():
            kind, value = self.other.events.get()
            if kind == "console":
                self._state.log.append((self._state.now_s(), f"{self.other_profile}: {value}"))
                self._state.tell("radio", f"{self.other_profile}: {value}")
            self.other_event(kind, value)

    # For the demo and its views.

    @property
    def progress(self) -> float:
        return self._clock_s / self.loop_s

    def actions(self) -> dict[str, Callable[[], None]]:
        """What the keys do, except q and the space bar."""
        found: dict[str, Callable[[], None]] = {}
        for row in self.keys:
            act = getattr(self, row.do)
            for i, key in enumerate(row.keys):
                found[key] = act if len(row.keys) == 1 else lambda act=act, i=i: act(i)
        return found

    def tick(self) -> None:
        """Let the time pass that has passed."""
        now_s = self._state.now_s()
        passed_s = now_s - self._ticked_s
        if passed_s < _STEP_S:
            return
        self._ticked_s = now_s
        if self._resets != self._state.resets:
            self._resets = self._state.resets
            self.set_up_again()
            if not self.wifi_on:
                self.hardware("set wifi.available 0")
        self._hear_other()
        self.live(passed_s)
        self._send_pending(now_s)
        if self.paused:
            return
        self._clock_s += passed_s
        steps = self.steps
        while self._next < len(steps) and self._clock_s >= steps[self._next].at * self.loop_s:
            self._begin(steps[self._next])
            self._next += 1
        if self._clock_s >= self.loop_s:
            self._clock_s -= self.loop_s
            self._next = 0

    def _send_pending(self, now_s: float) -> None:
        online = self._state.topics.get("Availability")
        if self._state.mqtt() != "connected" or (online and now_s - online.at_s < _SUBSCRIBED_S):
            return
        while self._pending:
            self._listener.command(*self._pending.popleft())

    def _begin(self, step: Step) -> None:
        if step.do == "stop_broker" and self._state.updating:
            self._state.tell("story", "The broker stays: the appliance is being updated")
            return
        if step.do == "start_broker" and self._state.broker.running:
            return
        self.step = step
        self.seen.add(step)
        self._state.tell("story", f"{step.title}: {step.why}")
        act: Callable[[], None] = getattr(self, step.do)
        act()

    # What the steps and the keys do.

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
        self.hardware(f"set wifi.available {int(self.wifi_on)}")

    def refresh(self) -> None:
        self.send("Refresh", "1")


def steps_of(story: type[Story]) -> tuple[Step, ...]:
    """All steps, in the order of time."""
    steps = sorted((*story.own_steps, *COMMON_STEPS), key=lambda step: step.at)
    return tuple(step._replace(why=step.why.format(name=story.name)) for step in steps)


# Who of two has the story.
PAIRS = {"scale": "scale_manager", "scale_sensor": "scale_manager", "tnowp": "tnowc"}


def story_of(profile: str) -> type[Story]:
    """The story that belongs to a profile."""
    profile = PAIRS.get(profile, profile)
    told = [name for name in profiles() if (_FOLDER / f"{name}.py").exists()]
    if profile not in told:
        raise ToolError(f"no story for '{profile}' (there are: {', '.join(told)})")
    return importlib.import_module(f"epxhost.demostories.{profile}").STORY


def config_text(story: type[Story], broker_port: int, otakey: str) -> str:
    """config.txt of the appliance in this story."""
    return (
        "ssid demo\npassword demo\n"
        f"mqttbroker 127.0.0.1\nmqttport {broker_port}\nmqttname {story.name}\n"
        f"watchdog 1\notakey {otakey}\n{story.config}"
    )
