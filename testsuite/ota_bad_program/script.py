"""A bad program comes as an update, and the device is back in the old one by itself."""

import pytest

from testsuite import otastory
from testsuite.otastory import MAIN, SENSOR, is_whole, log, new_set, running, runs_set, update
from testsuite.story import MINUTES, SECONDS, is_online, stat, up, with_keys

SECOND = "value += 1"


def sensor(code, after_s=0):
    """The sensor's module, which does this instead of a reading, from that second on."""
    if not after_s:
        return {"lib/probe/sensor.py": SENSOR.replace("self." + SECOND, code)}
    code = "self.value += 1\n        if self.value >= %d:\n            %s" % (after_s, code)
    return {"lib/probe/sensor.py": SENSOR.replace("self." + SECOND, code)}


def at_import(code):
    return {"lib/probe/sensor.py": code + "\n" + SENSOR}


def in_build(code):
    return {"main.py": MAIN.replace("    probe = Probe()", "    probe = Probe()\n    " + code)}


DELETE = """\
import os

for name in ("sensor.py", "__init__.py"):
    os.remove("/b/lib/probe/" + name)
"""
FOR_EVER = "while True: pass"
# What the program does; what the device says on its log afterwards; how long it takes to the old
# program, with its network.
CRASHES = {
    "syntax error in main.py": ({"main.py": "def"}, "exception: SyntaxError", 10),
    "syntax error in a module": ({"lib/probe/sensor.py": "def"}, "exception: SyntaxError", 10),
    "no main.py": ({"main.py": None}, "the set has no main.py, or it ended", 10),
    "a module is missing": (
        {"lib/probe/sensor.py": None},
        "exception: ImportError no module named 'probe.sensor'",
        10,
    ),
    "exception in boot.py": ({"boot.py": "1 / 0"}, "exception: ZeroDivisionError", 10),
    "exception at import": (at_import("1 / 0"), "exception: ZeroDivisionError", 10),
    "no memory at import": (at_import("raise MemoryError"), "exception: MemoryError", 10),
    "no memory in a task": (sensor("raise MemoryError"), "out of memory", 30),
    "exception in build": (in_build("1 / 0"), "exception: ZeroDivisionError", 20),
    "exception after a minute": (sensor("1 / 0", 60), "exception: ZeroDivisionError", 80),
    "exception in its self-test": (
        {"lib/probe/sensor.py": SENSOR.replace('return "ok"', "return 1 / 0")},
        "exception: ZeroDivisionError",
        140,
    ),
    "endless loop in boot.py": ({"boot.py": FOR_EVER}, "it hung", 80),
    "endless loop at import": (at_import(FOR_EVER), "it hung", 80),
    "endless loop in build": (in_build(FOR_EVER), "it hung", 80),
    "endless loop at once": (sensor(FOR_EVER), "it hung", 80),
    "endless loop after a minute": (sensor(FOR_EVER, 60), "it hung", 100),
    "main.py just ends": ({"main.py": "x = 1"}, "the set has no main.py, or it ended", 10),
    "deletes its own files": (at_import(DELETE + "1 / 0"), "exception: ZeroDivisionError", 10),
    "resets itself": (at_import("import machine\nmachine.reset()"), "not confirmed in three", 15),
}


def goes_back(world, changes, words, limit_s):
    """Send the update, and see what becomes of it."""
    world.spin_hangs = True
    otastory.start(world)
    device = world.device
    update(world, new_set(changes))
    assert running(world) == "b trial a ok"
    begin_ms = world.now_ms()
    assert world.run_until(lambda: running(world) == "a confirmed", limit_s * SECONDS)
    assert runs_set(world, "a", begin_ms + limit_s * SECONDS - world.now_ms())
    assert is_whole(world, "a")
    world.run_for(1 * SECONDS)
    said = [line for line in log(world, begin_ms) if "update failed, back to set a: " in line]
    assert len(said) == 1 and words in said[0], log(world, begin_ms)
    # And there it stays.
    count = len(device.resets)
    world.run_for(15 * MINUTES)
    assert len(device.resets) == count and is_online(world)
    assert running(world) == "a confirmed" and device.nvram["loader"] == {"boots": 0}


@pytest.mark.parametrize("kind", CRASHES)
def test_one_that_crashes_or_hangs_goes_back_at_once(world, kind):
    goes_back(world, *CRASHES[kind])
