"""What a central answers to who wants to pair; loaded for that."""

import os

from esp32 import NVS
from micropython import const

from epx import log
from epx.keyed import hmac
from epx.loop import uptime_s
from epx.nowpair import PROOF_BYTES, answer
from epx.nowpeers import Peer
from epx.nowwire import AGREED, KEY_BYTES, KNOWN, LATER, PAIRING, Channel

_EXCHANGE_S = const(60)
_ANSWER_S = const(1)  # between two answers that cost no exchange


def _proof(otakey, identity, public):
    """What only this central can tell who has paired with this public key, for ever.

    From the otakey, so that a new board with the old config.txt is the same central.
    """
    if otakey is None:
        nvs = NVS("now")
        key = bytearray(KEY_BYTES)
        try:
            nvs.get_blob("central", key)
        except OSError:
            key = os.urandom(KEY_BYTES)
            try:
                nvs.set_blob("central", key)
                nvs.commit()
            except OSError as error:  # what is paired now needs pair.txt to be paired again
                log.error("netnow: the central's secret not kept: %s", error)
    else:
        key = otakey.encode()
    return hmac(key, b"epx now 3 proof", identity, public)[:PROOF_BYTES]


class Pending:
    """A pairing: answer is what the peripheral gets, however often it asks with the same key."""

    def __init__(self, central, watchdog, own, identity, public, earlier_public=b""):
        group = central.group
        self.public = public
        self.peer = peer = Peer(identity)
        proof = _proof(central.otakey, identity, public)
        earlier = _proof(central.otakey, identity, earlier_public)
        secret, self.answer = answer(watchdog, group, own, identity, public, proof, earlier)
        peer.secret = secret
        peer.up = Channel(secret, b"up", group.network)
        peer.down = Channel(secret, b"down", group.network)


def decide(desk, identity, publics, tid):
    """A request that is authentic and timely. publics: a key, perhaps an earlier one after it."""
    public = publics[:KEY_BYTES]
    now_s = uptime_s()
    pending = desk.pending
    may_answer = now_s - desk.answer_s >= _ANSWER_S
    if pending and pending.public == public and pending.peer.identity == identity:
        # The answer was lost, or this is a recording: either way it costs no exchange.
        if may_answer:
            _answer(desk, identity, AGREED, tid, pending.answer)
    elif identity in desk.central.roster.pairs.index and now_s >= desk.open_until_s:
        if may_answer:
            log.warn("netnow: a known device wants to pair: open the window with Pair on")
            _answer(desk, identity, KNOWN, tid, b"")
    elif desk.own is None or now_s - desk.exchange_s < _EXCHANGE_S:
        if may_answer:
            _answer(desk, identity, LATER, tid, b"")
    else:
        _exchange(desk, identity, publics, tid)


def _exchange(desk, identity, publics, tid):
    desk.exchange_s = uptime_s()
    own, desk.own = desk.own, None
    desk.prepare()
    try:
        desk.pending = Pending(
            desk.central,
            desk.watchdog,
            own,
            identity,
            publics[:KEY_BYTES],
            publics[KEY_BYTES:],
        )
    except ValueError as error:
        log.warn("netnow: pairing: %s", error)
    else:
        _answer(desk, identity, AGREED, tid, desk.pending.answer)


def _answer(desk, identity, status, tid, more):
    desk.answer_s = uptime_s()
    central = desk.central
    central.transmit(
        central.group.down, PAIRING, status, identity, central.new_tid(), 0, tid + more
    )
