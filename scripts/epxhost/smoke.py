"""A few seconds in the life of a water tank in real time at a real broker, and what must be seen.

The smoke ring of `make test` and bench/heap_min.py are made of this.
"""

import queue
import time
from typing import NamedTuple

import paho.mqtt.client as paho

from epxhost.appliance_process import ApplianceProcess
from epxhost.localbroker import LocalBroker

NAME = "Smoke"
# Every topic of h2o, and those that every appliance has.
TOPICS = tuple(
    "Availability Uptime Diag Log "
    "VolUnit CoarseLevelPct CoarseLevelVol EstimatedLevelVol EstimatedLevelStr "
    "Flow PumpedAfterLevelChange Pumped Malfunctions LevelSensorMap".split()
)
FIRST_VALUES_S = 20.0
BACK_S = 10.0
_POLL_S = 0.2
_CONFIG = """\
ssid home
password secret
mqttbroker {host}
mqttport {port}
mqttname {name}
watchdog 1
unit L
capacity 1000
levelsensors 20,40,60,80,100
flowpulserate 4.8
maxflow 50
"""


class Failure(AssertionError):
    """What was missed, and what the device said."""


class Times(NamedTuple):
    """Seconds until all topics had a value, until Refresh was answered, until the device was back
    after a restart of the broker, until the display showed a new level."""

    first_values_s: float
    refresh_s: float
    back_s: float
    display_s: float


def config_text(broker: LocalBroker, more: str = "") -> str:
    return _CONFIG.format(host=broker.host, port=broker.port, name=NAME) + more


class Watcher:
    """Somebody else at the broker, who also listens to the device's console and display."""

    def __init__(
        self,
        broker: LocalBroker,
        process: ApplianceProcess,
        user: str | None = None,
        password: str | None = None,
        authority: str | None = None,
    ) -> None:
        self.console: list[str] = []
        self.pictures: list[bytes] = []
        self._process = process
        self._arrived: queue.Queue[tuple[str, str]] = queue.Queue()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(min_delay=0.2, max_delay=0.2)
        if user:
            self._client.username_pw_set(user, password)
        if authority:
            self._client.tls_set(ca_certs=authority)
        self._client.on_connect = lambda client, *_: client.subscribe("stat/#", 1)
        self._client.on_message = self._on_message
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(self, *error: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        topic = message.topic.removeprefix(f"stat/{NAME}/")
        self._arrived.put((topic, message.payload.decode()))

    def command(self, topic: str, payload: str) -> None:
        self._client.publish(f"cmnd/{NAME}/{topic}", payload, qos=1)

    def wait_for(self, limit_s: float, *wanted: tuple[str, str | None]) -> float:
        """Wait until each (topic, payload or None: any) has come; the seconds that took."""
        begin = time.monotonic()
        missing = list(wanted)
        while missing:
            self._hear_device()
            try:
                topic, payload = self._arrived.get(timeout=_POLL_S)
                missing = [w for w in missing if w[0] != topic or w[1] not in (None, payload)]
            except queue.Empty:
                pass
            if missing and time.monotonic() - begin > limit_s:
                raise self._failure(f"not within {limit_s} s: {missing}")
        return time.monotonic() - begin

    def wait_for_picture(self, limit_s: float) -> float:
        """Wait until the display shows something else than at the call."""
        begin = time.monotonic()
        seen = len(self.pictures)
        while len(self.pictures) == seen:
            self._hear_device(_POLL_S)
            if time.monotonic() - begin > limit_s:
                raise self._failure(f"no new picture within {limit_s} s")
        return time.monotonic() - begin

    def _hear_device(self, limit_s: float = 0) -> None:
        try:
            self._heard(*self._process.events.get(timeout=limit_s or 0.001))
            while True:
                self._heard(*self._process.events.get_nowait())
        except queue.Empty:
            pass

    def _heard(self, kind: str, value: object) -> None:
        if kind == "console":
            self.console.append(str(value))
            if str(value).startswith(("error", "Traceback")):
                raise self._failure("the device has complained")
        elif kind == "exit":
            raise self._failure(f"the device's program has ended with status {value}")
        elif isinstance(value, dict):
            if "picture" in value:
                self.pictures.append(bytes.fromhex(value["picture"]))
            if "reset" in value:
                raise self._failure(f"reset, cause {value['reset']}")

    def _failure(self, what: str) -> Failure:
        return Failure("\n".join([what, *self.console]))


def exercise(broker: LocalBroker, watcher: Watcher, process: ApplianceProcess) -> Times:
    """All topics, a command, a broker that is killed and started again, a new picture."""
    first_values_s = watcher.wait_for(FIRST_VALUES_S, *((topic, None) for topic in TOPICS))
    watcher.command("Refresh", "1")
    refresh_s = watcher.wait_for(BACK_S, ("VolUnit", "L"), ("CoarseLevelPct", "100"))
    broker.kill()
    broker.start()
    back_s = watcher.wait_for(BACK_S, ("Availability", "online"))
    process.command("set expander.inputs 0xfff8")
    watcher.wait_for(BACK_S, ("CoarseLevelPct", "60"), ("LevelSensorMap", "1,1,1,0,0"))
    return Times(first_values_s, refresh_s, back_s, watcher.wait_for_picture(BACK_S))
