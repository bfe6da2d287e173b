"""Relays without a display (T17), and with one that comes later."""

from testsuite.story import MINUTES, SECONDS, command, stat, up


def test_runs_without_its_display(world):
    world.device.bench.parts["display"].present = False
    up(world)
    command(world, "2/TurnOnWithTimeout", "30")
    world.run_for(2 * SECONDS)
    assert (world.device.bench.output(27), stat(world, "2/State")) == (0, "1")
    world.run_for(60 * MINUTES)
    assert (world.device.bench.output(27), stat(world, "2/State")) == (1, "0")
    lines = [line for _, line in world.device.output if "display" in line]
    assert len(lines) == 1, lines
    assert world.device.resets == []


def test_finds_a_display_that_is_plugged_in_later(world):
    display = world.device.bench.parts["display"]
    display.present = False
    up(world)
    display.present = True
    assert world.run_until(display.is_lit, 10 * MINUTES + 1 * SECONDS)
    world.run_for(1 * SECONDS)
    assert display.bad == []


def test_no_turn_takes_longer_than_a_page(world):
    up(world)
    for i in range(4):
        command(world, "%d/TurnOnWithTimeout" % i, "60")
    world.device.longest_turn_ms = 0
    world.run_for(70 * SECONDS)
    assert world.device.longest_turn_ms <= 4
