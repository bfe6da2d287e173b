"""A central and a peripheral in one bare device each, fed with whatever bytes; see testsuite/fuzz.

Plain: any bytes come as packets. Sealed: bodies of any bytes with the right keys, so that they are
authentic: of a peripheral that has gone mad, of somebody with the PSK, or of a mad central.
Nothing may raise, and what must not change does not.
"""

import struct

from cryptolib import aes
from espnow import ESPNow
from machine import reset_cause

from epx.keyed import Mac
from epx.mqtt import Mqtt
from epx.netnowc import NetNowCentral
from epx.netnowp import NetNowPeripheral
from epx.nowtime import NetworkTime
from epx.nowtopics import Hear
from epx.nowunsent import Pairing
from epx.nowwire import EVERYBODY, Channel, derived
from epx.payloads import integer

MAC = b"\x24\x0a\xc4\0\0\1"
KNOWN = b"\x02\0\0\0\0\7"
SECRET = bytes(range(32))
TYPES = (1, 2, 3, 4, 5)


class Settings:
    mqttbroker = mqttname = mqttport = mqttuser = mqttpassword = mqttca = otakey = None
    mqtttls = espnowlongrange = False
    mqttsession = "clean"
    mqttpacket = 512
    mqttreboot = 0
    keepalive = 30
    ssid = "(wired)"
    espnowpsk = "bla"
    espnowgroup = "ble"
    espnowchannel = 1


class _Machine:
    def observe(self, callback):
        pass


class _Net:
    sm = _Machine()

    def connected(self):
        return True


class _Watchdog:
    def may_block(self):
        pass

    may_block_exit = may_block


class _Air(ESPNow):
    """What the radio hands on; what is sent is counted."""

    packets = ()
    sent = 0

    def recvinto(self, data, timeout_ms=None):
        if not self.packets:
            return 0
        packet = self.packets.pop(0)[:250]
        data[0] = KNOWN
        data[1][: len(packet)] = packet
        data[2] = -50
        return len(packet)

    def send(self, peer, msg=None, sync=True):
        self.sent += 1
        return True


class Role:
    """now: the real thing. examples: how many it has lived through."""

    def __init__(self):
        self.examples = 0
        self.obeyed = []

    def _begin(self, now):
        self.now = now
        now.bind(self, (Hear("stat/X/Y", "obey", integer(0, 9)),))
        now._radio = self.air = _Air()
        self.up = Channel(SECRET, b"up", now.group.network)
        self.down = Channel(SECRET, b"down", now.group.network)

    def obey(self, value):
        self.obeyed.append(value)

    def hear(self, packet):
        self.air.packets = [packet]
        self.now._serve(1)

    def run(self, kind, data):
        """One example."""
        self.examples += 1
        packets = self.split(data)
        for packet in packets:
            before = self.state()
            self.hear(packet if kind == "plain" else self.sealed(packet))
            if kind == "plain" and self.state() != before:
                raise AssertionError("%s has changed %s" % (packet, before))
            self.check()

    def split(self, data):
        """Into packets: a byte says how long the next one is."""
        packets = []
        while data:
            packets.append(data[1 : 1 + data[0]])
            data = data[1 + data[0] :]
        return packets

    def _authentic(self, data, network, channels, peers):
        """Types, kinds and bodies as the bytes say; keys and tag are right."""
        data = (data + bytes(8))[:240]
        kinds = (TYPES[data[1] % 5], data[2] & 3)
        peer = peers[data[3] % len(peers)]
        if data[0] < 40:  # the wrong key
            channel = channels[data[0] % len(channels)]
        else:
            channel = channels[1 if kinds[0] == 4 or peer == EVERYBODY else 0]
        ahead_ms = struct.unpack(">h", data[4:6])[0]
        time = self.time(ahead_ms) if data[6] & 7 else (data + bytes(12))[:12]
        self._counter = (getattr(self, "_counter", 0) + 1 + (data[6] >> 7) * 1000) & 0xFFFFFFFF
        tid = bytes((data[7] & 3,)) + bytes(11)
        packet = channel.seal(
            kinds, peer, self._counter, tid, time, data[5] << 8 | data[6], data[8:184]
        )
        if data[6] & 0x40:  # a length that the body does not have
            body = bytes((data[7],)) + data[8:39] + bytes(32)
            packet = self._resealed(channel, packet, body[:32])
        return packet

    def _resealed(self, channel, packet, body):
        """The packet with another body."""
        for known, direction in ((self.up, b"up"), (self.down, b"down")):
            if channel is known:
                key = derived(SECRET, b"epx now 3 encrypt " + direction)
                vector = aes(key, 1).encrypt(packet[12:28])
                sealed = packet[:28] + aes(key, 2, vector).encrypt(body)
                mac = Mac(derived(SECRET, b"epx now 3 authenticate " + direction))
                return sealed + mac.digest(sealed)[:16]
        return packet


class Central(Role):
    def __init__(self):
        Role.__init__(self)
        mqtt = Mqtt(Settings, _Net(), None, _Watchdog())
        self._begin(NetNowCentral(Settings, _Net(), mqtt, _Watchdog()))
        self.now.roster.pairs.put(KNOWN, SECRET, [])

    def time(self, ahead_ms):
        time = NetworkTime(self.now.time.now())
        time.add(ahead_ms)
        return time.now()

    def state(self):
        now = self.now
        roster = now.roster
        peers = [roster.peer_of(identity) for identity in roster.heard]
        peers = [(p.identity, p.counter, p.delivered, p.update) for p in peers if p.counter]
        return peers, sorted(roster.pairs.index), now.desk.pending, len(self.obeyed), self.air.sent

    def sealed(self, data):
        now = self.now
        channels = (self.up, now.group.up, self.up, now.group.down, self.down)
        peers = (KNOWN, b"\x02\0\0\0\0\x09", EVERYBODY, KNOWN)
        return self._authentic(data, now.group.network, channels, peers)

    def check(self):
        """Who is paired stays so, with the same secret; all tables are bounded."""
        roster = self.now.roster
        if roster.pairs.secret(KNOWN) != SECRET or len(roster.pairs.index) > 1:
            raise AssertionError("the pairs have changed")
        if len(roster.heard) > 2 or min([0] + self.obeyed) < 0 or max([0] + self.obeyed) > 9:
            raise AssertionError("it knows too much: %s" % (roster.heard,))


class Peripheral(Role):
    def __init__(self):
        Role.__init__(self)
        Pairing().put(KNOWN, SECRET, bytes(16), bytes(32))
        now = NetNowPeripheral(Settings, _Watchdog())
        self._begin(now)
        now.memory.time = NetworkTime(bytes(11) + b"\x07")
        now.on_waking()
        now.sm.state = "ready"
        now.on_ready()
        self._pair = (now.pairing.manager, now.pairing.secret)

    def time(self, ahead_ms):
        time = NetworkTime(self.now.memory.time.now())
        time.add(ahead_ms + 32768)
        return time.now()

    def state(self):
        memory = self.now.memory
        time = memory.time.now() if memory.time else None
        return time, memory.back_tids, list(memory.unsent), len(self.obeyed)

    def sealed(self, data):
        now = self.now
        channels = (self.down, now.group.down, self.down, self.up, now.group.up)
        return self._authentic(data, now.group.network, channels, (MAC, EVERYBODY, MAC, KNOWN))

    def check(self):
        """Whatever it hears, its central stays the same, and what it has to say is not lost."""
        pairing = self.now.pairing
        if (pairing.manager, pairing.secret) != self._pair:
            raise AssertionError("the pairing has changed")
        if len(self.now.memory.back_tids) > 48:
            raise AssertionError("it remembers too much")


class Scene:
    """One device with both roles: for a test that has no radio, that does not matter."""

    def __init__(self):
        self.examples = 0
        self.roles = {"central": Central(), "peripheral": Peripheral()}
        self.cause = reset_cause()

    def run(self, role, kind, data):
        self.examples += 1
        self.roles[role].run(kind, data)
