"""A central on a new board, and somebody who would like to be taken for one."""

import pytest

from testmock.simworld.device import Device
from testsuite.nowstory import NowInsight, PlayedCentral, PlayedPeripheral, wire
from testsuite.story import MINUTES, SECONDS, command, sent, up, with_keys

CONFIG = "ssid (none)\nespnowpsk bla\nespnowgroup ble\nwatchdog 1\n"
OTAKEY = "a secret of 20 signs"
NEW_MAC = b"\x24\x0a\xc4\x00\x77\x01"
REFUSED = "this is not the central that we were paired with"
_BUTTON = 0


class Link:
    """A central, and a peripheral that is paired with it and never asleep."""

    def __init__(self, world, otakey=OTAKEY):
        self.world = world
        if otakey:
            with_keys(world, otakey=otakey)
        self.central = world.device
        self.other = Device(world, "tnowp", CONFIG, name="other")
        self.other.bench.set_input(_BUTTON, 1)
        self.insight = NowInsight(world, device=self.other)
        self.central.wifi.channel = 6
        up(world)
        world.run_for(35 * SECONDS)
        self.other.power_on()
        assert self.is_heard(3 * MINUTES), self.other.console()

    def is_heard(self, limit_ms):
        """Does something of the peripheral reach the broker?"""
        count = len(sent(self.world, "YourRSSI"))
        return self.world.run_until(lambda: len(sent(self.world, "YourRSSI")) > count, limit_ms)

    def state(self):
        return self.insight.now.sm.state

    def pair(self):
        return self.other.nvram["now"]["pair"]

    def replace(self, channel=11, mac=NEW_MAC):
        """The central is another board now, with the same config.txt."""
        central = self.central
        central.power_cut()
        self.world.run_for(1 * MINUTES)
        central.nvram.clear()
        central.wifi.mac = central.bench.unique_id = mac
        central.wifi.channel = channel
        central.power_on()


def test_it_is_found_again_in_two_minutes(world):
    link = Link(world)
    before = link.pair()
    link.replace()
    # It has a key for pairings after half a minute.
    assert link.is_heard(2 * MINUTES), link.other.console()[-2000:]
    assert link.pair()[:6] == NEW_MAC and link.other.nvram["now"]["channel"] == 11
    assert link.pair()[6:38] != before[6:38] and not link.other.said(REFUSED)
    # ... and that board may be replaced, too.
    link.replace(1, NEW_MAC[:5] + b"\x02")
    assert link.is_heard(2 * MINUTES), link.other.console()[-2000:]
    world.run_for(10 * MINUTES)
    assert link.state() == "ready" and link.other.resets == link.central.resets == []


def test_it_is_found_again_after_a_long_time(world):
    link = Link(world)
    link.central.power_cut()
    world.run_for(40 * MINUTES)
    link.replace()
    assert link.is_heard(2 * MINUTES), link.other.console()[-2000:]


def test_without_the_otakey_it_is_refused_until_somebody_says_so(world):
    link = Link(world, otakey=None)
    before = link.pair()
    link.replace()
    assert not link.is_heard(20 * MINUTES)
    assert link.other.said(REFUSED) and link.pair() == before
    link.other.flash.load("/pair.txt", "")
    link.other.reset()
    assert link.is_heard(3 * MINUTES) and link.pair()[:6] == NEW_MAC


def test_with_another_otakey_it_is_refused(world):
    link = Link(world)
    before = link.pair()
    with_keys(world, otakey="another secret of 20")
    link.replace()
    assert not link.is_heard(20 * MINUTES)
    assert link.other.said(REFUSED) and link.pair() == before


def is_unpaired(link):
    """The owner has been told to give it up, say."""
    identity = link.other.wifi.mac.hex()
    command(link.world, "Unpair", identity)
    link.world.run_for(1 * SECONDS)
    assert link.central.said("%s is not paired any more" % identity)


def is_evicted(link):
    """By a hundred pairings of an insider, one per minute."""
    for number in range(100):
        pairs(link, b"\x02mine" + bytes((number,)))


def pairs(link, identity):
    """Somebody who knows the PSK pairs with the central under this identity -> the player."""
    world = link.world
    insider = PlayedPeripheral(world, identity, 6)
    insider.ask()
    assert world.run_until(lambda: insider.of(wire.TIME, wire.BROADCAST), 40 * SECONDS)
    world.run_for(61 * SECONDS)
    assert insider.exchange(b"i" * 32) == wire.AGREED
    assert insider.is_confirmed(insider.send(wire.WAKEUP))
    insider.station.on = False
    return insider


def poses_as_the_central(link, shown):
    """... at its place, while it is off. shown: the proof that he has found."""
    poser = PlayedCentral(link.world, 6, link.central.wifi.mac)
    poser.key = b"he has no otakey"
    poser.shown = shown

    def lure():
        if poser.station.on:
            poser.broadcast()
            link.world.call_after(500, lure)

    lure()
    return poser


@pytest.mark.parametrize("forget", [is_unpaired, is_evicted])
def test_who_pairs_in_its_name_does_not_become_its_central(world, forget):
    link = Link(world)
    before = link.pair()
    link.other.power_cut()
    forget(link)
    insider = pairs(link, link.other.wifi.mac)
    assert insider.proof not in (None, before[38:54])
    # And once more, with its public key, which he has read on the air, as the earlier one.
    command(world, "Pair", "on")
    insider.station.on = True
    insider.public = before[54:]
    world.run_for(61 * SECONDS)
    assert insider.exchange(b"j" * 32) == wire.AGREED
    proofs = [insider.proof, insider.earlier_proof_shown]
    assert before[38:54] not in proofs
    insider.station.on = False
    link.central.power_cut()
    link.other.power_on()
    for shown in proofs:
        poser = poses_as_the_central(link, shown)
        link.other.output.clear()
        assert world.run_until(lambda: link.other.said(REFUSED), 10 * MINUTES)
        assert poser.of(wire.PAIRING, wire.EXCHANGE) and poser.told() == []
        poser.station.on = False
        assert link.pair() == before
    # With the one that only the central could tell he would have been taken for it.
    poser = poses_as_the_central(link, before[38:54])
    assert world.run_until(poser.told, 10 * MINUTES)
