"""An ordinary day of a water tank: topics and their times, pumping, a display that fails (T16)."""

from testsuite.story import MINUTES, SECONDS, sent, stat, up

# Topic, what a full tank at rest says there, after how many minutes it says so again.
STATE_TOPICS = (
    ("VolUnit", "L", 30),
    ("CoarseLevelPct", "100", 10),
    ("CoarseLevelVol", "1000", 10),
    ("EstimatedLevelVol", "1000", 10),
    ("EstimatedLevelStr", "100% + 0L", 10),
    ("Flow", "0.0", 30),
    ("PumpedAfterLevelChange", "0.0", 30),
    ("Pumped", "0.0", 30),
    ("Malfunctions", "0", 30),
    ("LevelSensorMap", "1,1,1,1,1", 30),
)


def pump(world, rate_hz, ms):
    flow = world.device.bench.parts["flow"]
    flow.rate_hz = rate_hz
    world.run_for(ms)
    flow.rate_hz = 0


def gaps_ms(found):
    return [found[i + 1][0] - found[i][0] for i in range(len(found) - 1)]


def total(world, topic):
    """Sum of what was published, in tenths."""
    return sum([int(float(payload) * 10 + 0.5) for _, payload in sent(world, topic)])


def test_says_what_it_knows_and_repeats_it(world):
    up(world)
    world.run_for(60 * SECONDS)
    for topic, payload, _ in STATE_TOPICS:
        assert [p for _, p in sent(world, topic)] == [payload], (topic, sent(world, topic))
    world.run_for(30 * MINUTES)
    for topic, payload, minutes in STATE_TOPICS:
        found = sent(world, topic)
        assert [p for _, p in found] == [payload] * (1 + 30 // minutes), (topic, found)
        gaps = gaps_ms(found)
        assert all(abs(gap - minutes * MINUTES) <= 2 * SECONDS for gap in gaps), (topic, gaps)
        assert not world.broker.retained("stat/H2OControl/" + topic)


def pumping(world):
    """T16: 1800 pulses in a minute are 6.25 L at 6.25 L/min."""
    up(world)
    world.run_for(5 * SECONDS)
    began_ms = world.now_ms()
    pump(world, 30, 60 * SECONDS)
    flows = [(ms, p) for ms, p in sent(world, "Flow") if ms > began_ms and p != "0.0"]
    # Full speed from the second value on; the first one may come out of a window half over.
    assert {payload for _, payload in flows[1:]} <= {"6.2", "6.3"}, flows
    gaps = gaps_ms(flows)
    assert len(gaps) >= 4, flows
    assert all(abs(gap - 10 * SECONDS) < 100 for gap in gaps), gaps
    world.run_for(61 * SECONDS)
    assert stat(world, "Flow") == "0.0"
    assert stat(world, "PumpedAfterLevelChange") == "6.3"
    assert stat(world, "EstimatedLevelVol") == "1006"
    assert stat(world, "EstimatedLevelStr") == "100% + 6L"
    assert stat(world, "CoarseLevelVol") == "1000"
    assert total(world, "Pumped") == 63, sent(world, "Pumped")


def test_pumping_is_measured_by_the_hardware_counter(world):
    pumping(world)


def test_pumping_is_measured_by_interrupts_on_older_firmware(world):
    world.device.firmware_has_counter = False
    pumping(world)


def test_a_level_change_starts_a_new_count(world):
    up(world)
    pump(world, 24, 60 * SECONDS)
    world.run_for(10 * SECONDS)
    assert stat(world, "PumpedAfterLevelChange") == "5.0"
    world.device.bench.parts["expander"].inputs = 0xFFF8
    world.run_for(15 * SECONDS)
    assert stat(world, "PumpedAfterLevelChange") == "0.0"
    assert stat(world, "EstimatedLevelStr") == "60% + 0L"
    assert stat(world, "EstimatedLevelVol") == "600"


def test_what_is_pumped_while_the_broker_is_away_is_said_later(world):
    up(world)
    pump(world, 48, 3 * MINUTES)
    world.broker.stop()
    pump(world, 48, 4 * MINUTES)
    world.broker.start()
    pump(world, 48, 5 * MINUTES)
    world.run_for(3 * MINUTES)
    assert total(world, "Pumped") == 1200, sent(world, "Pumped")
    assert stat(world, "PumpedAfterLevelChange") == "120.0"


def test_goes_on_when_the_display_fails(world):
    device = world.device
    display = device.bench.parts["display"]
    up(world)
    assert display.is_lit()
    world.run_for(115 * SECONDS)
    display.failing = True
    world.run_for(15 * SECONDS)
    display.data_bytes = 0
    pump(world, 30, 1 * MINUTES)
    world.run_for(31 * MINUTES)
    assert display.data_bytes == 0
    assert len([line for _, line in device.output if "display" in line]) == 1
    assert stat(world, "PumpedAfterLevelChange") == "6.3"
    assert [payload for _, payload in sent(world, "CoarseLevelPct")] == ["100"] * 4
    assert device.resets == []


def test_an_idle_hour_wakes_the_processor_rarely(world):
    up(world)
    world.run_for(5 * MINUTES)
    before = world.device.turns
    world.run_for(60 * MINUTES)
    assert world.device.turns - before <= 4500
