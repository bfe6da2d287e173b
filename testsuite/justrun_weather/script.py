"""An ordinary day of a weather sensor, and a display that fails (T08 in its original profile)."""

from testsuite.justrun import script as justrun
from testsuite.story import MINUTES, SECONDS, sent, stat, up, with_keys

TOPICS = (
    ("Temperature", "21.5"),
    ("Humidity", "82.0"),
    ("Pressure", "1010.0"),
    ("Malfunction", "0"),
)


def values(world, topic):
    return [payload for _, payload in sent(world, topic)]


def test_says_how_long_it_runs_and_how_it_is(world):
    justrun.test_says_how_long_it_runs_and_how_it_is(world)


def test_says_what_it_measures_and_repeats_it(world):
    up(world)
    # Fifteen seconds of rest, and the first reading is told at once.
    assert world.run_until(lambda: stat(world, "Malfunction"), 30 * SECONDS)
    assert 15 * SECONDS <= world.now_ms() <= 17 * SECONDS, world.now_ms()
    world.run_for(115 * SECONDS)
    for topic, payload in TOPICS:
        assert values(world, topic) == [payload], (topic, sent(world, topic))
        assert not world.broker.retained("stat/TempSensor/" + topic)
    world.run_for(60 * MINUTES)
    for topic, payload in TOPICS:
        found = sent(world, topic)
        assert values(world, topic) == [payload] * 3, (topic, found)
        for i in (0, 1):
            assert abs(found[i + 1][0] - found[i][0] - 30 * MINUTES) <= 2 * SECONDS, found


def test_what_changes_is_told_within_a_minute(world):
    parts = world.device.bench.parts
    up(world)
    world.run_for(1 * MINUTES)
    parts["hygrometer"].celsius = -7.3
    parts["hygrometer"].humidity = 100
    parts["barometer"].hectopascals = 987.64
    parts["barometer"].celsius = -40
    world.run_for(1 * MINUTES + 6 * SECONDS)
    found = [values(world, topic)[-1] for topic, _ in TOPICS]
    assert found == ["-7.3", "100.0", "987.6", "0"], found
    assert len(sent(world, "Temperature")) == 2
    assert len(sent(world, "Malfunction")) == 1


def test_offsets_are_keys(world):
    with_keys(world, temperatureoffset=-0.4, humidityoffset=2.5, pressureoffset="11")
    up(world)
    world.run_for(20 * SECONDS)
    found = [stat(world, topic) for topic, _ in TOPICS]
    assert found == ["21.1", "84.5", "1021.0", "0"], found


def test_goes_on_when_the_display_fails(world):
    device = world.device
    display = device.bench.parts["display"]
    up(world)
    world.run_for(115 * SECONDS)
    assert display.is_lit()
    display.failing = True
    world.run_for(15 * SECONDS)
    display.data_bytes = 0
    device.bench.parts["hygrometer"].celsius = 25
    world.run_for(30 * MINUTES)
    assert display.data_bytes == 0
    assert len([line for _, line in device.output if "display" in line]) == 1
    assert stat(world, "Temperature") == "25.0"
    assert device.module("epx.diag").faults == 0
    assert device.resets == []


def test_no_turn_is_long_and_an_idle_hour_wakes_the_processor_rarely(world):
    up(world)
    world.device.longest_turn_ms = 0
    world.run_for(5 * MINUTES)
    before = world.device.turns
    world.run_for(60 * MINUTES)
    assert world.device.turns - before <= 6000, world.device.turns - before
    assert world.device.longest_turn_ms <= 5, world.device.longest_turn_ms
