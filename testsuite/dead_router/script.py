"""What is wrong with the house is no reason to doubt the program: no way back, and no rescue."""

from testsuite import otastory
from testsuite.otastory import SENSOR, is_whole, logged, new_set, running, runs_set, update
from testsuite.story import HOURS, MINUTES, SECONDS, up, with_keys

DAYS = 24 * HOURS
SLOW = SENSOR.replace("1000, 1000", "60000, 60000").replace("every_ms=1000", "every_ms=60000")


def updated(world):
    """Runs set b, which is confirmed; set a could take over."""
    otastory.install(world)
    with_keys(world, watchdog=0)  # its thread would only make three days last longer
    up(world)
    update(world, new_set({"lib/probe/sensor.py": SLOW}))
    assert world.run_until(lambda: running(world) == "b confirmed a", 3 * MINUTES)


def still_runs_the_new_one(world):
    assert runs_set(world, "b")
    assert running(world) == "b confirmed a"
    assert is_whole(world, "a") and is_whole(world, "b")
    return not world.device.said("rescue") and not logged(world, "failed")


def test_a_router_that_is_dead_for_three_days(world):
    updated(world)
    device = world.device
    device.wifi.available = False
    world.run_for(3 * DAYS)
    # The ladder has restarted it all the time, every ten minutes or so.
    assert 3 * 24 * 4 < len(device.resets) < 3 * 24 * 6
    device.wifi.available = True
    assert still_runs_the_new_one(world)


def test_how_an_update_ended_is_told_when_the_router_is_back(world):
    """However often the ladder has restarted the device meanwhile."""
    otastory.start(world)
    update(world, new_set({"lib/probe/sensor.py": SLOW}))
    world.device.wifi.available = False
    world.run_for(3 * HOURS)
    assert running(world) == "a confirmed" and len(world.device.resets) > 12
    world.device.wifi.available = True
    assert runs_set(world, "a")
    world.run_for(1 * SECONDS)
    words = (
        "Network repeated failures, trying device reboot, before: update failed, back to set a: "
    )
    last = [line for line in otastory.log(world) if "last reboot: " in line][-1]
    assert words in last, last
    words += "not confirmed within ten minutes: no network"
    assert otastory.ask(world, "msg_reboot") == ["reboot.txt: " + words]
    # Told once, it is over.
    world.device.wifi.available = False
    world.run_for(30 * MINUTES)
    assert world.device.flash.text("/reboot.txt").endswith("trying device reboot")


def test_a_broker_that_is_dead_for_a_day(world):
    updated(world)
    world.broker.stop()
    world.run_for(1 * DAYS)
    assert 24 * 4 < len(world.device.resets) <= 24 * 6
    world.broker.start()
    assert still_runs_the_new_one(world)


def test_a_short_ladder(world):
    """Reboots for want of a network within the first minute."""
    otastory.install(world)
    config = otastory.CONFIG + "netreboot 1\nmqttreboot 1\n"
    world.device.flash.load("/config.txt", config)
    up(world)
    world.device.wifi.available = False
    world.run_for(6 * HOURS)
    assert len(world.device.resets) > 100
    world.device.wifi.available = True
    assert runs_set(world, "a") and not world.device.said("rescue")


def cuts(world, every_ms, for_ms):
    device = world.device
    end_ms = world.now_ms() + for_ms
    while world.now_ms() < end_ms:
        world.run_for(every_ms)
        device.power_cut()
        world.run_for(2 * SECONDS)
        device.power_on()


def test_power_cuts_every_twenty_seconds_for_an_hour(world):
    updated(world)
    cuts(world, 20 * SECONDS, 1 * HOURS)
    assert still_runs_the_new_one(world)
    world.run_for(2 * MINUTES)
    assert world.device.nvram["loader"] == {"boots": 0}


def test_power_cuts_in_the_middle_of_the_boot(world):
    updated(world)
    for ms in (1, 100, 299, 300, 301, 310, 400, 1000, 5000):
        cuts(world, ms, 50 * (ms + 2 * SECONDS))
    assert still_runs_the_new_one(world)


def test_power_cuts_and_a_dead_router(world):
    updated(world)
    world.device.wifi.available = False
    for _ in range(20):
        cuts(world, 20 * SECONDS, 5 * MINUTES)
        world.run_for(25 * MINUTES)
    world.device.wifi.available = True
    assert still_runs_the_new_one(world)


def test_resets_in_the_first_minute_look_like_crashes(world):
    """And lead to the rescue program, which is reachable, and tries the set again."""
    otastory.start(world)
    for _ in range(4):
        world.device.reset()
        world.run_for(5 * SECONDS)
    assert world.device.module("loader.rescue")
    up(world)
    assert world.run_until(lambda: world.device.module("probe.sensor"), 61 * MINUTES)
    assert runs_set(world, "a")
