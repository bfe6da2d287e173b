"""Keyfobs in bad company: jitter, noise between the presses, noise alone."""

from testsuite.story import SECONDS, sent, stat, up

FIRST_MS = 12 * SECONDS


def start(world):
    up(world)
    world.run_for(FIRST_MS)
    return world.device.bench.parts["keyfob"]


def heard(world, fob, presses, noise):
    """How many of so many presses, alternately of both kinds, were told, and told once."""
    right = 0
    for i in range(presses):
        code = "HT6P20:%d" % (16 * (i * 7919 + 5) + 5) if i & 1 else "EV1527:%d" % (i * 64 + 1)
        before = len(sent(world, "Keyfob"))
        fob.noise(noise)
        fob.press(code)
        fob.noise(noise)
        world.run_for(1500)
        told = [payload for _, payload in sent(world, "Keyfob")[before:]]
        assert told in ([], [code]), told
        right += told == [code]
    return right


def test_ten_percent_of_jitter_on_each_pulse(world):
    fob = start(world)
    fob.jitter_pct = 10
    assert heard(world, fob, 100, 0) >= 99


def test_ten_percent_of_jitter_and_noise_around(world):
    fob = start(world)
    fob.jitter_pct = 10
    assert heard(world, fob, 40, 200) >= 39


def test_noise_alone_says_nothing_and_mqtt_goes_on(world):
    fob = start(world)
    for _ in range(10):
        fob.noise(5000)
        world.run_for(8 * SECONDS)
    assert sent(world, "Keyfob") == []
    assert len(world.broker.connections) == 1
    assert world.device.resets == []
    world.broker.publish("cmnd/Keyfobs/Refresh", b"1")
    before = len(sent(world, "Uptime"))
    world.run_for(2 * SECONDS)
    assert len(sent(world, "Uptime")) == before + 1
    assert stat(world, "Availability") == "online"
