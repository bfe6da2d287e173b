"""The conversation of an update: how its bytes look and what keeps strangers out.

Shared by device and PC; docs/ota-protocol.md has it byte by byte. A connection begins with four
plain messages in which both sides prove that they know the key, and goes on with records that are
encrypted and authenticated. Numbers are big-endian.
"""

from struct import calcsize, pack, unpack_from

from cryptolib import aes
from micropython import const

from epx.compare import equal
from epx.keyed import Mac

PORT = const(1337)

# hello: "epx", version, nonce of the PC. answer: "epx", status, nonce of the device or the reason.
HELLO = b"epx\x01"
ANSWER = b"epx"
NONCE_BYTES = const(16)
HELLO_BYTES = const(20)
PROOF_BYTES = const(32)
WELCOME = const(0)
BUSY = const(1)  # the address of who holds it, padded with zeros
LOCKED = const(2)  # seconds, 2 bytes

HEADER_BYTES = const(2)
TAG_BYTES = const(16)
MOST_CIPHERTEXT = const(1024)
MOST_RECORD = const(1042)
MOST_BODY = const(1021)

# Types of records from the PC,
LIST_BEGIN = const(1)
LIST = const(2)
LIST_END = const(3)
BUNDLE = const(4)
DATA = const(5)
COMMIT = const(6)
REBOOT = const(7)
PUT = const(8)
HASH = const(9)
REMOVE = const(10)
FIRMWARE = const(11)
KEEP = const(12)
SAME = const(13)
# and from the device.
IDENTITY = const(129)
NEEDED = const(130)
RESUME = const(131)
PROGRESS = const(132)
STAGED = const(133)
DONE = const(134)
HASHED = const(135)
REFUSED = const(136)

# Flags of a list: the whole set; a lower version is meant; only ask what is missing.
FULL = const(1)
DOWNGRADE = const(2)
ASK = const(4)

FROM_START = const(128)  # in wbits: what is there of the bundle is not its beginning

# Layouts of bodies; a text or a path may follow.
LIST_BEGIN_BODY = ">BIHHI"  # flags, version, mpy, files, bytes; profile
BUNDLE_BODY = ">IIB"  # bytes packed, bytes inflated, wbits; SHA-256 of the packed ones
PUT_BODY = ">I"  # bytes; SHA-256, path
FIRMWARE_BODY = ">I"  # bytes; SHA-256, mpy version (2 bytes, 0 unknown)

GONE = const(0xFFFFFFFF)  # as a size: this file is to go
NO_FILE = bytes(32)  # as a hash: there is no such file

MOST_FILES = const(200)
MOST_CHANGES = const(32)  # files of a partial list
MOST_WBITS = const(12)


class Refusal(Exception):
    """Something that is not done: name of otarefusals.REFUSALS, and words for a person."""


def fields(layout, body, more=0):
    """The fields of layout at the beginning of body, after which there are more bytes."""
    if len(body) < calcsize(layout) + more:
        raise Refusal("bad message", "%d bytes are too few" % len(body))
    return unpack_from(layout, body)


class Channel:
    """One direction: records encrypted (AES-256-CBC), then authenticated, and counted."""

    def __init__(self, cipher_key, mac_key):
        self._key = cipher_key
        self._block = aes(cipher_key, 1)
        self._mac = Mac(mac_key)
        self._count = 0

    def _tag(self, header, ciphertext):
        return self._mac.digest(self._count.to_bytes(8, "big"), header, ciphertext)[:TAG_BYTES]

    def _cipher(self):
        """For this record; its vector is the counter, encrypted (NIST SP 800-38A, appendix C)."""
        return aes(self._key, 2, self._block.encrypt(self._count.to_bytes(16, "big")))

    def seal(self, kind, body=b""):
        """The next record, as bytes."""
        size = len(body)
        if size > MOST_BODY:
            raise ValueError("want at most %d bytes" % MOST_BODY)
        plain = bytearray((size + 18) & ~15)
        plain[:3] = pack(">HB", size, kind)
        plain[3 : size + 3] = body
        header = pack(">H", len(plain))
        ciphertext = self._cipher().encrypt(plain)
        tag = self._tag(header, ciphertext)
        self._count += 1
        return header + ciphertext + tag

    def open(self, record):
        """(type, body) of the whole record in a writable memoryview, decrypted in place.

        ValueError: it is not the next one of who has the key.
        """
        end = len(record) - TAG_BYTES
        ciphertext = record[HEADER_BYTES:end]
        if not equal(self._tag(record[:HEADER_BYTES], ciphertext), record[end:]):
            raise ValueError("a record is not authentic")
        self._cipher().decrypt(ciphertext, ciphertext)
        self._count += 1
        size, kind = unpack_from(">HB", ciphertext)
        if size + 3 > len(ciphertext):
            raise ValueError("a record is malformed")
        return kind, ciphertext[3 : size + 3]


def record_bytes(header):
    """How long the record with these first two bytes is in all; ValueError if none can be so."""
    size = unpack_from(">H", header)[0]
    if size % 16 or not 16 <= size <= MOST_CIPHERTEXT:
        raise ValueError("a record of %d bytes" % size)
    return size + HEADER_BYTES + TAG_BYTES
