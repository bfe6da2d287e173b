"""A program of kind R: the position of the switch counts, also at the start (T23)."""

from testsuite.story import SECONDS, command, sent, stat, up

OUTPUTS = (17, 16, 32, 12)
ROTARY = 35
PROGRAM = "3:R:-0,-1,-2,-3/+0,+1,+2,+3/-0,+1,-2,-3"


def expect(world, *wanted):
    world.run_for(2 * SECONDS)
    levels = [world.device.bench.output(pin) for pin in OUTPUTS]
    assert levels == list(wanted), levels
    states = [stat(world, "%d/State" % i) for i in range(4)]
    assert states == [str(level) for level in wanted], states


def turn(world, level):
    world.device.bench.set_input(ROTARY, level)


def start(world):
    kept = {"program": PROGRAM.encode(), "program_len": len(PROGRAM)}
    for i, level in enumerate((1, 0, 1, 0)):
        kept[str(i)] = level
    world.device.nvram["switch"] = kept
    up(world)


def test_the_position_counts_whatever_was_before(world):
    start(world)
    expect(world, 0, 0, 0, 0)
    # Restored first, and then the position wins.
    assert [level for _, level in world.device.bench.pin(17).history] == [1, 0]
    turn(world, 0)
    expect(world, 1, 1, 1, 1)
    turn(world, 1)
    expect(world, 0, 0, 0, 0)
    command(world, "1/State", "0")
    command(world, "2/State", "1")
    expect(world, 0, 0, 1, 0)
    turn(world, 0)
    expect(world, 1, 1, 1, 1)
    command(world, "1/State", "0")
    command(world, "2/State", "1")
    expect(world, 1, 0, 1, 1)
    turn(world, 1)
    expect(world, 0, 0, 0, 0)
    events = [words for _, words in sent(world, "Manual3/Event")]
    assert events == ["R+", "R-", "R+", "R-"], events


def test_a_switch_that_is_on_at_the_start_switches_on_and_tells_of_no_hand(world):
    turn(world, 0)
    start(world)
    expect(world, 1, 1, 1, 1)
    assert sent(world, "Manual3/Event") == []
    assert [world.device.nvram["switch"][str(i)] for i in range(4)] == [1, 1, 1, 1]
