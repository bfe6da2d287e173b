"""A program of kind R: the position of the switch counts, also at the start (T23)."""

from testsuite.story import SECONDS, command, sent, up
from testsuite.switchstory import expect, remember

ROTARY = 35
PROGRAM = "3:R:-0,-1,-2,-3/+0,+1,+2,+3/-0,+1,-2,-3"


def turn(world, level):
    world.device.bench.set_input(ROTARY, level)


def start(world):
    remember(world, PROGRAM, 1, 0, 1, 0)
    up(world)


def test_the_position_counts_whatever_was_before(world):
    start(world)
    expect(world, 0, 0, 0, 0, after_ms=2 * SECONDS)
    # Restored first, and then the position wins.
    assert [level for _, level in world.device.bench.pin(17).history] == [1, 0]
    turn(world, 0)
    expect(world, 1, 1, 1, 1, after_ms=2 * SECONDS)
    turn(world, 1)
    expect(world, 0, 0, 0, 0, after_ms=2 * SECONDS)
    command(world, "1/State", "0")
    command(world, "2/State", "1")
    expect(world, 0, 0, 1, 0, after_ms=2 * SECONDS)
    turn(world, 0)
    expect(world, 1, 1, 1, 1, after_ms=2 * SECONDS)
    command(world, "1/State", "0")
    command(world, "2/State", "1")
    expect(world, 1, 0, 1, 1, after_ms=2 * SECONDS)
    turn(world, 1)
    expect(world, 0, 0, 0, 0, after_ms=2 * SECONDS)
    events = [words for _, words in sent(world, "Manual3/Event")]
    assert events == ["R+", "R-", "R+", "R-"], events


def test_a_switch_that_is_on_at_the_start_switches_on_and_tells_of_no_hand(world):
    turn(world, 0)
    start(world)
    expect(world, 1, 1, 1, 1, after_ms=2 * SECONDS)
    assert sent(world, "Manual3/Event") == []
    assert [world.device.nvram["switch"][str(i)] for i in range(4)] == [1, 1, 1, 1]
