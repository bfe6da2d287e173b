"""The example of docs/new-profile.md does what the page says."""

from testsuite.story import MINUTES, SECONDS, command, sent, stat, up

CONFIG = """\
ssid My House
password secret word
mqttbroker broker.lan
mqttname Garage
pulse 500
"""


def boot(load):
    load("boot")
    load("main")


def start(world):
    device = world.device
    device.extra_paths = ("docs/example/profiles/garage", "docs/example/lib")
    device.boot_function = boot
    device.flash.load("/config.txt", CONFIG)
    device.bench.set_input(27, 0)
    up(world)


def test_the_state_is_published_and_each_event_once(world):
    start(world)
    assert world.run_until(lambda: stat(world, "Closed") == "1", 10 * SECONDS)
    world.device.bench.set_input(27, 1)
    assert world.run_until(lambda: stat(world, "Closed") == "0", 5 * SECONDS)
    world.run_for(60 * MINUTES)
    assert [payload for _, payload in sent(world, "Event")] == ["opened"]


def test_what_happens_while_the_broker_is_away_is_told_afterwards(world):
    start(world)
    world.run_for(10 * SECONDS)
    world.broker.stop()
    for level in (1, 0, 1):
        world.device.bench.set_input(27, level)
        world.run_for(10 * SECONDS)
    world.broker.start()
    assert world.run_until(lambda: len(sent(world, "Event")) == 3, 2 * MINUTES)
    assert [payload for _, payload in sent(world, "Event")] == ["opened", "closed", "opened"]
    assert world.run_until(lambda: stat(world, "Closed") == "0", 1 * SECONDS)


def test_a_command_presses_the_button_once(world):
    start(world)
    command(world, "Press", b"on")
    world.run_for(5 * SECONDS)
    times = [ms for ms, _ in world.device.bench.pin(26).history][-2:]
    levels = [level for _, level in world.device.bench.pin(26).history][-2:]
    assert levels == [1, 0] and 490 <= times[1] - times[0] <= 510, (levels, times)


def test_a_retained_command_opens_nothing(world):
    world.broker.publish("cmnd/Garage/Press", b"on", retain=True)
    start(world)
    world.run_for(10 * SECONDS)
    assert [level for _, level in world.device.bench.pin(26).history] in ([], [0])
    assert world.device.said("dropped")
