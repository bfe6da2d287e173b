"""Wh never goes backwards: reboots, power cuts, counters that begin anew, glitches. The alarm."""

from testsuite.story import HOURS, MINUTES, SECONDS, sent, stat, up, with_keys


def start(world, wh=0, w=6000.0):
    meter = world.device.bench.parts["meter"]
    meter.wh = wh
    meter.w = w
    up(world)
    return meter


def told(world):
    """All totals so far, which must rise."""
    totals = [int(payload) for _, payload in sent(world, "Wh")]
    assert totals == sorted(totals), totals
    return totals


def close(world, meter, offset=0, slack_wh=101):
    """The total told last is what the meter has counted, but for the minute not over yet."""
    assert 0 <= meter.wh + offset - told(world)[-1] <= slack_wh, (meter.wh, offset, told(world))


def test_begins_with_what_the_meter_has_counted_and_follows_it(world):
    meter = start(world, 12345)
    world.run_for(2 * MINUTES)
    close(world, meter)
    world.run_for(3 * HOURS)
    close(world, meter)
    assert told(world)[-1] - 12345 > 17900
    assert stat(world, "Malfunction") == "0"


def test_is_stored_at_most_once_per_minute_and_only_when_it_changed(world):
    meter = start(world)
    world.run_for(5 * MINUTES)
    bench = world.device.bench
    before = bench.nvs_writes
    world.run_for(60 * MINUTES)
    assert 59 <= bench.nvs_writes - before <= 61
    assert bench.nvs["energy"]["wh"] == told(world)[-1]
    meter.w = 0
    world.run_for(1 * MINUTES)
    before = bench.nvs_writes
    world.run_for(60 * MINUTES)
    assert bench.nvs_writes == before


def test_a_power_cut_loses_nothing_that_the_meter_counts(world):
    meter = start(world, 500)
    for _ in range(4):
        world.run_for(95 * SECONDS)
        world.device.power_cut()
        world.run_for(20 * MINUTES)
        world.device.power_on()
        up(world)
    world.run_for(2 * MINUTES)
    close(world, meter)
    assert stat(world, "Malfunction") == "0"


def test_a_counter_that_was_reset_during_a_power_cut_is_made_up_for(world):
    meter = start(world, 8000)
    world.run_for(3 * MINUTES)
    known = told(world)[-1]
    world.device.power_cut()
    meter.wh = 0
    world.device.power_on()
    up(world)
    world.run_for(5 * MINUTES)
    assert world.device.said("began anew")
    assert stat(world, "Malfunction") == "2"
    assert known < told(world)[-1] <= known + 600
    offset = told(world)[-1] - meter.wh
    world.run_for(61 * MINUTES)
    assert stat(world, "Malfunction") == "0"
    close(world, meter, offset, 220)
    world.device.power_cut()
    world.device.power_on()
    up(world)
    world.run_for(2 * MINUTES)
    close(world, meter, offset, 220)
    assert stat(world, "Malfunction") == "0"


def test_a_new_meter_reset_before_its_first_hundred_is_made_up_for(world):
    meter = start(world)
    world.run_for(1 * MINUTES)
    known = told(world)[-1]
    assert 50 < known < 100
    world.device.power_cut()
    meter.wh = 0
    meter.w = 0.0
    world.device.power_on()
    up(world)
    world.run_for(3 * MINUTES)
    assert told(world)[-1] == known


def test_a_counter_that_is_reset_or_ends_meanwhile_goes_on(world):
    meter = start(world, 9_999_000, 20000.0)
    begun = []
    while len(begun) < 2:
        world.run_for(10 * MINUTES)
        begun = [line for _, line in world.device.output if "began anew" in line]
        if len(begun) == 1 and meter.wh > 5000:
            meter.wh = 0
    world.run_for(2 * MINUTES)
    told(world)
    passed_h = world.now_ms() / HOURS
    expected = 9_999_000 + 20000 * passed_h
    assert abs(told(world)[-1] - expected) <= 450, (told(world)[-1], expected)


def test_single_wrong_readings_of_the_counter_change_nothing(world):
    meter = start(world, 7000, 360.0)
    world.run_for(2 * MINUTES)
    inputs = meter.inputs
    for wrong in (0, 6000, 7200, 65536 + 7000, 9_000_000, 7000 ^ 4096):
        for readings in (1, 4):
            left = [readings]

            def glitch(wrong=wrong, left=left):
                registers = inputs()
                if left[0]:
                    left[0] -= 1
                    registers[5] = wrong & 0xFFFF
                    registers[6] = wrong >> 16
                return registers

            meter.inputs = glitch
            world.run_for(30 * SECONDS)
    world.run_for(1 * MINUTES)
    close(world, meter, 0, 7)
    assert not world.device.said("began anew")


def test_a_wrong_reading_right_after_the_start_changes_nothing(world):
    meter = world.device.bench.parts["meter"]
    inputs = meter.inputs
    left = [2]

    def glitch():
        registers = inputs()
        if left[0]:
            left[0] -= 1
            registers[6] = 100
        return registers

    meter.inputs = glitch
    start(world, 7000)
    world.run_for(2 * MINUTES)
    close(world, meter)


def test_another_meter_with_a_higher_counter_adds_nothing(world):
    meter = start(world, 7000)
    world.run_for(3 * MINUTES)
    known = told(world)[-1]
    meter.wh = 600_000
    world.run_for(3 * MINUTES)
    assert told(world)[-1] - known <= 410
    assert stat(world, "Malfunction") == "2"


def test_the_total_is_known_though_the_meter_is_not_there(world):
    meter = start(world, 7000)
    world.run_for(3 * MINUTES)
    known = told(world)[-1]
    world.device.power_cut()
    meter.present = False
    world.device.power_on()
    world.broker.forget_publications()
    up(world)
    world.run_for(2 * MINUTES)
    assert told(world) == [known]
    assert stat(world, "Malfunction") == "1"


def test_the_threshold_is_written_once_and_the_alarm_is_told(world):
    meter = start(world, w=2900.0)
    world.run_for(30 * SECONDS)
    assert (meter.alarm_w, meter.alarm_writes) == (3000, 1)
    assert stat(world, "Alarm") == "0"
    meter.w = 3100.0
    world.run_for(7 * SECONDS)
    assert stat(world, "Alarm") == "1"
    world.device.reset(2)
    world.run_for(60 * SECONDS)
    assert meter.alarm_writes == 1
    meter.w = 100.0
    world.run_for(7 * SECONDS)
    assert stat(world, "Alarm") == "0"
    meter.present = False
    world.run_for(12 * SECONDS)
    assert stat(world, "Alarm") == "None"


def test_without_a_threshold_the_meter_keeps_its_own_and_no_alarm_is_told(world):
    with_keys(world, alarm=None)
    meter = start(world, w=22000.0)
    world.run_for(2 * MINUTES)
    assert (meter.alarm_w, meter.alarm_writes) == (23000, 0)
    assert sent(world, "Alarm") == []
    assert not [r for r in meter.requests if r[1] == 6]
