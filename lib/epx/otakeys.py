"""What both sides of an update derive from the otakey: proofs, and keys for records."""

from epx.otawire import NONCE_BYTES, Channel, Mac


def hmac(key, *parts):
    """HMAC-SHA256 (RFC 2104) of parts, one after the other."""
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


class Keys:
    """What both sides derive from the otakey and the two nonces."""

    def __init__(self, otakey, hello, answer):
        salt = hello[-NONCE_BYTES:] + answer[-NONCE_BYTES:]
        keys = hkdf(otakey.encode(), salt, b"epx ota 1", 6)
        self.pc_proof = hmac(keys[0], hello, answer)
        self.device_proof = hmac(keys[1], hello, answer)
        self.from_pc = Channel(keys[2], keys[3])
        self.from_device = Channel(keys[4], keys[5])
