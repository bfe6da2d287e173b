"""A device on a battery: it wakes and sleeps, gets an update, and no failure keeps it awake."""

import pathlib

from testmock.simworld import installed
from testsuite import otastory
from testsuite.otastory import running, update
from testsuite.story import HOURS, MINUTES, SECONDS, command, is_online, with_keys

_NAP = pathlib.Path(__file__).parents[1] / "nap"
SENSOR = (_NAP / "lib/nap/sensor.py").read_text()
# What the small appliance of the other stories has not.
_MORE = ("sleeper", "updatewake", "rtcmemory")
_ARRIVES, _WAITS = 4, 5


def nap(changes=None):
    """{path in the set: content}; changes: others, or None to drop."""
    files = {path: text for path, text in otastory.probe().items() if "probe" not in path}
    for name in _MORE:
        path = "lib/epx/%s.py" % name
        files[path] = installed.read(path)
    for path in _NAP.rglob("*.py"):
        files[path.relative_to(_NAP).as_posix()] = path.read_bytes()
    return otastory.changed(files, changes or {})


def sensor(old, new):
    assert old in SENSOR
    return {"lib/nap/sensor.py": SENSOR.replace(old, new)}


def new_set(changes=None, version=2):
    return otastory.FileSet("nap", version, 0, nap(changes))


def start(world, changes=None):
    """Installed, with power, and asleep for the first time."""
    device = world.device
    otastory.install(world, nap(changes))
    for path, content in installed.device_tree("nap", 1, "a", nap(changes)).items():
        device.flash.load(path, content)
    device.bench.set_input(_ARRIVES, 1)
    device.power_on()


def asleep(world, limit_ms=2 * HOURS):
    """Until it sleeps once more -> for how long it wants to."""
    device = world.device
    count = len(device.slept)
    assert world.run_until(lambda: len(device.slept) > count, limit_ms), device.console()[-3000:]
    return device.slept[-1][1]


def comes_for_an_update(world):
    """Somebody says that one waits, and the next wake is at the broker."""
    device = world.device
    device.bench.set_input(_WAITS, 1)
    assert world.run_until(lambda: is_online(world), 2 * HOURS), device.console()[-3000:]
    device.bench.set_input(_WAITS, 0)


def boots(world):
    return world.device.nvram["loader"]["boots"]


def test_a_day_without_a_network(world):
    device = world.device
    start(world)
    world.run_for(24 * HOURS)
    assert [ms for _, ms in device.slept] == 24 * [1 * HOURS]
    assert device.resets == [] and boots(world) == 0
    assert device.wifi.activations == 0 and world.broker.connects == []
    assert device.awake_ms <= 24 * 4 * SECONDS, device.awake_ms


def test_an_update_proves_itself_by_a_reading(world):
    device = world.device
    start(world)
    asleep(world)
    comes_for_an_update(world)
    update(world, new_set())
    assert running(world) == "b trial a ok"
    connects = len(world.broker.connects)
    assert asleep(world, 10 * SECONDS) == 1 * HOURS
    assert running(world) == "b confirmed a" and boots(world) == 0
    assert device.said("info update: set b confirmed, version 2")
    world.run_for(5 * HOURS)
    assert len(device.resets) == 2 and len(world.broker.connects) == connects


def test_one_that_has_no_reading_confirmed_in_three_wakes_goes_back(world):
    device = world.device
    start(world)
    asleep(world)
    comes_for_an_update(world)
    update(world, new_set())
    device.bench.set_input(_ARRIVES, 0)
    for _ in range(3):
        assert asleep(world) == 1 * HOURS
        assert running(world) == "b trial a ok"
    asleep(world)
    assert running(world) == "a confirmed" and boots(world) == 0
    words = "update failed, back to set a: not confirmed in three boots"
    assert device.said(words) and len(device.resets) == 2


def test_a_disturbed_radio_may_cost_two_wakes(world):
    device = world.device
    start(world)
    asleep(world)
    comes_for_an_update(world)
    update(world, new_set())
    device.bench.set_input(_ARRIVES, 0)
    asleep(world)
    asleep(world)
    device.bench.set_input(_ARRIVES, 1)
    asleep(world)
    assert running(world) == "b confirmed a"


def test_an_update_that_crashes_goes_back_at_once(world):
    device = world.device
    start(world)
    asleep(world)
    comes_for_an_update(world)
    update(world, new_set(sensor("self.value += 1", "1 / 0")))
    assert asleep(world, 20 * SECONDS) == 1 * HOURS
    assert running(world) == "a confirmed"
    assert device.said("back to set a: exception: ZeroDivisionError")
    assert len(device.resets) == 3


def test_one_that_hangs_goes_back_and_costs_a_rest(world):
    device = world.device
    world.spin_hangs = True
    start(world)
    asleep(world)
    comes_for_an_update(world)
    update(world, new_set(sensor("self.value += 1", "while True: pass")))
    assert asleep(world, 90 * SECONDS) == 5 * MINUTES
    assert running(world) == "a confirmed" and boots(world) == 0
    assert asleep(world) == 1 * HOURS
    assert device.said("back to set a: it hung")


def test_nobody_comes_with_the_update(world):
    device = world.device
    start(world)
    asleep(world)
    comes_for_an_update(world)
    device.awake_ms = 0
    assert asleep(world, 16 * MINUTES) == 1 * HOURS
    assert 14 * MINUTES <= device.awake_ms <= 16 * MINUTES
    assert not world.device.wifi.is_up()
    connects = len(world.broker.connects)
    world.run_for(3 * HOURS)
    assert len(world.broker.connects) == connects and len(device.resets) == 1


def test_no_network_where_the_update_should_come_from(world):
    device = world.device
    start(world)
    asleep(world)
    device.wifi.available = False
    device.bench.set_input(_WAITS, 1)
    assert world.run_until(lambda: device.resets, 2 * HOURS)
    device.bench.set_input(_WAITS, 0)
    assert asleep(world, 16 * MINUTES) == 1 * HOURS
    assert len(device.resets) == 1


def test_whoever_reboots_it_finds_it_again(world):
    """A new firmware runs after a reset, and somebody has to tell it to stay."""
    start(world)
    asleep(world)
    comes_for_an_update(world)
    for _ in range(2):
        command(world, "OTA", "reboot")
        world.run_for(10 * SECONDS)
        assert is_online(world)
    command(world, "OTA", "reboot")
    assert asleep(world, 20 * SECONDS) == 1 * HOURS
    assert len(world.broker.connects) == 3


def test_without_a_key_it_cannot(world):
    device = world.device
    start(world)
    with_keys(world, otakey=None)
    device.bench.set_input(_WAITS, 1)
    world.run_for(3 * HOURS)
    assert device.said("error nap: cannot be updated")
    assert device.resets == [] and device.wifi.activations == 0
    assert [ms for _, ms in device.slept] == 3 * [1 * HOURS]


def test_a_program_that_fails_rests_and_then_the_set_before_runs(world):
    device = world.device
    late = "self.value += 1\n        if open('/later.txt').read():\n            1 / 0"
    start(world)
    device.flash.load("/later.txt", "")
    asleep(world)
    comes_for_an_update(world)
    update(world, new_set(sensor("self.value += 1", late)))
    asleep(world)
    assert running(world) == "b confirmed a"
    device.flash.load("/later.txt", "now")
    assert [asleep(world) // MINUTES for _ in range(3)] == [5, 10, 20]
    assert asleep(world) == 1 * HOURS
    assert running(world) == "a confirmed" and boots(world) == 0
    assert device.said("set b failed three times, now set a runs: exception: ZeroDivisionError")


def test_one_that_hangs_rests_too(world):
    device = world.device
    world.spin_hangs = True
    start(world, sensor("self.value += 1", "while open('/later.txt').read(): pass"))
    device.flash.load("/later.txt", "")
    asleep(world)
    device.flash.load("/later.txt", "now")
    device.awake_ms = 0
    assert [asleep(world) // MINUTES for _ in range(2)] == [5, 10]
    assert device.awake_ms <= 2 * 20 * SECONDS, device.awake_ms
    assert world.run_until(lambda: device.module("loader.rescue"), 20 * MINUTES)


def rescue_of(world):
    start(world, sensor("self.value += 1", "1 / 0"))
    device = world.device
    rescues = lambda: device.module("loader.rescue") and is_online(world)
    assert world.run_until(rescues, 2 * HOURS)


def test_in_rescue_it_is_there_for_five_minutes_in_an_hour(world):
    device = world.device
    rescue_of(world)
    device.awake_ms = 0
    assert asleep(world) == 1 * HOURS
    assert device.awake_ms <= 5 * MINUTES
    assert device.said("rescue: sleeps for an hour")
    # Then its set has three tries, with a rest after each, and so on.
    assert [asleep(world) // MINUTES for _ in range(4)] == [40, 60, 60, 60]
    device.awake_ms = 0
    world.run_for(24 * HOURS)
    assert 5 * 5 * MINUTES < device.awake_ms <= 6 * 5 * MINUTES, device.awake_ms


def test_an_update_in_rescue_makes_it_whole(world):
    device = world.device
    rescue_of(world)
    command(world, "OTA", "open")
    world.run_for(9 * MINUTES)
    assert device.module("loader.rescue")  # somebody has opened the port
    update(world, new_set())
    assert asleep(world) == 1 * HOURS
    assert running(world) == "b confirmed a"


def test_a_power_cut_ends_the_wish_for_an_update(world):
    device = world.device
    start(world)
    asleep(world)
    comes_for_an_update(world)
    device.power_cut()
    world.run_for(1 * SECONDS)
    device.power_on()
    connects = len(world.broker.connects)
    assert asleep(world, 10 * SECONDS) == 1 * HOURS
    assert len(world.broker.connects) == connects and boots(world) == 0
