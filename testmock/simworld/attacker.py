"""Somebody with a radio and bad intentions: hears all, knows the form of packets, has no key."""

from testmock.simworld.ether import BROADCAST

VERSION = 3
_NETWORK_BYTES = 4
_ADDRESS_BYTES = 6
_RECORD_LIMIT = 5000


class Attacker:
    """Records everything on all channels; what it sends goes to everybody, once.

    recorded: Transmissions of others. sent: {how: count} of its own. channel, position,
    long_range: where and how it sends what it made up itself.
    """

    def __init__(self, ether, mac=b"\x02\xba\xdb\xad\x00\x01", channel=1):
        self.ether = ether
        self.random = ether.random.fork("attacker")
        self.channel = channel
        self.position = None
        self.long_range = False
        self.recorded = []
        self.sent = {}
        self._own_mac = self._mac = bytes(mac)
        ether.sniff(self._record)

    def _record(self, transmission):
        if transmission.sender is self:
            return
        self.recorded.append(transmission)
        if len(self.recorded) > _RECORD_LIMIT:
            del self.recorded[: _RECORD_LIMIT // 2]

    def of_type(self, kind):
        """What it has recorded of one type (byte 1)."""
        return [t for t in self.recorded if t.data[:2] == bytes((VERSION, kind))]

    def spoof(self, mac=None):
        """From now on, what it sends comes from this MAC (None: its own)."""
        self._mac = bytes(mac or self._own_mac)

    def transmit(self, how, data, destination=BROADCAST, like=None):
        """Send anything; like: on channel and rate, and from the MAC, of a Transmission."""
        self.sent[how] = self.sent.get(how, 0) + 1
        return self.ether.transmit(
            like.channel if like else self.channel,
            like.source if like and self._mac == self._own_mac else self._mac,
            destination,
            data,
            self.position,
            sender=self,
            long_range=like.long_range if like else self.long_range,
        )

    def replay(self, packet=-1):
        """Send something recorded again (or the n-th of it), as it was."""
        packet = self._packet(packet)
        return self.transmit("replay", packet.data, packet.destination, packet)

    def flip_bits(self, packet=-1, count=1, begin=0):
        """The same with so many bits changed, from byte begin on."""
        packet = self._packet(packet)
        data = bytearray(packet.data)
        for bit in self._different(count, (len(data) - begin) * 8):
            data[begin + bit // 8] ^= 1 << bit % 8
        return self.transmit("flip_bits", data, packet.destination, packet)

    def _packet(self, packet):
        return self.recorded[packet] if isinstance(packet, int) else packet

    def _different(self, count, below):
        chosen = []
        while len(chosen) < min(count, below):
            number = self.random.below(below)
            if number not in chosen:
                chosen.append(number)
        return chosen

    def forge(self, kind, peer=None, size=76, destination=BROADCAST):
        """A packet with the right beginning and random bytes behind; peer None: a random one."""
        head = bytes((VERSION, kind)) + self.network()
        head += self._bytes(_ADDRESS_BYTES) if peer is None else bytes(peer)
        data = head + self._bytes(max(0, size - len(head)))
        return self.transmit("forge", data[:size], destination)

    def network(self):
        """The network's number, as somebody has sent it in the clear; else a random one."""
        for transmission in reversed(self.recorded):
            if transmission.data[:1] == bytes((VERSION,)) and len(transmission.data) > 5:
                return transmission.data[2 : 2 + _NETWORK_BYTES]
        return self._bytes(_NETWORK_BYTES)

    def flood(self, kind, per_second, seconds, size=76, own_mac=False):
        """So many forged packets, each from a MAC of its own unless own_mac."""
        left = [int(per_second * seconds)]
        period_ms = 1000 / per_second

        def one():
            if left[0] > 0:
                left[0] -= 1
                if not own_mac:
                    self.spoof(b"\x02" + self._bytes(_ADDRESS_BYTES - 1))
                self.forge(kind, None, size)
                self.spoof()
                self.ether.world.call_after(period_ms, one)

        one()

    def _bytes(self, n):
        return bytes([self.random.below(256) for _ in range(n)])
