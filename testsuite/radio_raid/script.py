"""An attacker who hears everything and sends 100,000 packets: not one is accepted by anybody."""

from testsuite.soak.radio import SECONDS, Village

PACKETS = 100_000
ROUND = 5000
PER_SECOND = 100


def test_nothing_of_100000_packets_is_accepted(world):
    """Replays of now and of long ago, flipped bits, forgeries, false addresses, packets cut,
    joined and made longer; while centrals reboot, lose their power, and move to other channels."""
    village = Village(world, peripherals=6)
    village.settle()
    raider, guard = village.raider, village.guard

    def cut():
        village.cut(village.random.choice(village.centrals), 5)

    interludes = (village.reset_central, village.move, cut)
    reasons = set(range(8))  # to refuse a packet; all came up
    readings = 0
    for number in range(PACKETS // ROUND):
        raider.raid(ROUND, PER_SECOND)
        village.live(ROUND // PER_SECOND // 2 * SECONDS)
        for central in village.centrals:
            reasons -= {reason for reason, count in enumerate(central.now.refused) if count}
        interludes[number % len(interludes)]()
        village.live(ROUND // PER_SECOND // 2 * SECONDS + 2 * SECONDS)
        assert not guard.accepted, guard.accepted[0]
        if number % 4 == 3:
            arrived = len([1 for reading in village.account.readings.values() if reading.calls])
            assert arrived > readings, "nobody honest is heard any more"
            readings = arrived
    assert raider.sent == PACKETS and set(raider.attacker.sent) == {
        "replay",
        "flip_bits",
        "forge",
        "cut",
        "mix",
    }
    assert not village.account.problems, village.account.problems[:10]
    # That it got anywhere: to both roles, with every type.
    for role in ("central", "peripheral"):
        for kind in range(1, 6):
            assert guard.judged[role, kind] > 1000, (role, kind, guard.judged)
    assert not reasons, reasons
