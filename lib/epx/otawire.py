"""The conversation of an update: how its bytes look and what keeps strangers out.

Shared by device and PC; docs/ota-protocol.md has it byte by byte. A connection begins with four
plain messages in which both sides prove that they know the key, and goes on with records that are
encrypted and authenticated. Numbers are big-endian.
"""

import hashlib
from struct import pack, unpack_from

from cryptolib import aes
from micropython import const

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
MOST_CIPHERTEXT = const(2048)
MOST_RECORD = const(2066)
MOST_BODY = const(2045)

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
MOST_PATH = const(80)
MOST_PARTS = const(10)  # of a path: each costs stack when folders are walked through
MOST_WBITS = const(12)

# Why a device refuses; the number is the place in here plus one.
REFUSALS = (
    "wrong profile",
    "wrong mpy version",
    "lower version",
    "too large",
    "path not allowed",
    "bad message",
    "out of order",
    "corrupt",
    "file system",
    "bad config",
    "on trial",
    "nothing staged",
    "no firmware update",
    "bad firmware image",
)


def refusal(name):
    """The number of a reason."""
    return REFUSALS.index(name) + 1


class Refusal(Exception):
    """Something that is not done: name of REFUSALS, and words for a person."""


def hmac(key, *parts):
    """HMAC-SHA256 (RFC 2104) of parts, one after the other."""
    return Mac(key).digest(*parts)


class Mac:
    """HMAC-SHA256 with a key whose pads are made once."""

    def __init__(self, key):
        if len(key) > 64:
            key = hashlib.sha256(key).digest()
        self._inner = bytes([byte ^ 0x36 for byte in key]) + b"\x36" * (64 - len(key))
        self._outer = bytes([byte ^ 0x5C for byte in key]) + b"\x5c" * (64 - len(key))

    def digest(self, *parts):
        inner = hashlib.sha256(self._inner)
        for part in parts:
            inner.update(part)
        outer = hashlib.sha256(self._outer)
        outer.update(inner.digest())
        return outer.digest()


def hkdf(secret, salt, info, count):
    """count keys of 32 bytes (RFC 5869, HKDF-SHA256)."""
    mac = Mac(hmac(salt, secret))
    keys = []
    key = b""
    for number in range(1, count + 1):
        key = mac.digest(key, info, bytes((number,)))
        keys.append(key)
    return keys


def equal(a, b):
    """Compare in constant time."""
    if len(a) != len(b):
        return False
    difference = 0
    for i in range(len(a)):
        difference |= a[i] ^ b[i]
    return not difference


class Keys:
    """What both sides derive from the otakey and the two nonces."""

    def __init__(self, otakey, hello, answer):
        salt = hello[-NONCE_BYTES:] + answer[-NONCE_BYTES:]
        keys = hkdf(otakey.encode(), salt, b"epx ota 1", 6)
        self.pc_proof = hmac(keys[0], hello, answer)
        self.device_proof = hmac(keys[1], hello, answer)
        self.from_pc = Channel(keys[2], keys[3])
        self.from_device = Channel(keys[4], keys[5])


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


def pack_entry(path, size, sha256):
    """One file of a list."""
    path = path.encode()
    return bytes((len(path),)) + path + pack(">I", size) + sha256


def entries(body):
    """(path, size, SHA-256) of each entry of a LIST; ValueError if they do not fit in it."""
    at = 0
    while at < len(body):
        end = at + 1 + body[at]
        if end + 36 > len(body):
            raise ValueError("a list is cut off")
        path = str(body[at + 1 : end], "utf-8")
        yield path, unpack_from(">I", body, end)[0], bytes(body[end + 4 : end + 36])
        at = end + 36


_PATH_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/"

# What no update may touch at the root, besides the code of the sets.
_RESERVED = ("running.txt", "pins.txt", "reboot.txt", "exception.txt", "config.old")
_RESERVED_FOLDERS = ("a", "b", "loader", "lib")


def set_path_problem(path):
    """Why path cannot be one of a file set, or None."""
    if not 0 < len(path) <= MOST_PATH:
        return "want a path of 1 to %d characters" % MOST_PATH
    for character in path:
        if character not in _PATH_CHARACTERS:
            return "want letters, digits and . _ - / in a path"
    parts = path.split("/")
    if len(parts) > MOST_PARTS:
        return "want at most %d parts in a path" % MOST_PARTS
    for part in parts:
        if not part.strip("."):
            return "want a path without empty parts, . and .."
    if parts[0] in ("new", "set.txt"):
        return "that name is reserved"
    return None


def root_path_problem(path):
    """Why path is not one of the owner's files at the root, or None."""
    if path[:1] != "/":
        return "want a path that begins with /"
    problem = set_path_problem(path[1:])
    if problem:
        return problem
    parts = path[1:].split("/")
    # A folder in the place of a file would be as bad as that file.
    reserved = parts[0] in _RESERVED or parts[0] in _RESERVED_FOLDERS
    reserved = reserved or (parts[0] == "config.txt" and len(parts) > 1)
    for part in parts:
        if reserved or part.rpartition(".")[2] in ("new", "py", "mpy"):
            return "that name is reserved"
    return None


def path_problem(path):
    """Why neither of both."""
    return root_path_problem(path) if path[:1] == "/" else set_path_problem(path)
