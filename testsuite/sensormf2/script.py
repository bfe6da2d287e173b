"""The weather sensor's chips are absent at the start; one comes later (T25)."""

from testsuite.story import MINUTES, SECONDS, sent, stat, up

DATA = ("Temperature", "Humidity", "Pressure")


def absent(world):
    parts = world.device.bench.parts
    parts["hygrometer"].present = parts["barometer"].present = False
    up(world)
    world.run_for(60 * SECONDS)
    return parts


def lit_rows(display):
    """Numbers of the rows with something in them."""
    rows = display.rows()
    return [y for y in range(len(rows)) if "#" in rows[y]]


def test_absent_chips_are_a_malfunction_and_tell_nothing(world):
    parts = absent(world)
    assert [payload for _, payload in sent(world, "Malfunction")] == ["3"]
    for topic in DATA:
        assert sent(world, topic) == []
    # The first line, the uptime, and nothing else.
    assert lit_rows(parts["display"]) == list(range(7)), lit_rows(parts["display"])
    world.run_for(60 * MINUTES)
    assert stat(world, "Malfunction") == "3"
    for topic in DATA:
        assert sent(world, topic) == []
    assert world.device.resets == []


def test_a_chip_that_is_plugged_in_later_is_found(world):
    parts = absent(world)
    parts["barometer"].present = True
    assert world.run_until(lambda: stat(world, "Pressure") == "1010.0", 10 * MINUTES)
    world.run_for(10 * SECONDS)
    assert stat(world, "Malfunction") == "1"
    assert lit_rows(parts["display"])[-1] == 36 + 6
    parts["hygrometer"].present = True
    assert world.run_until(lambda: stat(world, "Temperature") == "21.5", 10 * MINUTES)
    world.run_for(10 * SECONDS)
    assert stat(world, "Humidity") == "82.0"
    assert stat(world, "Malfunction") == "0"
