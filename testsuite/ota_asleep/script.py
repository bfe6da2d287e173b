"""A scale on a battery is updated: told by its central, proved by a reading that has arrived."""

import pytest

from epxhost.errors import ToolError
from testmock.simworld import installed
from testsuite import asleepstory
from testsuite.asleepstory import Tool, central_says, new_set, restart_central
from testsuite.otastory import running
from testsuite.story import HOURS, MINUTES, SECONDS, with_keys

SENSOR = installed.read("lib/scale_sensor/sensor.py").decode()
ACTUATOR = installed.read("lib/scale_sensor/actuator.py").decode()
IDENTITY = "240ac4000001"


def start(world, changes=None):
    asleepstory.start(world, "scale_manager", changes)


def scale(changes=None):
    return new_set("scale_sensor", changes)


def changed(path, text, old, new):
    assert old in text
    return {path: text.replace(old, new)}


def sensor(old, new):
    return changed("lib/scale_sensor/sensor.py", SENSOR, old, new)


def actuator(old, new):
    return changed("lib/scale_sensor/actuator.py", ACTUATOR, old, new)


def weights(world, since_ms=0):
    return [text for ms, text in world.broker.sent("stat/Gate/Weight") if ms >= since_ms]


def fails_with(tool, job, limit_ms):
    with pytest.raises(ToolError) as raised:
        tool.pc.wait(job, limit_ms)
    return str(raised.value)


def until_taken(world):
    """A tool that waits; the scale has just heard of the update."""
    tool = Tool(world)
    job = tool.bring()
    assert world.run_until(lambda: central_says(world, "taken"), 70 * MINUTES)
    return tool, job


def test_it_is_told_when_it_wakes_and_proves_the_new_program(world):
    device = world.device
    start(world)
    world.run_for(5 * MINUTES)
    tool = Tool(world)
    before_ms = world.now_ms()
    tool.pc.wait(tool.start(scale()), 70 * MINUTES)
    assert running(world) == "b confirmed a"
    assert "waiting up to 70 minutes" in tool.said[0]
    assert "has woken" in tool.said[1]
    said = [line.split(": ")[2] for line in central_says(world, "netnow: update of " + IDENTITY)]
    assert said == ["waits", "taken", "trial", "done, set b "]
    assert weights(world, before_ms) == [b"7.000", b"7.000"]
    count = len(device.resets)
    world.run_for(5 * HOURS)
    assert len(device.resets) == count and len(weights(world)) >= 7
    peers = world.broker.last("stat/Gate/Peers")
    assert b'"update":"done","set":"b"' in peers


def test_an_update_costs_minutes_not_hours_of_battery(world):
    device = world.device
    start(world)
    tool = Tool(world)
    device.awake_ms = 0
    tool.pc.wait(tool.start(scale()), 70 * MINUTES)
    assert device.awake_ms < 5 * MINUTES, device.awake_ms


def test_who_has_no_network_says_that_it_cannot(world):
    with_keys(world, ssid="(none)")
    start(world)
    tool = Tool(world)
    words = fails_with(tool, tool.start(scale()), 70 * MINUTES)
    assert "says that it cannot" in words and "pcp_conf" in words
    assert not world.device.resets


def test_that_it_cannot_is_not_known_before_it_has_spoken(world):
    with_keys(world, otakey=None)
    start(world)
    world.run_for(10 * SECONDS)
    restart_central(world)
    world.run_for(1 * MINUTES)
    tool = Tool(world)
    words = fails_with(tool, tool.start(scale()), 70 * MINUTES)
    assert "says that it cannot" in words
    assert [line[-7:] for line in central_says(world, "update of")] == [": waits", " cannot"]


def test_a_program_that_crashes_goes_back_and_the_tool_says_why(world):
    start(world)
    tool = Tool(world)
    job = tool.start(
        scale(sensor("def _power_up(self):\n", "def _power_up(self):\n        1 / 0\n"))
    )
    words = fails_with(tool, job, 70 * MINUTES)
    assert "update failed, back to set a: exception: ZeroDivisionError" in words
    assert "has again what it had before" in words and running(world) == "a confirmed"


def test_a_program_that_cannot_weigh_is_not_confirmed(world):
    start(world)
    tool = Tool(world)
    job = tool.start(scale(sensor("self._driver.power_up()", "raise OSError(5)")))
    words = fails_with(tool, job, 5 * HOURS)
    assert "update failed, back to set a: not confirmed in three boots" in words
    assert "it has started, and reached the central" in tool.said
    assert running(world) == "a confirmed"


def test_who_could_not_weigh_before_need_not_do_it_now(world):
    world.device.bench.parts["cell"].present = False
    start(world)
    assert world.run_until(lambda: world.broker.last("stat/Gate/Malfunction") == b"1", 2 * MINUTES)
    tool = Tool(world)
    tool.pc.wait(tool.start(scale()), 70 * MINUTES)
    assert running(world) == "b confirmed a"


def test_a_program_that_never_reaches_the_central_goes_back(world):
    start(world)
    tool = Tool(world)
    job = tool.start(scale(actuator("now.start()", "pass")))
    words = fails_with(tool, job, 5 * HOURS)
    assert "update failed, back to set a: not confirmed in three boots" in words
    assert running(world) == "a confirmed"


def test_a_central_that_restarts_is_told_again(world):
    start(world)
    tool = Tool(world)
    job = tool.start(scale())
    world.run_for(10 * MINUTES)
    restart_central(world)
    tool.pc.wait(job, 80 * MINUTES)
    assert "Gate has restarted, and is told again" in tool.said
    assert running(world) == "b confirmed a"


def test_a_central_that_restarts_during_the_trial_is_no_loss(world):
    start(world)
    tool = Tool(world)
    job = tool.start(scale())
    device = world.device
    assert world.run_until(lambda: len(device.resets) == 2, 70 * MINUTES)
    world.central.power_cut()
    world.run_for(2 * MINUTES)  # its first wake finds nobody
    assert running(world) == "b trial a ok"
    world.central.power_on()
    tool.pc.wait(job, 3 * HOURS)
    assert running(world) == "b confirmed a"


def test_one_that_is_away_while_the_trial_ends_tells_it_later(world):
    start(world)
    tool = Tool(world)
    job = tool.start(scale())
    assert world.run_until(lambda: running(world) == "b confirmed a", 70 * MINUTES)
    restart_central(world)
    tool.pc.wait(job, 3 * HOURS)
    assert not central_says(world, "done")


def test_nobody_who_wakes_is_no_update(world):
    start(world)
    tool = Tool(world)
    job = tool.start(scale())
    world.run_for(1 * MINUTES)
    world.device.power_cut()
    words = fails_with(tool, job, 75 * MINUTES)
    assert "has not woken within 70 minutes" in words and "battery" in words


def test_a_network_out_of_reach_is_said(world):
    start(world)
    tool, job = until_taken(world)
    world.device.wifi.available = False
    words = fails_with(tool, job, 10 * MINUTES)
    assert "does not come to the broker" in words


def test_it_comes_once_though_nobody_waits_for_it_any_more(world):
    device = world.device
    start(world)
    world.broker.publish("cmnd/Gate/Update", IDENTITY)
    world.run_for(6 * HOURS)
    assert len(device.resets) == 1
    assert central_says(world, "update of %s: taken" % IDENTITY)
    assert central_says(world, "update of %s: old, set a" % IDENTITY)


def test_one_that_is_at_the_broker_already_is_not_awaited(world):
    start(world)
    tool, job = until_taken(world)
    tool.pc.wait(job, 2 * MINUTES)
    tool = Tool(world)
    tool.pc.wait(tool.start(scale()), 10 * MINUTES)
    assert "sleeps" not in tool.said[0]
    assert running(world) == "b confirmed a"


def test_what_the_broker_kept_of_its_last_visit_is_not_believed(world):
    """A device that restarts or sleeps does not say goodbye: the broker notices later."""
    start(world)
    tool = Tool(world)
    tool.pc.wait(tool.start(scale()), 70 * MINUTES)
    world.broker.publish("stat/LPScale/Availability", "online", retain=True)
    tool = Tool(world)
    tool.pc.wait(tool.start(new_set("scale_sensor", {"lib/more.py": "1\n"}, 3)), 75 * MINUTES)
    assert running(world) == "a confirmed b"


def test_a_second_update_waits_for_the_verdict_of_the_first(world):
    start(world)
    tool = Tool(world)
    tool.start(scale(sensor("self._driver.power_up()", "raise OSError(5)")))
    assert world.run_until(lambda: central_says(world, ": trial"), 75 * MINUTES)
    second = Tool(world)
    assert "is on trial" in fails_with(second, second.bring(), 5 * MINUTES)


def test_who_is_not_paired_with_this_central_is_said_at_once(world):
    start(world)
    tool = Tool(world, "240ac4999999")
    assert "is not paired with 240ac4999999" in fails_with(tool, tool.bring(), 1 * MINUTES)


def test_a_device_that_is_no_central_is_said(world):
    start(world)
    tool = Tool(world)
    world.central.power_cut()
    words = fails_with(tool, tool.bring(), 1 * MINUTES)
    assert "does not answer to Update" in words


def test_on_a_bad_link_it_gets_there_and_is_left_in_peace(world):
    """That it has noticed is said once; if that is lost, the trial tells it as well."""
    start(world)
    tool = Tool(world)
    job = tool.start(scale())
    world.ether.lose(world.device, world.central, 0.3)
    tool.pc.wait(job, 4 * HOURS)
    assert running(world) == "b confirmed a"
    world.ether.lose(world.device, world.central, None)
    world.run_for(3 * HOURS)
    count = len(world.device.resets)
    world.run_for(3 * HOURS)
    assert len(world.device.resets) == count


def config(world, **keys):
    """What the scale has, with other values."""
    lines = world.device.flash.text("/config.txt").splitlines()
    return "".join(
        "%s %s\n" % (line.split()[0], keys.get(line.split()[0], line.split(" ", 1)[1]))
        for line in lines
    )


def test_other_settings_go_the_same_way(world):
    device = world.device
    start(world)
    tool = Tool(world)
    tool.pc.wait(tool.configure(config(world, calibration_b=30)), 70 * MINUTES)
    assert device.flash.content("/config.old") is None
    assert weights(world)[-1] == b"8.000"


def test_settings_that_keep_it_from_its_central_go_back(world):
    device = world.device
    start(world)
    before = device.flash.text("/config.txt")
    tool = Tool(world)
    words = fails_with(tool, tool.configure(config(world, espnowpsk="blub")), 5 * HOURS)
    assert "new config.txt failed, back to the old one: not confirmed in three boots" in words
    assert device.flash.text("/config.txt") == before


def test_a_power_cut_while_it_waits_for_the_update(world):
    """That it is to have a network is in RTC memory: gone, and so it works on."""
    device = world.device
    start(world)
    tool, job = until_taken(world)
    tool.pc.wait(job, 2 * MINUTES)
    device.power_cut()
    world.run_for(5 * SECONDS)
    device.power_on()
    world.run_for(1 * MINUTES)
    assert central_says(world, ": old, set a")
    tool = Tool(world)
    tool.pc.wait(tool.start(scale()), 75 * MINUTES)
    assert running(world) == "b confirmed a"
