"""A loop that stands still is reset, one that waits where it said it would is not (T07)."""

from testmock.simworld.device import WDT_RESET
from testsuite.story import MINUTES, SECONDS, is_online, up, with_keys


def block_for(world, ms):
    """The expander holds the bus, and so the loop, for ms; -> when that begins."""
    device = world.device
    expander = device.bench.parts["expander"]
    began = []

    def hold(data):
        if not began:
            began.append(world.now_ms())
            device.sleep_us(ms * 1000)
        expander.i2c_write = usual
        usual(data)

    usual = expander.i2c_write
    expander.i2c_write = hold
    assert world.run_until(lambda: began, 5 * SECONDS)
    return began[0]


def test_a_blocked_loop_is_reset_within_the_limit(world):
    device = world.device
    up(world)
    world.run_for(25 * SECONDS)
    began_ms = block_for(world, 60 * SECONDS)
    assert world.run_until(lambda: device.resets, 30 * SECONDS)
    reset_ms, cause = device.resets[0]
    assert cause == WDT_RESET
    # 15 s after the last feeding, which was a second after the block began at the latest.
    assert 14 * SECONDS <= reset_ms - began_ms <= 17 * SECONDS, reset_ms - began_ms
    up(world)
    assert device.said("reset by watchdog")
    assert len(device.resets) == 1


def test_a_short_block_is_forgiven(world):
    up(world)
    world.run_for(25 * SECONDS)
    block_for(world, 5 * SECONDS)
    world.run_for(60 * SECONDS)
    block_for(world, 13 * SECONDS)
    world.run_for(60 * SECONDS)
    assert world.device.resets == []
    assert is_online(world)


def test_a_declared_block_may_last_two_minutes(world):
    with_keys(world, mqttbroker="broker.lan")
    world.lan.dns_delay_ms = 100 * SECONDS
    world.device.power_on()
    assert world.run_until(lambda: is_online(world), 5 * MINUTES)
    assert world.device.longest_turn_ms >= 100 * SECONDS
    assert world.device.resets == []


def test_a_declared_block_of_more_is_none(world):
    with_keys(world, mqttbroker="broker.lan")
    device = world.device
    world.lan.dns_delay_ms = 10 * MINUTES
    device.wifi.associate_ms = 20 * SECONDS
    device.power_on()
    assert world.run_until(lambda: world.lan.dns_queries, 60 * SECONDS)
    began_ms = world.now_ms()
    # After the grace: else nobody would be there to bite.
    assert began_ms >= 10_300, began_ms
    assert world.run_until(lambda: device.resets, 6 * MINUTES)
    assert device.resets[0][1] == WDT_RESET
    assert 119 * SECONDS <= device.resets[0][0] - began_ms <= 137 * SECONDS


def test_a_block_right_after_a_declared_one_is_not_covered_by_it(world):
    with_keys(world, mqttbroker="broker.lan")
    up(world)
    world.run_for(30 * SECONDS)
    world.lan.dns_delay_ms = 20 * SECONDS
    queries = world.lan.dns_queries
    world.broker.reset_clients()
    assert world.run_until(lambda: world.lan.dns_queries > queries, 10 * SECONDS)
    world.run_for(21 * SECONDS)
    assert world.device.resets == []
    began_ms = block_for(world, 60 * SECONDS)
    assert world.run_until(lambda: world.device.resets, 30 * SECONDS)
    assert world.device.resets[0][0] - began_ms <= 17 * SECONDS


def test_without_the_watchdog_nothing_bites(world):
    with_keys(world, watchdog=0)
    up(world)
    world.run_for(25 * SECONDS)
    block_for(world, 8 * MINUTES)
    world.run_for(9 * MINUTES)
    assert world.device.resets == []
    assert world.device.bench.watchdog_timeout_ms == 0


def test_the_watchdog_is_on_without_its_key_and_leaves_ten_seconds_of_grace(world):
    with_keys(world, watchdog=None)
    device = world.device
    device.power_on()
    world.run_for(10 * SECONDS)
    assert device.bench.watchdog_timeout_ms == 0
    world.run_for(1 * SECONDS)
    assert device.bench.watchdog_timeout_ms == 15 * SECONDS


def test_a_quiet_hour_feeds_it(world):
    up(world)
    world.run_for(65 * MINUTES)
    assert world.device.resets == []
