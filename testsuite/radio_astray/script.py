"""Peripherals and their central lose each other: how long until all is well, and who pays."""

from testmock.simworld.device import Device
from testsuite.story import HOURS, MINUTES, SECONDS, sent, up

RADIO = "ssid (none)\nespnowpsk bla\nespnowgroup ble\n"
SCALE = RADIO + "calibration_a 10\ncalibration_b 20\n"


def with_central(world, profile, config=RADIO):
    """The central of the world is up for a while; beside it a peripheral, without power."""
    up(world)
    world.run_for(40 * SECONDS)
    return Device(world, profile, config, name=profile)


def contact(peripheral):
    return [text for _, text in peripheral.output if text.endswith("-> ready")]


def has_found_it(peripheral):
    """By a search: it was answered at once, or has heard where its central is."""
    _, begun, searched = peripheral.console().partition("looking for the central")
    return begun and "-> ready" in searched


def test_a_sensor_that_has_found_nobody_goes_on_searching(world):
    sensor = Device(world, "scale_sensor", SCALE, name="scale_sensor")
    sensor.power_on()
    world.run_for(24 * HOURS)
    before_us = sensor.wifi.on_us()
    world.run_for(24 * HOURS)
    spent_s = (sensor.wifi.on_us() - before_us) // 1_000_000
    assert 100 <= spent_s <= 121


def test_a_message_that_waits_does_not_keep_a_peripheral_from_searching(world):
    peripheral = with_central(world, "tnowp", RADIO + "loglevel debug\n")
    peripheral.power_on()
    world.run_for(3 * MINUTES)
    assert len(contact(peripheral)) == 1
    world.broker.stop()
    world.run_for(1 * MINUTES)
    world.device.wifi.channel = 11
    world.run_for(1 * SECONDS)
    known = len(contact(peripheral))
    assert world.run_until(lambda: len(contact(peripheral)) > known, 70 * SECONDS)
    assert "looking for the central on other channels" in peripheral.console()


def test_a_central_tells_the_channel_that_its_driver_has_followed_to(world):
    peripheral = with_central(world, "tnowp", RADIO + "loglevel debug\n")
    peripheral.power_on()
    world.run_for(3 * MINUTES)
    world.device.wifi.channel = 11  # and the driver is there before anybody notices
    assert world.run_until(lambda: has_found_it(peripheral), 70 * SECONDS)
    assert "link lost" not in world.device.console()
    delivered = len(sent(world, "YourRSSI"))
    world.run_for(10 * MINUTES)
    assert peripheral.console().count("looking for the central") == 1
    assert len(sent(world, "YourRSSI")) > delivered + 10


def test_a_central_that_was_erased_and_is_refused_goes_on(world):
    peripheral = with_central(world, "tnowp")
    peripheral.power_on()
    world.run_for(2 * MINUTES)
    central = world.device
    central.power_cut()
    world.run_for(1 * SECONDS)
    central.bench.nvs.clear()
    central.power_on()
    world.run_for(10 * MINUTES)
    assert "this is not the central that we were paired with" in peripheral.console()
    assert [cause for _, cause in central.resets] == []
