"""What the demo knows: filled by the appliance's process and the broker, read by views."""

import queue
import time
from collections import deque
from typing import NamedTuple

import paho.mqtt.client as paho

from epxhost.appliance_process import ApplianceProcess
from epxhost.localbroker import LocalBroker

_LOG_LINES = 200
# While its port is open, it says so every 10 s.
_OPEN_S = 15.0
# So long a trial can last, and the restarts at its begin and end.
_TRIAL_S = 660.0
# network.STAT_... of the ESP32.
_WIFI_STATES = {
    1000: "off",
    1001: "connecting",
    1010: "connected",
    200: "out of range",
    201: "no access point",
    202: "wrong password",
}


class Value(NamedTuple):
    text: str
    at_s: float
    changed_s: float


class Happening(NamedTuple):
    """kind: story, topic, log, wifi, mqtt, error (of the simulated hardware) or end."""

    at_s: float
    kind: str
    text: str


class DemoState:
    """All times are seconds since the start of the demo."""

    def __init__(self, profile: str, where: str, broker: LocalBroker, topic_name: str) -> None:
        self.profile = profile
        self.where = where
        self.broker = broker
        self.topic_name = topic_name
        # How the topics end that are news each time.
        self.events: tuple[str, ...] = ()
        self.started = time.monotonic()
        self.topics: dict[str, Value] = {}
        self.publications = 0
        self.first_publication_s: float | None = None
        self.picture = bytes(1024)
        self.pins: dict[str, int] = {}
        self.wifi = "off"
        self.availability = "unknown"
        self.ended: object = None
        self.resets = 0
        self.updates = 0
        self._updating_until_s = 0.0
        self.log: deque[tuple[float, str]] = deque(maxlen=_LOG_LINES)
        self.broker_started_s = 0.0
        self.recoveries_s: list[float] = []
        self._awaits_recovery = False
        self._happenings: deque[Happening] = deque(maxlen=1000)

    def now_s(self) -> float:
        return time.monotonic() - self.started

    def tell(self, kind: str, text: str) -> None:
        self._happenings.append(Happening(self.now_s(), kind, text))

    def take_happenings(self) -> list[Happening]:
        taken = list(self._happenings)
        self._happenings.clear()
        return taken

    def mqtt(self) -> str:
        """The appliance's connection as somebody else at the broker sees it."""
        if not self.broker.running:
            return "broker is away"
        return "connected" if self.availability == "online" else "connecting"

    @property
    def updating(self) -> bool:
        """Whether somebody is about to update the appliance, or an update is on trial."""
        return self.now_s() < self._updating_until_s

    def broker_stopped(self) -> None:
        self.availability = "unknown"

    def broker_started(self) -> None:
        self.broker_started_s = self.now_s()
        self._awaits_recovery = True

    def message(self, topic: str, payload: bytes, retained: bool) -> None:
        short = topic.removeprefix(f"stat/{self.topic_name}/")
        if short == topic:
            self.tell("topic", f"{topic} {_printable(payload)}")
            return
        now_s, text = self.now_s(), _printable(payload)
        if short == "Availability":
            self.availability = text
            self.tell("mqtt", text)
        if retained:
            return
        if short == "OTA":
            self._updating_until_s = max(self._updating_until_s, self.now_s() + _OPEN_S)
        self.publications += 1
        if self.first_publication_s is None:
            self.first_publication_s = now_s
        if self._awaits_recovery:
            self._awaits_recovery = False
            self.recoveries_s.append(now_s - self.broker_started_s)
        before = self.topics.get(short)
        changed = before is None or before.text != text or short.endswith(self.events)
        self.topics[short] = Value(text, now_s, now_s if changed else before.changed_s)
        if changed and short not in ("Log", "Availability"):
            self.tell("topic", f"{short} {text}")

    def event(self, kind: str, value: object) -> None:
        """One event of ApplianceProcess."""
        if kind == "console":
            self._follow_update(str(value))
            self.log.append((self.now_s(), str(value)))
            self.tell("log", str(value))
        elif kind == "exit":
            self.ended = value
            self.tell("end", f"the appliance's process has ended with status {value}")
        elif isinstance(value, dict):
            self._hardware(value)

    def _follow_update(self, line: str) -> None:
        now_s = self.now_s()
        if "OTA: committed" in line:
            self.updates += 1
            self._updating_until_s = now_s + _TRIAL_S
        elif ("update:" in line and "confirmed" in line) or "update failed, back to" in line:
            self._updating_until_s = now_s

    def _hardware(self, changes: dict) -> None:
        if "picture" in changes:
            self.picture = bytes.fromhex(changes["picture"])
        if "pins" in changes:
            self.pins = changes["pins"]
        if "wifi" in changes:
            code = changes["wifi"]
            self.wifi = _WIFI_STATES.get(code, f"status {code}")
            self.tell("wifi", self.wifi)
        if "error" in changes:
            self.tell("error", changes["error"])
        if "reset" in changes:
            self.resets += 1
            self.tell("log", f"reset, cause {changes['reset']}")


class Listener:
    """A client that watches the broker; its messages wait until pump() hands them to the state."""

    def __init__(self, broker: LocalBroker, topic_name: str) -> None:
        self._topic_name = topic_name
        self._arrived: queue.Queue[tuple[str, bytes, bool]] = queue.Queue()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(min_delay=0.2, max_delay=0.2)
        self._client.on_connect = lambda client, *_: client.subscribe("#", 0)
        self._client.on_message = self._on_message
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        self._arrived.put((message.topic, message.payload, message.retain))

    def command(self, topic: str, payload: str) -> None:
        self._client.publish(f"cmnd/{self._topic_name}/{topic}", payload, qos=1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def pump(self, state: DemoState, process: ApplianceProcess, limit_s: float) -> None:
        """Hand all that has come to the state; wait for the first one up to limit_s."""
        try:
            state.message(*self._arrived.get(timeout=limit_s))
            while True:
                state.message(*self._arrived.get_nowait())
        except queue.Empty:
            pass
        try:
            while True:
                state.event(*process.events.get_nowait())
        except queue.Empty:
            pass


def _printable(payload: bytes) -> str:
    return payload.decode("utf-8", "replace")
