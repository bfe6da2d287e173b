"""A bad program comes as an update, and the device is back in the old one by itself."""

import pytest

from testsuite import otastory
from testsuite.otastory import MAIN, SENSOR, is_whole, log, new_set, running, runs_set, update
from testsuite.story import MINUTES, SECONDS, is_online, stat, up, with_keys


def sensor(code, after_s=0):
    """The sensor's module, which does this instead of a reading, from that second on."""
    if not after_s:
        return {"lib/probe/sensor.py": SENSOR.replace("self.value += 1", code)}
    code = "self.value += 1\n        if self.value >= %d:\n            %s" % (after_s, code)
    return {"lib/probe/sensor.py": SENSOR.replace("self.value += 1", code)}


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


# What never leads to a confirmation: ten minutes, and what is missing.
NOT_WELL = {
    "blocks the network": (
        sensor("__import__('network').WLAN(0).active(False)"),
        "no network",
    ),
    "never reaches the broker": (in_build("app.config.mqttbroker = '1.2.3.9'"), "no broker"),
    "asks at the wrong port": (in_build("app.config.mqttport = 80"), "no broker"),
    "its self-test fails": (
        {"lib/probe/sensor.py": SENSOR.replace('return "ok"', 'return "no_sensor"')},
        "no_sensor",
    ),
}


@pytest.mark.parametrize("kind", NOT_WELL)
def test_one_that_is_not_well_has_ten_minutes(world, kind):
    changes, missing = NOT_WELL[kind]
    otastory.start(world)
    update(world, new_set(changes))
    begin_ms = world.now_ms()
    world.run_for(9 * MINUTES + 55 * SECONDS)
    assert running(world) == "b trial a ok" and len(world.device.resets) == 1
    assert world.run_until(lambda: running(world) == "a confirmed", 10 * SECONDS)
    assert runs_set(world, "a")
    world.run_for(1 * SECONDS)
    words = "update failed, back to set a: not confirmed within ten minutes: " + missing
    assert otastory.logged(world, words, begin_ms), log(world, begin_ms)
    assert is_whole(world, "a")


@pytest.mark.parametrize("when", ["at import", "later"])
def test_the_watchdog_works_though_config_txt_says_no(world, when):
    world.spin_hangs = True
    otastory.install(world)
    with_keys(world, watchdog=0)
    up(world)
    update(world, new_set(at_import(FOR_EVER) if when == "at import" else sensor(FOR_EVER, 30)))
    begin_ms = world.now_ms()
    assert world.run_until(lambda: running(world) == "a confirmed", 80 * SECONDS)
    assert runs_set(world, "a")
    assert world.device.resets[-1][1] == 3
    world.run_for(1 * SECONDS)
    assert otastory.logged(world, "back to set a: it hung", begin_ms), log(world, begin_ms)


def test_what_was_broken_before_need_not_work_afterwards(world):
    """A sensor that had failed before the update does not keep it away."""
    broken = {"lib/probe/sensor.py": SENSOR.replace('return "ok"', 'return "no_sensor"')}
    otastory.start(world, otastory.probe(broken))
    broken["lib/probe/sensor.py"] += "# better\n"
    update(world, new_set(broken))
    assert running(world) == "b trial a no_sensor"
    assert world.run_until(lambda: running(world) == "b confirmed a", 150 * SECONDS)


def test_power_cuts_during_the_trial(world):
    otastory.start(world)
    device = world.device
    update(world, new_set({"lib/probe/sensor.py": SENSOR + "# new\n"}))
    for _ in range(3):
        assert runs_set(world, "b")
        world.run_for(90 * SECONDS)
        assert running(world) == "b trial a ok"
        device.power_cut()
        world.run_for(5 * SECONDS)
        device.power_on()
    begin_ms = world.now_ms()
    assert runs_set(world, "a")
    assert running(world) == "a confirmed"
    world.run_for(1 * SECONDS)
    assert otastory.logged(world, "back to set a: not confirmed in three boots", begin_ms)


def test_two_resets_during_the_trial_do_no_harm(world):
    otastory.start(world)
    update(world, new_set({"lib/probe/sensor.py": SENSOR + "# new\n"}))
    for _ in range(2):
        assert runs_set(world, "b")
        world.run_for(60 * SECONDS)
        world.device.reset()
        world.run_for(1 * SECONDS)
    assert runs_set(world, "b")
    assert world.run_until(lambda: running(world) == "b confirmed a", 130 * SECONDS)


def test_one_that_deletes_its_files_after_the_confirmation(world):
    """It takes three boots to see that the set does not run any more."""
    code = "__import__('os').remove('/b/lib/probe/sensor.py')\n            self.value = -9999"
    otastory.start(world)
    update(world, new_set(sensor(code, 200)))
    assert world.run_until(lambda: running(world) == "b confirmed a", 150 * SECONDS)
    world.run_for(2 * MINUTES)
    assert stat(world, "Value").startswith("-")
    count = len(world.device.resets)
    begin_ms = world.now_ms()
    world.device.power_cut()
    world.run_for(5 * SECONDS)
    world.device.power_on()
    assert runs_set(world, "a") and running(world) == "a confirmed"
    assert len(world.device.resets) == count + 3
    world.run_for(1 * SECONDS)
    words = "set b failed three times, now set a runs: exception: ImportError"
    assert otastory.logged(world, words, begin_ms), log(world, begin_ms)


def test_a_tank_whose_expander_is_gone_after_the_update_goes_back(world):
    otastory.install_tank(world)
    up(world)
    main = otastory.tank()["main.py"].decode().replace("I2C(0,", "I2C(1,")
    update(world, new_set({"main.py": main}, profile="h2o"))
    begin_ms = world.now_ms()
    assert world.run_until(lambda: running(world) == "a confirmed", 11 * MINUTES)
    assert runs_set(world, "a")
    world.run_for(20 * SECONDS)
    words = "update failed, back to set a: not confirmed within ten minutes: malfunction2"
    assert otastory.logged(world, words, begin_ms), log(world, begin_ms)
    assert stat(world, "Malfunctions") == "0"
