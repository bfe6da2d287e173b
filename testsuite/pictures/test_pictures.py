"""What a person sees on the water tank's display; compared by testsuite/picturestory.py."""

import pytest

from testsuite import picturestory
from testsuite.story import up

# Each state: what happens first, and the uptime at which the picture is taken.


def no_network(world, parts):
    parts["expander"].inputs = 0xFFF8
    world.device.wifi.available = False
    world.device.power_on()
    return 45


def no_broker(world, parts):
    parts["expander"].inputs = 0xFFFE
    world.broker.stop()
    world.device.power_on()
    return 45


def at_rest(world, parts):
    parts["expander"].inputs = 0xFFF8
    up(world)
    return 83 * 60 + 20


def empty(world, parts):
    parts["expander"].inputs = 0xFFFF
    up(world)
    return 45


def flowing(world, parts):
    parts["expander"].inputs = 0xFFF8
    parts["flow"].rate_hz = 30
    up(world)
    return 186


def flowing_blanked(world, parts):
    return flowing(world, parts) + 1


def dry_below_wet(world, parts):
    parts["expander"].inputs = 0xFFFA
    up(world)
    return 45


def expander_failed(world, parts):
    up(world)
    parts["expander"].failing = True
    return 45


def no_expander(world, parts):
    parts["expander"].present = False
    up(world)
    return 45


def noisy_flow_meter(world, parts):
    parts["expander"].inputs = 0xFFF0
    parts["flow"].rate_hz = 500
    up(world)
    return 45


STATES = (
    no_network,
    no_broker,
    at_rest,
    empty,
    flowing,
    flowing_blanked,
    dry_below_wet,
    expander_failed,
    no_expander,
    noisy_flow_meter,
)


@pytest.mark.parametrize("state", STATES, ids=[state.__name__ for state in STATES])
def test_the_display_looks_as_agreed(state):
    picturestory.check("h2o", "justrun_h", state)
