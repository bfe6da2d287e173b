"""Resets while relays are on: on again for the rest of the time, but not after a power-on."""

from testsuite.story import MINUTES, SECONDS, command, stat, up, with_keys

PINS = (25, 26, 27, 33)
HARD, WATCHDOG, DEEP_SLEEP, SOFT = 2, 3, 4, 5


def levels(world):
    return [world.device.bench.output(pin) for pin in PINS]


def began(world):
    """Relay 0 on for 100 s, relay 2 for 1000 s."""
    up(world)
    command(world, "0/TurnOnWithTimeout", "100")
    command(world, "2/TurnOnWithTimeout", "1000")
    world.run_for(10 * SECONDS)
    assert levels(world) == [0, 1, 0, 1]


def test_after_a_reset_each_is_on_for_the_rest_of_its_time(world):
    began(world)
    began_ms = world.now_ms() - 10 * SECONDS
    for cause in (HARD, WATCHDOG, DEEP_SLEEP, SOFT):
        world.device.reset(cause)
        world.run_for(12 * SECONDS)
        assert levels(world) == [0, 1, 0, 1], cause
    world.run_for(began_ms + 98 * SECONDS - world.now_ms())
    assert levels(world) == [0, 1, 0, 1]
    world.run_for(4 * SECONDS)
    assert levels(world) == [1, 1, 0, 1]
    world.run_for(began_ms + 998 * SECONDS - world.now_ms())
    assert levels(world) == [1, 1, 0, 1]
    world.run_for(4 * SECONDS)
    assert levels(world) == [1, 1, 1, 1]
    assert (stat(world, "0/State"), stat(world, "2/State")) == ("0", "0")
    world.device.reset(HARD)
    world.run_for(10 * SECONDS)
    assert levels(world) == [1, 1, 1, 1]


def test_is_off_until_the_program_runs(world):
    began(world)
    for pin in PINS:
        world.device.bench.pin(pin).history.clear()
    world.device.reset(HARD)
    world.run_for(10 * SECONDS)
    assert [level for _, level in world.device.bench.pin(25).history] == [1, 0]
    assert [level for _, level in world.device.bench.pin(26).history] == [1]


def test_after_a_power_on_all_are_off(world):
    began(world)
    world.device.power_cut()
    world.device.power_on()
    world.run_for(30 * SECONDS)
    assert levels(world) == [1, 1, 1, 1]
    world.device.reset(HARD)
    world.run_for(30 * SECONDS)
    assert levels(world) == [1, 1, 1, 1]


def test_what_ended_before_the_reset_or_during_it_stays_off(world):
    began(world)
    command(world, "2/TurnOnWithTimeout", "0")
    world.run_for(1 * SECONDS)
    command(world, "0/TurnOnWithTimeout", "2")
    world.run_for(1900)
    world.device.reset(WATCHDOG)
    world.run_for(10 * SECONDS)
    assert levels(world) == [1, 1, 1, 1]


def test_a_memory_that_is_damaged_switches_nothing_on(world):
    began(world)
    bench = world.device.bench
    for i in range(len(bench.rtc_memory)):
        kept = bench.rtc_memory
        bench.rtc_memory = kept[:i] + bytes((kept[i] ^ 1,)) + kept[i + 1 :]
        if i % 7 == 0:
            world.device.reset(HARD)
            world.run_for(1 * SECONDS)
            assert levels(world) == [1, 1, 1, 1]
        bench.rtc_memory = kept
    world.device.reset(HARD)
    world.run_for(2 * SECONDS)
    assert levels(world) == [0, 1, 0, 1]


def test_a_time_that_was_shortened_meanwhile_counts(world):
    began(world)
    with_keys(world, maxon="600,600,60,600")
    world.device.reset(HARD)
    world.run_for(58 * SECONDS)
    assert levels(world)[2] == 0
    world.run_for(5 * SECONDS)
    assert levels(world)[2] == 1
    assert world.device.said("relay2: on again for 60 s")


def test_nothing_is_written_to_flash(world):
    began(world)
    world.run_for(1 * MINUTES)
    world.device.bench.nvs_writes = 0
    for i in range(100):
        command(world, "1/TurnOnWithTimeout", str(i % 3))
        world.run_for(1 * SECONDS)
    assert world.device.bench.nvs_writes == 0
    assert world.device.resets == []
