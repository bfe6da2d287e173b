"""An ordinary day of three thermometers: topics and their times, Refresh, an offset (T26)."""

from testsuite.story import HOURS, MINUTES, SECONDS, command, sent, stat, up, with_keys

NAMES = ("first", "second", "third")


def number(world, name):
    """The digits of a thermometer in its topic."""
    return "".join(["%02x" % byte for byte in world.device.bench.parts[name].rom])


def degrees(world, name):
    return stat(world, "Temperature/" + number(world, name))


def told(world, name):
    return sent(world, "Temperature/" + number(world, name))


def test_publishes_each_thermometer_and_that_all_is_well(world):
    up(world)
    command(world, "Refresh", "1")
    assert world.run_until(lambda: stat(world, "Malfunction") == "0", 60 * SECONDS)
    world.run_for(10 * SECONDS)
    assert [degrees(world, name) for name in NAMES] == ["21.0", "22.0", "23.0"]
    world.run_for(5 * MINUTES)
    world.broker.forget_publications()
    command(world, "Refresh", "1")
    assert world.run_until(lambda: stat(world, "Malfunction") == "0", 2 * SECONDS)
    assert [degrees(world, name) for name in NAMES] == ["21.0", "22.0", "23.0"]
    assert world.device.resets == []


def test_what_does_not_change_is_repeated(world):
    up(world)
    world.run_for(60 * SECONDS)
    world.broker.forget_publications()
    world.run_for(60 * MINUTES)
    for name in NAMES:
        found = told(world, name)
        assert len(found) == 12, (name, found)
        assert {payload for _, payload in found} == {degrees(world, name)}
    assert [payload for _, payload in sent(world, "Malfunction")] == ["0", "0"]


def test_a_change_is_told_when_it_is_more_than_noise(world):
    sensor = world.device.bench.parts["first"]
    sensor.celsius = 21.3
    up(world)
    world.run_for(2 * MINUTES)
    world.broker.forget_publications()
    # The steady uncertainty is 0.18 C: this is less.
    sensor.celsius = 21.4
    world.run_for(4 * MINUTES)
    assert {payload for _, payload in told(world, "first")} <= {"21.3"}
    sensor.celsius = 25
    began_ms = world.now_ms()
    assert world.run_until(lambda: degrees(world, "first") not in (None, "21.3"), 20 * SECONDS)
    assert world.now_ms() - began_ms <= 12 * SECONDS
    world.run_for(5 * MINUTES)
    assert 24.8 <= float(degrees(world, "first")) <= 25
    values = [float(payload) for _, payload in told(world, "first")]
    assert values == sorted(values), values


def test_frost_and_a_reading_that_is_really_85(world):
    parts = world.device.bench.parts
    parts["first"].celsius, parts["second"].celsius = -10.125, 85
    up(world)
    world.run_for(20 * SECONDS)
    assert [degrees(world, name) for name in NAMES] == ["-10.1", "85.0", "23.0"]


def test_an_offset_is_added_to_the_thermometer_it_names(world):
    with_keys(world, offsets="%s:-0.5,28000000000000ff:3" % number(world, "second").upper())
    up(world)
    world.run_for(20 * SECONDS)
    assert [degrees(world, name) for name in NAMES] == ["21.0", "21.5", "23.0"]


def test_turns_are_short_and_few(world):
    up(world)
    world.run_for(1 * MINUTES)
    world.device.longest_turn_ms = world.device.turns = 0
    world.run_for(1 * HOURS)
    assert world.device.longest_turn_ms <= 15, world.device.longest_turn_ms
    assert world.device.turns <= 6000, world.device.turns
