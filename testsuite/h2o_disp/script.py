"""A water tank without a display, and with one that comes later (T14)."""

from testsuite.story import MINUTES, SECONDS, stat, up


def display_lines(world):
    return [line for _, line in world.device.output if "display" in line]


def test_runs_without_its_display(world):
    display = world.device.bench.parts["display"]
    display.present = False
    up(world)
    world.run_for(60 * MINUTES)
    assert stat(world, "CoarseLevelPct") == "100"
    assert stat(world, "Malfunctions") == "0"
    assert stat(world, "Uptime") == "60"
    assert len(display_lines(world)) == 1, display_lines(world)
    assert display.data_bytes == 0
    assert world.device.resets == []


def test_finds_a_display_that_is_plugged_in_later(world):
    display = world.device.bench.parts["display"]
    display.present = False
    up(world)
    display.present = True
    assert world.run_until(display.is_lit, 10 * MINUTES + 1 * SECONDS)
    world.run_for(1 * SECONDS)
    assert display.bad == []
    assert len(display_lines(world)) == 2, display_lines(world)
    before = display.picture()
    world.run_for(1 * SECONDS)
    assert display.picture() != before


def test_no_turn_takes_longer_than_a_page_and_its_transfers(world):
    up(world)
    world.device.longest_turn_ms = 0
    for inputs in (0xFFF8, 0xFFFF, 0xFFFB):
        world.device.bench.parts["expander"].inputs = inputs
        world.run_for(1 * MINUTES)
    assert world.device.longest_turn_ms <= 4
