"""The house has power again before its broker has."""

from testsuite.story import MINUTES, SECONDS, Insight, is_online, sent, stat

STATE_TOPICS = (
    "VolUnit CoarseLevelPct CoarseLevelVol EstimatedLevelVol EstimatedLevelStr Flow "
    "PumpedAfterLevelChange Pumped Malfunctions LevelSensorMap Uptime Diag"
).split()


def test_everything_is_said_once_when_the_broker_comes(world):
    insight = Insight(world)
    device = world.device
    world.broker.stop()
    device.power_on()
    world.run_for(5 * MINUTES)
    device.bench.parts["expander"].inputs = 0xFFF8
    world.run_for(4 * MINUTES)
    assert device.resets == []
    assert world.broker.publications() == []
    # The appliance does its work without a broker: its display shows the level and the state.
    assert device.bench.parts["display"].is_lit()
    came_ms = world.now_ms()
    world.broker.start()
    assert world.run_until(lambda: is_online(world), 61 * SECONDS)
    world.run_for(1 * SECONDS)
    for topic in STATE_TOPICS:
        assert len(sent(world, topic)) == 1, (topic, sent(world, topic))
    assert stat(world, "CoarseLevelPct") == "60"
    assert stat(world, "LevelSensorMap") == "1,1,1,0,0"
    assert stat(world, "Malfunctions") == "0"
    lines = [line for _, line in sent(world, "Log")]
    # What the ring could not keep is said first, then come the newest lines.
    assert lines[0].startswith("info epx") or "log lines lost" in lines[0], lines[0]
    assert lines[-1] == "info mqtt: connected"
    assert insight.app.mqtt.sm.state == "online"
    assert device.open_sockets == 1
    world.run_for(2 * MINUTES)
    assert device.resets == []
    assert world.now_ms() - came_ms < 4 * MINUTES


def test_a_broker_that_comes_soon_is_found_soon(world):
    insight = Insight(world)
    world.broker.stop()
    world.device.power_on()
    assert world.run_until(lambda: insight.times("net", "connected"), 30 * SECONDS)
    world.run_for(10 * SECONDS)
    world.broker.start()
    assert world.run_until(lambda: is_online(world), 10 * SECONDS)


def test_waits_as_long_as_it_takes_over_restarts(world):
    device = world.device
    world.broker.stop()
    device.power_on()
    world.run_for(65 * MINUTES)
    # One restart per ten minutes and a bit, none more.
    assert 4 <= len(device.resets) <= 6, device.resets
    world.broker.start()
    assert world.run_until(lambda: is_online(world), 75 * SECONDS)
