"""The weather sensor's chips fail, and come back (T24)."""

from testsuite.story import MINUTES, SECONDS, sent, stat, up

TOPICS = ("Temperature", "Humidity", "Pressure", "Malfunction")


def told(world):
    return [stat(world, topic) for topic in TOPICS]


def lines(world, words):
    return [line for _, line in world.device.output if words in line]


def measuring(world):
    """UP, 25 C, 80 %, 1012 hPa, and two minutes."""
    parts = world.device.bench.parts
    up(world)
    parts["hygrometer"].celsius = 25
    parts["hygrometer"].humidity = 80
    parts["barometer"].hectopascals = 1012
    world.run_for(2 * MINUTES)
    assert told(world) == ["25.0", "80.0", "1012.0", "0"], told(world)
    return parts["hygrometer"], parts["barometer"]


def test_chips_that_fail_are_a_malfunction_and_their_values_become_unknown(world):
    hygrometer, barometer = measuring(world)
    hygrometer.failing = barometer.failing = True
    failed_ms = world.now_ms()
    assert world.run_until(lambda: stat(world, "Malfunction") == "28", 30 * SECONDS)
    assert told(world) == ["25.0", "80.0", "1012.0", "28"], told(world)
    world.run_for(2 * MINUTES)
    assert told(world) == ["None", "None", "None", "28"], told(world)
    for topic in TOPICS[:3]:
        stale_ms = sent(world, topic)[-1][0]
        # A minute after the last reading, at the next look.
        assert 55 * SECONDS <= stale_ms - failed_ms <= 125 * SECONDS, sent(world, topic)
    world.run_for(60 * MINUTES)
    # They cannot be started either; the log has heard of each once.
    assert told(world) == ["None", "None", "None", "31"], told(world)
    assert len(lines(world, "hygrometer")) == len(lines(world, "barometer")) == 2
    assert len(sent(world, "Temperature")) == 2, sent(world, "Temperature")


def test_chips_that_work_again_are_found_without_a_restart(world):
    hygrometer, barometer = measuring(world)
    hygrometer.present = barometer.present = False
    world.run_for(2 * MINUTES)
    assert told(world) == ["None", "None", "None", "28"], told(world)
    hygrometer.present = barometer.present = True
    hygrometer.power_on()
    barometer.power_on()
    hygrometer.celsius = 24
    assert world.run_until(lambda: stat(world, "Malfunction") == "0", 10 * MINUTES)
    world.run_for(100)
    assert told(world) == ["24.0", "80.0", "1012.0", "0"], told(world)
    assert lines(world, "hygrometer")[-1].endswith("works again")
    assert lines(world, "barometer")[-1].endswith("works again")
    assert world.device.resets == []


def test_each_chip_fails_alone(world):
    hygrometer, barometer = measuring(world)
    barometer.failing = True
    world.run_for(2 * MINUTES)
    assert told(world) == ["25.0", "80.0", "None", "16"], told(world)
    barometer.failing = False
    world.run_for(10 * MINUTES)
    hygrometer.failing = True
    world.run_for(2 * MINUTES)
    assert told(world) == ["None", "None", "1012.0", "12"], told(world)


def test_a_single_failure_is_no_malfunction(world):
    hygrometer, _ = measuring(world)
    for _ in range(5):
        hygrometer.failing = True
        world.run_for(5 * SECONDS)
        hygrometer.failing = False
        world.run_for(25 * SECONDS)
    assert [payload for _, payload in sent(world, "Malfunction")] == ["0"]
    assert [payload for _, payload in sent(world, "Temperature")] == ["25.0"]
    assert lines(world, "hygrometer") == []


def test_nonsense_is_not_told(world):
    hygrometer, barometer = measuring(world)
    hygrometer.stuck = b"\xff" * 4
    barometer.raw = (0, 0)
    world.run_for(2 * MINUTES)
    assert told(world) == ["None", "None", "None", "28"], told(world)
