"""A few seconds in the life of an appliance in real time at a real broker, and what must be seen.

The smoke ring of `make test` and bench/heap_min.py are made of this. Of each profile: which values
come first, and what it answers when its hardware or somebody at the broker does something
(first_values); of the water tank, the longer story with a broker that goes away (exercise).
"""

import functools
import queue
import re
import time
from collections.abc import Callable
from typing import NamedTuple

import paho.mqtt.client as paho

from epxhost.appliance_process import ApplianceProcess
from epxhost.door import ROOT
from epxhost.localbroker import LocalBroker

NAME = "Smoke"
# What every appliance publishes.
COMMON = tuple("Availability Uptime Diag Log".split())
FIRST_VALUES_S = 40.0
BACK_S = 10.0
_AGAIN_S = 3.0
_POLL_S = 0.2


class Step(NamedTuple):
    """hardware: lines for testmock.control; commands: (topic, payload) at the broker; then each
    (topic, payload or None: any) of answers must come. again: who is not heard tries again."""

    hardware: tuple[str, ...] = ()
    commands: tuple[tuple[str, str], ...] = ()
    answers: tuple[tuple[str, str | None], ...] = ()
    again: bool = False


class Life(NamedTuple):
    """topics: those that must have a value, besides COMMON; then the steps. keys: of config.txt,
    otherwise than in the example. Of one in CENTRALS: what that publishes for it."""

    topics: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    keys: tuple[str, ...] = ()


_REFRESH = ("Refresh", "1")
# Of profiles that have no broker, but a radio: who publishes for them.
CENTRALS = {"scale_sensor": "scale_manager", "tnowp": "tnowc"}
LIVES = {
    "energy": Life(
        ("Malfunction",),
        (
            # The meter is asked from the 20th second on.
            Step(
                commands=(("Ticker", "on"),),
                answers=(("Vnow", "220.0"), ("Anow", "4.00"), ("Wnow", "880.0"), ("VAnow", None)),
                again=True,
            ),
        ),
    ),
    "h2o": Life(
        tuple(
            "VolUnit CoarseLevelPct CoarseLevelVol EstimatedLevelVol EstimatedLevelStr "
            "Flow PumpedAfterLevelChange Pumped Malfunctions LevelSensorMap".split()
        ),
        (Step(commands=(_REFRESH,), answers=(("VolUnit", "L"), ("CoarseLevelPct", "100"))),),
    ),
    "relay": Life(
        tuple(f"{i}/State" for i in range(4)),
        (
            Step(commands=(("2/TurnOnWithTimeout", "2"),), answers=(("2/State", "1"),)),
            Step(answers=(("2/State", "0"),)),
        ),
    ),
    "rx433": Life(
        ("Statistics",),
        (
            Step(
                hardware=("call keyfob.ev1527 11259365",),
                answers=(("Keyfob", "EV1527:11259365"), ("Button", "gate")),
                again=True,  # nobody is heard in the first twelve seconds
            ),
        ),
        ("rmt 1",),  # in real time a PC's processor is too late for pulses
    ),
    "scale_manager": Life(("Peers",)),
    "scale_sensor": Life(
        ("Weight", "Peers"),
        (Step(answers=(("Weight", "7.000"),), again=True),),
        ("calibration_a 10", "calibration_b 20"),
    ),
    "switch": Life(
        (*(f"{i}/State" for i in range(4)), "Program", "ProgramCompilation"),
        (
            Step(commands=(("1/State", "on"),), answers=(("1/State", "1"),)),
            Step(hardware=("input 26 0",), answers=(("Manual0/Event", "P"), ("0/State", "1"))),
        ),
    ),
    "termo": Life(
        tuple(
            "Malfunction Temperature/2801000000000029 "
            "Temperature/2802000000000070 Temperature/2803000000000047".split()
        ),
        (
            Step(
                commands=(_REFRESH,),
                answers=(
                    ("Malfunction", "0"),
                    ("Temperature/2801000000000029", "21.0"),
                    ("Temperature/2803000000000047", "23.0"),
                ),
            ),
        ),
    ),
    "tnowc": Life(("Peers",)),
    "tnowp": Life(
        ("YourRSSI", "Peers"),
        (
            Step(commands=(("Trigger", "1"),)),
            Step(answers=(("YourRSSI", "-50"),), again=True),
        ),
    ),
    "weather": Life(
        ("Temperature", "Humidity", "Pressure", "Malfunction"),
        (
            Step(
                commands=(_REFRESH,),
                answers=(("Temperature", "21.5"), ("Malfunction", "0")),
            ),
        ),
    ),
}


def life(profile: str) -> Life:
    """One that is not in the table has to come up, and to publish what every appliance does."""
    return LIVES.get(profile, Life(()))


def example_config(profile: str, host: str, *lines: str) -> str:
    """The example configuration of a profile, at this broker, and with other lines."""
    text = (ROOT / "profiles" / profile / "config.txt.example").read_text()
    for line in (f"mqttbroker {host}", *lines):
        key = line.split()[0]
        text = re.sub(rf"^{key} .*\n", "", text, flags=re.M) + line + "\n"
    return text


def config_text(broker: LocalBroker, *lines: str, profile: str = "h2o") -> str:
    """The same in real time: the appliance that a Watcher watches."""
    keys = (f"mqttport {broker.port}", f"mqttname {NAME}", *life(profile).keys, *lines)
    return example_config(profile, broker.host, *keys)


class Failure(AssertionError):
    """What was missed, and what the device said."""


class Times(NamedTuple):
    """Seconds until all topics had a value, until Refresh was answered, until the device was back
    after a restart of the broker, until the display showed a new level."""

    first_values_s: float
    refresh_s: float
    back_s: float
    display_s: float


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

    def wait_for(
        self,
        limit_s: float,
        *wanted: tuple[str, str | None],
        again: Callable[[], None] | None = None,
    ) -> float:
        """Wait until each (topic, payload or None: any) has come; the seconds that took.

        again is called every now and then meanwhile."""
        begin = called = time.monotonic()
        missing = list(wanted)
        while missing:
            if again and time.monotonic() - called > _AGAIN_S:
                called = time.monotonic()
                again()
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


def first_values(watcher: Watcher, process: ApplianceProcess, profile: str) -> tuple[float, float]:
    """What a profile publishes first, and each step of its life: the seconds both took."""
    topics, steps, _ = life(profile)
    came_s = watcher.wait_for(FIRST_VALUES_S, *((topic, None) for topic in COMMON + topics))
    took_s = 0.0
    for step in steps:
        happens = functools.partial(_happens, watcher, process, step)
        happens()
        limit_s, again = (FIRST_VALUES_S, happens) if step.again else (BACK_S, None)
        took_s += watcher.wait_for(limit_s, *step.answers, again=again)
    return came_s, took_s


def _happens(watcher: Watcher, process: ApplianceProcess, step: Step) -> None:
    for line in step.hardware:
        process.command(line)
    for topic, payload in step.commands:
        watcher.command(topic, payload)


def exercise(broker: LocalBroker, watcher: Watcher, process: ApplianceProcess) -> Times:
    """Of a water tank: first values, a broker that is killed and started again, a new picture."""
    first_values_s, refresh_s = first_values(watcher, process, "h2o")
    broker.kill()
    broker.start()
    back_s = watcher.wait_for(BACK_S, ("Availability", "online"))
    process.command("set expander.inputs 0xfff8")
    watcher.wait_for(BACK_S, ("CoarseLevelPct", "60"), ("LevelSensorMap", "1,1,1,0,0"))
    return Times(first_values_s, refresh_s, back_s, watcher.wait_for_picture(BACK_S))
