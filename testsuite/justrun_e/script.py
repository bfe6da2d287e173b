"""An ordinary day of a mains energy meter: minutes, ticker, faults and recovery (T19)."""

from testsuite.story import MINUTES, SECONDS, command, sent, stat, up

MEANS = ("V", "Vmin", "Vmax", "A", "Amax", "W", "VA", "Hz", "PF")
TICKS = ("Vnow", "Anow", "Wnow", "VAnow")


def payloads(world, topic, since_ms=0):
    return [payload for ms, payload in sent(world, topic) if ms >= since_ms]


def becomes(world, topic, payload, limit_ms):
    assert world.run_until(lambda: stat(world, topic) == payload, limit_ms), (
        topic,
        stat(world, topic),
    )


def start(world):
    meter = world.device.bench.parts["meter"]
    meter.w = 1.0
    up(world)
    return meter


def test_says_what_the_mains_do_each_minute(world):
    start(world)
    world.run_for(60 * SECONDS)
    expected = ("220.0", "220.0", "220.0", "4.00", "4.00", "1.0", "880.0", "50.0", "1.00")
    assert tuple([stat(world, topic) for topic in MEANS]) == expected
    assert stat(world, "Malfunction") == "0"
    for topic in TICKS + ("Alarm",):
        assert sent(world, topic) == [], topic
    world.run_for(10 * MINUTES)
    for topic, payload in zip(MEANS, expected):
        found = sent(world, topic)
        assert [p for _, p in found] == [payload] * 11, (topic, found)
        gaps = [found[i + 1][0] - found[i][0] for i in range(10)]
        assert all(abs(gap - 60 * SECONDS) <= 100 for gap in gaps), (topic, gaps)
        assert not world.broker.retained("stat/Energy/" + topic)


def test_no_reading_is_lost_between_two_minutes_and_none_counts_twice(world):
    """The sum of all means is the sum of all readings, when every second has its own value."""
    meter = start(world)
    first = len(meter.requests)
    readings = []
    inputs = meter.inputs

    def measured():
        meter.v = 200 + len(readings) % 37
        meter.a = 1 + len(readings) % 11
        readings.append((meter.v, meter.a))
        return inputs()

    meter.inputs = measured
    assert world.run_until(lambda: len(payloads(world, "V")) == 6, 7 * MINUTES)
    world.run_for(1 * SECONDS)
    assert first == 0
    # The first minute has what came since second 21; what is asked for is taken a second later.
    ends = [39 + 60 * i for i in range(6)]
    begin = 0
    for i in range(6):
        minute = readings[begin : ends[i]]
        begin = ends[i]
        volts = [v for v, _ in minute]
        for topic, value, unit in (
            ("V", sum(volts) / len(minute), 0.1),
            ("Vmin", min(volts), 0.1),
            ("Vmax", max(volts), 0.1),
            ("A", sum([a for _, a in minute]) / len(minute), 0.01),
            ("Amax", max([a for _, a in minute]), 0.01),
            ("VA", sum([v * a for v, a in minute]) / len(minute), 0.1),
        ):
            told = float(payloads(world, topic)[i])
            assert abs(told - value) <= 0.51 * unit, (i, topic, told, value)


def test_failures_of_reading_and_of_starting_are_told_and_repaired(world):
    meter = start(world)
    world.run_for(90 * SECONDS)
    meter.deaf_to = (4,)
    becomes(world, "Malfunction", "4", 15 * SECONDS)
    for topic in MEANS:
        assert stat(world, topic) == "None", topic
    meter.deaf_to = (3, 4)
    failed_ms = world.now_ms()
    becomes(world, "Malfunction", "1", 11 * MINUTES)
    assert world.now_ms() - failed_ms > 9 * MINUTES
    meter.deaf_to = ()
    becomes(world, "Malfunction", "0", 11 * MINUTES)
    world.run_for(60 * SECONDS)
    assert stat(world, "V") == "220.0"
    assert payloads(world, "Malfunction") == ["0", "4", "1", "0"]
    for topic in MEANS:
        assert payloads(world, topic, failed_ms - 15 * SECONDS).count("None") == 1, topic
    lines = [line for _, line in world.device.output if "energy: meter" in line]
    assert len(lines) == 3, lines
    assert "works again" in lines[2]


def test_a_meter_that_is_absent_at_the_start_is_found_later(world):
    world.device.bench.parts["meter"].present = False
    up(world)
    becomes(world, "Malfunction", "1", 40 * SECONDS)
    world.run_for(15 * MINUTES)
    assert sent(world, "V") == []
    assert len([line for _, line in world.device.output if "energy: meter" in line]) == 1
    world.device.bench.parts["meter"].present = True
    becomes(world, "V", "220.0", 12 * MINUTES)
    assert payloads(world, "Malfunction") == ["0", "1", "0"]


def test_the_ticker_publishes_each_reading_until_it_is_switched_off(world):
    start(world)
    world.run_for(30 * SECONDS)
    command(world, "Ticker", b"on")
    world.run_for(10 * SECONDS)
    for topic, payload in zip(TICKS, ("220.0", "4.00", "1.0", "880.0")):
        assert payloads(world, topic) in ([payload] * 9, [payload] * 10, [payload] * 11), topic
    command(world, "Ticker", b"off")
    world.run_for(1 * SECONDS)
    world.broker.forget_publications()
    world.run_for(30 * SECONDS)
    assert [sent(world, topic) for topic in TICKS] == [[]] * 4


def test_the_ticker_ends_by_itself_after_a_minute(world):
    start(world)
    world.run_for(30 * SECONDS)
    command(world, "Ticker", b"1")
    began_ms = world.now_ms()
    world.run_for(3 * MINUTES)
    times = [ms for ms, _ in sent(world, "Wnow")]
    assert 58 <= len(times) <= 60, len(times)
    assert 58 * SECONDS <= times[-1] - began_ms <= 61 * SECONDS


def test_nonsense_and_old_commands_start_no_ticker(world):
    world.broker.publish("cmnd/Energy/Ticker", b"on", retain=True)
    start(world)
    world.run_for(30 * SECONDS)
    command(world, "Ticker", b"moo")
    world.run_for(10 * SECONDS)
    assert sent(world, "Vnow") == []
    assert world.device.said("want on or off")


def test_wrong_bits_noise_and_late_answers_are_no_malfunction(world):
    meter = start(world)
    world.run_for(30 * SECONDS)
    for _ in range(5):
        meter.flips = 2
        world.run_for(5 * SECONDS)
    meter.noise = b"\x00\xf8\x04\x14garbage"
    meter.tail = b"\xff\x00"
    world.run_for(2 * MINUTES)
    meter.noise = meter.tail = b""
    meter.answer_us = 960000
    world.run_for(2 * MINUTES)
    assert payloads(world, "Malfunction") == ["0"]
    assert set(payloads(world, "V")) == {"220.0"}


def test_an_idle_hour_wakes_the_processor_rarely(world):
    start(world)
    world.run_for(5 * MINUTES)
    world.device.longest_turn_ms = 0
    before = world.device.turns
    world.run_for(60 * MINUTES)
    assert world.device.turns - before <= 4500
    assert world.device.longest_turn_ms <= 15
