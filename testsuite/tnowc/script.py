"""The central of a link test against a peripheral that is played (T28)."""

from testmock.simworld.ether import Station
from testsuite.nowstory import (
    LENGTH,
    NOT_AUTHENTIC,
    OTHER_NETWORK,
    OTHER_VERSION,
    REPLAY,
    ROLE,
    UNKNOWN_PEER,
    WRONG_TIME,
    NowInsight,
    PlayedPeripheral,
    flipped,
    refuses,
    wire,
    with_byte,
)
from testsuite.story import MINUTES, SECONDS, command, sent, stat, up, with_keys

VALUE = b"stat/TNow/Value\n1"


class Link:
    """A central with power and a peripheral that is paired with it."""

    def __init__(self, world, pairs=True, **options):
        self.world = world
        self.insight = NowInsight(world)
        self.peer = PlayedPeripheral(world, **options)
        up(world)
        if pairs:
            self.peer.pair()

    def refuses(self, reason, data):
        """Counted once; nobody is answered, nothing is published."""
        peer = self.peer
        before = len(sent(self.world, "Value"))
        answered = len(peer.of(wire.TIME, wire.CONFIRM)) + len(peer.of(wire.PAIRING))
        refuses(self.world, self.insight, reason, data, peer.station)
        # What comes by itself meanwhile is no answer: the time, and how it hears the peer.
        assert len(peer.of(wire.TIME, wire.CONFIRM)) + len(peer.of(wire.PAIRING)) == answered
        assert len(sent(self.world, "Value")) == before

    def data(self, **options):
        return self.peer.sealed(wire.DATA, wire.CONFIRMED, VALUE, **options)


def values(world):
    return [payload for _, payload in sent(world, "Value")]


def test_what_was_said_before_it_started_is_lost(world):
    insight = NowInsight(world)
    peer = PlayedPeripheral(world)
    peer.ask()
    world.run_for(1 * SECONDS)
    up(world)
    world.run_for(3 * SECONDS)
    assert insight.now.refused == [0] * 9
    # That request did not begin the half minute without answers.
    peer.ask()
    assert peer.hears(wire.TIME, wire.BROADCAST, 2 * SECONDS)


def test_tells_the_time_at_its_start_and_every_half_minute(world):
    link = Link(world, pairs=False)
    world.run_for(10 * MINUTES)
    told = link.peer.of(wire.TIME, wire.BROADCAST)
    assert told[0].ms < 1 * SECONDS
    assert all(p.payload == world.device.wifi.mac + b"\x01" for p in told)
    for i in range(1, len(told)):
        one, other = told[i - 1], told[i]
        passed_ms = other.ms - one.ms
        assert 25 * SECONDS <= passed_ms <= 35 * SECONDS + 10, passed_ms
        assert abs(other.time - one.time - passed_ms) <= 2
        assert other.counter == one.counter + 1
    assert len({p.tid for p in told}) == len(told) and len(told) >= 18


def test_the_time_begins_elsewhere_after_each_reset(world):
    link = Link(world, pairs=False)
    world.run_for(1 * MINUTES)
    first = link.peer.of(wire.TIME)[0].time
    world.device.reset()
    before = len(link.peer.heard)
    assert world.run_until(lambda: len(link.peer.heard) > before, 1 * MINUTES)
    assert abs(link.peer.heard[-1].time - first) > 1 << 60


def test_confirms_data_and_publishes_it(world):
    link = Link(world)
    tid = link.peer.tell(VALUE)
    assert link.peer.is_confirmed(tid)
    assert values(world) == ["1"]
    confirm = link.peer.confirms(tid)[0]
    assert confirm.payload == tid + b"\x01" and confirm.peer == link.peer.mac
    assert abs(confirm.time - link.peer.now()) <= 10 and confirm.flags == 0
    world.run_for(5 * SECONDS)
    assert len(link.peer.confirms(tid)) == 1


def test_confirms_without_a_broker(world):
    with_keys(world, ssid="(none)", mqttbroker=None, mqttname=None)
    insight = NowInsight(world)
    peer = PlayedPeripheral(world)
    world.device.power_on()
    peer.pair()
    assert peer.is_confirmed(peer.tell(VALUE), 100)
    assert insight.now.refused == [0] * 9


def test_data_that_want_no_confirmation_get_none(world):
    link = Link(world)
    tid = link.peer.send(wire.DATA, wire.NOT_CONFIRMED, VALUE)
    world.run_for(2 * SECONDS)
    assert values(world) == ["1"] and link.peer.confirms(tid) == []


def test_refuses_data_of_another_time(world):
    link = Link(world)
    for ahead_ms in (2000, -2000, 1100, -1100, 1 << 40, -(1 << 40), 1 << 95):
        link.refuses(WRONG_TIME, link.data(ahead_ms=ahead_ms))
        link.refuses(WRONG_TIME, link.peer.sealed(wire.PING, ahead_ms=ahead_ms))
    for ahead_ms in (900, -900):
        assert link.peer.is_confirmed(link.peer.tell(VALUE, ahead_ms=ahead_ms))


def test_refuses_what_is_no_packet_of_its_group(world):
    link = Link(world)
    data = link.data()
    # Another PSK has another network, too.
    other_key = PlayedPeripheral(world, psk="blo").sealed(wire.PAIRING, wire.ASK)
    other_group = PlayedPeripheral(world, group="bli").sealed(wire.PAIRING, wire.ASK)
    link.refuses(OTHER_NETWORK, other_key)
    link.refuses(OTHER_NETWORK, other_group)
    link.refuses(OTHER_NETWORK, flipped(data, 5))
    for version in (0, 1, 2, 4, 255):
        link.refuses(OTHER_VERSION, with_byte(data, 0, version))
    for length in (1, 2, 27, 28, 44, 59, len(data) - 1):
        link.refuses(LENGTH, data[:length])
    link.refuses(LENGTH, data + b"x")
    link.refuses(LENGTH, bytes((wire.VERSION,)) + bytes(249))
    for type in (0, wire.TIME, 6, 66, 255):
        link.refuses(ROLE, with_byte(data, 1, type))
    # After all of that it is as fresh as before.
    link.peer.station.send(data)
    world.run_for(1 * SECONDS)
    assert values(world) == [] and link.insight.now.refused[WRONG_TIME] == 1


def test_refuses_what_is_not_authentic(world):
    link = Link(world)
    data = link.data()
    for at in (12, 16, 27, 28, 40, len(data) - 17, len(data) - 16, len(data) - 1):
        link.refuses(NOT_AUTHENTIC, flipped(data, at))
    for type in (wire.PING, wire.PAIRING, wire.WAKEUP):
        link.refuses(NOT_AUTHENTIC, with_byte(data, 1, type))
    link.refuses(NOT_AUTHENTIC, data[:44] + data[-16:])
    # The group's key is not the pair's, and up is not down.
    link.refuses(NOT_AUTHENTIC, link.data(channel=link.peer.group.up))
    link.refuses(NOT_AUTHENTIC, link.data(channel=link.peer.down))
    # Who has the PSK, but neither this PSK's network nor a pair.
    forged = PlayedPeripheral(world, psk="blo").sealed(wire.PAIRING, wire.ASK)
    link.refuses(NOT_AUTHENTIC, forged[:2] + link.peer.group.network + forged[6:])
    assert link.peer.is_confirmed(link.peer.tell(VALUE)) and values(world) == ["1"]


def test_refuses_strangers_and_tells_them_the_time_once_in_a_while(world):
    link = Link(world)
    data = link.data()
    link.refuses(UNKNOWN_PEER, with_byte(data, 11, 0x78))
    world.run_for(3 * SECONDS)
    before = len(link.peer.of(wire.TIME, wire.BROADCAST))
    for _ in range(10):
        link.peer.station.send(with_byte(data, 11, 0x78))
        world.run_for(100)
    assert len(link.peer.of(wire.TIME, wire.BROADCAST)) - before == 1
    assert link.insight.now.refused[UNKNOWN_PEER] == 11


def test_refuses_recordings(world):
    link = Link(world)
    data = link.data()
    link.peer.station.send(data)
    world.run_for(1 * SECONDS)
    assert values(world) == ["1"]
    link.refuses(REPLAY, data)
    newer = link.data()
    ping = link.peer.sealed(wire.PING)
    link.peer.station.send(ping)
    world.run_for(500)
    link.refuses(REPLAY, newer)  # who comes late, comes too late
    link.refuses(REPLAY, ping)
    assert values(world) == ["1"]


def test_what_is_repeated_is_confirmed_again_and_published_once(world):
    link = Link(world)
    peer = link.peer
    tid = peer.tell(VALUE)
    assert peer.is_confirmed(tid)
    for count in (2, 3):
        peer.tell(VALUE, tid=tid)
        world.run_for(1 * SECONDS)
        assert len(peer.confirms(tid)) == count
    assert values(world) == ["1"] and link.insight.now.refused == [0] * 9


def test_tells_peripherals_how_it_hears_them_when_triggered(world):
    link = Link(world)
    peer = link.peer
    world.ether.place(peer.mac, 10)
    assert peer.is_confirmed(peer.tell(VALUE))
    command(world, "Trigger", "x")
    back = peer.hears(wire.TIME, wire.BACK_DATA, 5 * SECONDS)
    assert back.payload == b"stat/TNowP/YourRSSI\n-70" and back.peer == peer.mac
    # Nobody says that it has come: it is sent five times, and again when the peripheral is heard.
    world.run_for(3 * SECONDS)
    assert [p.tid for p in peer.of(wire.TIME, wire.BACK_DATA)] == [back.tid] * 5
    tid = peer.tell(VALUE)
    assert peer.is_confirmed(tid) and peer.confirms(tid)[0].flags == wire.MORE_WAITS
    world.run_for(200)
    assert len(peer.of(wire.TIME, wire.BACK_DATA)) == 6
    peer.send(wire.DATA, wire.RECEIPT, back.tid)
    world.run_for(5 * SECONDS)
    assert len(peer.of(wire.TIME, wire.BACK_DATA)) == 6
    tid = peer.tell(VALUE)
    assert peer.is_confirmed(tid) and peer.confirms(tid)[0].flags == 0


def test_who_looks_for_it_hears_the_time_and_the_next_one_after_half_a_minute(world):
    peer = Link(world).peer
    assert peer.hears(wire.TIME, wire.BROADCAST, 40 * SECONDS)  # the next one is 25 s away
    peer.ask()
    assert peer.hears(wire.TIME, wire.BROADCAST, 2 * SECONDS)
    asked_ms = world.now_ms()
    peer.ask()
    assert peer.hears(wire.TIME, wire.BROADCAST, 2 * SECONDS) is None
    world.run_until(lambda: world.now_ms() > asked_ms + 30 * SECONDS, 60 * SECONDS)
    before = world.now_ms()
    peer.ask()
    assert peer.hears(wire.TIME, wire.BROADCAST, 2 * SECONDS).ms - before < 100


def test_confirms_wakeups_and_pings(world):
    link = Link(world)
    peer = link.peer
    for type in (wire.WAKEUP, wire.PING):
        tid = peer.send(type)
        assert peer.is_confirmed(tid)
        assert peer.confirms(tid)[0].payload == tid + b"\x01"
        # That is no way to get data in with a TID that was used.
        link.refuses(REPLAY, link.data(tid=tid))
        link.refuses(REPLAY, peer.sealed(type, tid=tid))
    assert values(world) == [] and link.insight.now.refused[REPLAY] == 4


def test_a_sleeper_may_be_off_by_ten_minutes(world):
    link = Link(world)
    peer = link.peer
    world.run_for(3 * SECONDS)
    for ahead_ms in (599000, -599000):
        tid = peer.send(wire.WAKEUP, ahead_ms=ahead_ms)
        assert peer.is_confirmed(tid)
        assert abs(peer.confirms(tid)[0].time - peer.now()) <= 10
    # Who is further off learns the time, and gets nothing else.
    tid = peer.send(wire.WAKEUP, ahead_ms=601000)
    assert peer.hears(wire.TIME, wire.BROADCAST, 1 * SECONDS)
    assert peer.confirms(tid) == [] and link.insight.now.refused[WRONG_TIME] == 1


def test_publishes_what_it_knows_of_the_topics_it_knows(world):
    link = Link(world)
    link.peer.tell(b"stat/TNow/YourRSSI\n-55")
    world.run_for(1 * SECONDS)
    assert stat(world, "YourRSSI") == "-55"
    before = len(world.broker.publications())
    for payload in (b"stat/TNow/YourRSSI\n-129", b"stat/Other/Value\n1", b"stat/TNow/Value"):
        assert link.peer.is_confirmed(link.peer.tell(payload))
    assert [p.topic for p in world.broker.publications()[before:] if "Log" not in p.topic] == []


def test_says_who_is_there(world):
    link = Link(world)
    peer = link.peer
    assert stat(world, "Peers") == '{"paired":0,"heard":0,"first":0,"peers":[]}'
    peer.tell(VALUE, extra=wire.NO_UPDATE | 3100)
    for _ in range(2):  # of four packets two do not arrive
        peer.sealed(wire.PING)
    peer.tell(VALUE, extra=wire.NO_UPDATE | 3100)
    world.run_for(1 * SECONDS)
    heard_ms = world.now_ms() - 1 * SECONDS
    before = len(sent(world, "Peers"))
    assert world.run_until(lambda: len(sent(world, "Peers")) > before, 5 * MINUTES)
    head, rest = stat(world, "Peers").split('"seen_s":')
    assert head == '{"paired":1,"heard":1,"first":0,"peers":[{"id":"020000000077",'
    seen_s, row = rest.split(",", 1)
    assert abs(int(seen_s) - (world.now_ms() - heard_ms) // SECONDS) <= 1, seen_s
    assert row == '"rssi":-40,"loss":40,"battery_mv":3100}]}', row


def test_it_lasts(world):
    """A minute, and then an hour; nobody waits for anything."""
    link = Link(world)
    world.run_for(60 * SECONDS)
    for _ in range(60):
        assert link.peer.is_confirmed(link.peer.tell(VALUE))
        world.run_for(60 * SECONDS)
    assert values(world) == ["1"] * 60 and link.insight.now.refused == [0] * 9
    assert world.device.resets == [] and world.device.module("epx.diag").faults == 0


def test_a_stranger_without_a_version_does_no_harm(world):
    """Other products use ESP-NOW, too."""
    link = Link(world)
    other = Station(world.ether, b"\x02other")
    for size in range(1, 251):
        other.send(bytes((size,)) * size)
        world.run_for(10)
    world.run_for(1 * SECONDS)
    refused = link.insight.now.refused
    # Only that of three bytes has the right version, and 249 that it is not.
    assert refused[OTHER_VERSION] == 249 and refused[LENGTH] == 1 and sum(refused) == 250
    assert link.peer.is_confirmed(link.peer.tell(VALUE))
