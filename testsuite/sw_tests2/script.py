"""A program of kind T: every change of the input is a step (T22)."""

from testsuite.story import SECONDS, command, sent, up
from testsuite.switchstory import expect, remember

TOGGLE = 35
PROGRAM = "3:T:-0,-1,-2,-3/+0,-1,-2,-3/-0,+1,-2,-3/-0,-1,+2,-3/-0,-1,-2,+3"


def turn(world, level):
    world.device.bench.set_input(TOGGLE, level)


def start(world):
    remember(world, PROGRAM, 1, 0, 1, 0)
    up(world)
    world.run_for(5 * SECONDS)


def test_each_change_is_a_step(world):
    start(world)
    expect(world, 1, 0, 1, 0, after_ms=2 * SECONDS)
    turn(world, 0)
    expect(world, 1, 0, 0, 0, after_ms=2 * SECONDS)
    turn(world, 1)
    expect(world, 0, 1, 0, 0, after_ms=2 * SECONDS)
    command(world, "1/State", "off")
    command(world, "2/State", "on")
    expect(world, 0, 0, 1, 0, after_ms=2 * SECONDS)
    level = 0
    for wanted in ((0, 0, 0, 1), (0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0)):
        turn(world, level)
        expect(world, *wanted, after_ms=2 * SECONDS)
        level = 1 - level
    events = [words for _, words in sent(world, "Manual3/Event")]
    assert events == ["T+", "T-"] * 3, events


def test_there_is_no_long_press_and_the_start_is_no_change(world):
    turn(world, 0)
    start(world)
    world.run_for(20 * SECONDS)
    expect(world, 1, 0, 1, 0, after_ms=2 * SECONDS)
    turn(world, 1)
    expect(world, 1, 0, 0, 0, after_ms=2 * SECONDS)
    world.run_for(20 * SECONDS)
    expect(world, 1, 0, 0, 0, after_ms=2 * SECONDS)
    assert [words for _, words in sent(world, "Manual3/Event")] == ["T-"]
