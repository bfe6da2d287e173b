"""The peripheral of a link test against a central that is played (T29)."""

from testsuite.nowstory import (
    CONTENT,
    LENGTH,
    NOT_AUTHENTIC,
    OTHER_NETWORK,
    OTHER_VERSION,
    REPLAY,
    ROLE,
    WRONG_TIME,
    BrokenRadio,
    NowInsight,
    PlayedCentral,
    flipped,
    in_program,
    refuses,
    wire,
    with_byte,
)
from testsuite.story import HOURS, MINUTES, SECONDS

TOLD = b"stat/TNowP/YourRSSI\n-61"
BACK = (wire.TIME, wire.BACK_DATA)


class Link:
    """A peripheral that has paired with a central on channel 5, and has said something."""

    def __init__(self, world, paired=True, **options):
        self.world = world
        self.device = world.device
        self.insight = NowInsight(world)
        self.central = PlayedCentral(world, **options)
        world.device.power_on()
        if paired:
            assert world.run_until(self.central.told, 150 * SECONDS)
            world.run_for(1 * SECONDS)
            assert self.state() == "ready"

    @property
    def now(self):
        return self.insight.now

    def state(self):
        return self.now.sm.state

    def off_ms(self):
        """How far its network time is from the central's."""
        time = self.now.memory.time.now()
        return int.from_bytes(time, "big") - self.central.now()

    def refuses(self, reason, data):
        """Counted once; nobody is told, nothing is answered, the time stays."""
        answers = refuses(self.world, self.insight, reason, data, self.central.station)
        assert [data for _, _, data in answers if data[1] != wire.DATA] == []
        assert abs(self.off_ms()) <= 20 and self.state() == "ready"

    def made(self, send, *arguments, **options):
        """What the central would send, but with its radio off."""
        self.central.station.tuned = 14
        data = send(*arguments, **options)
        self.central.station.tuned = 5
        self.world.run_for(10)
        return data

    def back_data(self, **options):
        return self.made(self.central.back, TOLD, **options)

    def told(self):
        """How often it was told what its signal is."""
        return len([line for _, line in self.device.output if "hears us with -61 dBm" in line])

    def receipts(self):
        central = self.central
        return [p.payload for p in central.of(wire.DATA, wire.RECEIPT)]

    def broken(self):
        """Its radio accepts nothing from now on; it is mended by calling what this returns."""
        radio = self.device.bench.radio

        def fails(*_):
            raise OSError(116, "ETIMEDOUT")

        send, radio.send = radio.send, fails

        def mend():
            radio.send = send

        return mend


def test_says_nothing_before_it_is_paired(world):
    link = Link(world, paired=False, psk="blo")
    world.run_for(20 * SECONDS)
    assert link.state() == "unpaired"
    for mode in (0, 1):
        assert in_program(link.device, link.now.send_data, b"stat/TNow/Value\n1", mode) is False
    world.run_for(3 * MINUTES)
    assert {entry[4][1] for entry in world.ether.log} == {wire.PAIRING}
    assert link.now.memory.time is None and "pair" not in world.device.nvram["now"]


def test_looks_on_all_channels_second_by_second(world):
    Link(world, paired=False, psk="blo")
    world.run_for(70 * SECONDS)
    asked = [(entry[0], entry[1]) for entry in world.ether.log][:65]
    gaps = {asked[i][0] - asked[i - 1][0] for i in range(1, 65)}
    assert min(gaps) >= 990 and max(gaps) <= 1020, gaps
    channels = [channel for _, channel in asked[::5]]
    assert sorted(channels) == list(range(1, 14))
    assert [channel for _, channel in asked] == [c for c in channels for _ in range(5)]


def test_pairs_with_the_central_that_it_finds(world):
    link = Link(world, paired=False)
    central = link.central
    assert world.run_until(lambda: central.of(wire.PAIRING, wire.ASK), 90 * SECONDS)
    assert world.run_until(lambda: link.state() == "ready", 10 * SECONDS)
    assert central.peer == world.device.wifi.mac
    exchange = central.of(wire.PAIRING, wire.EXCHANGE)
    assert len(exchange) == 1 and abs(exchange[0].time - central.now()) < 5 * SECONDS
    wakeups = central.of(wire.WAKEUP)
    assert len(wakeups) == 1 and wakeups[0].counter > exchange[0].counter
    kept = world.device.nvram["now"]
    assert kept["channel"] == 5
    public = exchange[0].payload
    assert len(public) == 32 and kept["pair"][54:] == public
    assert kept["pair"][:6] == central.mac
    assert kept["pair"][38:54] == central.proof(world.device.wifi.mac, public)
    assert abs(link.off_ms()) <= 20


def test_tells_how_it_hears_the_central(world):
    link = Link(world)
    world.ether.place(link.central.mac, 10)
    link.central.broadcast()
    world.run_for(10 * MINUTES)
    data = link.central.of(wire.DATA)
    # 1001: it was said before it had heard anything.
    assert data[0].payload in (b"stat/TNow/YourRSSI\n1001", b"stat/TNow/YourRSSI\n-40")
    assert data[-1].payload == b"stat/TNow/YourRSSI\n-70"
    gaps = [data[i].ms - data[i - 1].ms for i in range(2, len(data))]
    assert min(gaps) >= 14900 and max(gaps) <= 30200, gaps
    assert {p.kind for p in data} == {wire.CONFIRMED}
    assert {p.flags for p in data} == {wire.NO_UPDATE}
    counters = [p.counter for p in link.central.heard]
    assert counters == sorted(set(counters))
    assert len({p.tid for p in data}) == len(data)
    assert link.now.refused == [0] * 9


def test_goes_to_the_central_alone(world):
    link = Link(world)
    world.run_for(1 * MINUTES)
    destinations = {entry[3] for entry in world.ether.log if entry[4][1] in (1, 5)}
    assert destinations == {link.central.mac}


def test_a_confirmation_counts_once_and_whole(world):
    link = Link(world)
    central = link.central
    last = central.of(wire.DATA)[-1]
    confirm = central.confirm
    link.refuses(REPLAY, link.made(confirm, last.tid))
    link.refuses(REPLAY, link.made(confirm, b"nobody's TID"))
    confirmation = (wire.TIME, wire.CONFIRM)
    for size in (0, 1, 11):
        link.refuses(CONTENT, link.made(central.transmit, confirmation, last.tid[:size]))
    link.refuses(CONTENT, link.made(central.transmit, confirmation, last.tid))


def test_repeats_what_is_not_confirmed(world):
    link = Link(world)
    central = link.central
    central.willing = False
    before = len(central.told())
    assert world.run_until(lambda: len(central.told()) > before + 3, 40 * SECONDS)
    repeated = central.of(wire.DATA)[before:]
    assert len({p.tid for p in repeated}) == 1 and len({p.payload for p in repeated}) == 1
    assert len({p.counter for p in repeated}) == 4
    for i, after_ms in ((1, 250), (2, 500), (3, 1000)):
        assert 0 <= repeated[i].ms - repeated[i - 1].ms - after_ms <= 50
    central.confirm(repeated[-1].tid)
    world.run_for(5 * SECONDS)
    assert len(central.told()) == before + 4 and link.now.memory.unsent == []


def test_takes_back_data_once_and_says_so(world):
    link = Link(world)
    data = link.central.back(TOLD)
    tid = data[16:28]
    world.run_for(300)
    assert link.told() == 1 and link.receipts() == [tid]
    # Its receipt was lost: the central says it again.
    link.central.back(TOLD, tid=tid)
    world.run_for(300)
    assert link.told() == 1 and link.receipts() == [tid, tid]
    # Somebody else repeats what he has heard, at once and later.
    link.refuses(REPLAY, data)
    link.refuses(WRONG_TIME, data)
    assert link.told() == 1 and link.receipts() == [tid, tid]


def test_refuses_back_data_of_another_time(world):
    link = Link(world)
    for ahead_ms in (2000, -2000, 1 << 70):
        link.refuses(WRONG_TIME, link.back_data(ahead_ms=ahead_ms))
    assert link.told() == 0 and link.receipts() == []


def test_refuses_back_data_that_say_nothing(world):
    link = Link(world)
    for payload in (b"stat/TNowP/YourRSSI", b"", b"\n", b"stat/TNow/Other\n-61", b"\xff\n\xff"):
        count = link.now.refused[CONTENT]
        link.central.back(payload)
        world.run_for(1 * SECONDS)
        assert link.now.refused[CONTENT] == count + 1
    for value in (b"-129", b"1002", b"x", b"", b"-6.1"):
        count = link.now.refused[CONTENT]
        link.central.back(b"stat/TNowP/YourRSSI\n" + value)
        world.run_for(1 * SECONDS)
        assert link.now.refused[CONTENT] == count + 1
    assert not link.device.said("hears us") and sum(link.now.refused) == 10
    # It has received them, though: the central must not repeat them for ever.
    assert len(link.receipts()) == 10


def test_refuses_what_is_no_packet_of_its_group(world):
    link = Link(world)
    data = link.back_data()
    for version in (0, 1, 2, 4, 255):
        link.refuses(OTHER_VERSION, with_byte(data, 0, version))
    for length in (1, 2, 27, 28, 44, 59, len(data) - 1):
        link.refuses(LENGTH, data[:length])
    link.refuses(LENGTH, data + b"x")
    for type in (0, 6, 66, 255):
        link.refuses(ROLE, with_byte(data, 1, type))
    link.refuses(OTHER_NETWORK, flipped(data, 3))
    for other in ({"psk": "blo"}, {"group": "bli"}):
        broadcast = PlayedCentral(world, 14, **other).broadcast()
        link.refuses(OTHER_NETWORK, broadcast)
        forged = broadcast[:2] + link.central.group.network + broadcast[6:]
        link.refuses(NOT_AUTHENTIC, forged)
    assert link.told() == 0 and link.receipts() == []


def test_refuses_what_is_not_authentic(world):
    link = Link(world)
    data = link.back_data()
    for at in (12, 16, 27, 28, 44, len(data) - 17, len(data) - 16, len(data) - 1):
        link.refuses(NOT_AUTHENTIC, flipped(data, at))
    link.refuses(NOT_AUTHENTIC, with_byte(data, 1, wire.PAIRING))
    link.refuses(NOT_AUTHENTIC, data[:6] + wire.EVERYBODY + data[12:])
    # Who knows the PSK only.
    link.refuses(NOT_AUTHENTIC, link.back_data(channel=link.central.group.down))
    link.refuses(NOT_AUTHENTIC, link.back_data(channel=link.central.up))
    assert link.told() == 0 and link.receipts() == []


def test_what_others_say_and_hear_is_nothing_to_it(world):
    link = Link(world)
    before = len(link.central.heard)
    for type in (wire.DATA, wire.PING, wire.WAKEUP):
        link.central.station.send(with_byte(link.back_data(), 1, type))
    link.central.station.send(link.back_data(peer=b"\x02other"))
    world.run_for(1 * SECONDS)
    assert link.now.refused == [0] * 9 and link.told() == 0
    assert [p for p in link.central.heard[before:] if p.type != wire.DATA] == []


def test_a_time_broadcast_has_one_form(world):
    link = Link(world)
    central = link.central
    right = central.mac + b"\x05"
    for payload in (b"", right[:6], right + b"x", bytes(33)):
        link.refuses(CONTENT, link.made(central.broadcast, payload=payload))
    arguments = ((wire.TIME, wire.CONFIRM), right, central.group.down)
    link.refuses(CONTENT, link.made(central.transmit, *arguments, peer=wire.EVERYBODY))


def test_follows_the_time(world):
    link = Link(world)
    for _ in range(20):
        world.run_for(30 * SECONDS)
        link.central.start += 200  # its clock is a little fast
        link.central.broadcast()
        world.run_for(100)
        assert abs(link.off_ms()) <= 10, link.off_ms()
    assert link.central.of(wire.PING) == []


def test_does_not_go_back_in_time(world):
    """A broadcast that was recorded, and one with the time of the last."""
    link = Link(world)
    central = link.central
    old = central.broadcast()
    world.run_for(500)
    for data in (old, link.made(central.broadcast, tid=old[16:28], ahead_ms=-520)):
        before = len(central.heard)
        central.willing = False
        central.station.send(data)
        world.run_for(1 * SECONDS)
        pings = [p for p in central.heard[before:] if p.type == wire.PING]
        assert abs(link.off_ms()) <= 10 and len(pings) <= 1, link.off_ms()
    # The question whether that is the time gets no answer, and so it is not.
    world.run_for(1 * MINUTES)
    assert abs(link.off_ms()) <= 10 and link.state() in ("ready", "waking", "scanning")


def test_asks_once_whether_another_time_is_true(world):
    link = Link(world)
    central = link.central
    central.willing = False
    world.run_until(lambda: not link.now.memory.unsent, 30 * SECONDS)
    for _ in range(2):
        central.broadcast(ahead_ms=1000000)
        world.run_for(1 * SECONDS)
    pings = central.of(wire.PING)
    assert len(pings) == 1 and abs(link.off_ms()) <= 10
    assert abs(pings[0].time - central.now() - 1000000) <= 2 * SECONDS
    central.start += 1000000
    central.confirm(pings[0].tid)
    world.run_for(100)
    assert abs(link.off_ms()) <= 10, link.off_ms()
    # The same answer does not serve twice.
    before = link.now.refused[REPLAY]
    central.confirm(pings[0].tid, ahead_ms=5000000)
    world.run_for(100)
    assert abs(link.off_ms()) <= 10 and link.now.refused[REPLAY] == before + 1


def test_asks_at_most_every_ten_seconds(world):
    link = Link(world)
    for _ in range(100):
        link.central.transmit(
            (wire.TIME, wire.BROADCAST),
            link.central.mac + b"\x05",
            link.central.group.down,
            ahead_ms=-60000,
            peer=wire.EVERYBODY,
        )
        world.run_for(300)
    assert len(link.central.of(wire.PING)) in (3, 4)


def test_another_central_of_the_group_is_not_its_own(world):
    link = Link(world)
    other = PlayedCentral(world, mac=b"\x02other")
    other.willing = False
    for ahead_ms in (0, 500, 1000000):
        other.broadcast(ahead_ms=ahead_ms)
        world.run_for(1 * SECONDS)
    assert abs(link.off_ms()) <= 10 and link.central.of(wire.PING) == []


def replaced(link, **options):
    """Its central is gone; another one of its group, on another board and channel."""
    link.central.station.on = False
    return PlayedCentral(link.world, 9, b"\x02other", **options)


def test_finds_its_central_on_another_board(world):
    link = Link(world)
    before = world.device.nvram["now"]["pair"]
    other = replaced(link)
    assert world.run_until(other.told, 3 * MINUTES), world.device.console()[-2000:]
    kept = world.device.nvram["now"]
    assert kept["pair"][:6] == other.mac and kept["channel"] == 9
    # It has told for which key it wants the proof, and has another one now.
    request = other.of(wire.PAIRING, wire.EXCHANGE)[-1].payload
    assert request == kept["pair"][54:] + before[54:] and kept["pair"][54:] != before[54:]
    assert kept["pair"][38:54] != before[38:54] and link.state() == "ready"


def test_refuses_who_cannot_show_the_proof_for_its_key(world):
    link = Link(world)
    before = world.device.nvram["now"]["pair"]
    other = replaced(link)
    other.key = b"nobody's key...."
    mac = world.device.wifi.mac
    # With a key of his own; with what the central tells in its name for other keys, or for none.
    proof = link.central.proof
    for shown in (None, proof(mac, b"k" * 32), proof(mac, b""), proof(b"\x02third", before[54:])):
        other.shown = shown
        other.heard.clear()
        assert world.run_until(lambda: other.of(wire.PAIRING, wire.EXCHANGE), 3 * MINUTES)
        world.run_for(30 * SECONDS)
        assert world.device.nvram["now"]["pair"] == before and other.told() == []
    assert link.device.said("not the central that we were paired with")
    # Only the right one opens: so it was the proof on which all that has failed.
    other.shown = proof(mac, before[54:])
    assert world.run_until(other.told, 3 * MINUTES)


def test_goes_back_to_its_central_from_another_that_it_refuses(world):
    link = Link(world)
    other = replaced(link)
    other.key = b"nobody's key...."
    asked = lambda: other.of(wire.PAIRING, wire.EXCHANGE)
    assert world.run_until(asked, 3 * MINUTES)
    told = len(link.central.told())
    link.central.station.on = True
    back = lambda: len(link.central.told()) > told
    assert world.run_until(back, 3 * MINUTES), world.device.console()[-2000:]
    assert world.device.nvram["now"]["pair"][:6] == link.central.mac


def test_a_radio_that_does_not_send_does_no_harm(world):
    link = Link(world)
    payload = b"stat/TNow/Value\n1"
    assert in_program(link.device, link.now.send_data, payload, 1) is True
    assert link.central.told()[-1] == payload
    count = len(link.central.heard)
    mend = link.broken()
    for mode in (0, 1):
        assert in_program(link.device, link.now.send_data, payload, mode) is False
    world.run_for(2 * MINUTES)
    assert len(link.central.heard) == count
    assert link.device.said("ETIMEDOUT") and link.device.resets == []
    mend()
    assert world.run_until(lambda: link.state() == "ready", 70 * SECONDS)
    assert world.run_until(lambda: len(link.central.told()) > 3, 60 * SECONDS)


def test_one_that_nobody_acknowledges_is_false(world):
    link = Link(world)
    link.central.station.on = False
    assert in_program(link.device, link.now.send_data, b"stat/TNow/Value\n1", 1) is False
    assert in_program(link.device, link.now.send_data, b"stat/TNow/Value\n1", 0) is True


def test_finds_its_central_again_after_a_reset(world):
    link = Link(world)
    central = link.central
    last = central.heard[-1].counter
    link.insight.more = lambda load: world.call_after(400, link.broken())
    before = len(central.of(wire.WAKEUP))
    pairings = len(central.of(wire.PAIRING))
    link.device.reset()
    assert world.run_until(lambda: len(central.of(wire.WAKEUP)) > before, 90 * SECONDS)
    assert link.device.said("ETIMEDOUT")
    world.run_for(1 * SECONDS)
    assert link.state() == "ready" and abs(link.off_ms()) <= 20
    assert len(central.of(wire.PAIRING)) == pairings
    # Numbers rise over a reset; those that were reserved are skipped.
    assert last < central.of(wire.WAKEUP)[-1].counter <= last + 20


def test_after_a_power_cut_it_goes_on_with_numbers_never_used(world):
    link = Link(world)
    central = link.central
    last = central.heard[-1].counter
    wakeups = len(central.of(wire.WAKEUP))
    link.device.power_cut()
    world.run_for(1 * SECONDS)
    link.device.power_on()
    assert world.run_until(lambda: len(central.of(wire.WAKEUP)) > wakeups, 60 * SECONDS)
    wakeup = central.of(wire.WAKEUP)[wakeups]
    assert last < wakeup.counter <= last + 1024 + 1
    assert wakeup.time == 0  # it has no idea
    assert link.device.nvram["now"]["counter"] > wakeup.counter


def test_unpaired_in_the_turn_in_which_it_has_something_to_say(world):
    link = Link(world)

    def unpair_and_say():
        link.now.unpair()
        modes = [link.now.send_data(b"stat/TNow/Value\n%d" % mode, mode) for mode in (0, 1, 2)]
        return modes

    assert world.run_until(lambda: not link.now.memory.unsent, 30 * SECONDS)
    told = len(link.central.told())
    assert in_program(link.device, unpair_and_say) == [False, False, True]
    assert world.run_until(lambda: link.central.told(told), 90 * SECONDS)
    assert link.central.told(told)[0] == b"stat/TNow/Value\n2" and link.state() == "ready"
    assert len(link.central.of(wire.PAIRING, wire.EXCHANGE)) == 2
    assert link.device.resets == [] and link.device.slept == []


def test_a_radio_that_does_not_start_is_tried_again_after_a_rest(world):
    radio = BrokenRadio(world.device)
    central = PlayedCentral(world)
    world.device.power_on()
    world.run_for(16 * MINUTES)
    assert [ms for _, ms in world.device.slept] == [5 * MINUTES, 10 * MINUTES, 20 * MINUTES]
    assert "ESP_ERR_ESPNOW_BASE" in world.device.flash.text("/reboot.txt")
    assert central.heard == [] and world.device.resets == []
    radio.is_broken = False
    assert world.run_until(central.told, 22 * MINUTES)
    assert len(world.device.slept) == 3


def test_six_hours(world):
    link = Link(world)

    def tell():
        link.central.broadcast()
        world.call_after(30 * SECONDS, tell)

    tell()
    world.run_for(6 * HOURS)
    data = link.central.of(wire.DATA)
    assert 720 <= len(data) <= 1440 and link.device.resets == []
    assert len(link.central.of(wire.WAKEUP)) == 1 and link.central.of(wire.PING) == []
    assert link.now.refused == [0] * 9 and link.device.module("epx.diag").faults == 0
    # Of the counter's numbers 1024 are reserved at a time.
    used = link.central.heard[-1].counter
    assert used < link.device.nvram["now"]["counter"] <= used + 1024
