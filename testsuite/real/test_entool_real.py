"""entool on the air of real processes: a profile started by scripts/test.py, and entool itself."""

import queue
import re
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from struct import pack

import paho.mqtt.client as paho
import pytest

from epxhost import cli, nowcapture, nowpackets, toolchain
from epxhost.door import ROOT
from epxhost.ether_hub import EtherHub
from epxhost.localbroker import LocalBroker
from epxhost.nowcapture import Frame
from epxhost.nowkeys import Pair, Pairs

LIMIT_S = 40
ME = bytes.fromhex("02e570010001")
DEVICE = "240ac4000201"
GATE = bytes.fromhex(DEVICE)
PAIR = Pair(bytes(range(32)), bytes(16), bytes(32), GATE, 1)
CONFIG = """ssid House
password secret
mqttbroker localhost
mqttname Gate
espnowpsk blabla
espnowgroup ble
"""
TOPIC = b"stat/TNow/Value\n"


class Process:
    """A command, and the lines that it says, with whatever is in them."""

    def __init__(self, *arguments):
        command = [sys.executable, *(str(argument) for argument in arguments)]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line.strip())
        self._lines.put(None)

    def said(self, pattern):
        """Wait for a line in which that is found."""
        while True:
            line = self._lines.get(timeout=LIMIT_S)
            assert line is not None, f"it ended with status {self._process.wait()}"
            if re.search(pattern, line):
                return line

    def status(self):
        return self._process.wait(LIMIT_S)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.terminate()
        self._process.wait(LIMIT_S)
        self._thread.join()


@pytest.fixture
def hub():
    with EtherHub() as hub:
        yield hub


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.txt"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def pairs(tmp_path):
    path = tmp_path / "pairs.json"
    Pairs(path).put(ME, PAIR)
    return path


def run(*arguments):
    return cli.main("entool", [str(argument) for argument in arguments])


def entool(*arguments):
    return Process(ROOT / "scripts" / "entool", *arguments)


def published(broker):
    """A queue of what is published as Value."""
    values = queue.Queue()
    subscribed = threading.Event()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.on_connect = lambda client, *_: client.subscribe("stat/Gate/Value", 1)
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda _client, _data, message: values.put(message.payload)
    client.connect(broker.host, broker.port)
    client.loop_start()
    assert subscribed.wait(LIMIT_S)
    return client, values


def test_a_profile_hears_entool_and_no_attacker(tmp_path, hub, config, pairs, capsys):
    interpreter = "micropython" if toolchain.micropython32() else "cpython"
    flash = tmp_path / "flash"
    nvram = {"nowpairs": {"p0": pack(">6s32sI", ME, PAIR.secret, 1)}}
    Path(f"{flash}.nvs").write_text(repr(nvram))
    keys = ("--config", config, "--pairs", pairs)
    air = ("--ether", hub.port)
    with ExitStack() as stack:
        broker = stack.enter_context(LocalBroker())
        client, values = published(broker)
        stack.callback(client.loop_stop)
        stack.callback(client.disconnect)
        device = Process(
            "scripts/test.py", "tnowc", *air, "--config", config, "--folder", flash,
            "--broker", f"{broker.host}:{broker.port}", "--mac", DEVICE,
            "--interpreter", interpreter,
        )  # fmt: skip
        stack.enter_context(device)
        device.said("netnow: on channel 1")
        device.said("mqtt: connected")
        peripheral = ("peripheral", *keys, *air, "--mac", ME.hex(), "--limit", LIMIT_S)
        assert run(*peripheral, "--send", "stat/TNow/Value one") == 0
        assert values.get(timeout=LIMIT_S) == b"one"
        said = capsys.readouterr().out
        assert "the central answers" in said and "confirmed" in said
        recording = tmp_path / "air.txt"
        nowcapture.write(recording, [Frame(0, *entry) for entry in hub.log])
        fast = ("--recording", recording, "--per-second", 200, "--count", 40)
        for way in ("replay", "flip", "forge", "flood"):
            assert run("attack", way, *air, *fast, "--type", "data") == 0
        assert len([entry for entry in hub.log if entry[1] != GATE]) >= 160
        device.said("refused: replay")
        device.said("refused: not authentic")
        assert run(*peripheral, "--send", "stat/TNow/Value two") == 0
        assert values.get(timeout=LIMIT_S) == b"two" and values.empty()
        # What has no confirmation is believed of the radio's.
        assert run(*peripheral, "--send", "stat/TNow/Value three", "--mode", 1) == 0
        assert values.get(timeout=LIMIT_S) == b"three"
        assert "acknowledged: True" in capsys.readouterr().out


def test_it_pairs_with_itself_while_somebody_listens(tmp_path, hub, config, capsys):
    recording = tmp_path / "air.txt"
    own = {name: tmp_path / f"{name}.json" for name in ("central", "peripheral")}
    air = ("--ether", hub.port, "--config", config)
    back = f"{ME.hex()} stat/TNowP/YourRSSI -52"
    peripheral = ("peripheral", *air, "--pairs", own["peripheral"], "--mac", ME.hex())
    readings = ("--send", "stat/TNow/Value one", "--send", "stat/TNow/Value two")
    with entool("listen", *air, "--save", recording, "--count", 12) as listener:
        listener.said("listening")
        with entool("central", *air, "--pairs", own["central"], "--channel", 5,
                    "--back", back) as central:  # fmt: skip
            central.said("on channel 5")
            assert run(*peripheral, "--channel", 5, *readings, "--stay", 1) == 0
            assert central.said("stat/TNow").endswith(f"{ME.hex()}: stat/TNow/Value one")
            central.said("has received back data")
        assert listener.status() == 0
    said = capsys.readouterr().out
    assert said.count("confirmed") == 2 and "back data: stat/TNowP/YourRSSI -52" in said
    sorts = {}
    for one in nowcapture.read(recording):
        sorts.setdefault(one.data[1], []).append(one)
    assert set(sorts) == {1, 2, 4, 5}
    options = ("--config", config, "--pairs", own["peripheral"])
    assert run("check", recording, *options) == 0
    assert "data-confirmed" in capsys.readouterr().out


def test_send_reaches_who_is_meant(hub, capsys):
    station = hub.station(b"\x02\x00\x00\x00\x00\x07", 6)
    air = ("--ether", hub.port, "--channel", 6)
    assert run("send", "0301aa", *air, "--to", station.mac.hex()) == 0
    assert "sent on channel 6, acknowledged" in capsys.readouterr().out
    assert station.heard.get(timeout=LIMIT_S) == (bytes.fromhex("02e570010003"), b"\x03\x01\xaa")
    assert run("send", "0302", *air) == 0
    assert capsys.readouterr().out == "sent on channel 6\n"
    assert station.heard.get(timeout=LIMIT_S)[1] == b"\x03\x02"


def test_the_first_one_carries_the_air(capsys):
    with EtherHub() as other:
        port = other.port
    # Nobody carries it now: entool does, and nobody else is there.
    assert run("send", "0301", "--ether", port) == 0
    assert run("send", "nothing", "--ether", port) == 1
    assert "hex digits" in capsys.readouterr().err


def test_nobody_answers(config, hub, capsys):
    keys = ("--config", config, "--channel", 3, "--ether", hub.port)
    assert run("peripheral", *keys, "--send", "a b", "--limit", 0.1) == 1
    assert "no central has answered within 0 s" in capsys.readouterr().err
    assert nowpackets.open_packet(hub.log[0][3], None).packet.peer == ME
