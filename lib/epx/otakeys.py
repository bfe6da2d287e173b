"""What both sides of an update derive from the otakey: proofs, and keys for records."""

from epx.keyed import hkdf, hmac
from epx.otawire import NONCE_BYTES, Channel


class Keys:
    """What both sides derive from the otakey and the two nonces."""

    def __init__(self, otakey, hello, answer):
        salt = hello[-NONCE_BYTES:] + answer[-NONCE_BYTES:]
        keys = hkdf(otakey.encode(), salt, b"epx ota 1", 6)
        self.pc_proof = hmac(keys[0], hello, answer)
        self.device_proof = hmac(keys[1], hello, answer)
        self.from_pc = Channel(keys[2], keys[3])
        self.from_device = Channel(keys[4], keys[5])
