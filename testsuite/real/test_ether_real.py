"""ESP-NOW and deep sleep in real time: processes on both interpreters, and a hub as the air."""

import pytest

from epxhost import toolchain
from epxhost.appliance_process import ApplianceProcess
from epxhost.ether_hub import EtherHub

LIMIT_S = 20
DEVICE = "240ac4000101"
OTHER = "240ac4000201"
STATION = b"\x02\x00\x00\x00\x00\x07"
BROADCAST = b"\xff" * 6

# Answers everybody in capitals; two words are orders.
ECHO = """
import espnow
import machine
import network
import select

wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.config(channel=6)
now = espnow.ESPNow()
now.active(True)
now.add_peer(b"\\xff" * 6)
rtc = machine.RTC()
print("awake", machine.reset_cause(), rtc.memory())
print("sent", now.send(b"\\xff" * 6, "hello"))
poll = select.poll()
poll.register(now, select.POLLIN)
while True:
    for stream, events in poll.ipoll(10000):
        mac, message = now.recv(0)
        if message == b"sleep":
            rtc.memory(b"slept")
            machine.deepsleep(3600000)
        if message == b"move":
            wlan.config(channel=9)
            continue
        now.add_peer(mac)
        print("answered", now.send(mac, message.upper()))
        now.del_peer(mac)
"""

# Calls until somebody answers.
CALLER = """
import espnow
import network

network.WLAN(network.STA_IF).active(True)
network.WLAN(network.STA_IF).config(channel=6)
now = espnow.ESPNow()
now.active(True)
now.add_peer(b"\\xff" * 6)
message = None
while message != b"IS SOMEBODY THERE":
    now.send(b"\\xff" * 6, "is somebody there")
    mac, message = now.recv(500)
print("answer of", bytes(mac))
"""


@pytest.fixture(params=["cpython", "micropython"])
def interpreter(request):
    if request.param == "cpython":
        return None
    command = toolchain.micropython32()
    if command is None:
        pytest.skip(f"no 32-bit MicroPython: {toolchain.why_not('micropython32')}")
    return command


@pytest.fixture
def hub():
    with EtherHub() as hub:
        yield hub


def start(folder, program, interpreter, hub, mac=DEVICE, **options):
    """A device whose flash holds nothing but this program."""
    folder.mkdir()
    (folder / "boot.py").write_text("")
    (folder / "main.py").write_text(program)
    return ApplianceProcess(
        "relay", "", interpreter, folder, ether=hub.port, mac=mac, cause=1, **options
    )


def said(device, text):
    """Wait for a line of the console that begins so; what stands behind."""
    while True:
        kind, value = device.events.get(timeout=LIMIT_S)
        assert kind != "exit" and "Traceback" not in str(value), value
        if kind == "console" and str(value).startswith(text):
            return str(value)[len(text) :].strip()


def test_packets_come_and_go(tmp_path, hub, interpreter):
    station = hub.station(STATION, 6)
    with start(tmp_path / "flash", ECHO, interpreter, hub) as device:
        assert station.heard.get(timeout=LIMIT_S) == (bytes.fromhex(DEVICE), b"hello")
        assert said(device, "sent") == "True"
        assert station.send(b"to all") is False
        assert station.heard.get(timeout=LIMIT_S) == (bytes.fromhex(DEVICE), b"TO ALL")
        assert said(device, "answered") == "True"
        assert station.send(b"to it", bytes.fromhex(DEVICE))
        assert station.heard.get(timeout=LIMIT_S)[1] == b"TO IT"
        # An answer that nobody acknowledges.
        hub.transmit(6, b"\x02\x00\x00\x00\x00\x09", BROADCAST, b"and away")
        assert said(device, "answered") == "True"
        assert said(device, "answered") == "False"


def test_who_is_on_another_channel_hears_nothing(tmp_path, hub, interpreter):
    station = hub.station(STATION, 6)
    mac = bytes.fromhex(DEVICE)
    with start(tmp_path / "flash", ECHO, interpreter, hub) as device:
        assert hub.wait_for(mac, 6, LIMIT_S)
        assert hub.transmit(5, STATION, mac, b"lost") is False
        assert station.send(b"move", mac)
        assert hub.wait_for(mac, 9, LIMIT_S)
        assert station.send(b"lost", mac) is False
        assert hub.transmit(9, STATION, mac, b"heard")
        assert said(device, "answered") == "False"


def test_it_sleeps_and_wakes_with_its_memory(tmp_path, hub, interpreter):
    station = hub.station(STATION, 6)
    mac = bytes.fromhex(DEVICE)
    flash = tmp_path / "flash"
    with start(flash, ECHO, interpreter, hub, longest_sleep_s=0) as device:
        assert said(device, "awake") == "1 b''"
        assert hub.wait_for(mac, 6, LIMIT_S)
        assert station.send(b"sleep", mac)
        assert said(device, "awake") == "4 b'slept'"
        assert device.slept_ms == [3_600_000] and device.resets == []


def test_while_it_sleeps_nobody_is_there(tmp_path, hub, interpreter):
    station = hub.station(STATION, 6)
    mac = bytes.fromhex(DEVICE)
    with start(tmp_path / "flash", ECHO, interpreter, hub) as device:
        assert hub.wait_for(mac, 6, LIMIT_S)
        assert said(device, "sent") == "True"
        assert station.send(b"sleep", mac)
        assert hub.wait_for(mac, None, LIMIT_S)
        assert station.send(b"hello", mac) is False


def test_a_device_on_each_interpreter_and_loss(tmp_path, interpreter):
    with EtherHub(loss=0.3) as hub:
        echo = start(tmp_path / "one", ECHO, interpreter, hub)
        caller = start(tmp_path / "two", CALLER, None, hub, mac=OTHER)
        with echo, caller:
            assert said(caller, "answer of") == str(bytes.fromhex(DEVICE))
