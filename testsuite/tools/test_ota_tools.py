"""ota and its family: command lines against a device in memory and a broker of our own."""

import hashlib
import threading
from pathlib import Path
from struct import pack, pack_into

import pytest
from rich.console import Console

from epxhost import (
    cli,
    fileset,
    firmwareimage,
    monitor,
    mqttclient,
    otacommands,
    otatools,
    secretsfile,
    settings,
)
from epxhost.door import ROOT
from epxhost.errors import ToolError
from epxhost.fileset import FileSet
from epxhost.localbroker import LocalBroker
from epxhost.mqttclient import DeviceAtBroker, Message, Server
from epxhost.otaclient import OtaLost
from testsuite.tools import fake_ota_device as fake
from testsuite.tools.fake_appliance import FakeAppliance

NAME = "Toy"
OLD = {"main.py": b"print(1)\n", "lib/toy/a.py": b"a = 1\n" * 40}
NEW = FileSet("toy", 2, 0, {**OLD, "main.py": b"print(2)\n" * 300})


@pytest.fixture(scope="module")
def broker():
    with LocalBroker() as made:
        yield made


@pytest.fixture
def device(monkeypatch):
    """In memory, at a port of this machine; the tools know its key and the set to send."""
    made = fake.FakeDevice(OLD)
    made.address = f"127.0.0.1:{made.listen()}"
    monkeypatch.setenv("EPX_OTAKEY", fake.KEY)
    monkeypatch.setattr(fileset, "from_repository", lambda profile, compiled=False: NEW)
    monkeypatch.setattr(otatools, "_CONFIRM_LIMIT_S", 20)
    yield made
    made.close()


@pytest.fixture
def at_broker(broker, monkeypatch):
    """The tools use our broker."""
    server = Server(broker.host, broker.port)
    monkeypatch.setattr(mqttclient, "installed_server", lambda: server)
    monkeypatch.setattr(settings, "has_mqtt_server", lambda: True)
    return broker


@pytest.fixture(autouse=True)
def little_patience(monkeypatch):
    monkeypatch.setattr(mqttclient, "_PATIENCE_S", 0.3)
    monkeypatch.setattr(mqttclient, "_PATIENCE_STEP_S", 0.1)


@pytest.fixture
def no_broker(monkeypatch):
    monkeypatch.setattr(settings, "has_mqtt_server", lambda: False)


def run(command, *arguments):
    return cli.main(command, [str(argument) for argument in arguments])


def announcement(address, state="idle"):
    return f"netstatus connected addr {address} mac 240ac4 flavor toy count 1 state {state}"


def opened(device):
    return {"open": [("OTA", announcement(device.address))]}


def when_rebooted(device, then):
    """Call then() once the device has been told to restart."""

    def watch():
        while not device.rebooted.wait(0.1):
            if device.closed.is_set():
                return
        then()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


# ota.


def test_one_command_updates_a_device(device, at_broker, capsys):
    with FakeAppliance(at_broker, NAME, opened(device)) as appliance:
        lines = ("info reset by soft reset", "info update: set b confirmed")
        watch = when_rebooted(device, lambda: appliance.log(*lines))
        assert run("ota", NAME, "toy") == 0
        watch.join()
    said = capsys.readouterr()
    assert "Toy: update confirmed, toy version 2 (before: 1)" in said.out
    assert "1 file sent" in said.err and "reset by soft reset" in said.err
    assert device.running == dict(NEW.files) and device.reboots == 1


def test_what_was_said_before_the_restart_does_not_count(device, at_broker, monkeypatch):
    answers = opened(device)
    old = ("Log", "info reset by watchdog, last reboot: update failed, back to set a: it hung")
    answers["open"].append(old)
    with FakeAppliance(at_broker, NAME, answers) as appliance:
        watch = when_rebooted(device, lambda: appliance.log("info update: set b confirmed"))
        assert run("ota", NAME, "toy") == 0
        watch.join()


def test_a_failed_update_is_status_1_and_says_why(device, at_broker, capsys, monkeypatch):
    monkeypatch.setattr(otatools, "_EXPLANATION_LIMIT_S", 0.3)
    answers = opened(device)
    answers["msg_exception"] = [("Log", "info exception.txt: SyntaxError: invalid syntax")]
    with FakeAppliance(at_broker, NAME, answers) as appliance:
        line = "info reset by soft reset, last reboot: update failed, back to set a: it hung"
        watch = when_rebooted(device, lambda: appliance.log(line))
        assert run("ota", NAME, "toy") == 1
        watch.join()
    said = capsys.readouterr().err
    assert "ota: update failed, back to set a: it hung. Toy runs what it ran before" in said
    assert "SyntaxError" in said


def test_a_device_that_logs_little_is_asked(device, at_broker, monkeypatch):
    monkeypatch.setattr(otatools, "_ASK_AFTER_S", 0.2)
    answers = opened(device)
    answers["getversion"] = [("Log", "warn set b runs: toy version 2, mpy 0")]
    with FakeAppliance(at_broker, NAME, answers):
        assert run("ota", NAME, "toy") == 0
    answers["getversion"] = [
        ("Log", "warn set b runs on trial: toy version 3, mpy 0"),
        ("Log", "warn set a runs: toy version 2, mpy 0"),
    ]
    device.version = 1
    monkeypatch.setattr(otatools, "_EXPLANATION_LIMIT_S", 0.1)
    with FakeAppliance(at_broker, NAME, answers):
        assert run("ota", NAME, "toy") == 1


def test_no_confirmation_in_time_is_an_error(device, at_broker, capsys, monkeypatch):
    monkeypatch.setattr(otatools, "_CONFIRM_LIMIT_S", 0.5)
    monkeypatch.setattr(otatools, "_ASK_AFTER_S", 0.2)
    with FakeAppliance(at_broker, NAME, opened(device)):
        assert run("ota", NAME, "toy") == 1
    assert "no confirmation within" in capsys.readouterr().err


def test_nothing_differs_is_said_and_status_0(device, at_broker, capsys):
    device.running, device.version = dict(NEW.files), 2
    with FakeAppliance(at_broker, NAME, opened(device)):
        assert run("ota", NAME, "toy") == 0
    assert "nothing differs" in capsys.readouterr().out
    assert not device.reboots and device.committed is None


def test_a_dry_run_lists_and_changes_nothing(device, at_broker, capsys):
    with FakeAppliance(at_broker, NAME, opened(device)):
        assert run("ota", NAME, "toy", "--dry-run") == 0
    said = capsys.readouterr().out
    assert "main.py" in said and "1 of 2 files would be sent" in said and "a.py" not in said
    assert device.staged is None and device.committed is None and not device.reboots


def test_without_a_restart(device, at_broker, capsys):
    with FakeAppliance(at_broker, NAME, opened(device)):
        assert run("ota", NAME, "toy", "--no-reboot") == 0
    assert "`otacmd Toy reboot`" in capsys.readouterr().out
    assert device.committed == dict(NEW.files) and not device.reboots


def test_the_second_one_is_told_who_holds_it(device, at_broker, capsys):
    device.greetings.append((fake.wire.BUSY, b"192.168.1.5"))
    with FakeAppliance(at_broker, NAME, opened(device)):
        assert run("ota", NAME, "toy") == 1
    assert "held by 192.168.1.5" in capsys.readouterr().err


def test_a_refusal_is_status_1_with_its_advice(device, at_broker, capsys):
    device.refuse[fake.wire.LIST_END] = ("lower version", "version 3 is here, 2 comes")
    with FakeAppliance(at_broker, NAME, opened(device)):
        assert run("ota", NAME, "toy") == 1
    assert "--allow-downgrade" in capsys.readouterr().err


def test_a_device_without_a_key_says_what_to_do(device, at_broker, capsys):
    line = "info OTA: no otakey in config.txt, so the port stays shut: make one with"
    with FakeAppliance(at_broker, NAME, {"open": [("Log", line)]}):
        assert run("ota", NAME, "toy") == 1
    assert "pcp_conf --new-otakey" in capsys.readouterr().err


def test_a_device_without_memory_says_what_to_do(device, at_broker, capsys):
    with FakeAppliance(at_broker, NAME, {"open": [("Log", "error out of memory, collected")]}):
        assert run("ota", NAME, "toy") == 1
    assert "too little memory" in capsys.readouterr().err


def test_a_device_that_does_not_say_its_address(device, at_broker, capsys, monkeypatch):
    monkeypatch.setattr(otatools, "_ADDRESS_LIMIT_S", 0.2)
    with FakeAppliance(at_broker, NAME):
        assert run("ota", NAME, "toy") == 1
    assert "did not say its address" in capsys.readouterr().err


def test_a_device_that_restarts_is_waited_for(device, at_broker, capsys, monkeypatch):
    monkeypatch.setattr(mqttclient, "_PATIENCE_S", 10)
    with FakeAppliance(at_broker, NAME, opened(device), availability="offline") as appliance:
        said = mqttclient._say_waiting

        def come_back(why):
            said(why)
            appliance.say("Availability", "online", retain=True)

        monkeypatch.setattr(mqttclient, "_say_waiting", come_back)
        assert run("ota", NAME, "toy", "--no-reboot") == 0
    assert "Toy is not at the broker; waiting" in capsys.readouterr().err


def test_a_broker_that_restarts_is_waited_for(monkeypatch, capsys):
    monkeypatch.setattr(mqttclient, "_PATIENCE_S", 10)
    with LocalBroker() as broker:
        broker.kill()
        said = mqttclient._say_waiting

        def come_back(why):
            said(why)
            broker.start()

        monkeypatch.setattr(mqttclient, "_say_waiting", come_back)
        with mqttclient.DeviceAtBroker(NAME, Server(broker.host, broker.port)):
            pass
    assert f"no MQTT broker at 127.0.0.1:{broker.port}; waiting" in capsys.readouterr().err


def test_who_is_not_there_is_said_soon(device, at_broker, capsys):
    with FakeAppliance(at_broker, NAME, availability="offline"):
        assert run("ota", NAME, "toy") == 1
    assert "Toy is offline" in capsys.readouterr().err
    assert run("ota", "Nobody", "toy") == 1
    assert "no device 'Nobody' has ever been at the broker" in capsys.readouterr().err
    assert run("ota", "a/b", "toy") == 1
    assert "no name of a device" in capsys.readouterr().err


def test_an_address_by_hand_needs_no_broker(device, no_broker, capsys):
    assert run("ota", NAME, "toy", "--address", device.address) == 0
    assert "confirmation is not seen" in capsys.readouterr().out
    assert device.reboots == 1


def test_an_address_by_hand_is_opened_if_it_is_shut(device, at_broker):
    shut = otatools.parse_address("127.0.0.1:1")
    assert not otatools._answers(shut)
    with FakeAppliance(at_broker, NAME, opened(device)) as appliance:
        # Nobody listens there even after it was opened; what counts is that it was.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(otatools.OtaLink, "run", lambda *_: pytest.fail("not so far"))
            patch.setattr(otatools, "tcp_link", _raise_tool_error)
            assert run("ota", NAME, "toy", "--address", "127.0.0.1:1") == 1
        assert appliance.commands.get(timeout=5) == ("OTA", "open")


def _raise_tool_error(*_):
    raise ToolError("that is enough")


# The smaller ones.


def test_otascript_sends_and_commits(device, capsys):
    assert run("otascript", "toy", device.address) == 0
    assert "toy version 2 is committed" in capsys.readouterr().out
    assert device.committed == dict(NEW.files) and not device.reboots
    device.running, device.version = dict(NEW.files), 2
    assert run("otascript", "toy", device.address) == 0
    assert "nothing differs" in capsys.readouterr().out


def test_otatool_at_the_root(device, tmp_path, capsys):
    file = tmp_path / "data.bin"
    file.write_bytes(bytes(range(256)) * 20)
    assert run("otatool", device.address, "send", file, "/data.bin") == 0
    assert device.root["/data.bin"] == file.read_bytes()
    assert run("otatool", device.address, "hash", "/data.bin") == 0
    assert " 5120 /data.bin" in capsys.readouterr().out
    assert run("otatool", device.address, "rm", "/data.bin") == 0
    assert run("otatool", device.address, "hash", "/data.bin") == 1
    assert "there is no file /data.bin" in capsys.readouterr().err


def test_otatool_in_the_set(device, tmp_path, capsys):
    file = tmp_path / "b.py"
    file.write_bytes(b"b = 1\n")
    assert run("otatool", device.address, "send", file, "lib/toy/b.py") == 0
    assert "is staged" in capsys.readouterr().out
    assert run("otatool", device.address, "rm", "lib/toy/a.py") == 0
    assert set(device.staged) == {"main.py", "lib/toy/b.py"} and set(device.running) == set(OLD)


def test_otatool_tells_what_the_device_is(device, capsys):
    assert run("otatool", device.address, "flavor") == 0
    assert capsys.readouterr().out == "toy\n"
    assert run("otatool", device.address, "info", "--device", NAME) == 0
    said = capsys.readouterr().out
    assert "free flash, bytes" in said and "1,000,000" in said and "running set" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["send", "x"], "want send FILE REMOTE"),
        (["hash"], "want hash PATH"),
        (["info", "x"], "want info"),
        (["send", "no such file", "/x"], "No such file"),
        (["rm", "/boot.py"], "reserved"),
        (["rm", "../x"], "want no empty parts"),
        (["fly"], "'fly' is not one of"),
    ],
)
def test_what_otatool_does_not_understand_is_said(device, capsys, arguments, words):
    assert run("otatool", device.address, *arguments) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "words"), [("host:port", "is no address"), ("127.0.0.1:1", "is shut")]
)
def test_wrong_addresses_are_clear_errors(device, capsys, address, words):
    assert run("otatool", address, "info") == 1
    assert words in capsys.readouterr().err


def test_without_a_key_the_tools_say_where_it_belongs(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("EPX_OTAKEY", raising=False)
    monkeypatch.setattr(secretsfile, "ROOT", tmp_path)
    assert run("otatool", "127.0.0.1", "info") == 1
    assert "--device NAME" in capsys.readouterr().err
    assert run("otatool", "127.0.0.1", "info", "--device", "Toy") == 1
    assert "no otakey for Toy" in capsys.readouterr().err


# otafwtool.


def image(chip=0, version=b"v1.26.0", magic=0xABCD5432, segments=((0x400C0000, 5000),)):
    """An application image of the ESP-IDF, whole, with its checksum's place and its hash."""
    head = bytearray(24)
    head[0], head[1], head[23] = 0xE9, len(segments), 1
    pack_into("<H", head, 12, chip)
    body = b""
    for number, (address, size) in enumerate(segments):
        content = bytes(size)
        if not number:
            descriptor = pack("<IIII", magic, 0, 0, 0) + version.ljust(32, b"\0")
            content = (descriptor + b"micropython".ljust(32, b"\0")).ljust(size, b"\0")
        body += pack("<II", address, size) + content
    data = bytes(head) + body
    data += bytes(16 - len(data) % 16)
    return data + hashlib.sha256(data).digest()


def test_a_firmware_is_sent_and_then_it_is_up_to_you(device, tmp_path, capsys):
    file = tmp_path / "x.app.bin"
    file.write_bytes(image())
    assert run("otafwtool", device.address, file) == 0
    said = capsys.readouterr()
    assert "micropython v1.26.0 for ESP32" in said.err and "keepversion" in said.out
    assert device.firmware == file.read_bytes() and device.firmware_mpy == 6
    assert not device.reboots


def test_a_firmware_that_is_well_is_kept(device, at_broker, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(otatools, "_HEALTHY_S", 0.3)
    file = tmp_path / "x.app.bin"
    file.write_bytes(image())
    answers = {"keepversion": [("Log", "info Currently running firmware is kept.")]}
    with FakeAppliance(at_broker, NAME, answers) as appliance:
        watch = when_rebooted(device, lambda: appliance.log("info reset by soft reset"))
        assert run("otafwtool", device.address, file, "--keep", NAME) == 0
        watch.join()
    assert "v1.26.0 is kept" in capsys.readouterr().out


@pytest.mark.parametrize("line", ["error net: no interface", "(offline)"])
def test_a_firmware_that_is_not_well_is_not_kept(
    device, at_broker, tmp_path, capsys, monkeypatch, line
):
    monkeypatch.setattr(otatools, "_HEALTHY_S", 5)
    file = tmp_path / "x.app.bin"
    file.write_bytes(image())
    with FakeAppliance(at_broker, NAME) as appliance:

        def come_back():
            appliance.log("info reset by soft reset")
            if line == "(offline)":
                appliance.say("Availability", "offline")
            else:
                appliance.log(line)

        watch = when_rebooted(device, come_back)
        assert run("otafwtool", device.address, file, "--keep", NAME) == 1
        watch.join()
        assert appliance.commands.empty()
    assert "not kept, Toy is not well" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"MZ" + bytes(400), "is no firmware of an ESP32"),
        (b"\xff" * 0x2000, "whole flashable image"),
        (image(magic=0)[:0x7000].ljust(0x7000, b"\xff") + b"\xaa\x50" + bytes(99), "flashable"),
        (image(magic=0), "holds no application"),
        (image()[:3000], "is cut off"),
        (image()[:20], "is cut off"),
        (image()[:300] + b"\1" + image()[301:], "is damaged"),
        (image(version=b"my own"), "--any-mpy"),
    ],
)
def test_what_is_no_firmware_is_not_sent(device, tmp_path, capsys, data, words):
    file = tmp_path / "x.bin"
    file.write_bytes(data)
    assert run("otafwtool", device.address, file) == 1
    said = capsys.readouterr().err
    assert words in said and not device.log
    if words not in ("--any-mpy", "is empty", "is damaged", "is cut off"):
        assert ".app.bin" in said


def test_somebody_may_insist(device, tmp_path):
    file = tmp_path / "x.bin"
    file.write_bytes(image(version=b"my own"))
    assert run("otafwtool", device.address, file, "--any-mpy") == 0
    assert device.firmware_mpy == firmwareimage.ANY_MPY


# ota_config.

CONFIG = """\
ssid home
mqttbroker 192.168.1.10
mqttname Toy
otakey a new key of some length
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setattr(secretsfile, "ROOT", tmp_path)
    file = tmp_path / "toy.txt"
    file.write_text(CONFIG)
    return file


def test_a_config_is_sent_and_its_confirmation_awaited(device, at_broker, config, capsys):
    with FakeAppliance(at_broker, NAME, opened(device)) as appliance:
        watch = when_rebooted(device, lambda: appliance.log("info update: config.txt confirmed"))
        assert run("ota_config", config) == 0
        watch.join()
        assert device.root["/config.txt"] == CONFIG.encode() and device.reboots == 1
        said = capsys.readouterr().out
        assert "Toy: config.txt confirmed" in said and "kept in secrets.txt" in said
        assert "a new key of some length" not in said
        assert run("ota_config", config) == 0
        assert "nothing differs" in capsys.readouterr().out and device.reboots == 1
    text = Path(config.parent / "secrets.txt").read_text()
    assert "Toy otakey a new key of some length" in text


def test_a_config_that_does_not_work_goes_back(device, at_broker, config, capsys, monkeypatch):
    monkeypatch.setattr(otatools, "_EXPLANATION_LIMIT_S", 0.1)
    with FakeAppliance(at_broker, NAME, opened(device)) as appliance:
        line = "warn last reboot: new config.txt failed, back to the old one: no network"
        watch = when_rebooted(device, lambda: appliance.log(line))
        assert run("ota_config", config) == 1
        watch.join()
    assert "new config.txt failed, back to the old one" in capsys.readouterr().err
    assert not (config.parent / "secrets.txt").exists()


def test_a_new_name_is_listened_to(device, at_broker, config):
    with (
        FakeAppliance(at_broker, "OldToy", opened(device)),
        FakeAppliance(at_broker, NAME) as renamed,
    ):
        watch = when_rebooted(device, lambda: renamed.log("info update: config.txt confirmed"))
        assert run("ota_config", config, "--device", "OldToy") == 0
        watch.join()


def test_a_new_name_that_does_not_work_is_heard_of_under_the_old_one(
    device, at_broker, config, monkeypatch
):
    monkeypatch.setattr(otatools, "_EXPLANATION_LIMIT_S", 0.1)
    with FakeAppliance(at_broker, "OldToy", opened(device)) as old:
        line = "warn last reboot: new config.txt failed, back to the old one: no broker"
        watch = when_rebooted(device, lambda: old.log(line))
        assert run("ota_config", config, "--device", "OldToy") == 1
        watch.join()


def test_a_bad_config_is_never_sent(device, at_broker, config, capsys):
    config.write_text(CONFIG + "keepalive soon\n")
    assert run("ota_config", config) == 1
    assert "is not sent" in capsys.readouterr().err and not device.log
    config.write_text("ssid x\n")
    assert run("ota_config", config) == 1
    assert "has no mqttname" in capsys.readouterr().err
    config.write_text(CONFIG.replace("otakey", "# otakey"))
    assert run("ota_config", config) == 1
    assert "has no otakey" in capsys.readouterr().err
    config.write_bytes(b"\xff\xfe")
    assert run("ota_config", config) == 1
    assert "want UTF-8" in capsys.readouterr().err


def test_a_config_whose_connection_breaks_before_the_restart_is_gone_on_with(
    device, no_broker, config, monkeypatch, capsys
):
    monkeypatch.setattr("epxhost.otaclient._LOST_PAUSE_S", 0.0)
    sizes = []
    real = otatools.OtaClient.put

    def put_and_lose(client, *arguments):
        words = real(client, *arguments)
        if not sizes:
            sizes.append(1)
            raise OtaLost("the connection is lost")
        return words

    monkeypatch.setattr(otatools.OtaClient, "put", put_and_lose)
    assert run("ota_config", config, "--address", device.address) == 0
    assert device.reboots == 1 and not (config.parent / "secrets.txt").exists()


def test_a_config_is_checked_with_the_keys_of_the_devices_profile(
    device, at_broker, config, capsys
):
    device.profile = "h2o"
    with FakeAppliance(at_broker, NAME, opened(device)):
        assert run("ota_config", config) == 1
    assert "levelsensors" in capsys.readouterr().err and device.root["/config.txt"] != CONFIG


# otacmd, cmd, monmqtt.


def test_otacmd_prints_the_answer(at_broker, capsys, monkeypatch):
    monkeypatch.setattr(otacommands, "_QUIET_S", 0.3)
    answers = {
        "stats": [("Log", "info connlost events net 3 mqtt 1"), ("Log", "info something else")],
        "msg_exception": [
            ("Log", "info exception.txt: Traceback (most recent call last):"),
            ("Log", "info exception.txt: ValueError: 3"),
        ],
        "commit": [("Log", "info OTA inactive")],
    }
    with FakeAppliance(at_broker, NAME, answers):
        assert run("otacmd", NAME, "stats") == 0
        assert capsys.readouterr().out == "connlost events net 3 mqtt 1\n"
        assert run("otacmd", NAME, "msg_exception") == 0
        assert capsys.readouterr().out.count("\n") == 2
        assert run("otacmd", NAME, "commit") == 0
        assert run("otacmd", NAME, "getversion", "--wait", "0.2") == 1
        assert "did not answer to getversion" in capsys.readouterr().err
        assert run("otacmd", NAME, "explode") == 1


def test_otacmd_knows_every_command_of_the_device_and_its_answer():
    text = (ROOT / "lib/epx/remote.py").read_text()
    assert all(f'"{name}": _{name}' in text for name in otacommands.COMMANDS)
    assert text.count('": _') == len(otacommands.COMMANDS)


def test_cmd_shows_what_follows(at_broker, capsys):
    with FakeAppliance(at_broker, NAME, {"1": [("Level", "60"), ("Log", "info done")]}):
        assert run("cmd", NAME, "Refresh", "1", "--wait", "0.4") == 0
        said = capsys.readouterr().out
        assert "Level" in said and "60" in said and "info  done" in said
        assert run("cmd", NAME, "Refresh", "nobody knows", "--wait", "0.1") == 0
        assert "published nothing" in capsys.readouterr().err
        assert run("cmd", NAME, "Refresh", "") == 1


@pytest.mark.parametrize("door", ["monmqtt", "mqttmon"])
def test_monmqtt_follows_and_ends_by_itself(at_broker, capsys, door):
    with FakeAppliance(at_broker, NAME):
        assert run(door, NAME, "-n", 1) == 0
        assert "online (retained)" in capsys.readouterr().out
        assert run(door, NAME, "--for", 0.1) == 0


def test_a_key_press_ends_monmqtt_with_status_0(at_broker, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(DeviceAtBroker, "messages", stopped)
    assert run("monmqtt", NAME) == 0


def shown(*log_lines, topic="Log"):
    formatter = monitor.Formatter()
    messages = [Message(topic, line, False, 0.0) for line in log_lines]
    return [line for message in messages for line in formatter.lines(message)]


def test_a_crash_report_stands_together():
    lines = shown(
        "info before",
        "error Traceback (most recent call last):",
        'error   File "h2o/sensor.py", line 12, in read',
        "error ValueError: 3",
        "info after",
    )
    ends = [line.plain.split("Log")[1].strip() for line in lines]
    assert ends == [
        "info  before",
        "error ┌ crash report",
        "error │ Traceback (most recent call last):",
        'error │   File "h2o/sensor.py", line 12, in read',
        "error └ ValueError: 3",
        "info  after",
    ]


def test_levels_have_colours():
    error, warn, info = shown("error e", "warn w", "info i")
    assert "bold red" in str(error.spans) and "yellow" in str(warn.spans)
    assert "red" not in str(info.spans)
    console = Console(force_terminal=True, width=80)
    with console.capture() as capture:
        console.print(error)
    assert "\x1b[" in capture.get()


# The broker.


def test_a_broker_that_is_not_there_is_said():
    with pytest.raises(ToolError, match=r"no MQTT broker at 127.0.0.1:1 .*mqttserver.txt"):
        DeviceAtBroker(NAME, Server("127.0.0.1", 1)).__enter__()
    with pytest.raises(ToolError, match="no such name"):
        DeviceAtBroker(NAME, Server("no.such.host.invalid", 1883)).__enter__()


def test_who_is_no_broker_is_said(device, monkeypatch):
    monkeypatch.setattr(mqttclient, "_CONNECT_LIMIT_S", 0.5)
    host, port = device.address.split(":")
    with pytest.raises(ToolError, match=r"does not answer as an MQTT broker|no MQTT broker"):
        DeviceAtBroker(NAME, Server(host, int(port))).__enter__()


def test_a_login_is_used_and_its_lack_is_said():
    try:
        locked = LocalBroker("us", "pw", need_mosquitto=True)
    except ToolError as error:
        pytest.skip(str(error))
    with locked:
        server = Server(locked.host, locked.port)
        with pytest.raises(ToolError, match=r"is missing: lines `broker user"):
            DeviceAtBroker(NAME, server).__enter__()
        with pytest.raises(ToolError, match="is not right"):
            DeviceAtBroker(NAME, Server(*server[:2], "us", "wrong")).__enter__()
        with DeviceAtBroker(NAME, Server(*server[:2], "us", "pw")):
            pass


def test_the_connection_comes_back_after_the_broker_was_away():
    try:
        broker = LocalBroker(need_mosquitto=True)
    except ToolError as error:
        pytest.skip(str(error))
    with broker, DeviceAtBroker(NAME, Server(broker.host, broker.port)) as at_broker:
        broker.kill()
        assert at_broker.wait_for(lambda m: "lost" in m.text, 10)
        broker.start()
        with FakeAppliance(broker, NAME) as appliance:
            assert at_broker.wait_for(lambda m: m.text == "online", 20)
            at_broker.command("open")
            assert appliance.commands.get(timeout=10) == ("OTA", "open")
