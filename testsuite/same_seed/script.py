"""The same seed gives the same story, to the millisecond; another seed gives another one."""

from testmock.simworld.scene import end_world, make_world
from testsuite.story import MINUTES, SECONDS


def live(world, seed_of_faults):
    """An hour with faults at random times; what it leaves behind."""
    device, broker = world.device, world.broker
    random = type(world.random)(seed_of_faults)
    device.power_on()
    faults = (
        device.wifi.drop,
        broker.close_clients,
        broker.half_open,
        lambda: broker.restart(down_ms=20 * SECONDS),
        lambda: broker.publish("cmnd/H2OControl/Refresh", "1", qos=1),
    )
    for _ in range(10):
        world.run_for(random.between(1 * SECONDS, 10 * MINUTES))
        random.choice(faults)()
    world.run_for(5 * MINUTES)
    # On MicroPython the free heap, which Diag tells, is that of the simulator.
    told = [entry for entry in world.trace if "/Diag " not in entry[2]]
    return told, world.now_ms(), device.sockets_opened


def live_again(world, seed):
    other = make_world("h2o", world.device.flash.text("config.txt"), seed)
    try:
        return live(other, seed_of_faults=7)
    finally:
        end_world(other)


def test_one_seed_one_trace(world):
    first = live(world, seed_of_faults=7)
    # On MicroPython one device at a time can have power.
    world.device.power_cut()
    assert live_again(world, world.seed) == first
    assert live_again(world, world.seed + 1)[0] != first[0]
