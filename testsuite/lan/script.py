"""A wired device: its PHY, a cable that is pulled, errors that nobody minds (T02)."""

from testsuite.story import MINUTES, SECONDS, Insight, is_online, up, with_keys

STOPPED = 2
CONNECTED = 3
DISCONNECTED = 4
GOT_ADDRESS = 5
REASON = "Network repeated failures, trying device reboot"


def pin_number(pin):
    return None if pin is None else pin._state.number


def wiring(world):
    (made,) = world.device.ethernet.constructed
    pins = [pin_number(made[name]) for name in ("mdc", "mdio", "power", "ref_clk")]
    return pins + [made["phy_addr"], made["phy_type"]]


def no_radio(world):
    wifi = world.device.wifi
    return wifi.connects == [] and wifi.activations == 0


def test_the_generic_phy_is_wired_as_in_the_facts(world):
    up(world)
    assert wiring(world) == [23, 18, 0, 17, 1, 8], wiring(world)
    assert no_radio(world)


def test_the_second_wiring_has_a_lan8720(world):
    with_keys(world, ssid="(wired2)")
    up(world)
    assert wiring(world) == [23, 18, 16, None, 1, 1], wiring(world)
    assert no_radio(world)


def test_comes_back_when_the_cable_does(world):
    insight = Insight(world)
    ethernet = world.device.ethernet
    up(world)
    for _ in range(3):
        del insight.net[:]
        ethernet.plugged = False
        world.run_for(60 * SECONDS)
        assert insight.net[0][1] == "connlost"
        ethernet.plugged = True
        assert world.run_until(lambda: is_online(world), 90 * SECONDS)
        world.run_for(20 * SECONDS)
    world.run_for(10 * MINUTES)
    assert world.device.nvram["netstats"]["connlost"] == 3
    assert world.device.resets == []
    assert no_radio(world)


def test_errors_while_connecting_do_not_end_the_attempt(world):
    insight = Insight(world)
    ethernet = world.device.ethernet
    ethernet.status = DISCONNECTED
    world.device.power_on()
    assert world.run_until(lambda: insight.times("net", "connecting"), 20 * SECONDS)
    began_ms = world.now_ms()
    for status in (STOPPED, CONNECTED, DISCONNECTED, 77):
        ethernet.status = status
        world.run_for(10 * SECONDS)
    assert not insight.times("net", "connlost")
    assert world.run_until(lambda: insight.times("net", "connlost"), 60 * SECONDS)
    assert abs(world.now_ms() - began_ms - 60 * SECONDS) <= 10
    ethernet.status = GOT_ADDRESS
    assert world.run_until(lambda: is_online(world), 60 * SECONDS)


def test_restarts_after_ten_minutes_without_a_cable(world):
    device = world.device
    up(world)
    device.ethernet.plugged = False
    lost_ms = world.now_ms()
    assert world.run_until(lambda: device.resets, 15 * MINUTES)
    # A wired attempt takes its full minute, the pause after it 45 s at most.
    assert 10 * MINUTES <= device.resets[0][0] - lost_ms <= 12 * MINUTES
    assert device.flash.text("/reboot.txt").startswith(REASON)
    device.ethernet.plugged = True
    up(world)
    assert no_radio(world)
