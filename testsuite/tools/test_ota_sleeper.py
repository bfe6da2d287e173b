"""ota for a device that sleeps: its central and the device itself are played at a broker."""

import queue
import threading

import pytest

from epxhost import cli, fileset, mqttclient, otasleeper, secretsfile, settings
from epxhost.errors import ToolError
from epxhost.fileset import FileSet
from epxhost.localbroker import LocalBroker
from epxhost.mqttclient import Message, Server
from testsuite.tools import fake_ota_device as fake
from testsuite.tools.fake_appliance import FakeAppliance

NAME, GATE, PEER = "Toy", "Gate", "240ac4000101"
OLD = {"main.py": b"print(1)\n"}
NEW = FileSet("toy", 2, 0, {"main.py": b"print(2)\n"})
ARGUMENTS = ("ota", NAME, "toy", "--manager", GATE, "--peer", "24:0A:C4:00:01:01")


@pytest.fixture(scope="module")
def broker():
    with LocalBroker() as made:
        yield made


@pytest.fixture
def device(broker, monkeypatch):
    """In memory, at a port of this machine; the tools know its key, the set, and our broker."""
    made = fake.FakeDevice(OLD)
    made.address = f"127.0.0.1:{made.listen()}"
    monkeypatch.setenv("EPX_OTAKEY", fake.KEY)
    monkeypatch.setattr(fileset, "from_repository", lambda profile, compiled=False: NEW)
    server = Server(broker.host, broker.port)
    monkeypatch.setattr(mqttclient, "installed_server", lambda: server)
    monkeypatch.setattr(mqttclient, "_PATIENCE_S", 0.3)
    monkeypatch.setattr(settings, "has_mqtt_server", lambda: True)
    monkeypatch.setattr(otasleeper, "_VERDICT_LIMIT_S", 20)
    monkeypatch.setattr(otasleeper, "_WAKE_LIMIT_S", 20)
    monkeypatch.setattr(otasleeper, "_RETAINED_LIMIT_S", 0.1)
    yield made
    made.close()


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setattr(secretsfile, "ROOT", tmp_path)
    file = tmp_path / "toy.txt"
    file.write_text(
        "ssid home\nmqttbroker 192.168.1.10\nmqttname Toy\notakey a key of some length\n"
    )
    return file


def line(state):
    return f"info netnow: update of {PEER}: {state}"


class Asleep:
    """The central, and a device that comes once its update is announced."""

    def __init__(self, broker, device, answer="waits", verdict=(), comes=True):
        self.gate = FakeAppliance(broker, GATE, {PEER: [("Log", line(answer))]})
        opened = f"netstatus connected addr {device.address} mac 240ac4 flavor toy count 1 state x"
        self.toy = FakeAppliance(broker, NAME, {"open": [("OTA", opened)]}, availability=None)
        self._device = device
        self._verdict = verdict
        self._comes = comes
        self._thread = threading.Thread(target=self._play, daemon=True)

    def _play(self):
        try:
            self.gate.commands.get(timeout=10)
        except queue.Empty:
            return
        if self._comes:
            self.gate.log(line("taken"))
            self.toy.say("Availability", "online", retain=True)
            while not self._device.rebooted.wait(0.1):
                if self._device.closed.is_set():
                    return
            for topic, text in self._verdict:
                self.gate.say(topic, text)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._device.closed.set()
        self._thread.join(10)
        for appliance in (self.gate, self.toy):
            appliance.__exit__()


def run(*arguments):
    return cli.main(arguments[0], list(arguments[1:]))


def test_one_command_updates_a_device_that_sleeps(broker, device, capsys):
    verdict = [("Log", line("trial")), ("Log", line("done, set b "))]
    with Asleep(broker, device, verdict=verdict):
        assert run(*ARGUMENTS) == 0
    said = capsys.readouterr()
    assert "Toy: update confirmed, toy version 2 (before: 1)" in said.out
    for words in ("waiting up to", "1 file sent", "has started, and reached"):
        assert words in said.err
    assert device.running == dict(NEW.files) and device.reboots == 1


def test_the_list_of_peers_tells_it_too(broker, device):
    before = '{"peers":[{"id":"%s","seen_s":3600,"update":"taken","set":"a"}]}' % PEER
    after = '{"peers":[{"id":"x"},{"id":"%s","seen_s":0,"set":"b"}]}' % PEER
    with Asleep(broker, device, verdict=[("Peers", before), ("Peers", after)]):
        assert run(*ARGUMENTS) == 0


def test_a_program_that_went_back_is_status_1_and_says_why(broker, device, capsys):
    why = "old, set a update failed, back to set a: exception: OSError 5"
    with Asleep(broker, device, verdict=[("Log", line(why))]):
        assert run(*ARGUMENTS) == 1
    said = capsys.readouterr().err
    assert "ota: update failed, back to set a: exception: OSError 5. Toy has again what" in said


def test_settings_go_the_same_way(broker, device, capsys, config):
    with Asleep(broker, device, verdict=[("Log", line("done, set a "))]):
        assert run("ota_config", str(config), *ARGUMENTS[3:]) == 0
    assert "Toy: config.txt confirmed" in capsys.readouterr().out
    assert device.root["/config.txt"] == config.read_bytes()


def test_settings_that_went_back_are_status_1(broker, device, capsys, config):
    with Asleep(broker, device, verdict=[("Log", line("old, set a "))]):
        assert run("ota_config", str(config), *ARGUMENTS[3:]) == 1
    assert "update failed, back to the old one" in capsys.readouterr().err
    assert not (config.parent / "secrets.txt").exists()


def test_a_list_alone_says_that_it_went_back(broker, device, capsys):
    row = '{"peers":[{"id":"%s","seen_s":0,"set":"a"}]}' % PEER
    with Asleep(broker, device, verdict=[("Peers", row)]):
        assert run(*ARGUMENTS) == 1
    assert "update failed, back to set a. Toy has" in capsys.readouterr().err


def test_no_verdict_is_status_1(broker, device, capsys, monkeypatch):
    monkeypatch.setattr(otasleeper, "_VERDICT_LIMIT_S", 0.3)
    with Asleep(broker, device):
        assert run(*ARGUMENTS) == 1
    assert "was not heard of within" in capsys.readouterr().err


def test_who_cannot_is_status_1(broker, device, capsys):
    with Asleep(broker, device, answer="cannot", comes=False):
        assert run(*ARGUMENTS) == 1
    assert "says that it cannot: it has no ssid" in capsys.readouterr().err
    assert device.staged is None


def test_who_does_not_wake_is_status_1(broker, device, capsys, monkeypatch):
    monkeypatch.setattr(otasleeper, "_WAKE_LIMIT_S", 0.5)
    with Asleep(broker, device, comes=False):
        assert run(*ARGUMENTS) == 1
    assert "has not woken within" in capsys.readouterr().err


def test_what_answers_but_is_no_central_is_said(broker, device, capsys, monkeypatch):
    monkeypatch.setattr(otasleeper, "_ANSWER_LIMIT_S", 0.3)
    with FakeAppliance(broker, GATE):
        assert run(*ARGUMENTS) == 1
    assert "does not answer to Update" in capsys.readouterr().err


def test_a_central_that_is_not_there_is_said(device, capsys):
    assert run(*ARGUMENTS) == 1
    assert "no device 'Gate' has ever been at the broker" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--manager", GATE], "--manager NAME and --peer IDENTITY"),
        (["--peer", PEER], "--manager NAME and --peer IDENTITY"),
        (["--manager", GATE, "--peer", "240ac4"], "want 12 hex digits"),
        (["--manager", "a/b", "--peer", PEER], "no name of a device"),
    ],
)
def test_options_that_make_no_sense_are_said(device, capsys, arguments, words):
    assert run("ota", NAME, "toy", *arguments) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"peers":3}', '{"peers":[3]}', '{"peers":[{"id":"240ac4000101"}]}']
)
def test_a_list_that_makes_no_sense_says_nothing(text):
    assert otasleeper.parse_peers(Message("Peers", text, False, 0.0), PEER) is None


def test_identities_are_written_in_many_ways():
    for text in ("240ac4000101", "24:0A:C4:00:01:01", "24-0a-c4-00-01-01"):
        assert otasleeper.parse_identity(text) == PEER
    with pytest.raises(ToolError):
        otasleeper.parse_identity("240ac400010g")
