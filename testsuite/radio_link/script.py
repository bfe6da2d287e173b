"""Both devices of a link test, never asleep: what happens, and how soon they talk again."""

from testmock.simworld import world as clock
from testmock.simworld.device import Device
from testsuite.nowstory import NowInsight, in_program
from testsuite.story import HOURS, MINUTES, SECONDS, command, sent, up

CONFIG = "ssid (none)\nespnowpsk bla\nespnowgroup ble\nwatchdog 1\n"
_BUTTON = 0


class Link:
    """Both have power and are paired."""

    def __init__(self, world, channel=6):
        self.world = world
        self.central = world.device
        self.other = Device(world, "tnowp", CONFIG, name="other")
        self.other.bench.set_input(_BUTTON, 1)
        self.at_central = NowInsight(world)
        self.at_other = NowInsight(world, device=self.other)
        self.central.wifi.channel = channel
        up(world)
        world.run_for(35 * SECONDS)
        self.other.power_on()
        assert world.run_until(self.heard, 3 * MINUTES), self.other.console()

    def heard(self):
        """What the central has published of the other device."""
        return [payload for _, payload in sent(self.world, "YourRSSI")]

    def state(self):
        return self.at_other.now.sm.state

    def hears_again(self, limit_ms):
        """How long it takes until something arrives, in ms."""
        count, began_ms = len(self.heard()), self.world.now_ms()
        again = self.world.run_until(lambda: len(self.heard()) > count, limit_ms)
        assert again, self.other.console()[-3000:]
        return self.world.now_ms() - began_ms

    def pair(self):
        return self.other.nvram["now"]["pair"]

    def told(self):
        return len([line for _, line in self.other.output if "central hears us" in line])

    def press(self, ms):
        self.other.bench.set_input(_BUTTON, 0)
        self.world.run_for(ms)
        self.other.bench.set_input(_BUTTON, 1)


def quiet(world, ms):
    """Over such a time nobody was reset and nothing failed."""
    world.run_for(ms)
    for device in world.devices:
        assert device.resets == [] and device.crash is None
        assert device.module("epx.diag").faults == 0


def test_they_tell_each_other_how_they_are_heard(world):
    link = Link(world)
    world.ether.place(link.other, 10)
    quiet(world, 1 * HOURS)
    heard = link.heard()
    assert 120 <= len(heard) <= 241 and heard[-1] == "-70"
    # ... that the central hears it, every 60 to 120 s.
    assert 29 <= link.told() <= 60
    assert link.other.said("tnowp: the central hears us with -70 dBm")
    for insight in (link.at_central, link.at_other):
        assert insight.now.refused == [0] * 9


def test_the_trigger_brings_it_now(world):
    link = Link(world)
    before = link.told()
    command(world, "Trigger", "x")
    world.run_for(200)
    assert link.told() == before + 1


def test_what_was_told_is_told_once_though_its_receipt_is_lost(world):
    link = Link(world)
    world.run_for(2 * MINUTES)
    before = link.told()
    back = []

    def listen(sent):
        if sent.source == link.central.wifi.mac and sent.data[1] == 2 and any(sent.data[6:12]):
            back.append(sent)
            lost = 1 if len(back) < 3 else None
            world.ether.lose(link.other, link.central, lost)

    world.ether.sniff(listen)
    command(world, "Trigger", "x")
    world.run_for(3 * SECONDS)
    assert len(back) >= 3 and len({sent.data[16:28] for sent in back[:3]}) == 1
    assert link.told() == before + 1
    assert not link.at_central.now.back.waits


def test_the_access_point_moves(world):
    link = Link(world)
    before = link.pair()
    central, other = link.central.wifi, link.other.wifi
    there = lambda: link.state() == "ready" and other.tuned() == central.channel
    for channel in (11, 1, 13):
        central.channel = channel
        assert world.run_until(central.is_up, 1 * MINUTES)
        assert world.run_until(there, 70 * SECONDS), link.other.console()[-2000:]
        link.hears_again(31 * SECONDS)
    assert link.pair() == before and link.other.nvram["now"]["channel"] == 13
    quiet(world, 10 * MINUTES)


def test_the_central_is_reset(world):
    link = Link(world)
    before = link.pair()
    for _ in range(3):
        link.central.reset()
        assert link.hears_again(100 * SECONDS) < 70 * SECONDS
        world.run_for(2 * MINUTES)
    assert link.pair() == before and link.state() == "ready"


def test_the_central_is_reset_within_an_exchange(world):
    link = Link(world)
    before = link.pair()
    fired = []

    def reset(sent):
        if sent.source == link.other.wifi.mac and sent.data[1] == 1 and not fired:
            fired.append(sent)
            link.central.reset()

    world.ether.sniff(reset)
    assert world.run_until(lambda: fired, 40 * SECONDS)
    assert link.hears_again(100 * SECONDS) < 70 * SECONDS
    assert link.pair() == before


def test_the_central_is_away_for_an_hour(world):
    link = Link(world)
    before = link.pair()
    link.central.power_cut()
    world.run_for(1 * HOURS)
    link.central.power_on()
    assert link.hears_again(3 * MINUTES) < 100 * SECONDS
    assert link.pair() == before and link.other.resets == []


def test_both_are_reset_together(world):
    link = Link(world)
    before = link.pair()
    link.central.reset()
    link.other.reset()
    assert link.hears_again(3 * MINUTES) < 70 * SECONDS
    assert link.pair() == before


def test_power_fails_for_both_and_comes_back(world):
    link = Link(world)
    before = link.pair()
    for _ in range(3):
        link.central.power_cut()
        link.other.power_cut()
        world.run_for(1 * MINUTES)
        link.central.power_on()
        link.other.power_on()
        assert link.hears_again(3 * MINUTES) < 90 * SECONDS
    assert link.pair() == before
    assert link.at_central.now.refused[7] == 0


def test_network_time_wraps_for_both(world):
    link = Link(world)
    wrap = 0x7FFFFFFFFFFFFFFF << 32
    start = (wrap - 60 * SECONDS).to_bytes(12, "big")
    in_program(link.central, lambda: link.at_central.now.time.set(start) or True)
    link.hears_again(100 * SECONDS)
    quiet(world, 5 * MINUTES)
    time = int.from_bytes(link.at_other.now.memory.time.now(), "big")
    assert 3 * MINUTES < time - wrap < 6 * MINUTES
    assert link.state() == "ready" and link.hears_again(40 * SECONDS)


def test_ticks_wrap_for_both(world):
    """As every 12 days; each world has it 30 s after its start, when they are not paired yet."""
    began, clock.START_TICKS_MS = clock.START_TICKS_MS, (1 << 30) - 5 * MINUTES
    try:
        link = Link(world)
        assert world.ticks > 1 << 29
        quiet(world, 10 * MINUTES)
        assert world.ticks < 1 << 29
        assert link.state() == "ready" and link.hears_again(40 * SECONDS)
        for insight in (link.at_central, link.at_other):
            assert insight.now.refused == [0] * 9
    finally:
        clock.START_TICKS_MS = began


def test_the_button_forgets_the_pairing(world):
    link = Link(world)
    before = link.pair()
    link.press(2 * SECONDS)
    world.run_for(2 * SECONDS)
    assert link.pair() == before
    link.press(4 * SECONDS)
    assert link.pair() == b"" and link.state() in ("unpaired", "pairing")
    assert link.other.said("info tnowp: pairing forgotten by the button")
    count = len(link.heard())
    world.run_for(3 * MINUTES)
    # The central knows it: somebody of the house has to agree.
    assert len(link.heard()) == count
    assert link.central.said("a known device wants to pair")
    command(world, "Pair", "on")
    assert link.hears_again(3 * MINUTES) < 2 * MINUTES
    assert link.pair() not in (b"", before)


def test_one_that_was_unpaired_at_the_central_pairs_again_by_itself(world):
    link = Link(world)
    before = link.pair()
    command(world, "Unpair", link.other.wifi.mac.hex())
    world.run_for(1 * SECONDS)
    assert link.hears_again(5 * MINUTES) < 3 * MINUTES
    assert link.pair()[6:38] != before[6:38]


def test_unpaired_while_the_access_point_moves_it_finds_and_pairs_again(world):
    link = Link(world)
    before = link.pair()
    command(world, "Unpair", link.other.wifi.mac.hex())
    world.run_for(100)
    link.central.wifi.channel = 11
    assert link.hears_again(10 * MINUTES) < 4 * MINUTES
    assert link.pair()[6:38] != before[6:38] and link.other.nvram["now"]["channel"] == 11


def test_a_third_device_pairs_too(world):
    link = Link(world)
    third = Device(world, "tnowp", CONFIG, name="third")
    third.bench.set_input(_BUTTON, 1)
    third.power_on()
    world.run_for(10 * MINUTES)
    found = link.at_central.now.roster
    assert len(found.pairs.index) == 2 and set(found.heard) == set(found.pairs.index)
    for device in (link.other, third):
        assert found.pairs.secret(device.wifi.mac) == device.nvram["now"]["pair"][6:38]
        assert device.said("the central hears us with -40 dBm")
    assert link.at_central.now.refused[5] == 0


def test_another_group_next_door(world):
    link = Link(world)
    neighbour = Device(world, "tnowp", CONFIG.replace("ble", "blu"), name="neighbour")
    neighbour.bench.set_input(_BUTTON, 1)
    neighbour.power_on()
    quiet(world, 10 * MINUTES)
    assert "pair" not in neighbour.nvram["now"] and not neighbour.said("paired")
    assert len(link.at_central.now.roster.pairs.index) == 1


def test_a_disturbed_air(world):
    link = Link(world)
    world.ether.loss = 0.2
    world.ether.duplicate = 0.2
    world.ether.delay_ms = (0, 80)
    world.ether.collisions = True
    for _ in range(30):
        link.hears_again(120 * SECONDS)
    world.ether.loss = world.ether.duplicate = 0
    world.ether.delay_ms = (0, 0)
    world.run_for(2 * MINUTES)
    assert link.state() == "ready"
    quiet(world, 2 * MINUTES)


def test_a_jammed_channel(world):
    link = Link(world)
    world.ether.jam(6, 10 * MINUTES)
    world.run_for(10 * MINUTES)
    assert link.hears_again(3 * MINUTES) < 70 * SECONDS
