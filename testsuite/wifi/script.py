"""Wi-Fi is lost in every way; the device comes back or, in the end, restarts (T01)."""

from testmock.simworld.device import HARD_RESET
from testsuite.story import MINUTES, SECONDS, Insight, is_online, sent, up, with_keys

UNDEFINED = 205
WRONG_PASSWORD = 202
NO_ACCESS_POINT = 201
GOT_ADDRESS = 1010
REASON = "Network repeated failures, trying device reboot"


def test_comes_back_after_each_kind_of_refusal(world):
    insight = Insight(world)
    up(world)
    for status in (UNDEFINED, WRONG_PASSWORD, NO_ACCESS_POINT):
        del insight.net[:]
        lost_ms = world.now_ms()
        world.device.wifi.status = status
        world.run_for(10 * SECONDS)
        assert insight.net[0][1] == "connlost", insight.net
        assert insight.net[0][0] - lost_ms <= 6 * SECONDS
        assert not is_open(world)
        # The next attempt is refused at once, not after a minute.
        assert world.run_until(lambda: len(insight.net) >= 4, 60 * SECONDS)
        names = [name for _, name in insight.net]
        assert names == ["connlost", "idle", "connecting", "connlost"], insight.net
        times = [ms for ms, _ in insight.net]
        assert 30 * SECONDS <= times[1] - times[0] <= 45 * SECONDS
        assert times[3] - times[2] <= 4 * SECONDS
        world.device.wifi.status = GOT_ADDRESS
        assert world.run_until(lambda: is_online(world), 60 * SECONDS)
        names = [name for _, name in insight.net][4:]
        assert names == ["idle", "connecting", "connected"], insight.net
        world.run_for(60 * SECONDS)
    world.run_for(10 * MINUTES)
    # One for each loss out of connected, none for the refusals that followed.
    assert world.device.nvram["netstats"]["connlost"] == 3
    assert world.device.nvram["netstats"]["mqttlost"] == 3
    assert world.device.resets == []


def is_open(world):
    return any(c.client.state == "open" and not c.dead for c in world.lan.connections)


def test_restarts_after_ten_minutes_without_a_link_and_says_why(world):
    up(world)
    device = world.device
    device.wifi.status = NO_ACCESS_POINT
    lost_ms = world.now_ms()
    statuses = (UNDEFINED, NO_ACCESS_POINT, WRONG_PASSWORD)
    turn = 0
    while not device.resets and world.now_ms() < lost_ms + 15 * MINUTES:
        world.run_for(20 * SECONDS)
        device.wifi.status = statuses[turn % 3]
        turn += 1
    (reset_ms, cause) = device.resets[0]
    assert cause == HARD_RESET
    # More than ten minutes after the loss was noticed, at the next attempt.
    assert 10 * MINUTES <= reset_ms - lost_ms <= 11 * MINUTES, reset_ms - lost_ms
    assert device.flash.text("/reboot.txt").startswith(REASON)
    assert device.nvram["netstats"]["connlost"] == 1
    device.wifi.status = GOT_ADDRESS
    up(world)
    assert device.said("last reboot: " + REASON)
    world.run_for(1 * SECONDS)
    assert [line for _, line in sent(world, "Log") if REASON in line]


def test_switches_the_radio_off_and_on_when_asking_again_does_not_help(world):
    insight = Insight(world)
    up(world)
    wifi = world.device.wifi
    assert wifi.activations == 1
    wifi.status = UNDEFINED
    assert world.run_until(lambda: len(insight.times("net", "connecting")) == 3, 3 * MINUTES)
    # The first new attempt was made with the radio left on.
    assert wifi.activations == 2, wifi.activations
    assert world.run_until(lambda: len(insight.times("net", "connecting")) == 4, 3 * MINUTES)
    assert wifi.activations == 3


def test_a_network_that_never_answers_is_given_a_minute(world):
    insight = Insight(world)
    world.device.wifi.associate_ms = 1000 * MINUTES
    world.device.power_on()
    assert world.run_until(lambda: insight.times("net", "connlost"), 2 * MINUTES)
    taken_ms = insight.times("net", "connlost")[0] - insight.times("net", "connecting")[0]
    assert abs(taken_ms - 60 * SECONDS) <= 10, taken_ms


def test_asks_for_the_network_by_its_name_and_password(world):
    up(world)
    assert [c[1:] for c in world.device.wifi.connects] == [("House", "secret word")]


def test_an_open_network_needs_no_password(world):
    with_keys(world, password=None, ssid="My House  5 GHz")
    up(world)
    assert [c[1:] for c in world.device.wifi.connects] == [("My House  5 GHz", None)]
