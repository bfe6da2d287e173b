"""What attackers do in a village: outsiders, who know no secret, and one who has the PSK."""

from epxhost.devicelib import device_module
from testmock.simworld.attacker import Attacker
from testmock.simworld.ether import Station
from testsuite.nowstory import wire

_TYPES = (1, 2, 3, 4, 5)
_OLD_PACKETS = 3000
_EVERYBODY = bytes(6)


class Raider:
    """An outsider: replays what it heard now and long ago, flips bits, forges, spoofs, floods."""

    def __init__(self, village, guard):
        self.village = village
        self.world = village.world
        self.random = self.world.random.fork("raider")
        self.attacker = Attacker(self.world.ether)
        guard.enlist(self.attacker)
        self.sent = 0
        self._archive = []  # of all times
        self._seen = 0
        self.world.ether.sniff(self._keep)
        self._ways = (
            self._replay_new,
            self._replay_old,
            self._flip_new,
            self._flip_old,
            self._forge,
            self._forge_of_known,
            self._cut_or_longer,
            self._mix,
        )

    def _keep(self, sent):
        """A sample of all that was ever heard of others, as large as it may be."""
        if sent.sender is self.attacker:
            return
        self._seen += 1
        if len(self._archive) < _OLD_PACKETS:
            self._archive.append(sent)
        elif self.random.below(self._seen) < _OLD_PACKETS:
            self._archive[self.random.below(_OLD_PACKETS)] = sent

    def raid(self, count, per_second):
        """Begin to send so many packets."""
        left = [count]
        period_ms = 1000 / per_second

        def one():
            if left[0]:
                left[0] -= 1
                self.random.choice(self._ways)()
                self.sent += 1
                self.attacker.spoof()
                self.world.call_after(period_ms, one)

        self.world.call_after(0, one)

    def _central(self):
        """Sends on the channel of one of them from now on."""
        central = self.random.choice(self.village.centrals)
        self.attacker.channel = central.wifi.tuned()
        return central

    def _recorded(self, many):
        heard = many[-200:]
        return self.random.choice(heard) if heard else None

    def _replay_new(self):
        packet = self._recorded(self.attacker.recorded)
        if packet:
            self.attacker.replay(packet)

    def _replay_old(self):
        """On the channel where its network is now; a packet to one peripheral is for all ears."""
        self._central()
        packet = self.random.choice(self._archive)
        self.attacker.spoof(packet.source)
        self.attacker.transmit("replay", packet.data)

    def _flip_new(self):
        packet = self._recorded(self.attacker.recorded)
        if packet:
            self.attacker.flip_bits(packet, self.random.between(1, 8))

    def _flip_old(self):
        """Of the head only: type, peer, counter, TID."""
        self._central()
        packet = self.random.choice(self._archive)
        data = bytearray(packet.data)
        if len(data) > 28:
            data[self.random.between(1, 27)] ^= 1 << self.random.below(8)
        self.attacker.transmit("flip_bits", data)

    def _size(self):
        return 28 + 16 * self.random.between(1, 12) + 16

    def _head(self, central, peer):
        kind = self.random.choice(_TYPES)
        return bytes((3, kind)) + central.now.group.network + peer

    def _random_bytes(self, count):
        return bytes([self.random.below(256) for _ in range(count)])

    def _forge(self):
        central = self._central()
        if central.now:
            peer = self.random.choice((_EVERYBODY, self._random_bytes(6)))
            head = self._head(central, peer)
            self.attacker.transmit("forge", head + self._random_bytes(self._size() - 12))

    def _forge_of_known(self):
        """In the name of a device that is known, from its address, with a counter to come."""
        central = self._central()
        if central.now:
            device = self.random.choice(self.village.peripherals)
            self.attacker.spoof(device.wifi.mac)
            head = self._head(central, device.wifi.mac) + bytes((0x7F,))
            self.attacker.transmit("forge", head + self._random_bytes(self._size() - 13))

    def _cut_or_longer(self):
        self._central()
        packet = self.random.choice(self._archive)
        data = packet.data[: self.random.between(1, 250)]
        if self.random.chance(50):
            data = (packet.data + self._random_bytes(16 * self.random.between(1, 4)))[:250]
        self.attacker.transmit("cut", data)

    def _mix(self):
        """The head of one packet with the rest of another."""
        self._central()
        one, other = self.random.choice(self._archive), self.random.choice(self._archive)
        self.attacker.transmit("mix", one.data[:28] + other.data[28:])


class Insider:
    """Who knows the PSK of a group, from a stolen device say, and hears everything.

    heard: the packets that the group key opens, as (type, kind, peer, tid, time, payload).
    """

    def __init__(self, world, psk, group, mac=b"\x02\xba\xdb\xad\x00\x02"):
        self.world = world
        self.random = world.random.fork("insider")
        self.group = wire.Group(psk, group)
        self.station = Station(world.ether, mac, 0)
        self.ether = world.ether
        self.heard = []
        self.ahead_ms = 0  # of the network time
        self.sent = {}
        self._count = 1 << 29
        world.ether.sniff(self._open)

    def _open(self, sent):
        data = sent.data
        if sent.sender is self.station or data[2:6] != self.group.network or len(data) < 60:
            return
        for channel in (self.group.up, self.group.down):
            if channel.is_authentic(data[:-16], data[-16:]):
                body = channel.body(data[12:28], data[28:-16])
                packet = (data[1], body[1], data[6:12], data[16:28], body[2:14], body[16:])
                self.heard.append((sent, *packet))
                if data[1] == wire.TIME and data[6:12] == wire.EVERYBODY:
                    self.ahead_ms = int.from_bytes(body[2:14], "big") - self.world.now_ms()

    def time(self, ahead_ms=0):
        return (self.ahead_ms + self.world.now_ms() + ahead_ms).to_bytes(12, "big")

    def tid(self):
        return bytes([self.random.below(256) for _ in range(12)])

    def transmit(self, how, data, channel, source=None):
        self.sent[how] = self.sent.get(how, 0) + 1
        return self.ether.transmit(
            channel, source or self.station.mac, b"\xff" * 6, data, sender=self.station
        )

    def seal(self, keys, kinds, peer, payload=b"", ahead_ms=0, tid=None, extra=0):
        self._count += 1
        tid = tid or self.tid()
        return keys.seal(kinds, peer, self._count, tid, self.time(ahead_ms), extra, payload)

    def broadcast(self, central, ahead_ms=0, channel=None):
        """A time, as this central tells it."""
        number = channel or central.wifi.tuned()
        payload = central.wifi.mac + bytes((number,))
        kinds = (wire.TIME, wire.BROADCAST)
        data = self.seal(self.group.down, kinds, wire.EVERYBODY, payload, ahead_ms)
        self.transmit("broadcast", data, number, central.wifi.mac)

    def asks_as(self, identity, channel, public):
        """For a pairing, in the name of somebody else. The TID of that."""
        kinds = (wire.PAIRING, wire.EXCHANGE)
        data = self.seal(self.group.up, kinds, identity, public)
        self.transmit("exchange", data, channel, identity)
        return data[16:28]

    def speaks_as(self, identity, channel, payload):
        """With the keys that he has; one after the other, for they would collide."""
        delay_ms = 0
        for keys in (self.group.up, self.group.down):
            for kind in (wire.NOT_CONFIRMED, wire.CONFIRMED):
                data = self.seal(keys, (wire.DATA, kind), identity, payload)
                self.world.call_after(
                    delay_ms, lambda data=data: self.transmit("data", data, channel, identity)
                )
                delay_ms += 10

    def answers_for(self, central):
        """From now on, agree with everybody who wants to pair, as if he were this central."""
        nowpair = device_module("epx.nowpair")
        own = nowpair.new_keys(_Unwatched)

        def answer(sent):
            known = len(self.heard)
            self._open(sent)
            if len(self.heard) > known:
                _, type, kind, peer, tid, _, payload = self.heard[-1]
                if (type, kind) == (wire.PAIRING, wire.EXCHANGE):
                    public = bytes(payload[:32])
                    forged = nowpair.answer(
                        _Unwatched, self.group, own, peer, public, bytes(16), bytes(16)
                    )[1]
                    kinds = (wire.PAIRING, wire.AGREED)
                    data = self.seal(self.group.down, kinds, peer, tid + forged)
                    self.transmit("agreed", data, sent.channel, central.wifi.mac)

        self.ether.sniff(answer)


class _Unwatched:
    """A watchdog that a PC does not need."""

    @staticmethod
    def may_block():
        pass

    may_block_exit = may_block
