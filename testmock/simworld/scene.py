"""A world with one device, its network and the broker: what a story begins with."""

from testmock.simworld.broker import Broker
from testmock.simworld.device import Device
from testmock.simworld.lan import Lan
from testmock.simworld.world import World


def make_world(profile, config, seed=1):
    """A world whose device has the profile and this config.txt (None: none), and no power yet."""
    world = World(seed)
    world.lan = Lan(world)
    world.broker = Broker(world)
    world.device = Device(world, profile, config)
    return world


def end_world(world):
    """Stop all threads of the world."""
    for device in world.devices:
        device.close()
    world.close()
