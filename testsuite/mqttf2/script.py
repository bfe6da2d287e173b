"""The connection to the broker fails in every place, once each, and is made again (T04)."""

from testsuite.story import MINUTES, SECONDS, Insight, command, is_online, sent, stat, up

KEEPALIVE_MS = 30 * SECONDS


def expect_back(world, insight):
    """Reconnected half a second after the loss, subscribed anew, and commands work."""
    assert world.run_until(lambda: is_online(world), 5 * SECONDS)
    lost_ms = insight.times("mqtt", "lost")[-1]
    later = [ms for ms in insight.times("mqtt", "connecting") if ms > lost_ms]
    pause_ms = later[0] - lost_ms
    assert 500 <= pause_ms <= 760, pause_ms
    assert world.broker.subscriptions() == {"cmnd/H2OControl/#": 1}
    obeyed = insight.app.mqtt.commands
    command(world, "Refresh", "1")
    world.run_for(1 * SECONDS)
    assert insight.app.mqtt.commands == obeyed + 1


def lost_count(insight):
    return insight.count("mqttlost")


def test_a_refused_connection_is_tried_again_and_not_counted(world):
    insight = Insight(world)
    world.broker.refuse(1)
    up(world)
    expect_back(world, insight)
    assert len(world.broker.connects) == 2
    assert lost_count(insight) == 0


def test_an_unanswered_ping_ends_the_connection(world):
    insight = Insight(world)
    up(world)
    world.run_for(60 * SECONDS)
    world.broker.freeze()
    frozen_ms = world.now_ms()
    assert world.run_until(lambda: insight.times("mqtt", "lost"), 2 * KEEPALIVE_MS)
    assert world.now_ms() - frozen_ms <= KEEPALIVE_MS * 3 // 2
    assert world.device.said("mqtt: no PINGRESP")
    world.broker.thaw()
    expect_back(world, insight)
    assert lost_count(insight) == 1


def test_a_reset_while_reading_ends_the_connection(world):
    insight = Insight(world)
    up(world)
    world.run_for(30 * SECONDS)
    world.broker.reset_clients()
    assert world.run_until(lambda: insight.times("mqtt", "lost"), 1 * SECONDS)
    expect_back(world, insight)
    assert lost_count(insight) == 1


def test_a_reset_while_publishing_ends_the_connection(world):
    insight = Insight(world)
    up(world)
    world.run_for(30 * SECONDS)
    world.lan.cut_after(10)
    world.device.bench.parts["expander"].inputs = 0xFFF8
    assert world.run_until(lambda: insight.times("mqtt", "lost"), 10 * SECONDS)
    expect_back(world, insight)
    world.run_for(10 * SECONDS)
    assert stat(world, "CoarseLevelPct") == "60"
    assert lost_count(insight) == 1


def test_the_back_off_begins_anew_after_each_success(world):
    insight = Insight(world)
    up(world)
    for fault in (world.broker.reset_clients, world.broker.close_clients) * 3:
        fault()
        world.run_for(100)
        expect_back(world, insight)
        world.run_for(7 * SECONDS)
    assert lost_count(insight) == 6
    # At once for the first, for the others after ten minutes: flash wears.
    assert world.device.nvram["netstats"]["mqttlost"] == 1
    world.run_for(10 * MINUTES)
    assert world.device.nvram["netstats"]["mqttlost"] == 6
    assert world.device.resets == []
    assert world.broker.violations == []


def test_what_changes_meanwhile_is_published_after_the_return(world):
    up(world)
    world.run_for(15 * SECONDS)
    world.broker.stop()
    world.device.bench.parts["expander"].inputs = 0xFFF8
    world.run_for(10 * SECONDS)
    world.device.bench.parts["expander"].inputs = 0xFFFC
    world.run_for(20 * SECONDS)
    world.broker.forget_publications()
    world.broker.start()
    assert world.run_until(lambda: is_online(world), 60 * SECONDS)
    world.run_for(2 * SECONDS)
    # The newest value, once; what was true in between is not told.
    assert [p for _, p in sent(world, "CoarseLevelPct")] == ["40"]
    assert [p for _, p in sent(world, "LevelSensorMap")] == ["1,1,0,0,0"]
