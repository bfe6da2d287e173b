"""Two appliances share a world, a network and a broker, each with modules and files of its own."""

from testmock.simworld.device import Device
from testsuite.story import MINUTES, SECONDS


def test_each_lives_its_own_life(world):
    first = world.device
    config = first.flash.text("config.txt").replace("mqttname H2OControl", "mqttname Second")
    second = Device(world, "h2o", config, name="second")
    second.bench.parts["expander"].inputs = 0xFFF8
    first.power_on()
    world.run_for(20 * SECONDS)
    second.power_on()
    world.run_for(2 * MINUTES)
    broker = world.broker
    assert broker.last("stat/H2OControl/CoarseLevelPct") == b"100"
    assert broker.last("stat/Second/CoarseLevelPct") == b"60"
    assert len(broker.connections) == 2
    assert first.address() != second.address()
    first.wifi.available = False
    world.run_for(2 * MINUTES)
    assert broker.last("stat/H2OControl/Availability") == b"offline"
    assert broker.last("stat/Second/Availability") == b"online"
    assert first.module("epx.loop") is not second.module("epx.loop")
    second.power_cut()
    first.wifi.available = True
    assert world.run_until(
        lambda: broker.last("stat/H2OControl/Availability") == b"online", 2 * MINUTES
    )
    world.run_for(2 * MINUTES)
    assert broker.last("stat/Second/Availability") == b"offline"
