"""The example of docs/new-profile-radio.md does what the page says."""

from testmock.simworld.device import Device
from testsuite.story import HOURS, MINUTES, SECONDS, command, sent, up

GROUP = "espnowpsk bla\nespnowgroup ble\n"
HOUSE = "ssid House\npassword secret word\nmqttbroker 1.2.3.4\nmqttname Gate\n"


def boot(load):
    load("main")


def example(device, profile, config):
    device.extra_paths = (f"docs/example/profiles/{profile}", "docs/example/lib")
    device.boot_function = boot
    device.flash.load("/config.txt", config + GROUP)
    return device


def start(world):
    """The gateway is up; the letterbox has looked once."""
    example(world.device, "letterbox_gate", HOUSE)
    up(world)
    world.run_for(40 * SECONDS)
    letterbox = example(Device(world, None, name="letterbox"), "letterbox", "ssid (none)\n")
    letterbox.bench.set_input(33, 1)
    letterbox.power_on()
    assert world.run_until(lambda: mail(world) == ["0"], 2 * MINUTES)
    return letterbox


def mail(world):
    return [payload for _, payload in sent(world, "Mail")]


def test_it_tells_at_each_wake_whether_there_is_mail(world):
    letterbox = start(world)
    letterbox.bench.set_input(33, 0)
    world.run_for(1 * HOURS)
    assert mail(world) == ["0", "1", "1", "1"] and letterbox.crash is None
    assert letterbox.awake_ms < 90 * SECONDS


def test_it_sleeps_once_for_as_long_as_it_is_told(world):
    letterbox = start(world)
    world.run_for(1 * MINUTES)  # it is asleep, and hears nothing before it wakes
    command(world, "Sleep", b"60")
    world.run_for(3 * HOURS)
    minutes = [ms // 60000 for _, ms in letterbox.slept]
    assert minutes[:5] == [15, 60, 15, 15, 15] and letterbox.crash is None
