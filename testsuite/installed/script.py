"""A device that boots from its flash as a board does: its own files, by its own sys.path."""

import pytest

from testmock.simworld import installed
from testsuite.story import MINUTES, SECONDS, is_online, up

SPACES = " " * 2


def boot_with(world, files):
    """Power on a bare device with these files, for ten seconds."""
    device = world.device
    for path, content in files.items():
        device.flash.load(path, content)
    device.power_on()
    world.run_for(10 * SECONDS)
    return [line for _, line in device.output]


def test_boot_and_main_run_as_one_program(world):
    lines = boot_with(
        world,
        {
            "/boot.py": "import sys\nword = __name__\nprint(__file__, sys.path)",
            "/main.py": "print(word, __name__, __file__, sys.modules['__main__'].word)",
        },
    )
    assert lines == ["boot.py ['', '.frozen', '/lib']", "__main__ __main__ main.py __main__"]


def test_an_exception_in_boot_keeps_main_from_running(world):
    world.device.expect_crash = True
    lines = boot_with(world, {"/boot.py": "x = 1\n1 / 0", "/main.py": "print('never')"})
    assert lines == [
        "Traceback (most recent call last):",
        SPACES + 'File "boot.py", line 2, in <module>',
        "ZeroDivisionError: division by zero",
    ]


def test_imports_go_by_the_path_of_the_device(world):
    lines = boot_with(
        world,
        {
            "/main.py": "import sys, one, both\nsys.path[:] = ['/a', '/a/lib']\n"
            "import two.deep\nfrom plain import part\nprint(two.deep.__file__, part.where)\n"
            "print(one.__file__, both.__file__, two.__path__)\n"
            "for name in ('epx', 'h2o', 'boot', 'testmock', 'machine_rare', 'zlib', 'asyncio'):\n"
            "    try:\n        __import__(name)\n        print('found', name)\n"
            "    except ImportError as error:\n        print(error)",
            "/one.py": "",
            "/both.py": "",
            "/lib/both.py": "1 / 0",
            "/a/lib/two/__init__.py": "",
            "/a/lib/two/deep.py": "",
            "/a/plain/part.py": "where = __name__",
        },
    )
    assert lines[:2] == ["/a/lib/two/deep.py plain.part", "one.py both.py ['/a/lib/two']"]
    missing = ("epx", "h2o", "boot", "testmock", "machine_rare", "zlib", "asyncio")
    assert lines[2:] == ["no module named '%s'" % name for name in missing]


def test_what_a_board_has_is_there(world):
    lines = boot_with(
        world,
        {
            "/main.py": "import machine, network, esp32, time, os, deflate, cryptolib, framebuf\n"
            "from machine import Pin, RTC, UART\nfrom esp32 import NVS, Partition\n"
            "from network import WLAN, LAN\nimport hashlib, json, struct, select, socket\n"
            "print(cryptolib.aes(bytes(16), 1).encrypt(bytes(16))[:2], os.getcwd())",
        },
    )
    assert lines == ["b'f\\xe9' /"]


def test_a_compiled_file_is_refused(world):
    world.device.expect_crash = True
    lines = boot_with(world, {"/main.py": "import one", "/one.mpy": b"M\x06"})
    assert lines[-1] == "ImportError: one.mpy: CPython cannot run compiled files"


@pytest.mark.parametrize("source", [b"def", b"x = \xff", b"a\x00b"])
def test_what_is_no_program_is_a_syntax_error(world, source):
    world.device.expect_crash = True
    lines = boot_with(world, {"/main.py": "import one", "/one.py": source})
    assert lines[-1].startswith("SyntaxError"), lines


def test_an_endless_loop_hangs_until_the_watchdog_bites(world):
    world.spin_hangs = True
    boot_with(
        world,
        {"/main.py": "import machine\nmachine.WDT(timeout=3000)\nwhile True:\n    pass"},
    )
    assert world.device.resets == [(3300, 3), (6600, 3), (9900, 3)]


def test_an_installed_tank_comes_up_from_its_flash(world):
    device = world.device
    seen = []
    device.after_import = lambda name, module: seen.append(getattr(module, "__file__", None))
    installed.install(device, "h2o")
    assert installed.set_problems(device.flash, "a") == []
    up(world)
    assert "/a/lib/h2o/sensor.py" in seen and "loader/start.py" in seen
    assert device.module("epx.net").__file__ == "/a/lib/epx/net.py"
    ours = [name for name in seen if name and name.startswith(str(installed.ROOT))]
    assert all("/testmock/" in name for name in ours), ours
    # Nothing but the loader's count changes in flash; by now it counts no failed boot.
    world.run_for(2 * MINUTES)
    assert device.nvram["loader"] == {"boots": 0} and device.flash.writes == 0


def test_the_coverage_of_what_runs_from_flash_counts(world):
    device = world.device
    installed.install(device, "h2o")
    up(world)
    function = device.module("epx.net").Net.__init__
    assert function.__code__.co_filename == str(installed.ROOT) + "lib/epx/net.py"


def test_a_traceback_names_the_file_in_flash(world):
    device = world.device
    text = installed.read("lib/epx/textfmt.py").decode()
    changes = {"lib/epx/textfmt.py": text + "\n\n1 / 0\n"}
    installed.install(device, "h2o", changes=changes)
    device.power_on()
    assert world.run_until(lambda: device.flash.content("/exception.txt"), 10 * SECONDS)
    line = len(text.splitlines()) + 3
    text = device.flash.text("/exception.txt")
    assert 'File "/a/lib/epx/textfmt.py", line %d, in <module>' % line in text
    assert 'File "/a/main.py", line ' in text and "testmock" not in text


def test_the_other_set_runs_when_the_loader_is_told_so(world):
    device = world.device
    installed.install(device, "h2o")
    installed.install_set(device.flash, "h2o", "b", 2, changes={"extra.py": "x = 1\n"})
    installed.run_set(device.flash, "b confirmed a")
    assert installed.set_problems(device.flash, "b") == []
    device.flash.load("/b/extra.py", "x = 2\n")
    device.flash.load("/b/more.py", "")
    assert installed.set_problems(device.flash, "b") == [
        "content of /b/extra.py",
        "not listed /b/more.py",
    ]
    up(world)
    assert device.module("epx.net").__file__ == "/b/lib/epx/net.py"


def test_without_a_set_the_rescue_program_is_reachable(world):
    device = world.device
    installed.install(device, "h2o")
    installed.remove_folder(device.flash, "/a")
    device.flash.remove("/running.txt")
    up(world)
    assert device.module("loader.rescue") and not device.module("h2o.sensor")
    assert device.module("epx.net").__file__ == "/loader/lib/epx/net.py"


def test_a_device_without_power_boots_again_from_any_state(world):
    device = world.device
    installed.install(device, "h2o")
    before = device.snapshot()
    for number in (1, 2):
        for how in ("before", "torn", "after"):
            device.restore(before)
            device.flash.cut_points = 0
            device.flash.cut_at(number, how)
            device.power_on()
            assert world.run_until(lambda: not device.powered, 3 * MINUTES), (number, how)
            world.run_for(10 * SECONDS)
            device.flash.cut_at(0)
            device.power_on()
            assert world.run_until(lambda: is_online(world), 1 * MINUTES), (number, how)
            device.power_cut()
            world.run_for(5 * MINUTES)
