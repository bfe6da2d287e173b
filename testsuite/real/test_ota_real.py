"""Updates with real processes: scripts/ota of another clone against h2o on real MicroPython, over
real sockets and a real Mosquitto.

Two minutes have to go by before a device confirms an update. Here its clock goes ten times as fast
as the one on the wall (testmock/shifted.py), so that these take twelve seconds. The program does
not know; the tool, the broker and the network live at the usual pace, and are slow for it.
"""

import os
import re
import shutil
import subprocess
import sys
import threading

import pytest

from epxhost import toolchain
from epxhost.appliance_process import ApplianceProcess, mocks_heap_bytes
from epxhost.door import ROOT
from epxhost.localbroker import LocalBroker, free_port
from epxhost.mqttclient import DeviceAtBroker, Server
from epxhost.otatools import Address, Terminal, tcp_link

# The heap of an ESP32; the simulated hardware, which a board has none of, gets its own.
HEAP_BYTES = 100 * 1024
SPEED = 10
LIMIT_S = 30
NAME = "Tank"
KEY = "sixteen letters and more"
CONFIG = """\
ssid home
password secret
mqttbroker {host}
mqttport {port}
mqttname {name}
otakey {key}
watchdog 1
unit L
capacity 1000
levelsensors 20,40,60,80,100
flowpulserate 4.8
maxflow 50
"""

pytestmark = pytest.mark.skipif(
    not (toolchain.mosquitto() and toolchain.micropython32()), reason=toolchain.why_not()
)


class Clone:
    """The repository as somebody else has it, a version later."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("lib", "profiles", "scripts", "testmock"):
            shutil.copytree(ROOT / name, folder / name)
        self.version = int((ROOT / "VERSION").read_text())

    def change(self, path, old, new):
        """Another version, in which this file is another."""
        file = self.folder / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))
        self.version += 1
        (self.folder / "VERSION").write_text(f"{self.version}\n")
        assert self.run("manifests").returncode == 0

    def run(self, *command, **environment):
        return subprocess.run(
            [sys.executable, self.folder / "scripts" / command[0], *command[1:]],
            env=os.environ | {"EPX_ANY_PYTHON": "1"} | environment,
            capture_output=True,
            text=True,
            timeout=4 * LIMIT_S,
            check=False,
        )


class Device:
    """An installed h2o that was never updated, its console, and its port of this computer."""

    def __init__(self, broker, folder):
        micropython = toolchain.micropython32()
        heap = HEAP_BYTES + mocks_heap_bytes(micropython, "h2o", shifted=True)
        self.address = Address("127.0.0.1", free_port())
        self.broker = Server(broker.host, broker.port)
        self.console = []
        self.process = ApplianceProcess(
            "h2o",
            CONFIG.format(host=broker.host, port=broker.port, name=NAME, key=KEY),
            [*micropython, "-X", f"heapsize={heap}"],
            folder,
            installed=True,
            compiled=True,
            port=self.address.port,
            speed=SPEED,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        kind = ""
        while kind != "exit":
            kind, value = self.process.events.get()
            if kind == "console":
                self.console.append(value)

    def ota(self, clone):
        """`scripts/ota Tank h2o --mpy` in that clone."""
        server = f"{self.broker.host}:{self.broker.port}"
        return clone.run("ota", NAME, "h2o", "--mpy", EPX_MQTT_SERVER=server, EPX_OTAKEY=KEY)

    def running(self):
        return (self.process.folder / "running.txt").read_text().split()

    def at_broker(self):
        return DeviceAtBroker(NAME, self.broker, everything=True)


@pytest.fixture(scope="module")
def device(tmp_path_factory):
    with LocalBroker(need_mosquitto=True) as broker:
        device = Device(broker, tmp_path_factory.mktemp("device"))
        with device.process:
            with device.at_broker() as at_broker:
                wait_for(at_broker, "Availability", "online")
            yield device


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return Clone(tmp_path_factory.mktemp("clone"))


def wait_for(at_broker, topic, text):
    """The text of a fresh or retained message."""
    found = at_broker.wait_for(lambda m: m.topic == topic and text in m.text, LIMIT_S)
    assert found, f"nobody has said '{text}' on {topic}"
    return found.text


def test_an_update_is_sent_started_and_confirmed(device, clone):
    clone.change("lib/epx/diag.py", 'VERSION = "', 'VERSION = "9.')
    done = device.ota(clone)
    words = done.stdout + done.stderr
    assert done.returncode == 0, words + "\n".join(device.console)
    assert re.search(r"\b1 file sent", words), words
    assert re.search(rf"confirmed.*version {clone.version}\b", done.stdout), words
    assert device.running()[:3] == ["b", "confirmed", "a"]
    assert device.process.resets == [2]
    with device.at_broker() as at_broker:
        at_broker.command("1", "Refresh")
        wait_for(at_broker, "CoarseLevelPct", "100")
        at_broker.command("getversion")
        assert "epx 9." in wait_for(at_broker, "Log", "MicroPython")


def test_an_update_that_cannot_run_is_taken_back_by_the_device(device, clone):
    before = device.running()[0]
    clone.change("lib/h2o/sensor.py", "\nclass ", "\nimport nowhere\n\n\nclass ")
    done = device.ota(clone)
    words = done.stdout + done.stderr
    assert done.returncode == 1, words + "\n".join(device.console)
    assert f"update failed, back to set {before}" in words and "nowhere" in words
    assert device.running()[:2] == [before, "confirmed"]
    with device.at_broker() as at_broker:
        wait_for(at_broker, "Availability", "online")
        at_broker.command("getversion")
        assert f"set {before} runs: h2o version {clone.version - 1}" in wait_for(
            at_broker, "Log", " runs: "
        )


def test_a_second_tool_is_told_who_holds_the_device(device, clone):
    """By its address on a board; MicroPython on a PC does not tell the program who has called."""
    with device.at_broker() as at_broker:
        at_broker.command("open")
        wait_for(at_broker, "OTA", f"addr {device.address} ")

    def hold(client):
        done = device.ota(clone)
        assert done.returncode == 1
        assert "held by somebody" in done.stderr
        assert client.identity["profile"] == "h2o"

    tcp_link(device.address, KEY, Terminal()).run(hold)
