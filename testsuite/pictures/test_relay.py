"""What a person sees on the display of four relays; compared by testsuite/picturestory.py."""

import pytest

from testsuite import picturestory
from testsuite.story import command, up

# Each state: what happens first, and the uptime at which the picture is taken. At even seconds
# the boxes of relays that are on are filled.


def no_network(world, parts):
    world.device.wifi.available = False
    world.device.power_on()
    return 45


def no_broker(world, parts):
    world.broker.stop()
    world.device.power_on()
    return 46


def all_off(world, parts):
    up(world)
    return 83 * 60 + 20


def first_and_third_on(world, parts):
    up(world)
    for number in (0, 2):
        command(world, "%d/TurnOnWithTimeout" % number, "100")
    return 46


def all_on(world, parts):
    up(world)
    for number in range(4):
        command(world, "%d/TurnOnWithTimeout" % number, "100")
    return 60


def all_on_blanked(world, parts):
    return all_on(world, parts) + 1


STATES = (no_network, no_broker, all_off, first_and_third_on, all_on, all_on_blanked)


@pytest.mark.parametrize("state", STATES, ids=[state.__name__ for state in STATES])
def test_the_display_looks_as_agreed(state):
    picturestory.check("relay", "justrun_r", state)
