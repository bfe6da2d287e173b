"""h2o as cpall installs it, in a folder, in real time, on both interpreters; without a broker."""

import queue
import time

import pytest

from epxhost import toolchain
from epxhost.appliance_process import ApplianceProcess, install_folder
from epxhost.manifest import rescue_files
from testmock.simworld import installed

LIMIT_S = 20
CONFIG = """\
ssid home
password secret
mqttbroker 127.0.0.1
mqttport 9
mqttname Installed
watchdog 1
"""
HANGS = "import machine\nmachine.WDT(timeout=700)\nwhile True:\n    pass\n"
RESETS = "import machine, esp32\nprint('resets')\nmachine.reset()\n"
LOOKS = """\
import os, sys
print(sorted(os.listdir()), os.getcwd(), sys.path)
sys.modules.pop("stage", None)
os.mkdir("/d")
with open("/d/one", "w") as file:
    file.write("1")
os.rename("/d/one", "two.txt")
os.rename("two.txt", "/d/three")
print(os.listdir("d"), os.stat("/d/three")[6])
os.remove("d/three")
os.rmdir("/d")
from machine import RTC, UART
from esp32 import Partition
from network import LAN
for name in ("epx", "h2o", "stage"):
    try:
        __import__(name)
        print("found", name)
    except ImportError:
        print("no", name)
print(Partition(Partition.RUNNING).info()[4])
"""


@pytest.fixture(params=["cpython", "micropython"])
def interpreter(request):
    if request.param == "cpython":
        return None
    command = toolchain.micropython32()
    if command is None:
        pytest.skip(f"no 32-bit MicroPython: {toolchain.why_not('micropython32')}")
    return [*command, "-X", "heapsize=400k"]


def wait_for_line(device, text, limit_s=LIMIT_S):
    """The lines of the console until one contains text."""
    lines = []
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        try:
            kind, value = device.events.get(timeout=0.2)
        except queue.Empty:
            continue
        if kind == "console":
            lines.append(value)
            if text in value:
                return lines
        elif kind == "exit":
            break
    raise AssertionError("\n".join([f"not said: {text}", *lines]))


def with_main(folder, name, program):
    install_folder(folder, "h2o")
    (folder / name).write_text(program)


def test_boots_through_the_loader(interpreter, tmp_path):
    folder = tmp_path / "flash"
    with ApplianceProcess("h2o", CONFIG, interpreter, folder, installed=True) as device:
        lines = wait_for_line(device, "address 127.0.0.1")
        assert "info appliance: h2o" in lines
    assert "'boots': 1" in (tmp_path / "flash.nvs").read_text()


def test_boots_compiled_files(interpreter, tmp_path):
    if interpreter is None:
        pytest.skip("CPython cannot run .mpy files")
    folder = tmp_path / "flash"
    arguments = ("h2o", CONFIG, interpreter, folder)
    with ApplianceProcess(*arguments, installed=True, compiled=True, version=7) as device:
        wait_for_line(device, "address 127.0.0.1")
    assert (folder / "a/lib/epx/net.mpy").exists() and not (folder / "a/lib/epx/net.py").exists()
    assert "version 7\n" in (folder / "a/set.txt").read_text()


def test_a_program_that_hangs_three_times_ends_in_rescue(interpreter, tmp_path):
    folder = tmp_path / "flash"
    folder.mkdir()
    with_main(folder, "a/main.py", HANGS)
    with ApplianceProcess("h2o", CONFIG, interpreter, folder) as device:
        wait_for_line(device, "rescue: no set runs: it hung")
        assert device.resets == [3, 3, 3]


def test_a_device_that_resets_starts_again_with_its_values(interpreter, tmp_path):
    folder = tmp_path / "flash"
    folder.mkdir()
    with_main(folder, "a/main.py", RESETS)
    with ApplianceProcess("h2o", CONFIG, interpreter, folder, cause=1) as device:
        wait_for_line(device, "resets")
        wait_for_line(device, "resets")
        assert device.resets[0] == 2
        # Counted by the loader in NVRAM: after three boots it gives the set up.
        wait_for_line(device, "rescue: no set runs")


def test_the_program_sees_a_board(interpreter, tmp_path):
    folder = tmp_path / "flash"
    folder.mkdir()
    (folder / "boot.py").write_text("word = 'from boot'\n")
    (folder / "main.py").write_text(LOOKS + "print(word, __name__)\n")
    with ApplianceProcess("h2o", CONFIG, interpreter, folder) as device:
        lines = wait_for_line(device, "__main__")
    # On MicroPython the rest of this computer shows as one more folder.
    assert lines[0].replace("'pc'", "").replace(", ]", "]") == (
        "['boot.py', 'config.txt', 'main.py'] / ['', '.frozen', '/lib']"
    )
    assert lines[1:] == [
        "['three'] 1",
        "no epx",
        "no h2o",
        "no stage",
        "ota_0",
        "from boot __main__",
    ]


def test_the_simulator_installs_the_same_files_as_cpall():
    names = set(installed.loader_files())
    assert names == set(rescue_files())
