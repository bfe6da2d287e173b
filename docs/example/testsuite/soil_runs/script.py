"""An ordinary day of soil: it rains, somebody digs, the probe is pulled out."""

from testsuite.story import MINUTES, SECONDS, sent, stat, up


def test_tells_percent_and_ignores_a_single_wrong_reading(world):
    probe = world.device.bench.parts["probe"]
    up(world)
    assert world.run_until(lambda: stat(world, "Moisture") == "50", 20 * SECONDS)
    probe.volts = 2.4
    world.run_for(9 * SECONDS)
    probe.volts = 0.95
    assert world.run_until(lambda: stat(world, "Moisture") == "100", 2 * MINUTES)
    assert [payload for _, payload in sent(world, "Moisture")] == ["50", "100"]
    assert stat(world, "Volts") == "0.95"


def test_without_its_probe_it_knows_nothing_and_goes_on(world):
    probe = world.device.bench.parts["probe"]
    up(world)
    world.run_for(1 * MINUTES)
    probe.volts = 0
    assert world.run_until(lambda: stat(world, "Moisture") == "None", 2 * MINUTES)
    probe.volts = 1.3
    assert world.run_until(lambda: stat(world, "Moisture") == "75", 30 * SECONDS)
    assert world.device.resets == []
