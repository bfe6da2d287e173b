"""The broker has a name, and the server that knows names is slow, dead, or tells something new."""

from testmock.simworld.broker import Broker
from testsuite.story import MINUTES, SECONDS, Insight, is_online, sent, stat, up

OTHER_ADDRESS = "1.2.3.5"


def move_broker(world):
    """The broker gets another address; the old one answers nobody."""
    world.broker.stop(forget=True)
    old = world.broker.address
    world.broker = Broker(world, OTHER_ADDRESS)
    world.lan.names["broker.lan"] = OTHER_ADDRESS
    world.lan.lose_syns(old)


def cached_address(world):
    return world.device.nvram.get("mqtt", {}).get("address")


def test_a_slow_name_server_only_delays(world):
    insight = Insight(world)
    world.lan.dns_delay_ms = 5 * SECONDS
    device = world.device
    device.power_on()
    assert world.run_until(lambda: is_online(world), 30 * SECONDS)
    waited_ms = insight.times("mqtt", "online")[0] - insight.times("net", "connected")[0]
    assert 5 * SECONDS <= waited_ms <= 5100, waited_ms
    assert device.longest_turn_ms >= 5 * SECONDS
    world.run_for(10 * MINUTES)
    assert world.lan.dns_queries == 1
    assert device.resets == []


def test_a_dead_name_server_at_the_first_boot_does_not_wake_the_watchdog(world):
    device = world.device
    world.lan.dns_dead = True
    device.power_on()
    world.run_for(9 * MINUTES)
    assert device.resets == []
    assert device.bench.watchdog_timeout_ms == 15 * SECONDS
    assert device.longest_turn_ms >= 20 * SECONDS
    # The tank is measured all the same.
    device.bench.parts["expander"].inputs = 0xFFF8
    world.lan.dns_dead = False
    assert world.run_until(lambda: is_online(world), 85 * SECONDS)
    assert world.run_until(lambda: stat(world, "CoarseLevelPct") == "60", 10 * SECONDS)


def test_the_last_good_address_is_used_while_the_name_server_is_dead(world):
    device = world.device
    up(world)
    assert cached_address(world) == b"broker.lan 1.2.3.4"
    world.lan.dns_dead = True
    device.reset()
    up(world, 30 * SECONDS)
    assert device.said("using 1.2.3.4")
    # And is asked for again only after a pause: each question stops the appliance for 20 s.
    queries = world.lan.dns_queries
    for _ in range(5):
        world.broker.reset_clients()
        world.run_for(100)
        assert world.run_until(lambda: is_online(world), 3 * SECONDS)
        world.run_for(20 * SECONDS)
    assert world.lan.dns_queries == queries
    assert device.resets[1:] == []


def test_the_address_is_written_only_when_it_changes(world):
    up(world)
    writes = world.device.bench.nvs_writes
    for _ in range(3):
        world.device.reset()
        up(world)
    assert world.device.bench.nvs_writes == writes
    assert world.lan.dns_queries == 4


def test_a_broker_that_has_moved_is_found(world):
    insight = Insight(world)
    up(world)
    world.run_for(30 * SECONDS)
    move_broker(world)
    assert world.run_until(lambda: is_online(world), 90 * SECONDS)
    assert cached_address(world) == b"broker.lan 1.2.3.5"
    assert insight.app.mqtt.connected()
    world.run_for(1 * SECONDS)
    assert stat(world, "CoarseLevelPct") == "100"


def test_a_broker_that_moved_while_the_name_server_was_dead_is_found_when_it_lives(world):
    up(world)
    world.lan.dns_dead = True
    move_broker(world)
    world.run_for(5 * MINUTES)
    assert world.broker.connections == []
    world.lan.dns_dead = False
    assert world.run_until(lambda: is_online(world), 3 * MINUTES)
    assert cached_address(world) == b"broker.lan 1.2.3.5"
    assert world.device.resets == []


def test_neither_broker_nor_name_server_leave_the_appliance_most_of_its_time(world):
    device = world.device
    up(world)
    world.lan.dns_dead = True
    world.broker.stop()
    began_ms = world.now_ms()
    queries = world.lan.dns_queries
    world.run_for(9 * MINUTES)
    blocked_ms = (world.lan.dns_queries - queries) * 20 * SECONDS
    # Each question stands still for 20 s; less than a quarter of the time may go that way.
    assert blocked_ms * 4 <= world.now_ms() - began_ms, blocked_ms
    assert device.resets == []
    world.broker.start()
    assert world.run_until(lambda: is_online(world), 85 * SECONDS)


def test_a_name_that_nobody_knows_is_said(world):
    del world.lan.names["broker.lan"]
    world.device.power_on()
    world.run_for(2 * MINUTES)
    assert world.device.resets == []
    assert world.device.said("mqtt: ")
    world.lan.names["broker.lan"] = "1.2.3.4"
    up(world, 75 * SECONDS)
    world.run_for(1 * SECONDS)
    assert [line for _, line in sent(world, "Log") if line.startswith("warn mqtt:")]
