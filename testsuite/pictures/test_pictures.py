"""What a person sees on the water tank's display, state by state, compared pixel by pixel.

The pictures lie beside this file. After a wanted change: EPX_DRAW=1 pytest testsuite/pictures,
look at them, commit them.
"""

import os
import pathlib

import pytest

from epxhost.pictures import as_text, read_png, write_png
from testmock.simworld.scene import end_world, make_world
from testsuite.story import MINUTES, SECONDS, up

HERE = pathlib.Path(__file__).parent
CONFIG = (HERE.parent / "justrun_h" / "config.txt").read_text()


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


def take_picture(world, uptime_s):
    """The display's picture once it shows this uptime."""
    uptime = world.device.module("epx.loop").uptime_s
    assert world.run_until(lambda: uptime() >= uptime_s, 120 * MINUTES)
    # Within this second it is drawn once, at a moment that depends on how long booting took.
    display = world.device.bench.parts["display"]
    pictures = []
    while uptime() == uptime_s:
        world.run_for(20)
        pictures.append(display.picture())
    return pictures[-2]


@pytest.mark.parametrize("state", STATES, ids=[state.__name__ for state in STATES])
def test_the_display_looks_as_agreed(state):
    world = make_world("h2o", CONFIG)
    try:
        uptime_s = state(world, world.device.bench.parts)
        world.run_for(1 * SECONDS)
        picture = take_picture(world, uptime_s)
    finally:
        end_world(world)
    path = HERE / f"h2o_{state.__name__}.png"
    if os.environ.get("EPX_DRAW"):
        write_png(path, picture)
    assert path.exists(), f"no {path.name}: draw it with EPX_DRAW=1 and look at it"
    assert picture == read_png(path), f"{path.name} differs from:\n{as_text(picture)}"
