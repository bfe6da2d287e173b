"""What a central has agreed on with a peripheral that has not made use of it yet."""

import os

from esp32 import NVS

from epx.keyed import hmac
from epx.nowpair import PROOF_BYTES, answer
from epx.nowpeers import Peer
from epx.nowwire import KEY_BYTES, Channel


def _proof(otakey, identity):
    """What only this central can tell this peripheral, even when it has forgotten it.

    From the otakey, so that a new board with the old config.txt is the same central.
    """
    if otakey is None:
        nvs = NVS("now")
        key = bytearray(KEY_BYTES)
        try:
            nvs.get_blob("central", key)
        except OSError:
            key = os.urandom(KEY_BYTES)
            nvs.set_blob("central", key)
            nvs.commit()
    else:
        key = otakey.encode()
    return hmac(key, b"epx now 3 proof", identity)[:PROOF_BYTES]


class Pending:
    """A pairing: answer is what the peripheral gets, however often it asks with the same key."""

    def __init__(self, central, watchdog, own, identity, public):
        group = central.group
        self.public = public
        self.peer = peer = Peer(identity)
        proof = _proof(central.otakey, identity)
        secret, self.answer = answer(watchdog, group, own, identity, public, proof)
        peer.secret = secret
        peer.up = Channel(secret, b"up", group.network)
        peer.down = Channel(secret, b"down", group.network)
