"""What a person sees on the weather sensor's display; compared by testsuite/picturestory.py."""

import pytest

from testsuite import picturestory
from testsuite.story import SECONDS, up

# Each state: what happens first, and the uptime at which the picture is taken.


def no_sensors(world, parts):
    parts["hygrometer"].present = parts["barometer"].present = False
    up(world)
    return 45


def measuring(world, parts):
    parts["hygrometer"].celsius = 25
    parts["hygrometer"].humidity = 80
    parts["barometer"].hectopascals = 1012
    up(world)
    return 83 * 60 + 20


def winter_in_the_mountains(world, parts):
    parts["hygrometer"].celsius = -17.3
    parts["hygrometer"].humidity = 100
    parts["barometer"].hectopascals = 684.3
    up(world)
    return 45


def no_barometer(world, parts):
    parts["barometer"].present = False
    up(world)
    return 45


def stale(world, parts):
    up(world)
    world.run_for(30 * SECONDS)
    parts["hygrometer"].failing = parts["barometer"].failing = True
    return 150


STATES = (no_sensors, measuring, winter_in_the_mountains, no_barometer, stale)


@pytest.mark.parametrize("state", STATES, ids=[state.__name__ for state in STATES])
def test_the_display_looks_as_agreed(state):
    picturestory.check("weather", "justrun_weather", state)
