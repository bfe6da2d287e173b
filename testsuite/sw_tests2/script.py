"""A program of kind T: every change of the input is a step (T22)."""

from testsuite.story import SECONDS, command, sent, stat, up

OUTPUTS = (17, 16, 32, 12)
TOGGLE = 35
PROGRAM = "3:T:-0,-1,-2,-3/+0,-1,-2,-3/-0,+1,-2,-3/-0,-1,+2,-3/-0,-1,-2,+3"


def expect(world, *wanted):
    world.run_for(2 * SECONDS)
    levels = [world.device.bench.output(pin) for pin in OUTPUTS]
    assert levels == list(wanted), levels
    states = [stat(world, "%d/State" % i) for i in range(4)]
    assert states == [str(level) for level in wanted], states


def turn(world, level):
    world.device.bench.set_input(TOGGLE, level)


def start(world):
    kept = {"program": PROGRAM.encode(), "program_len": len(PROGRAM)}
    for i, level in enumerate((1, 0, 1, 0)):
        kept[str(i)] = level
    world.device.nvram["switch"] = kept
    up(world)
    world.run_for(5 * SECONDS)


def test_each_change_is_a_step(world):
    start(world)
    expect(world, 1, 0, 1, 0)
    turn(world, 0)
    expect(world, 1, 0, 0, 0)
    turn(world, 1)
    expect(world, 0, 1, 0, 0)
    command(world, "1/State", "off")
    command(world, "2/State", "on")
    expect(world, 0, 0, 1, 0)
    level = 0
    for wanted in ((0, 0, 0, 1), (0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0)):
        turn(world, level)
        expect(world, *wanted)
        level = 1 - level
    events = [words for _, words in sent(world, "Manual3/Event")]
    assert events == ["T+", "T-"] * 3, events


def test_there_is_no_long_press_and_the_start_is_no_change(world):
    turn(world, 0)
    start(world)
    world.run_for(20 * SECONDS)
    expect(world, 1, 0, 1, 0)
    turn(world, 1)
    expect(world, 1, 0, 0, 0)
    world.run_for(20 * SECONDS)
    expect(world, 1, 0, 0, 0)
    assert [words for _, words in sent(world, "Manual3/Event")] == ["T-"]
