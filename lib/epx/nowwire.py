"""The radio protocol of peripherals and their central, version 3: how its packets look.

Shared by device and PC; docs/radio-protocol.md has it byte by byte. A packet is a clear head, a
body that is encrypted (AES-256-CBC), and a tag over both (HMAC-SHA256, shortened as RFC 2104,
section 5, allows). Numbers are big-endian. "Up" is from a peripheral to the central.
"""

from hashlib import sha256
from struct import pack, pack_into

from cryptolib import aes
from micropython import const

from epx.keyed import Mac, hkdf, hmac

VERSION = const(3)

# Types. Time is the central's only; pairing goes both ways.
DATA = const(1)
TIME = const(2)
PING = const(3)
PAIRING = const(4)
WAKEUP = const(5)

# Kinds of data from a peripheral: what it wants to hear of it, or a receipt of back data.
NOT_CONFIRMED = const(0)
CONFIRMED = const(2)
RECEIPT = const(3)
# Kinds of time.
BROADCAST = const(0)
CONFIRM = const(1)
BACK_DATA = const(2)
# Kinds of pairing from a peripheral,
ASK = const(0)
EXCHANGE = const(1)
# and from the central.
AGREED = const(0)
KNOWN = const(1)
LATER = const(2)

# Flags of what the central sends.
UPDATE_WAITS = const(1)
MORE_WAITS = const(2)
HOLDS = const(4)  # its broker is away: nothing is confirmed for now
# Flags of what a peripheral sends, above its battery voltage.
NO_UPDATE = const(0x8000)  # it has no credentials for one
ON_TRIAL = const(0x4000)  # its program is new
MILLIVOLTS = const(0x3FFF)

EVERYBODY = bytes(6)
NOTICED = bytes(12)  # in place of a TID in a receipt: of an update that waits

HEAD_BYTES = const(28)
TAG_BYTES = const(16)
PLAIN_BYTES = const(16)  # of a body before its payload
LEAST_BYTES = const(60)
MOST_BYTES = const(250)  # of a frame of ESP-NOW, version 1
MOST_PAYLOAD = const(176)
TID_BYTES = const(12)
TIME_BYTES = const(12)
KEY_BYTES = const(32)

_blinded = bytearray(32)
_blinded_tag = memoryview(_blinded)[:TAG_BYTES]


def derived(secret, words):
    """A key for one purpose: HKDF-Expand (RFC 5869) of secret for one block."""
    return hmac(secret, words, b"\x01")


class Channel(Mac):
    """One direction: seals packets, and opens those that are authentic.

    Its methods are short on purpose: MicroPython puts a frame of more than 11 words on the heap,
    and giving that back made each packet take five times as long (measured).
    """

    def __init__(self, secret, direction, network):
        self._network = network
        self._key = derived(secret, b"epx now 3 encrypt " + direction)
        self._block = aes(self._key, 1)
        super().__init__(derived(secret, b"epx now 3 authenticate " + direction))

    def seal(self, kinds, peer, counter, tid, time, extra=0, payload=b""):
        """A packet. kinds: (type, kind); peer: 6 bytes; tid, time: 12 bytes each."""
        size = len(payload)
        if size > MOST_PAYLOAD:
            raise ValueError("want a payload of at most %d bytes, not %d" % (MOST_PAYLOAD, size))
        body = bytearray((PLAIN_BYTES + size + 15) & ~15)
        pack_into(">BB12sH", body, 0, size, kinds[1], time, extra)
        body[PLAIN_BYTES : PLAIN_BYTES + size] = payload
        head = pack(">BB4s6sI12s", VERSION, kinds[0], self._network, peer, counter, tid)
        vector = self._block.encrypt(head[12:])
        packet = head + aes(self._key, 2, vector).encrypt(body)
        return packet + self.digest(packet)[:TAG_BYTES]

    def is_authentic(self, packet, tag):
        """packet: all of it before its tag. Any buffers.

        The tags are compared encrypted: what the time of that tells, nobody can use.
        """
        digest = sha256(self.inner)
        digest.update(packet)
        outer = sha256(self.outer)
        outer.update(digest.digest())
        encrypt = self._block.encrypt
        encrypt(outer.digest(), _blinded)
        return encrypt(tag) == _blinded_tag

    def body(self, nonce, ciphertext):
        """What an authentic packet has inside, decrypted; see PLAIN_BYTES."""
        return aes(self._key, 2, self._block.encrypt(nonce)).decrypt(ciphertext)


class Group:
    """What everybody has who knows the PSK, texts both."""

    def __init__(self, psk, group):
        salt = sha256(group.encode()).digest()
        secret, network, pairing = hkdf(psk.encode(), salt, b"epx now 3 group", 3)
        self.network = network[:4]
        self.pairing = pairing
        self.up = Channel(secret, b"up", self.network)
        self.down = Channel(secret, b"down", self.network)


def payload_of(body):
    """ValueError if the body is not whole."""
    size = body[0]
    if PLAIN_BYTES + size > len(body):
        raise ValueError("a payload of %d bytes in %d" % (size, len(body) - PLAIN_BYTES))
    return body[PLAIN_BYTES : PLAIN_BYTES + size]
