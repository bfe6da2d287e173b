"""The access point returns, the broker behind it does not yet."""

from testsuite.story import MINUTES, SECONDS, Insight, is_online, sent, stat, up


def test_the_network_is_up_and_the_broker_is_tried_until_it_answers(world):
    insight = Insight(world)
    device = world.device
    up(world)
    device.wifi.available = False
    world.broker.stop()
    world.run_for(3 * MINUTES)
    device.wifi.available = True
    del insight.net[:], insight.mqtt[:]
    assert world.run_until(lambda: insight.times("net", "connected"), 60 * SECONDS)
    world.run_for(5 * MINUTES)
    tried = len(insight.times("mqtt", "connecting"))
    assert 10 <= tried <= 20, tried
    assert insight.app.net.connected()
    assert len(insight.times("net", "connected")) == 1
    device.bench.parts["expander"].inputs = 0xFFFE
    world.run_for(2 * MINUTES)
    world.broker.forget_publications()
    world.broker.start()
    assert world.run_until(lambda: is_online(world), 61 * SECONDS)
    world.run_for(2 * SECONDS)
    assert stat(world, "CoarseLevelPct") == "20"
    assert len(sent(world, "CoarseLevelPct")) == 1
    assert device.resets == []


def test_ten_minutes_without_the_broker_count_from_the_return_of_the_network(world):
    insight = Insight(world)
    device = world.device
    up(world)
    device.wifi.available = False
    world.broker.stop()
    world.run_for(8 * MINUTES)
    device.wifi.available = True
    del insight.net[:]
    assert world.run_until(lambda: insight.times("net", "connected"), 60 * SECONDS)
    back_ms = world.now_ms()
    assert world.run_until(lambda: device.resets, 12 * MINUTES)
    assert device.resets[0][0] - back_ms >= 10 * MINUTES
    assert device.flash.text("/reboot.txt").startswith("Too much time w/o MQTT")


def test_the_access_point_comes_and_goes_while_the_broker_is_away(world):
    device = world.device
    up(world)
    world.broker.stop()
    for _ in range(20):
        device.wifi.drop()
        world.run_for(47 * SECONDS)
    world.broker.start()
    assert world.run_until(lambda: is_online(world), 2 * MINUTES)
    assert device.resets == []
    assert device.open_sockets == 1
