"""What keys are for: HMAC-SHA256, and keys derived from keys."""

import hashlib

from micropython import const

_BLOCK_BYTES = const(64)
# Long integers are six times as fast as a loop over bytes, and keys are made for each stranger
# who says that he is a known device.
_INNER = int.from_bytes(b"\x36" * _BLOCK_BYTES, "big")
_OUTER = int.from_bytes(b"\x5c" * _BLOCK_BYTES, "big")


class Mac:
    """HMAC-SHA256 (RFC 2104) with a key whose pads are made once."""

    def __init__(self, key):
        if len(key) > _BLOCK_BYTES:
            key = hashlib.sha256(key).digest()
        number = int.from_bytes(key + bytes(_BLOCK_BYTES - len(key)), "big")
        self.inner = (number ^ _INNER).to_bytes(_BLOCK_BYTES, "big")
        self.outer = (number ^ _OUTER).to_bytes(_BLOCK_BYTES, "big")

    def digest(self, *parts):
        inner = hashlib.sha256(self.inner)
        for part in parts:
            inner.update(part)
        outer = hashlib.sha256(self.outer)
        outer.update(inner.digest())
        return outer.digest()


def hmac(key, *parts):
    """HMAC-SHA256 of parts, one after the other."""
    return Mac(key).digest(*parts)


def hkdf(secret, salt, info, count):
    """count keys of 32 bytes (RFC 5869, HKDF-SHA256)."""
    mac = Mac(hmac(salt, secret))
    keys = []
    key = b""
    for number in range(1, count + 1):
        key = mac.digest(key, info, bytes((number,)))
        keys.append(key)
    return keys
