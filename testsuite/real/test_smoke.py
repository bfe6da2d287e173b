"""h2o in real time at a real broker, watched by a paho client; only the hardware is simulated."""

import queue
import time

import paho.mqtt.client as paho
import pytest

from epxhost import appliance_process, toolchain
from epxhost.appliance_process import ApplianceProcess
from epxhost.localbroker import LocalBroker

# The heap of an ESP32; the simulated hardware, which a board has none of, gets its own.
HEAP_BYTES = 100 * 1024
FIRST_VALUES_S = 20.0
BACK_S = 10.0
CONFIG = """\
ssid home
password secret
mqttbroker {host}
mqttport {port}
mqttname Smoke
watchdog 1
unit L
capacity 1000
levelsensors 20,40,60,80,100
flowpulserate 4.8
maxflow 50
"""

pytestmark = pytest.mark.skipif(
    not toolchain.mosquitto(), reason=f"no Mosquitto: {toolchain.why_not('mosquitto')}"
)


class Watcher:
    """Somebody else at the broker: keeps what arrives until it is asked for."""

    def __init__(self, broker):
        self._broker = broker
        self._arrived = queue.Queue()
        self.client = None
        self.connect()

    def connect(self):
        if self.client:
            self.client.loop_stop()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.on_connect = lambda client, *_: client.subscribe("stat/#", 1)
        subscribed = queue.Queue()
        self.client.on_subscribe = lambda *_: subscribed.put(True)
        self.client.on_message = lambda client, _, message: self._arrived.put(
            (message.topic, message.payload.decode())
        )
        self.client.connect(self._broker.host, self._broker.port)
        self.client.loop_start()
        subscribed.get(timeout=BACK_S)

    def wait_for(self, limit_s, *wanted):
        """Wait until each (topic, payload or None) has come; the seconds that took."""
        begin = time.monotonic()
        missing = list(wanted)
        while missing:
            left_s = begin + limit_s - time.monotonic()
            try:
                topic, payload = self._arrived.get(timeout=max(left_s, 0.01))
            except queue.Empty:
                raise AssertionError(f"not within {limit_s} s: {missing}") from None
            missing = [
                (name, text)
                for name, text in missing
                if name != topic or text not in (None, payload)
            ]
        return time.monotonic() - begin


@pytest.fixture
def broker():
    with LocalBroker(need_mosquitto=True) as broker:
        yield broker


@pytest.fixture(params=["micropython", "cpython"])
def device(request, broker):
    interpreter = None
    if request.param == "micropython":
        micropython = toolchain.micropython32()
        if micropython is None:
            pytest.skip(f"no 32-bit MicroPython: {toolchain.why_not('micropython32')}")
        heap = HEAP_BYTES + appliance_process.mocks_heap_bytes(micropython, "h2o")
        interpreter = [*micropython, "-X", f"heapsize={heap}"]
    config = CONFIG.format(host=broker.host, port=broker.port)
    with ApplianceProcess("h2o", config, interpreter) as process:
        yield process


def told(process):
    """(console lines, pictures of the display) so far."""
    console, pictures = [], []
    while not process.events.empty():
        kind, value = process.events.get()
        if kind == "console":
            console.append(value)
        elif kind == "state" and "picture" in value:
            pictures.append(bytes.fromhex(value["picture"]))
    return console, pictures


def test_publishes_obeys_and_comes_back(broker, device):
    watcher = Watcher(broker)
    took_s = watcher.wait_for(
        FIRST_VALUES_S,
        ("stat/Smoke/Availability", "online"),
        ("stat/Smoke/CoarseLevelPct", "100"),
        ("stat/Smoke/Malfunctions", "0"),
        ("stat/Smoke/Flow", "0.0"),
        ("stat/Smoke/VolUnit", "L"),
    )
    print(f"first values after {took_s:.1f} s")
    device.command("set expander.inputs 0xfff8")
    watcher.wait_for(BACK_S, ("stat/Smoke/CoarseLevelPct", "60"))
    watcher.client.publish("cmnd/Smoke/Refresh", "1", qos=1)
    watcher.wait_for(BACK_S, ("stat/Smoke/VolUnit", "L"), ("stat/Smoke/CoarseLevelPct", "60"))
    broker.kill()
    broker.start()
    watcher.connect()
    took_s = watcher.wait_for(BACK_S, ("stat/Smoke/Availability", "online"))
    print(f"back after {took_s:.1f} s")
    watcher.client.loop_stop()
    console, pictures = told(device)
    print("\n".join(console))
    assert device.resets == []
    assert not [line for line in console if "Error" in line or line.startswith("error")]
    assert len(set(pictures)) > 2 and any(pictures[-1])
