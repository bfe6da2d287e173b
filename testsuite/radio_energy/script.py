"""What the radio costs the battery of a scale, in seconds per day, with and without a central."""

import pytest

from testsuite.soak.radio import HOURS, MINUTES, Village

_DAY = 24 * HOURS
# docs/radio.md: of each day, for searches; beside what each wake needs for its reading.
_SEARCH_S_PER_DAY = 120
_SAVED_S = 130
_WAKES = 24
_WAKE_S = 3  # four wakeups on the channel where the central was, 2.25 s in all
_FOR_EVER_S = 1 << 30


@pytest.fixture
def village(world):
    """A scale and its central; a fifth of all packets is lost."""
    village = Village(world, peripherals=2, links=0)
    village.settle()
    village.live(2 * HOURS)
    village.cut(village.scales[1], _FOR_EVER_S)
    village.cut(village.centrals[1], _FOR_EVER_S)
    return village


def radio_s(village, device, ms):
    """Seconds that its radio is on in that time."""
    radio = device.bench.radio
    radio.forget_on_ms()
    village.live(ms)
    return radio.on_ms() / 1000


def confirmed(village, device):
    return len([1 for reading in village.account.by_device[device] if reading.confirmed_ms])


def test_in_normal_life(village):
    scale = village.scales[0]
    scale.awake_ms = 0
    readings = len(village.account.by_device[scale])
    seconds = radio_s(village, scale, _DAY)
    readings = len(village.account.by_device[scale]) - readings
    awake_s = scale.awake_ms // 1000
    print("normal life: %.1f s of radio, %d readings, awake %d s" % (seconds, readings, awake_s))
    assert readings >= _WAKES - 2
    assert seconds <= 3 * readings, seconds
    village.check()


def test_without_its_central_for_a_week(village):
    scale = village.scales[0]
    village.centrals[0].power_cut()
    village.live(2 * HOURS)
    days = [radio_s(village, scale, _DAY) for _ in range(7)]
    print("central dead: seconds of radio per day %s" % days)
    most_s = _SEARCH_S_PER_DAY + _WAKES * _WAKE_S
    assert days[0] <= most_s + _SAVED_S and max(days[1:]) <= most_s, days
    assert min(days) >= _SEARCH_S_PER_DAY / 2, days  # it does search
    # Its battery is not empty and it finds it, whatever the channel is by then.
    central = village.centrals[0]
    central.wifi.channel = 11
    central.power_on()
    count = confirmed(village, scale)
    assert village.world.run_until(lambda: confirmed(village, scale) > count, 3 * HOURS)


def test_when_the_access_point_moves(village):
    """In the next wake, or the one after it."""
    scale = village.scales[0]
    costs, hours = [], []
    for channel in (13, 7, 1, 9, 4, 11):
        village.centrals[0].wifi.channel = channel
        village.live(1 * MINUTES)
        began_ms = village.world.now_ms()
        radio = scale.bench.radio
        radio.forget_on_ms()

        count = confirmed(village, scale)
        assert village.world.run_until(
            lambda count=count: confirmed(village, scale) > count, 4 * HOURS
        )
        village.live(1 * MINUTES)
        costs.append(radio.on_ms() / 1000)
        hours.append((village.world.now_ms() - began_ms) / HOURS)
    print("after a move: seconds of radio %s, hours %s" % (costs, hours))
    assert max(costs) <= 20, costs
    assert sorted(hours)[3] <= 1.2 and max(hours) <= 2.2, hours
