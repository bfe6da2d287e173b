"""Updates of a device that sleeps: its central announces them by radio, and tells how they end."""

import json
import re
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from epxhost.errors import ToolError
from epxhost.mqttclient import Message

# It sleeps for an hour, by a clock that is off by some percent, or rests that long after a fault.
_WAKE_LIMIT_S = 70 * 60.0
# From the wish to the broker: a restart, Wi-Fi, MQTT.
_COME_LIMIT_S = 5 * 60.0
# Who is on trial has three wakes to prove itself; the one after them runs the old program.
_VERDICT_LIMIT_S = 3.5 * 3600
_ANSWER_LIMIT_S = 15.0
# A device with its port open says so every 10 s.
_THERE_LIMIT_S = 12.0
_STEP_S = 0.5
# How long the broker takes to hand out what it has retained.
_RETAINED_LIMIT_S = 1.0

_LINE = re.compile(
    r"netnow: update of (?P<identity>[0-9a-f]{12}): (?P<state>\w+)"
    r"(, set (?P<set>[ab]?) (?P<why>.*))?"
)
_UNKNOWN = re.compile(r"netnow: want 12 hex digits of a paired device")
_IDENTITY = re.compile(r"[0-9a-f]{12}")


class AtBroker(Protocol):
    """What is needed of epxhost.mqttclient.DeviceAtBroker."""

    device: str
    availability: str | None

    def command(self, text: str, topic: str = "OTA") -> None: ...

    def require_online(self) -> None: ...

    def wait_for(
        self,
        wanted: Callable[[Message], bool],
        limit_s: float,
        seen: Callable[[Message], None] | None = None,
    ) -> Message | None: ...


class State(NamedTuple):
    """What the central says of an update: a word (see lib/epx/nowpeers.py), then set and reason
    if it is over."""

    word: str
    set_name: str = ""
    why: str = ""


def parse_identity(text: str) -> str:
    """12 hex digits, however they are separated."""
    digits = re.sub(r"[:-]", "", text).lower()
    if not _IDENTITY.fullmatch(digits):
        raise ToolError(
            f"'{text}' is no identity: want 12 hex digits, such as 240ac4000101; `monmqtt "
            "MANAGER` shows those of all its devices, on the topic Peers"
        )
    return digits


def parse_line(message: Message, identity: str) -> State | None:
    """From a line of the central's log."""
    found = _LINE.search(message.text) if message.topic == "Log" else None
    if not found or found["identity"] != identity:
        return None
    return State(found["state"], found["set"] or "", (found["why"] or "").strip())


def parse_peers(message: Message, identity: str) -> tuple[float, State] | None:
    """From its list of peers: when the device was heard last, as time.time(), and what then."""
    if message.topic != "Peers":
        return None
    try:
        rows = [row for row in json.loads(message.text)["peers"] if row["id"] == identity]
        if not rows:
            return None
        row = rows[0]
        state = State(row.get("update", ""), row.get("set", ""))
        return message.at_s - float(row["seen_s"]), state
    except (ValueError, KeyError, TypeError):
        return None


class Central:
    """The device's way to us while it sleeps.

    say(words): to the person. clock(): seconds, that of at_s of the messages.
    """

    def __init__(
        self,
        at_broker: AtBroker,
        identity: str,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._at_broker = at_broker
        self._identity = parse_identity(identity)
        self._say = say
        self._clock = clock

    # Before the update.

    def await_device(self, device: AtBroker) -> None:
        """Have the device come to the broker; ToolError says why it does not."""
        if self._is_there(device):
            return
        self._at_broker.require_online()
        self._announce()
        name = self._at_broker.device
        self._say(
            f"{device.device} sleeps. {name} tells it when it wakes: waiting up to "
            f"{_WAKE_LIMIT_S / 60:.0f} minutes (Ctrl-C: it comes all the same, and waits for 15)"
        )
        awaited = _Awaited(self._identity, name)
        limit_s = self._clock() + _WAKE_LIMIT_S
        while self._clock() < limit_s:
            if device.wait_for(_is_live, _STEP_S):
                return
            if not self._at_broker.wait_for(awaited.hear, _STEP_S):
                continue
            if awaited.wants_announcement:
                self._say(f"{name} has restarted, and is told again")
                self._announce()
            elif awaited.state.word == "taken":
                self._say(f"{device.device} has woken, and restarts with its network")
                limit_s = self._clock() + _COME_LIMIT_S
            else:
                raise ToolError(_why_not(awaited.state, device.device))
        raise ToolError(_too_late(awaited, device.device, name))

    def _is_there(self, device: AtBroker) -> bool:
        """At the broker from an announcement before this; what is retained may be long untrue."""
        device.wait_for(lambda message: message.topic == "Availability", _RETAINED_LIMIT_S)
        if device.availability != "online":
            return False
        device.command("open")
        return device.wait_for(_is_live, _THERE_LIMIT_S) is not None

    def _announce(self) -> None:
        """ToolError if the central does not obey."""
        heard: list[State] = []

        def answers(message: Message) -> bool:
            if message.retained:
                return False
            if message.topic == "Log" and _UNKNOWN.search(message.text):
                raise ToolError(
                    f"{self._at_broker.device} is not paired with {self._identity}: the topic "
                    "Peers has the identities of those that it has heard"
                )
            state = parse_line(message, self._identity)
            if state:
                heard.append(state)
            return state is not None

        self._at_broker.command(self._identity, "Update")
        if not self._at_broker.wait_for(answers, _ANSWER_LIMIT_S):
            raise ToolError(
                f"{self._at_broker.device} does not answer to Update: is it the central of "
                f"{self._identity} (scale_manager, tnowc), and its program of today?"
            )
        if heard[0].word not in ("waits", "taken"):
            raise ToolError(_why_not(heard[0], self._identity))

    # After it.

    def await_verdict(self, device: str, set_before: str | None, since_s: float) -> None:
        """Until what is new has proved itself; ToolError if it has not. since_s: of the restart,
        by clock(). set_before: the set that ran then; None: only config.txt is new."""
        verdict = _Verdict(self._identity, set_before, since_s, self._say)
        self._say(
            f"{device} works without a network again, on trial. A reading ends that which "
            f"{self._at_broker.device} confirms: in a minute, or at one of its next wakes "
            "(Ctrl-C: it goes on alone)"
        )
        if not self._at_broker.wait_for(verdict.hear, _VERDICT_LIMIT_S):
            raise ToolError(
                f"{device} was not heard of within {_VERDICT_LIMIT_S / 3600:.1f} hours: is it "
                f"in reach of {self._at_broker.device}, and its battery good? If what "
                "is new does not reach the central, the fourth wake has the old"
            )
        if verdict.failure is not None:
            raise ToolError(
                f"{verdict.failure}. {device} has again what it had before. The traceback, if "
                f"there is one, is in its exception.txt: announce an update once more, then "
                f"`otacmd {device} msg_exception` while it is at the broker"
            )


class _Awaited:
    """Hears the central until there is something to do. state: what it said last."""

    def __init__(self, identity: str, central: str) -> None:
        self.state = State("waits")
        self.wants_announcement = False
        self._identity = identity
        self._was_away = False

    def hear(self, message: Message) -> bool:
        if message.topic == "Availability" and not message.retained:
            # What it was told is forgotten with its restart.
            if self._was_away and message.text == "online" and self.state.word == "waits":
                self.wants_announcement = True
                self._was_away = False
                return True
            self._was_away = message.text == "offline"
        state = None if message.retained else parse_line(message, self._identity)
        if state is None or state == self.state:
            return False
        self.state = state
        self.wants_announcement = False
        return True


class _Verdict:
    """Hears the central until a trial is over. failure: None if it has gone well."""

    def __init__(
        self, identity: str, set_before: str | None, since_s: float, say: Callable[[str], None]
    ) -> None:
        self.failure: str | None = None
        self._identity = identity
        self._set_before = set_before
        self._since_s = since_s
        self._say = say
        self._on_trial = False

    def hear(self, message: Message) -> bool:
        """Whether this message ends it."""
        if message.retained or message.at_s < self._since_s:
            return False
        state = parse_line(message, self._identity)
        if state is None:
            row = parse_peers(message, self._identity)
            if row is None or row[0] <= self._since_s:
                return False
            state = row[1]
        if state.word == "trial":
            if not self._on_trial:
                self._say("it has started, and reached the central")
            self._on_trial = True
            return False
        if state.word in ("waits", "taken", "cannot"):
            return False
        # A central that has restarted meanwhile has forgotten that word, but hears which set runs.
        if not state.word and (self._set_before is None or not state.set_name):
            return False
        if state.word == "old" or state.set_name == self._set_before:
            before = f"set {self._set_before}" if self._set_before else "the old one"
            self.failure = state.why or f"update failed, back to {before}"
        return True


def _is_live(message: Message) -> bool:
    """Only who is at the broker says something now."""
    if message.retained or not message.topic:
        return False
    return message.text == "online" if message.topic == "Availability" else True


def _why_not(state: State, device: str) -> str:
    if state.word == "cannot":
        return (
            f"{device} says that it cannot: it has no ssid, mqttbroker, mqttname or otakey in its "
            "config.txt. `pcp_conf FILE` sends them, at its USB port; press its reset button first"
        )
    if state.word == "trial":
        return (
            f"{device} is on trial: an update before this one is not confirmed yet. Try again "
            "when it is, or has gone back, after three more wakes at most"
        )
    reason = f" ({state.why})" if state.why else ""
    return (
        f"{device} knew of the update, but sleeps again{reason}: it has not reached network or "
        "broker within 15 minutes, or had no memory left for it. Try again nearer to the "
        "access point"
    )


def _too_late(awaited: _Awaited, device: str, central: str) -> str:
    if awaited.state.word == "taken":
        return (
            f"{device} has restarted with its network, but does not come to the broker: are ssid, "
            "password and mqttbroker in its config.txt right, and the access point in reach? It "
            "gives up after 15 minutes and works on"
        )
    return (
        f"{device} has not woken within {_WAKE_LIMIT_S / 60:.0f} minutes: is it in reach of "
        f"{central} (topic Peers: seen_s), and its battery good? It still comes once when it wakes"
    )
