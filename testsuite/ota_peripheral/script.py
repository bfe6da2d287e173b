"""The peripheral of a link test never sleeps, and is updated like one that does."""

import pytest

from epxhost.errors import ToolError
from testmock.simworld import installed
from testsuite import asleepstory
from testsuite.asleepstory import Tool, central_says, new_set
from testsuite.otastory import running
from testsuite.story import HOURS, MINUTES, SECONDS

SENSOR = installed.read("lib/tnowp/sensor.py").decode()


def start(world):
    asleepstory.start(world, "tnowc")


def program(old="", new=""):
    assert old in SENSOR
    changes = {"lib/tnowp/sensor.py": SENSOR.replace(old, new)} if old else {"lib/more.py": "1\n"}
    return new_set("tnowp", changes)


def fails_with(tool, job, limit_ms):
    with pytest.raises(ToolError) as raised:
        tool.pc.wait(job, limit_ms)
    return str(raised.value)


def test_it_is_told_within_a_minute_and_proves_itself(world):
    start(world)
    tool = Tool(world)
    tool.pc.wait(tool.start(program()), 10 * MINUTES)
    assert running(world) == "b confirmed a"
    count = len(world.device.resets)
    before = len(world.broker.sent("stat/Gate/YourRSSI"))
    world.run_for(3 * HOURS)
    assert len(world.device.resets) == count
    assert len(world.broker.sent("stat/Gate/YourRSSI")) > before + 300


def test_the_wish_reaches_it_without_a_message_of_its_own(world):
    start(world)
    world.broker.publish("cmnd/Gate/Update", world.device.wifi.mac.hex())
    assert world.run_until(lambda: central_says(world, "taken"), 1 * MINUTES)


def test_nobody_comes_with_it(world):
    """It must not sleep for an hour: nobody would expect that of it."""
    device = world.device
    start(world)
    tool = Tool(world)
    tool.pc.wait(tool.bring(), 5 * MINUTES)
    world.run_for(20 * MINUTES)
    assert device.slept == [] and device.said("reboot: nobody has come with an update")
    assert central_says(world, ": old, set a")
    before = len(world.broker.sent("stat/Gate/YourRSSI"))
    world.run_for(10 * MINUTES)
    assert len(world.broker.sent("stat/Gate/YourRSSI")) >= before + 15
    assert len(device.resets) == 2


def test_a_program_that_tells_nothing_goes_back_by_itself(world):
    device = world.device
    start(world)
    tool = Tool(world)
    job = tool.start(
        program("Task(self._send, _EVERY_MS, _EVERY_MS, jitter_ms=_JITTER_MS)", "pass")
    )
    words = fails_with(tool, job, 1 * HOURS)
    assert "back to set a: not confirmed within 30 minutes" in words
    assert running(world) == "a confirmed" and device.slept == []


def test_one_that_crashes_goes_back_at_once(world):
    start(world)
    tool = Tool(world)
    job = tool.start(program("self._held = 0\n", "1 / 0\n"))
    words = fails_with(tool, job, 10 * MINUTES)
    assert "back to set a: exception: ZeroDivisionError" in words


def test_a_central_that_is_away_for_ten_minutes_does_not_end_a_trial(world):
    start(world)
    tool = Tool(world)
    job = tool.start(program())
    assert world.run_until(lambda: len(world.device.resets) == 2, 10 * MINUTES)
    world.central.power_cut()
    world.run_for(10 * MINUTES)
    assert running(world) == "b trial a ok"
    world.central.power_on()
    tool.pc.wait(job, 20 * MINUTES)
    assert running(world) == "b confirmed a"
    world.run_for(40 * SECONDS)


def test_a_central_that_comes_back_with_another_time_is_found_by_who_looks_for_it(world):
    device = world.device
    start(world)
    world.central.power_cut()
    assert world.run_until(lambda: device.said("looking for the central"), 5 * MINUTES)
    world.run_for(1 * MINUTES)
    count = len(world.broker.sent("stat/Gate/YourRSSI"))
    world.central.power_on()
    world.run_for(70 * SECONDS)
    assert len(world.broker.sent("stat/Gate/YourRSSI")) > count


def test_one_that_is_to_be_told_before_it_was_heard_is_in_the_list(world):
    identity = world.device.wifi.mac.hex()
    start(world)
    asleepstory.restart_central(world)
    world.device.power_cut()
    world.run_for(30 * SECONDS)
    world.broker.publish("cmnd/Gate/Update", identity)
    world.run_for(6 * MINUTES)
    row = b'{"id":"%s","update":"waits"}' % identity.encode()
    assert row in world.broker.last("stat/Gate/Peers")
