"""What a person sees on a display, state by state, compared pixel by pixel. CPython only.

The pictures lie in testsuite/pictures as PROFILE_STATE.png. After a wanted change:
EPX_DRAW=1 pytest testsuite/pictures, look at them, commit them.
"""

import os
import pathlib

from epxhost.pictures import as_text, read_png, write_png
from testmock.simworld.scene import end_world, make_world
from testsuite.story import MINUTES, SECONDS

_HERE = pathlib.Path(__file__).parent


def check(profile, scenario, state):
    """state(world, parts) lets happen what happens first, and returns the uptime in seconds at
    which the picture is taken; the device's config.txt is that of the scenario."""
    config = (_HERE / scenario / "config.txt").read_text()
    world = make_world(profile, config)
    try:
        uptime_s = state(world, world.device.bench.parts)
        world.run_for(1 * SECONDS)
        picture = _taken_at(world, uptime_s)
    finally:
        end_world(world)
    path = _HERE / "pictures" / f"{profile}_{state.__name__}.png"
    if os.environ.get("EPX_DRAW"):
        write_png(path, picture)
    assert path.exists(), f"no {path.name}: draw it with EPX_DRAW=1 and look at it"
    assert picture == read_png(path), f"{path.name} differs from:\n{as_text(picture)}"


def _taken_at(world, uptime_s):
    uptime = world.device.module("epx.loop").uptime_s
    assert world.run_until(lambda: uptime() >= uptime_s, 120 * MINUTES)
    # Within this second it is drawn once, at a moment that depends on how long booting took.
    display = world.device.bench.parts["display"]
    pictures = []
    while uptime() == uptime_s:
        world.run_for(20)
        pictures.append(display.picture())
    return pictures[-2]
