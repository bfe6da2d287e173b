"""An ordinary day of four relays: on, off, too long, nonsense, a display that fails (T18)."""

from testsuite.story import MINUTES, SECONDS, command, sent, stat, up, with_keys

PINS = (25, 26, 27, 33)
ALL_OFF = ([1, 1, 1, 1], ["0", "0", "0", "0"])


def turn_on(world, number, payload, **options):
    command(world, "%d/TurnOnWithTimeout" % number, payload, **options)


def seen(world):
    """Levels of the outputs and what is published of them, once that is said."""
    world.run_for(2 * SECONDS)
    levels = [world.device.bench.output(pin) for pin in PINS]
    return levels, [stat(world, "%d/State" % i) for i in range(4)]


def test_each_is_on_for_its_time(world):
    up(world)
    assert seen(world) == ALL_OFF
    turn_on(world, 2, "30")
    assert seen(world) == ([1, 1, 0, 1], ["0", "0", "1", "0"])
    turn_on(world, 1, "30")
    assert seen(world) == ([1, 0, 0, 1], ["0", "1", "1", "0"])
    turn_on(world, 0, "30")
    assert seen(world) == ([0, 0, 0, 1], ["1", "1", "1", "0"])
    turn_on(world, 3, "30")
    assert seen(world) == ([0, 0, 0, 0], ["1", "1", "1", "1"])
    turn_on(world, 1, "0")
    world.run_for(50)
    assert world.device.bench.output(26) == 1
    assert seen(world) == ([0, 1, 0, 0], ["1", "0", "1", "1"])
    world.run_for(30 * SECONDS)
    assert seen(world) == ALL_OFF
    for pin in (25, 27, 33):
        history = world.device.bench.pin(pin).history
        assert [level for _, level in history] == [1, 0, 1]
        assert abs(history[2][0] - history[1][0] - 30 * SECONDS) <= 20, history


def test_what_is_no_time_changes_nothing(world):
    up(world)
    for payload in ("foo", "", "on", "1:30", "nan", "inf", "12 s", b"\xff"):
        turn_on(world, 1, payload)
        assert seen(world) == ALL_OFF, payload
    turn_on(world, 1, "-1")
    assert seen(world) == ALL_OFF
    turn_on(world, 1, " 8.0 ")
    assert seen(world)[0] == [1, 0, 1, 1]
    turn_on(world, 1, "foo")
    assert seen(world)[0] == [1, 0, 1, 1]
    world.run_for(5 * SECONDS)
    assert seen(world) == ALL_OFF
    assert world.device.said("want a number of seconds")


def test_none_is_on_for_longer_than_allowed(world):
    world.device.bench.parts["display"].present = False  # blinking takes time to simulate
    up(world)
    for payload in ("6000", "99999999999999999999"):
        turn_on(world, 0, payload)
        world.run_for(598 * SECONDS)
        assert world.device.bench.output(25) == 0
        world.run_for(2100)
        assert world.device.bench.output(25) == 1


def test_each_command_begins_the_time_anew(world):
    up(world)
    for _ in range(10):
        turn_on(world, 0, "10")
        world.run_for(9 * SECONDS)
        assert world.device.bench.output(25) == 0
    turn_on(world, 0, "3")
    world.run_for(3100)
    assert world.device.bench.output(25) == 1


def test_the_longest_times_are_settings(world):
    with_keys(world, maxon="5,10,604800,1")
    up(world)
    for i in range(4):
        turn_on(world, i, "700000")
    assert seen(world)[0] == [0, 0, 0, 1]
    world.run_for(4 * SECONDS)
    assert seen(world)[0] == [1, 0, 0, 1]
    world.run_for(3 * SECONDS)
    assert seen(world)[0] == [1, 1, 0, 1]


def test_a_retained_command_switches_nothing(world):
    for i in range(4):
        turn_on(world, i, "30", retain=True)
    up(world)
    assert seen(world) == ALL_OFF
    for pin in PINS:
        assert [level for _, level in world.device.bench.pin(pin).history] == [1]


def test_states_are_repeated_and_a_failing_display_changes_nothing(world):
    up(world)
    display = world.device.bench.parts["display"]
    assert world.run_until(display.is_lit, 5 * SECONDS)
    display.failing = True
    world.run_for(5 * SECONDS)
    turn_on(world, 0, "60")
    world.run_for(30 * MINUTES)
    assert seen(world) == ALL_OFF
    assert len(sent(world, "0/State")) >= 3
    assert [p for _, p in sent(world, "1/State")].count("0") == 2
    world.broker.forget_publications()
    command(world, "Refresh", "1")
    world.run_for(2 * SECONDS)
    assert [stat(world, "%d/State" % i) for i in range(4)] == ["0"] * 4
    assert len([line for _, line in world.device.output if "display" in line]) == 1
    assert world.device.resets == []


def test_wakes_up_rarely(world):
    up(world)
    world.run_for(1 * MINUTES)
    world.device.turns = 0
    world.run_for(60 * MINUTES)
    assert world.device.turns <= 6000, world.device.turns
