"""The switches' port expander is absent, fails, comes back; switches and pulses that lie (T15)."""

from testsuite.story import MINUTES, SECONDS, sent, stat, up

# A second of Malfunctions is published within ten.
SOON = 11 * SECONDS


def values(world, topic):
    return [payload for _, payload in sent(world, topic)]


def becomes(world, topic, payload, limit_ms):
    assert world.run_until(lambda: stat(world, topic) == payload, limit_ms), (
        topic,
        stat(world, topic),
    )


def expect(world, malfunctions, level_pct, sensor_map):
    """What is published once things have settled."""
    world.run_for(SOON)
    found = [stat(world, t) for t in ("Malfunctions", "CoarseLevelPct", "LevelSensorMap")]
    assert found == [malfunctions, level_pct, sensor_map], found


def test_an_expander_that_is_absent_fails_and_comes_back(world):
    expander = world.device.bench.parts["expander"]
    expander.present = False
    up(world)
    expect(world, "2", "100", None)
    world.run_for(10 * MINUTES)
    expect(world, "2", "100", None)
    expander.present = True
    world.run_for(10 * MINUTES)
    expect(world, "0", "100", "1,1,1,1,1")

    expander.failing = True
    becomes(world, "Malfunctions", "4", SOON)
    expect(world, "4", "100", "None")
    assert stat(world, "CoarseLevelVol") == "1000"
    world.run_for(10 * MINUTES)
    expect(world, "6", "100", "None")
    expander.failing = False
    world.run_for(10 * MINUTES)
    expect(world, "0", "100", "1,1,1,1,1")
    assert values(world, "Malfunctions").count("4") == 1
    assert world.device.resets == []


def test_a_dry_switch_below_a_wet_one_is_a_malfunction(world):
    expander = world.device.bench.parts["expander"]
    up(world)
    expander.inputs = 251
    world.run_for(4 * SECONDS)
    expect(world, "1", "60", "0,0,1,0,0")
    assert stat(world, "CoarseLevelVol") == "600"
    expander.inputs = 248
    world.run_for(4 * SECONDS)
    expect(world, "0", "60", "1,1,1,0,0")
    world.run_for(30 * MINUTES)
    assert stat(world, "Malfunctions") == "0"


def test_too_many_pulses_are_discarded_and_no_malfunction(world):
    flow = world.device.bench.parts["flow"]
    up(world)
    for _ in range(30):
        flow.pulses(1000)
        world.run_for(1 * SECONDS)
    world.run_for(2 * MINUTES)
    assert set(values(world, "Flow")) == {"0.0"}
    assert set(values(world, "Pumped")) == {"0.0"}
    assert set(values(world, "PumpedAfterLevelChange")) == {"0.0"}
    world.run_for(30 * MINUTES)
    assert set(values(world, "Malfunctions")) == {"0"}


def test_the_same_level_before_and_after_an_outage_is_the_true_one_again(world):
    expander = world.device.bench.parts["expander"]
    expander.inputs = 0xFFF8
    up(world)
    expect(world, "0", "60", "1,1,1,0,0")
    expander.failing = True
    world.run_for(30 * SECONDS)
    expect(world, "4", "100", "None")
    expander.failing = False
    assert world.run_until(lambda: stat(world, "CoarseLevelPct") == "60", 10 * MINUTES)
    expect(world, "0", "60", "1,1,1,0,0")


def test_a_level_needs_four_equal_samples(world):
    expander = world.device.bench.parts["expander"]
    expander.inputs = 0xFFF8
    up(world)
    becomes(world, "CoarseLevelPct", "60", 10 * SECONDS)
    for _ in range(10):
        expander.inputs = 0xFFFC
        world.run_for(3 * SECONDS)
        expander.inputs = 0xFFF8
        world.run_for(1 * SECONDS)
    expander.inputs = 0xFFFC
    changed_ms = world.now_ms()
    becomes(world, "CoarseLevelPct", "40", 10 * SECONDS)
    assert 3 * SECONDS <= world.now_ms() - changed_ms <= 5 * SECONDS
    assert set(values(world, "CoarseLevelPct")) == {"60", "40"}


def test_an_expander_that_lost_its_supply_is_set_up_again(world):
    expander = world.device.bench.parts["expander"]
    expander.inputs = 0xFFF8
    up(world)
    expect(world, "0", "60", "1,1,1,0,0")
    # Without its pull-ups every switch would look wet.
    expander.power_on()
    expect(world, "4", "100", "None")
    world.run_for(10 * MINUTES)
    expect(world, "0", "60", "1,1,1,0,0")
    assert "1,1,1,1,1" not in values(world, "LevelSensorMap")
