"""An ordinary half hour, and a display that fails in the end (T08)."""

from testsuite.story import MINUTES, SECONDS, Insight, sent, stat, up


def test_says_how_long_it_runs_and_how_it_is(world):
    up(world)
    world.run_for(115 * SECONDS)
    world.run_for(2 * MINUTES)
    assert [p for _, p in sent(world, "Uptime")] == ["0", "1", "2", "3", "4"], sent(
        world, "Uptime"
    )
    world.run_for(30 * MINUTES)
    assert stat(world, "Uptime") == str((world.now_ms() - 300) // MINUTES)
    diagnosis = sent(world, "Diag")
    for word in ("heap", "faults 0", "connlost 0", "mqttlost 0", "rssi -60"):
        assert word in diagnosis[-1][1], diagnosis


def test_repeats_what_has_not_changed_after_half_an_hour(world):
    up(world)
    world.run_for(20 * SECONDS)
    world.broker.forget_publications()
    world.run_for(30 * MINUTES + 2 * SECONDS)
    for topic, payload in (("Malfunctions", "0"), ("VolUnit", "L"), ("Flow", "0.0")):
        assert [p for _, p in sent(world, topic)] == [payload], (topic, sent(world, topic))


def test_a_failing_display_stops_being_refreshed_and_nothing_else_does(world):
    insight = Insight(world)
    display = world.device.bench.parts["display"]
    up(world)
    world.run_for(115 * SECONDS)
    display.failing = True
    world.run_for(15 * SECONDS)
    written = display.data_bytes
    world.run_for(5 * MINUTES)
    assert display.data_bytes == written
    assert world.device.module("epx.diag").faults == 0
    assert insight.app.mqtt.sm.state == "online"
    world.run_for(60 * MINUTES)
    assert stat(world, "Malfunctions") == "0"
    assert world.device.resets == []
