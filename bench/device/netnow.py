"""What a central spends on a packet, divided by what its cryptography alone takes.

Argument: "verify", a forged packet is refused; or "data", an authentic one is obeyed. Both from
the packet in the receive buffer to the next turn of the loop. The peer is one HMAC-SHA256 of what
the tag covers, its pads kept; with "data" also one AES-CBC of the body. Best of many runs each.

Both find a heap without holes. MicroPython looks for room for more than one block (16 bytes) from
where it last had one for a single block, and after a collection that is the first hole of all: a
program that then needs only larger pieces searches through all of the heap each time. The peer
takes twice as long then, and beside it we would look better than we are.

A second argument: as it goes on and on, collections included, in a heap as small as a device's.
That is how a device has it; there the search through the heap takes most of the time of both.
"""

import gc
import os
import sys
import time
from hashlib import sha256

from cryptolib import aes
from stands import Net, Watchdog

from epx.mqtt import Mqtt
from epx.netnow import NOT_AUTHENTIC
from epx.netnowc import NetNowCentral
from epx.nowtopics import Hear
from epx.nowwire import DATA, NOT_CONFIRMED, Channel
from epx.payloads import text

RUNS = 100
PACKETS = 50
IDENTITY = b"\x02\0\0\0\0\x07"
PAYLOAD = b"stat/Bench/Words\n" + b"as long as a good name " * 2  # 63 bytes
TAG = 16
HEAD = 28
STEADY_RUNS = 200
STEADY_PACKETS = 20
HOLES = 0 if sys.argv[2:] else 3000
filling = [None] * HOLES


class Settings:
    mqttbroker = mqttname = mqttport = mqttuser = mqttpassword = mqttca = otakey = None
    mqtttls = espnowlongrange = False
    mqttsession = "clean"
    mqttpacket = 512
    mqttreboot = 0
    keepalive = 30
    ssid = "(wired)"
    espnowpsk = "a secret of this group"
    espnowgroup = "bench"
    espnowchannel = 6


class Listener:
    """Obeys, and counts."""

    said = None
    obeyed = 0

    def say(self, words):
        self.said = words
        self.obeyed += 1


class Central:
    """The real one, with a peripheral whose keys are at hand, and what that sends."""

    def __init__(self):
        self.listener = Listener()
        mqtt = Mqtt(Settings, Net(), None, Watchdog())
        self.now = now = NetNowCentral(Settings, Net(), mqtt, Watchdog())
        now.bind(self.listener, (Hear("stat/Bench/Words", "say", text(160)),))
        secret = os.urandom(32)
        now.roster.pairs.put(IDENTITY, secret, [])
        self._channel = Channel(secret, b"up", now.group.network)
        self._counter = 0
        self.total_us([self.packet(PAYLOAD)], now._serve)
        if self.listener.obeyed != 1:
            raise SystemExit("the first packet is not obeyed: %s" % now.refused)

    def packet(self, payload):
        self._counter += 1
        time_ = self.now.time.now()
        kinds = (DATA, NOT_CONFIRMED)
        return self._channel.seal(
            kinds, IDENTITY, self._counter, os.urandom(12), time_, 3000, payload
        )

    def only_driver(self, _):
        """What the driver takes, which is in C on a board, and the loop of total_us()."""
        recvinto = self.now._radio.recvinto
        received = self.now._received
        recvinto(received, 0)
        recvinto(received, 0)

    def total_us(self, packets, serve):
        """What serve(events) takes, one packet being in the buffer at each call."""
        gc.collect()
        fill_holes()
        began = time.ticks_us()
        self.feed(packets, serve)
        return time.ticks_diff(time.ticks_us(), began)

    def feed(self, packets, serve):
        buffer = self.now._buffer
        radio = self.now._radio
        for packet in packets:
            buffer[: len(packet)] = packet
            radio.waiting = len(packet)
            serve(1)


def fill_holes():
    """Allocations of one block: after a collection they take the holes that it has left."""
    for i in range(HOLES):
        filling[i] = i + 0.5


class Peer:
    """The same for a program that does nothing else with what is in that buffer."""

    def __init__(self, buffer, size):
        view = memoryview(buffer)
        self._covered = view[: size - TAG]
        self._body = view[HEAD : size - TAG]
        self._inner = os.urandom(64)
        self._outer = os.urandom(64)
        self._key = os.urandom(32)
        self._vector = os.urandom(16)

    def verify(self, _):
        digest = sha256(self._inner)
        digest.update(self._covered)
        outer = sha256(self._outer)
        outer.update(digest.digest())
        return outer.digest()

    def data(self, _):
        self.verify(None)
        return aes(self._key, 2, self._vector).decrypt(self._body)


def nothing(_):
    """What the loop of total_us() takes is subtracted."""


def forged(packet):
    """With another tag."""
    return packet[:-TAG] + bytes([byte ^ 1 for byte in packet[-TAG:]])


def sample(central, what):
    return central.packet(PAYLOAD) if what == "data" else forged(central.packet(b""))


def ratio(what):
    central = Central()
    now, listener = central.now, central.listener
    size = len(sample(central, what))
    peer = Peer(now._buffer, size)
    functions = (now._serve, central.only_driver, getattr(peer, what), nothing)
    least = [1 << 29] * 4
    for _ in range(RUNS):
        packets = [sample(central, what) for _ in range(PACKETS)]
        for i in range(4):
            least[i] = min(least[i], central.total_us(packets, functions[i]))
    obeyed, refused = (RUNS * PACKETS, 0) if what == "data" else (0, RUNS * PACKETS)
    found = (listener.obeyed - 1, now.refused[NOT_AUTHENTIC], sum(now.refused))
    if found != (obeyed, refused, refused):
        raise SystemExit("%d obeyed, refused %s" % (found[0], now.refused))
    ours, peers = (least[0] - least[1]) / PACKETS, (least[2] - least[3]) / PACKETS
    print("%s: %d bytes, %.2f us, peer %.2f us" % (what, size, ours, peers))
    return ours / peers


def steady_ratio(what):
    """The same as it goes on and on, collections included, in whatever heap there is."""
    central = Central()
    now = central.now
    peer = Peer(now._buffer, len(sample(central, what)))
    packets = [sample(central, what) for _ in range(STEADY_PACKETS)]
    began = now.time.now()
    known = now.roster.last
    functions = (now._serve, central.only_driver, getattr(peer, what), nothing)
    total_us = [0] * 4
    for _ in range(STEADY_RUNS):
        for i in range(4):
            # The same packets again, and nobody has seen them.
            now.time.set(began)
            known.counter = 0
            known.tids = known.delivered = b""
            started = time.ticks_us()
            central.feed(packets, functions[i])
            total_us[i] += time.ticks_diff(time.ticks_us(), started)
    if sum(now.refused) - now.refused[NOT_AUTHENTIC]:
        raise SystemExit("refused %s" % now.refused)
    ours, peers = total_us[0] - total_us[1], total_us[2] - total_us[3]
    packets = STEADY_RUNS * STEADY_PACKETS
    print("%s: %.2f us, peer %.2f us" % (what, ours / packets, peers / packets))
    return ours / peers


print((steady_ratio if sys.argv[2:] else ratio)(sys.argv[1]))
