"""A switch as cpall installs it: its outputs are right from the loader's first line on."""

from testmock.simworld import installed
from testsuite.story import MINUTES, SECONDS, up

OUTPUTS = (17, 16, 32, 12)
PINS = "17 0 switch 0\n16 0 switch 1\n32 0 switch 2\n12 0 switch 3\n"


def install(world):
    """Levels of the outputs when the first modules have been imported."""
    device = world.device
    seen = {}

    def look(name, module):
        seen.setdefault(name, [device.bench.output(pin) for pin in OUTPUTS])

    device.after_import = look
    device.nvram["switch"] = {"0": 1, "1": 0, "2": 1}
    installed.install(device, "switch")
    return seen


def expect_no_flicker(world):
    for pin, level in zip(OUTPUTS, (1, 0, 1, 0), strict=True):
        levels = [level for _, level in world.device.bench.pin(pin).history]
        assert levels == [level], (pin, levels)


def test_boot_py_restores_the_outputs_before_anything_of_the_framework(world):
    seen = install(world)
    up(world)
    world.run_for(10 * SECONDS)
    assert seen["boot"] == seen["epx.loop"] == [1, 0, 1, 0], seen
    before = list(seen)[: list(seen).index("boot")]
    assert not [name for name in before if name.startswith(("epx", "uumqtt"))], before
    expect_no_flicker(world)


def test_with_pins_txt_the_loader_does_it_first_and_nothing_changes_later(world):
    seen = install(world)
    world.device.flash.load("/pins.txt", PINS)
    up(world)
    world.run_for(10 * SECONDS)
    assert seen["switch.boards"] == [1, 0, 1, 0], seen
    expect_no_flicker(world)


def test_the_rescue_program_leaves_the_outputs_as_they_were(world):
    seen = install(world)
    device = world.device
    device.flash.load("/pins.txt", PINS)
    installed.remove_folder(device.flash, "/a")
    device.flash.remove("/running.txt")
    up(world)
    world.run_for(5 * MINUTES)
    assert device.module("loader.rescue") and "switch.boards" not in seen
    assert [device.bench.output(pin) for pin in OUTPUTS] == [1, 0, 1, 0]
    expect_no_flicker(world)
