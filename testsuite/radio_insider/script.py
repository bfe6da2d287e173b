"""Who knows the PSK, from a stolen device say, is no peripheral that is paired, nor a central."""

import pytest

from testsuite.nowstory import wire
from testsuite.soak.radio import MINUTES, SECONDS, Village
from testsuite.soak.radioattack import Insider

PSK = "one for both"


@pytest.fixture
def village(world):
    village = Village(world, peripherals=6)
    village.settle()
    village.insider = Insider(world, PSK, "Gate")
    world.run_for(1 * MINUTES)  # until it has heard the time
    assert village.insider.ahead_ms
    return village


def gate(village):
    """(central, a peripheral of it that is always awake)."""
    central = village.centrals[0]
    return central, next(d for d in village.links if village.central_of(d) is central)


def arrived(village, device):
    return len([1 for reading in village.account.by_device[device] if reading.calls])


def answers(insider, tid):
    """Statuses of what a central has answered to this request."""
    return [
        kind
        for _, type, kind, _, _, _, payload in insider.heard
        if payload[:12] == tid
        if type == wire.PAIRING
    ]


def test_he_does_not_speak_as_a_peripheral_that_is_paired(village):
    insider = village.insider
    central, _ = gate(village)
    commands = len(village.account.readings)
    for device in village.peripherals:
        insider.speaks_as(device.wifi.mac, central.wifi.tuned(), b"stat/LPScale/Weight\n4711")
        village.world.run_for(100)
    village.world.run_for(5 * SECONDS)
    assert insider.sent["data"] == 4 * len(village.peripherals)
    village.account.book()
    told = [payload for _, payload in village.account.published.get("stat/Gate/Weight", ())]
    assert b"4711.000" not in told and not village.account.problems
    assert len(village.account.readings) <= commands + 4
    assert central.now.refused[5] >= 4, central.now.refused  # not authentic


def test_he_does_not_take_the_key_of_one_that_is_paired(village):
    insider = village.insider
    central, link = gate(village)
    before = {mac: central.now.roster.pairs.secret(mac) for mac in central.now.roster.pairs.index}
    statuses = []
    for _ in range(20):
        tid = insider.asks_as(link.wifi.mac, central.wifi.tuned(), bytes(range(32)))
        village.world.run_for(5 * SECONDS)
        statuses += answers(insider, tid)
    assert statuses and set(statuses) == {wire.KNOWN}, statuses
    after = {mac: central.now.roster.pairs.secret(mac) for mac in central.now.roster.pairs.index}
    assert after == before and link.wifi.mac in after
    count = arrived(village, link)
    village.world.run_for(3 * MINUTES)
    assert arrived(village, link) > count


def test_he_does_not_take_the_place_of_a_central(village):
    insider = village.insider
    central, link = gate(village)
    secret, manager = link.now.pairing.secret, link.now.pairing.manager
    channel = central.wifi.tuned()
    insider.answers_for(central)
    central.power_cut()
    # A time of his own, far from the one that was.
    for _ in range(300):
        insider.broadcast(central, 123_456_789_000, channel)
        village.world.run_for(2 * SECONDS)
    assert insider.sent.get("agreed"), "it was never asked"
    assert (link.now.pairing.secret, link.now.pairing.manager) == (secret, manager)
    waiting = list(link.now.memory.unsent)
    assert waiting, "nothing of what it had to say waits for the real one"
    central.power_on()
    count = arrived(village, link)
    assert village.world.run_until(lambda: arrived(village, link) > count, 10 * MINUTES)
    assert link.now.pairing.secret == secret and not village.account.problems


def test_false_times_cost_contact_for_moments_only(village):
    """He pulls the clock of a peripheral away, a second at a time."""
    insider = village.insider
    central, link = gate(village)
    count = arrived(village, link)
    for step in range(1, 300):
        insider.broadcast(central, step * 900)
        village.world.run_for(1 * SECONDS)
    assert arrived(village, link) - count >= 4
    assert not village.account.problems
    village.world.run_for(1 * MINUTES)
    late = village.account.lost(village.world.now_ms() - 1 * MINUTES)
    assert not [reading for reading in late if reading.device is link], late
