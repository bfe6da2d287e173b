"""What the stories about a switch on the board Direct4 have in common."""

from testsuite.story import SECONDS, stat

OUTPUTS = (17, 16, 32, 12)


def remember(world, program, *levels):
    """NVRAM as another day has left it."""
    kept = {str(i): level for i, level in enumerate(levels)}
    kept["program"] = program.encode()
    kept["program_len"] = len(program)
    world.device.nvram["switch"] = kept


def levels(world):
    return [world.device.bench.output(pin) for pin in OUTPUTS]


def states(world):
    return [stat(world, "%d/State" % i) for i in range(4)]


def expect(world, *wanted, after_ms=1 * SECONDS):
    """The outputs have these levels, and that is what is published."""
    world.run_for(after_ms)
    assert levels(world) == list(wanted), levels(world)
    assert states(world) == [str(level) for level in wanted], states(world)
