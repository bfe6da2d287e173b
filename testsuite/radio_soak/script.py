"""Six hours in a village: twenty peripherals, two centrals, two groups with one PSK, one air.

A fifth of all packets is lost for each of those who hear them; access points move, power is cut,
clocks are wrong, brokers go away, and somebody attacks. make soak does seven days of it.
"""

from testsuite.soak.radio import HOURS, RAID_PACKETS, Village


def test_every_reading_arrives_once_and_in_order(world):
    village = Village(world)
    village.settle()
    village.storm(6 * HOURS)
    village.check()
    account, guard = village.account, village.guard
    assert len(village.scales) == 18 and len(village.links) == 2 and len(village.centrals) == 2
    readings = account.readings.values()
    assert len(readings) > 1000 and len(village.faults) >= 12
    arrived = [reading for reading in readings if reading.calls]
    # Who loses its power loses what it has not told; there was little of it.
    assert len(account.lost_by_power_cuts()) <= 10
    assert len(arrived) >= len(readings) - 20
    repeated = [reading for reading in arrived if len(reading.calls) > 1]
    assert len(repeated) <= len(village.faults)
    # The attacker was there.
    raids = [name for _, name in village.faults if name == "raid"]
    assert raids and village.raider.sent >= RAID_PACKETS // 2
    assert sum(guard.judged.values()) > 1000
