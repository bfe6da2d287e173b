"""A program of kind P over four outputs: steps, a long press, a start from NVRAM (T21)."""

from testsuite.story import SECONDS, command, sent, stat, up
from testsuite.switchstory import expect, levels, remember

BUTTON = 35
PROGRAM = "3:P:-0,-1,-2,-3/+0,-1,-2,-3/-0,+1,-2,-3/-0,-1,+2,-3/-0,-1,-2,+3"


def push(world, level):
    world.device.bench.set_input(BUTTON, level)


def press(world):
    push(world, 0)
    world.run_for(1 * SECONDS)
    push(world, 1)
    world.run_for(2 * SECONDS)


def events(world):
    return [words for _, words in sent(world, "Manual3/Event")]


def test_presses_step_through_the_phases_and_a_long_one_ends_them(world):
    remember(world, PROGRAM, 1, 0, 1, 0)
    up(world)
    expect(world, 1, 0, 1, 0)
    assert stat(world, "Program") == PROGRAM
    press(world)  # no phase describes this
    expect(world, 1, 0, 0, 0)
    press(world)
    expect(world, 0, 1, 0, 0)
    command(world, "1/State", "0")
    command(world, "2/State", "1")
    expect(world, 0, 0, 1, 0)
    for wanted in ((0, 0, 0, 1), (0, 0, 0, 0), (1, 0, 0, 0)):
        press(world)
        expect(world, *wanted)
    assert events(world) == ["P"] * 5

    push(world, 0)
    world.run_for(1200)
    assert levels(world) == [0, 1, 0, 0]
    world.run_for(1000)
    assert levels(world) == [0, 1, 0, 0]
    world.run_for(800)
    assert levels(world) == [0, 0, 0, 0]
    world.run_for(5 * SECONDS)
    push(world, 1)
    world.run_for(5 * SECONDS)
    expect(world, 0, 0, 0, 0)
    assert events(world) == ["P"] * 6 + ["L"]


def test_a_button_that_is_held_while_the_power_comes_is_no_press(world):
    remember(world, PROGRAM, 0, 1, 0, 0)
    push(world, 0)
    up(world)
    world.run_for(10 * SECONDS)
    expect(world, 0, 1, 0, 0)
    push(world, 1)
    world.run_for(3 * SECONDS)
    assert events(world) == []
    press(world)
    expect(world, 0, 0, 1, 0)


def test_a_contact_that_bounces_while_held_is_still_a_long_press(world):
    remember(world, PROGRAM, 0, 0, 0, 0)
    up(world)
    world.run_for(5 * SECONDS)
    push(world, 0)
    for _ in range(12):
        world.run_for(1 * SECONDS)
        push(world, 1)
        world.run_for(250)
        push(world, 0)
    assert events(world) == ["P", "L"]


def test_a_press_that_ends_before_the_long_time_is_a_short_one(world):
    remember(world, PROGRAM, 0, 0, 0, 0)
    up(world)
    world.run_for(5 * SECONDS)
    push(world, 0)
    world.run_for(2200)  # counts after 0.8 to 1.0 s, and would be long 1.6 s later
    push(world, 1)
    world.run_for(5 * SECONDS)
    assert events(world) == ["P"]
    expect(world, 1, 0, 0, 0)
