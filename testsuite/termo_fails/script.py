"""Thermometers that are absent, come, go, lose their supply, tell nonsense; a wire on ground."""

from testmock.models.ds18b20 import DS18B20
from testsuite.story import MINUTES, SECONDS, sent, stat, up

NAMES = ("first", "second", "third")
# Malfunction is looked at once per minute, when a cycle of five seconds is over.
SOON = 67 * SECONDS


def parts(world):
    return world.device.bench.parts


def all_present(world, present):
    for name in NAMES:
        parts(world)[name].present = present


def topic(sensor):
    return "Temperature/" + "".join(["%02x" % byte for byte in sensor.rom])


def degrees(world, name):
    return stat(world, topic(parts(world)[name]))


def becomes(world, malfunction, limit_ms=SOON):
    assert world.run_until(lambda: stat(world, "Malfunction") == malfunction, limit_ms), (
        malfunction,
        sent(world, "Malfunction"),
    )


def sent_to(world, name):
    return [payload for _, payload in sent(world, name)]


def told_topics(world):
    """Of thermometers."""
    return [t for t in world.broker.topics() if t.startswith("stat/Temperature/Temperature/")]


def lines(world, words):
    return [line for _, line in world.device.output if words in line]


def test_thermometers_that_come_later_are_found_without_a_restart(world):
    all_present(world, False)
    up(world)
    becomes(world, "1")
    world.run_for(60 * MINUTES)
    assert set(sent_to(world, "Malfunction")) == {"1"}
    assert told_topics(world) == []
    all_present(world, True)
    world.run_for(15 * SECONDS)
    assert [degrees(world, name) for name in NAMES] == ["21.0", "22.0", "23.0"]
    becomes(world, "0")
    assert world.device.resets == []


def test_all_gone_for_an_hour_and_back(world):
    up(world)
    becomes(world, "0")
    all_present(world, False)
    becomes(world, "2")
    world.run_for(60 * MINUTES)
    for name in NAMES:
        payloads = sent_to(world, topic(parts(world)[name]))
        assert payloads.count("None") == 1 and payloads[-1] == "None", payloads
    all_present(world, True)
    world.run_for(15 * SECONDS)
    assert [degrees(world, name) for name in NAMES] == ["21.0", "22.0", "23.0"]
    becomes(world, "0")
    assert world.device.resets == []
    assert len(lines(world, "no reading")) == 3 and len(lines(world, "is there")) == 6


def test_one_that_goes_is_said_to_be_unknown_and_the_others_go_on(world):
    up(world)
    becomes(world, "0")
    parts(world)["second"].present = False
    gone_ms = world.now_ms()
    assert world.run_until(lambda: degrees(world, "second") == "None", 80 * SECONDS)
    assert world.now_ms() - gone_ms >= 55 * SECONDS
    parts(world)["first"].celsius = 30
    world.run_for(2 * MINUTES)
    assert float(degrees(world, "first")) > 29.5
    assert set(sent_to(world, "Malfunction")) == {"0"}
    parts(world)["second"].present = True
    world.run_for(15 * SECONDS)
    assert degrees(world, "second") == "22.0"


def test_a_loss_of_supply_shows_no_85_degrees(world):
    up(world)
    becomes(world, "0")
    for _ in range(20):
        parts(world)["third"].power_on()
        world.run_for(13 * SECONDS)
    assert set(sent_to(world, topic(parts(world)["third"]))) == {"23.0"}
    parts(world)["wire"].power_on()
    world.run_for(1 * MINUTES)
    for name, payload in zip(NAMES, ("21.0", "22.0", "23.0")):
        assert set(sent_to(world, topic(parts(world)[name]))) == {payload}
    assert set(sent_to(world, "Malfunction")) == {"0"}


def test_readings_with_a_wrong_check_are_not_told(world):
    up(world)
    becomes(world, "0")
    for name in NAMES:
        parts(world)[name].garbled = 40
    becomes(world, "125")
    becomes(world, "0", 5 * MINUTES)
    assert set(sent_to(world, "Malfunction")) == {"0", "125"}
    assert set(sent_to(world, topic(parts(world)["first"]))) == {"21.0", "None"}


def test_none_answers_though_the_bus_does(world):
    up(world)
    becomes(world, "0")
    # A fourth one is found and read; then it is the only one, and says nothing that is true.
    fourth = DS18B20(world.device.bench.clock.now_us, 4, 24)
    parts(world)["wire"].devices.append(fourth)
    assert world.run_until(lambda: stat(world, topic(fourth)) == "24.0", 60 * SECONDS)
    all_present(world, False)
    fourth.garbled = 1000
    becomes(world, "135")
    assert world.device.resets == []


def test_a_wire_on_ground_ends_nothing(world):
    wire = parts(world)["wire"]
    wire.shorted = True
    up(world)
    becomes(world, "1")
    wire.shorted = False
    world.run_for(15 * SECONDS)
    assert [degrees(world, name) for name in NAMES] == ["21.0", "22.0", "23.0"]
    becomes(world, "0")
    wire.shorted = True
    becomes(world, "125")
    wire.shorted = False
    becomes(world, "0")
    assert world.device.longest_turn_ms <= 15
    assert world.device.resets == []


def test_eight_are_read_and_a_ninth_is_refused_once(world):
    wire = parts(world)["wire"]
    now_us = world.device.bench.clock.now_us
    more = [DS18B20(now_us, 0x100 + i, 30 + i) for i in range(6)]
    wire.devices += more
    up(world)
    world.run_for(30 * SECONDS)
    assert len(told_topics(world)) == 8, told_topics(world)
    for i in range(6):
        assert stat(world, topic(more[i])) in ("%d.0" % (30 + i), None)
    world.device.longest_turn_ms = 0
    world.run_for(10 * MINUTES)
    assert world.device.longest_turn_ms <= 15, world.device.longest_turn_ms
    assert len(lines(world, "more than 8")) == 1
    becomes(world, "0")
