"""The last resort comes after ten minutes: not before, and not at all if the keys say so."""

from testsuite.story import HOURS, MINUTES, SECONDS, Insight, is_online, up, with_keys

NEARLY_MS = 9 * MINUTES + 50 * SECONDS


def test_nine_minutes_and_fifty_seconds_without_a_network_are_no_reason(world):
    device = world.device
    up(world)
    world.run_for(1 * MINUTES)
    device.wifi.available = False
    world.run_for(NEARLY_MS)
    assert device.resets == []


def test_nine_minutes_and_fifty_seconds_without_a_network_at_boot_are_no_reason(world):
    device = world.device
    device.wifi.available = False
    device.power_on()
    world.run_for(NEARLY_MS)
    assert device.resets == []


def test_nine_minutes_and_fifty_seconds_without_an_answer_of_the_broker_are_no_reason(world):
    device = world.device
    up(world)
    world.broker.stop()
    world.run_for(NEARLY_MS)
    assert device.resets == []
    world.run_for(15 * SECONDS)
    assert len(device.resets) == 1


def test_long_losses_that_end_in_time_are_no_reason_and_do_not_add_up(world):
    device = world.device
    up(world)
    for _ in range(2):
        world.run_for(1 * MINUTES)
        device.wifi.available = False
        world.run_for(9 * MINUTES)
        device.wifi.available = True
        assert world.run_until(lambda: is_online(world), 60 * SECONDS)
        world.run_for(1 * MINUTES)
        world.broker.stop()
        world.run_for(8 * MINUTES + 30 * SECONDS)
        world.broker.start()
        assert world.run_until(lambda: is_online(world), 61 * SECONDS)
    assert device.resets == []


def test_short_losses_do_not_add_up(world):
    device = world.device
    up(world)
    for _ in range(10):
        device.wifi.available = False
        world.run_for(3 * MINUTES)
        device.wifi.available = True
        assert world.run_until(lambda: is_online(world), 60 * SECONDS)
        world.run_for(20 * SECONDS)
    assert device.resets == []


def test_a_network_that_comes_for_seconds_only_keeps_it_alive(world):
    insight = Insight(world)
    device = world.device
    up(world)
    for _ in range(20):
        device.wifi.available = False
        world.run_for(40 * SECONDS)
        device.wifi.available = True
        assert world.run_until(insight.app.net.connected, 90 * SECONDS)
    assert device.resets == []


def test_netreboot_0_is_never(world):
    with_keys(world, netreboot=0)
    device = world.device
    up(world)
    device.wifi.available = False
    world.run_for(90 * MINUTES)
    assert device.resets == []
    device.wifi.available = True
    assert world.run_until(lambda: is_online(world), 60 * SECONDS)


def test_netreboot_is_in_minutes(world):
    with_keys(world, netreboot=30)
    device = world.device
    up(world)
    device.wifi.available = False
    world.run_for(30 * MINUTES)
    assert device.resets == []
    world.run_for(2 * MINUTES)
    assert len(device.resets) == 1


def test_mqttreboot_0_is_never(world):
    with_keys(world, mqttreboot=0)
    device = world.device
    up(world)
    world.broker.stop()
    world.run_for(90 * MINUTES)
    assert device.resets == []
    world.broker.start()
    assert world.run_until(lambda: is_online(world), 61 * SECONDS)


def test_a_broker_without_a_network_is_no_reason_of_its_own(world):
    with_keys(world, netreboot=0)
    device = world.device
    up(world)
    device.wifi.available = False
    world.run_for(1 * HOURS)
    assert device.resets == []


def test_the_radio_is_switched_off_and_on_from_the_second_failure(world):
    insight = Insight(world)
    device = world.device
    up(world)
    device.wifi.status = 205
    world.run_for(8 * MINUTES)
    attempts = len(insight.times("net", "connecting")) - 1
    assert attempts >= 5
    # One attempt is the gentle one.
    assert device.wifi.activations - 1 == attempts - 1
    device.wifi.status = 1010
    assert world.run_until(lambda: is_online(world), 60 * SECONDS)
    activations = device.wifi.activations
    # After a success the ladder begins anew.
    device.wifi.drop()
    world.run_for(2 * MINUTES)
    assert is_online(world)
    assert device.wifi.activations == activations
    assert device.resets == []


def test_a_radio_that_is_stuck_is_freed_by_the_restart(world):
    """The firmware's driver hangs until the chip is reset."""
    device = world.device
    up(world)
    device.wifi.associate_ms = 1 << 40
    device.wifi.drop()
    assert world.run_until(lambda: device.resets, 13 * MINUTES)
    device.wifi.associate_ms = 2000
    assert world.run_until(lambda: is_online(world), 30 * SECONDS)
