"""The other side of a story about the radio: a central or a peripheral that the story plays.

Made of packets alone, by epx.nowwire, so it runs on both interpreters. Pairing is written here
once more, as the page about the protocol has it. PSK "bla", group "ble", unless told otherwise.
"""

import sys
from struct import unpack

from testmock.simworld.ether import BROADCAST, Station
from testsuite.story import SECONDS

PERIPHERAL = b"\x02\0\0\0\0\x77"
CENTRAL = b"\x02\0\0\0\0\x99"
# Places in NetNow.refused.
OTHER_VERSION, LENGTH, OTHER_NETWORK, ROLE, UNKNOWN_PEER = 0, 1, 2, 3, 4
NOT_AUTHENTIC, WRONG_TIME, REPLAY, CONTENT = 5, 6, 7, 8

_ROOT = __file__[: __file__.rindex("testsuite/")] or "./"


def _module(name):
    """A pure module of lib/epx; on MicroPython a copy apart from the device's."""
    name = "epx." + name
    if sys.implementation.name != "micropython":
        from epxhost.devicelib import device_module

        device_module("epx.nowwire")  # makes lib/ known
        __import__(name)
        return sys.modules[name]
    before = list(sys.modules)
    sys.path.append(_ROOT + "lib")
    __import__(name)
    module = sys.modules[name]
    sys.path.pop()
    for loaded in list(sys.modules):
        if loaded not in before and loaded.split(".")[0] == "epx":
            del sys.modules[loaded]
    return module


wire = _module("nowwire")
keyed = _module("keyed")
nowpair = _module("nowpair")
x25519 = _module("x25519")


class NowInsight:
    """Boots the unmodified program; now: the NetNow of the present boot. Make it before power on.

    more(load), if any, is called before the program, to look at something else.
    """

    now = None

    def __init__(self, world, more=None, device=None):
        self.more = more
        (device or world.device).boot_function = self._boot

    def _boot(self, load):
        kind = load("epx.netnow").NetNow
        init = kind.__init__

        def noted(now, config):
            self.now = now
            init(now, config)

        kind.__init__ = noted
        if self.more:
            self.more(load)
        load("boot")
        load("main")


class BrokenRadio:
    """The device's radio cannot be switched on until is_broken is False."""

    def __init__(self, device):
        self.is_broken = True
        self._radio = device.bench.radio
        self._opens = self._radio.open
        self._radio.open = self._open

    def _open(self, size):
        if self.is_broken:
            raise OSError(-12385, "ESP_ERR_ESPNOW_BASE")
        self._opens(size)


def in_program(device, function, *arguments):
    """What comes of function, called in a turn of the device's own loop."""
    results = []
    device.module("epx.loop").Task(lambda: results.append(function(*arguments)), 0)
    assert device.world.run_until(lambda: results, 60 * SECONDS)
    return results[0]


class Packet:
    """What was on the air, opened. time: ms; flags: of the central, else battery and flags."""

    def __init__(self, ms, data, channel):
        body = channel.body(data[12 : wire.HEAD_BYTES], data[wire.HEAD_BYTES : -wire.TAG_BYTES])
        self.ms = ms
        self.type = data[1]
        self.kind = body[1]
        self.peer = data[6:12]
        self.counter = unpack(">I", data[12:16])[0]
        self.tid = data[16:28]
        self.time = int.from_bytes(body[2:14], "big")
        self.flags = unpack(">H", body[14:16])[0]
        self.payload = bytes(wire.payload_of(body))
        self.data = data


class _Player:
    """heard: Packets that were meant for it, in order."""

    def __init__(self, world, mac, channel, psk, group):
        self.world = world
        self.mac = mac
        self.group = wire.Group(psk, group)
        self.up = self.down = None
        self.station = Station(world.ether, mac, channel)
        self.station.on_packet = self._on_packet
        self.heard = []
        self._count = self._tids = 0

    def _share(self, secret):
        self.up = wire.Channel(secret, b"up", self.group.network)
        self.down = wire.Channel(secret, b"down", self.group.network)

    def _on_packet(self, source, data):
        channel = self._channel_of(data)
        if channel and channel.is_authentic(data[: -wire.TAG_BYTES], data[-wire.TAG_BYTES :]):
            packet = Packet(self.world.now_ms(), data, channel)
            self.heard.append(packet)
            self._on(packet)

    def new_tid(self):
        self._tids += 1
        return b"a TID of%4d" % self._tids

    def of(self, type, kind=None):
        """What it has heard of this."""
        return [p for p in self.heard if p.type == type and kind in (None, p.kind)]

    def hears(self, type, kind, limit_ms, tid=None):
        """The next one of these (that speaks of tid), or None after that time."""
        known = len(self.heard)

        def found():
            for packet in self.heard[known:]:
                if (packet.type, packet.kind) == (type, kind):
                    if tid is None or packet.payload[: len(tid)] == tid:
                        return packet
            return None

        self.world.run_until(found, limit_ms)
        return found()

    def _seal(self, channel, kinds, peer, tid, time, extra, payload):
        time = (time % (1 << 96)).to_bytes(12, "big")
        self._count += 1
        return channel.seal(kinds, peer, self._count, tid, time, extra, payload)


class PlayedPeripheral(_Player):
    """now(): network time in ms as the last broadcast has set it."""

    def __init__(self, world, identity=PERIPHERAL, channel=1, psk="bla", group="ble"):
        super().__init__(world, identity, channel, psk, group)
        self.proof = None
        self.public = b""  # its key of the last pairing
        self._ahead_ms = 0

    def _channel_of(self, data):
        if data[6:12] == wire.EVERYBODY:
            return self.group.down
        if data[6:12] == self.mac:
            return self.group.down if data[1] == wire.PAIRING else self.down
        return None

    def _on(self, packet):
        if packet.type == wire.TIME and packet.kind == wire.BROADCAST:
            self._ahead_ms = packet.time - packet.ms

    def now(self):
        return self._ahead_ms + self.world.now_ms()

    def sealed(self, type, kind=0, payload=b"", ahead_ms=0, tid=None, extra=0, channel=None):
        """The bytes of a packet. channel: instead of the one that belongs to it."""
        if channel is None:
            channel = self.group.up if type == wire.PAIRING else self.up
        tid = tid or self.new_tid()
        time = self.now() + ahead_ms
        return self._seal(channel, (type, kind), self.mac, tid, time, extra, payload)

    def send(self, type, kind=0, payload=b"", **options):
        """The TID that it has."""
        data = self.sealed(type, kind, payload, **options)
        self.station.send(data)
        return data[16:28]

    def tell(self, payload, **options):
        """Data that wants to be confirmed. The TID that it has."""
        return self.send(wire.DATA, wire.CONFIRMED, payload, **options)

    def confirms(self, tid):
        """Confirmations of that."""
        return [p for p in self.of(wire.TIME, wire.CONFIRM) if p.payload[:12] == tid]

    def is_confirmed(self, tid, limit_ms=5 * SECONDS):
        return self.world.run_until(lambda: self.confirms(tid), limit_ms)

    def ask(self):
        """For the time, as one without a pair."""
        return self.send(wire.PAIRING, wire.ASK, ahead_ms=-self.now())

    def exchange(self, secret=b"s" * 32, limit_ms=5 * SECONDS):
        """Send a public key once -> status of the answer, None if there is none."""
        public = x25519.public(secret)
        tid = self.send(wire.PAIRING, wire.EXCHANGE, public + self.public)
        answers = lambda: [p for p in self.of(wire.PAIRING) if p.payload[:12] == tid]
        if not self.world.run_until(answers, limit_ms):
            return None
        answer = answers()[0]
        if answer.kind == wire.AGREED:
            self._agree(secret, public, answer.payload[12:])
        return answer.kind

    def _agree(self, own, public, answer):
        central = answer[:32]
        shared = x25519.shared(own, central)
        secret = nowpair.pair_secret(self.group, shared, self.mac, central, public)
        self.proof = _mask(secret, answer[32:48])
        self.earlier_proof_shown = answer[64:]
        self.publics = central + public
        self.public = public
        assert answer[48:64] == _confirmation(secret, self.proof)
        self._share(secret)

    def pair(self):
        """With a central that has just started."""
        world = self.world
        assert world.run_until(lambda: self.of(wire.TIME, wire.BROADCAST), 60 * SECONDS)
        world.run_for(35 * SECONDS)
        status = self.exchange()
        assert status == wire.AGREED, status
        assert self.is_confirmed(self.send(wire.WAKEUP))

    def shows(self, proof):
        """Has the central shown with its last answer that it is the one that gave this proof?"""
        return keyed.hmac(proof, b"epx now 3 again", self.publics)[:16] == self.earlier_proof_shown


class PlayedCentral(_Player):
    """willing: pairs and confirms by itself, and tells the time when it is asked for.

    key: what its proofs are made of. shown: the earlier proof that it shows instead of its own.
    """

    def __init__(self, world, channel=5, mac=CENTRAL, psk="bla", group="ble"):
        super().__init__(world, mac, channel, psk, group)
        self.willing = True
        self.start = 0x123456789ABCDEF012345678
        self.key = b"only I know this"
        self.status = wire.AGREED  # of answers to who wants to pair
        self.peer = None  # identity of who was heard last
        self.shown = None

    def now(self):
        return self.start + self.world.now_ms()

    def _channel_of(self, data):
        if data[1] == wire.PAIRING:
            return self.group.up
        return self.up if data[1] in (wire.DATA, wire.PING, wire.WAKEUP) else None

    def _on(self, packet):
        self.peer = packet.peer
        if not self.willing:
            return
        if packet.type != wire.PAIRING:
            if (packet.type, packet.kind) not in (
                (wire.DATA, wire.NOT_CONFIRMED),
                (wire.DATA, wire.RECEIPT),
            ):
                self.confirm(packet.tid)
        elif packet.kind == wire.ASK:
            self.broadcast()
        else:
            self.answer(packet)

    def proof(self, identity, public):
        """What it says to who has paired with this public key."""
        return keyed.hmac(self.key, b"epx now 3 proof", identity, public)[:16]

    def answer(self, request):
        """A wish to pair."""
        payload = b""
        if self.status == wire.AGREED:
            own = b"c" * 32
            public = x25519.public(own)
            other, before = request.payload[:32], request.payload[32:]
            proof = self.proof(request.peer, other)
            shown = self.shown or self.proof(request.peer, before)
            publics = public + other
            shared = x25519.shared(own, other)
            secret = nowpair.pair_secret(self.group, shared, request.peer, public, other)
            self._share(secret)
            payload = public + _mask(secret, proof) + _confirmation(secret, proof)
            payload += keyed.hmac(shown, b"epx now 3 again", publics)[:16]
        self.transmit((wire.PAIRING, self.status), request.tid + payload, self.group.down)

    def transmit(self, kinds, payload=b"", channel=None, tid=None, ahead_ms=0, flags=0, peer=None):
        """The bytes that it has sent, to the peer that was heard last unless told."""
        peer = peer or self.peer
        time = self.now() + ahead_ms
        tid = tid or self.new_tid()
        data = self._seal(channel or self.down, kinds, peer, tid, time, flags, payload)
        self.station.send(data)
        return data

    def broadcast(self, ahead_ms=0, payload=None, tid=None):
        payload = self.mac + bytes((self.station.tuned,)) if payload is None else payload
        kinds = (wire.TIME, wire.BROADCAST)
        return self.transmit(kinds, payload, self.group.down, tid, ahead_ms, 0, wire.EVERYBODY)

    def confirm(self, tid, **options):
        payload = tid + bytes((self.station.tuned,))
        return self.transmit((wire.TIME, wire.CONFIRM), payload, **options)

    def back(self, payload, **options):
        """Back data."""
        return self.transmit((wire.TIME, wire.BACK_DATA), payload, **options)

    def told(self, since=0):
        """Payloads of data that it has heard."""
        data = [p for p in self.of(wire.DATA) if p.kind != wire.RECEIPT]
        return [p.payload for p in data[since:]]


def _mask(secret, proof):
    mask = wire.derived(secret, b"epx now 3 hide")
    return bytes([a ^ b for a, b in zip(proof, mask)])


def _confirmation(secret, proof):
    return wire.derived(secret, b"epx now 3 central" + proof)[:16]


def flipped(data, at):
    """The same bytes, one bit of one of them changed."""
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def with_byte(data, at, value):
    changed = bytearray(data)
    changed[at] = value
    return bytes(changed)


def refuses(world, insight, reason, data, station, destination=BROADCAST):
    """The device gets data, answers nothing within a second, and counts why, once."""
    before = list(insight.now.refused)
    heard = len(station.heard)
    station.send(data, destination)
    world.run_for(1 * SECONDS)
    before[reason] += 1
    assert insight.now.refused == before, (reason, before, insight.now.refused)
    return station.heard[heard:]
