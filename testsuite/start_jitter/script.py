"""After a power cut not all devices of a house ask at once; after anything else nobody waits."""

from testsuite.story import MINUTES, SECONDS, Insight, is_online, up

BOOT_MS = 300


def first_attempt(world, insight):
    """How long after its boot the device asks for the network."""
    began_ms = world.now_ms()
    before = len(insight.times("net", "connecting"))
    assert world.run_until(lambda: len(insight.times("net", "connecting")) > before, 1 * MINUTES)
    return world.now_ms() - began_ms - BOOT_MS


def test_after_power_on_it_waits_up_to_ten_seconds(world):
    insight = Insight(world)
    waited = []
    for _ in range(20):
        world.device.power_on()
        waited.append(first_attempt(world, insight))
        world.device.power_cut()
        world.run_for(1 * SECONDS)
    assert 0 <= min(waited) and max(waited) <= 10 * SECONDS + 10, waited
    # Chance is in it: spread over the time, and hardly twice the same.
    assert max(waited) - min(waited) > 5 * SECONDS, waited
    assert len(set(waited)) >= 18, waited


def test_after_a_reset_it_does_not_wait(world):
    insight = Insight(world)
    up(world)
    for _ in range(3):
        world.device.reset()
        assert first_attempt(world, insight) <= 20
        assert world.run_until(lambda: is_online(world), 10 * SECONDS)


def test_after_the_watchdog_it_does_not_wait(world):
    insight = Insight(world)
    up(world)
    world.device.reset(3)
    assert first_attempt(world, insight) <= 20


def test_nothing_else_waits(world):
    """From the reset to the first value: boot, two seconds of Wi-Fi, the broker's answers."""
    insight = Insight(world)
    up(world)
    world.run_for(20 * SECONDS)
    world.broker.forget_publications()
    began_ms = world.now_ms()
    world.device.reset()
    assert world.run_until(
        lambda: world.broker.publications("stat/H2OControl/VolUnit"), 1 * MINUTES
    )
    assert world.now_ms() - began_ms <= 5 * SECONDS, world.now_ms() - began_ms
    assert insight.app.mqtt.connected()


def test_the_tank_is_measured_and_shown_at_once_after_power_on(world):
    world.device.wifi.available = False
    world.device.power_on()
    display = world.device.bench.parts["display"]
    assert world.run_until(display.is_lit, 2 * SECONDS)
