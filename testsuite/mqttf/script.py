"""The broker is not to be reached: how often it is tried, and when the device restarts (T03)."""

from testsuite.story import MINUTES, SECONDS, Insight, is_online, sent, up, with_keys

REASON = "Too much time w/o MQTT connection, rebooting"


def expect_back_off(times):
    """The pauses between attempts: 0.5 s x 1.5 each, up to half more by chance, 60 s at most."""
    base_ms = 500
    for i in range(len(times) - 1):
        pause_ms = times[i + 1] - times[i]
        least_ms = min(base_ms, 60 * SECONDS)
        most_ms = min(base_ms + base_ms // 2, 60 * SECONDS)
        assert least_ms <= pause_ms <= most_ms + 20, (i, pause_ms, least_ms, most_ms)
        base_ms = min(base_ms * 3 // 2, 60 * SECONDS)


def test_tries_at_growing_intervals_and_restarts_after_ten_minutes(world):
    insight = Insight(world)
    device = world.device
    world.broker.stop()
    device.power_on()
    assert world.run_until(lambda: device.resets, 15 * MINUTES)
    connected_ms = insight.times("net", "connected")[0]
    reset_ms = device.resets[0][0]
    assert 10 * MINUTES <= reset_ms - connected_ms <= 10 * MINUTES + 3 * SECONDS
    assert device.flash.text("/reboot.txt").startswith(REASON)
    times = insight.times("mqtt", "connecting")
    # The first attempt follows the link at once.
    assert times[0] - connected_ms <= 10, (times[0], connected_ms)
    assert 18 <= len(times) <= 30, len(times)
    expect_back_off(times)
    # The last pauses, by chance or not, are the longest there are.
    assert max([times[i + 1] - times[i] for i in range(len(times) - 1)]) >= 59 * SECONDS
    # A broker that never answered was not lost.
    assert device.nvram["netstats"].get("mqttlost", 0) == 0
    assert device.nvram["netstats"].get("connlost", 0) == 0


def test_chance_is_in_the_pauses(world):
    insight = Insight(world)
    world.broker.stop()
    world.device.power_on()
    world.run_for(5 * MINUTES)
    times = insight.times("mqtt", "connecting")
    base_ms = 500
    extra = 0
    for i in range(8):
        extra += times[i + 1] - times[i] > base_ms + base_ms // 20
        base_ms = base_ms * 3 // 2
    assert extra >= 3, times


def test_a_broker_that_takes_the_connection_and_says_nothing_is_left_after_five_seconds(world):
    insight = Insight(world)
    world.broker.hang()
    world.device.power_on()
    assert world.run_until(lambda: insight.times("mqtt", "lost"), 30 * SECONDS)
    taken_ms = insight.times("mqtt", "lost")[0] - insight.times("mqtt", "connecting")[0]
    assert 5 * SECONDS <= taken_ms <= 6200, taken_ms
    assert world.device.said("mqtt: no CONNACK")
    assert world.run_until(lambda: world.device.resets, 12 * MINUTES)
    assert world.device.flash.text("/reboot.txt").startswith(REASON)


def test_a_broker_that_does_not_exist_is_left_after_five_seconds(world):
    insight = Insight(world)
    world.lan.lose_syns("1.2.3.4")
    world.device.power_on()
    assert world.run_until(lambda: insight.times("mqtt", "lost"), 30 * SECONDS)
    taken_ms = insight.times("mqtt", "lost")[0] - insight.times("mqtt", "connecting")[0]
    assert 5 * SECONDS <= taken_ms <= 6200, taken_ms
    world.lan.lose_syns("1.2.3.4", False)
    assert world.run_until(lambda: is_online(world), 10 * SECONDS)


def test_the_first_attempt_after_the_link_returned_is_quick_again(world):
    insight = Insight(world)
    device = world.device
    world.broker.stop()
    device.power_on()
    world.run_for(8 * MINUTES)
    device.wifi.available = False
    world.run_for(20 * SECONDS)
    device.wifi.available = True
    del insight.net[:], insight.mqtt[:]
    assert world.run_until(lambda: insight.times("net", "connected"), 60 * SECONDS)
    connected_ms = world.now_ms()
    world.run_for(20 * SECONDS)
    times = insight.times("mqtt", "connecting")
    assert times[0] - connected_ms <= 10
    assert len(times) >= 6, times
    expect_back_off(times)


def test_the_time_before_a_restart_is_a_key(world):
    with_keys(world, mqttreboot=25)
    world.broker.stop()
    world.device.power_on()
    world.run_for(25 * MINUTES)
    assert world.device.resets == []
    world.run_for(30 * SECONDS)
    assert len(world.device.resets) == 1


def test_after_the_restart_everything_is_said(world):
    world.broker.stop()
    world.device.power_on()
    assert world.run_until(lambda: world.device.resets, 15 * MINUTES)
    world.broker.start()
    up(world)
    world.run_for(1 * SECONDS)
    assert [line for _, line in sent(world, "Log") if REASON in line]
