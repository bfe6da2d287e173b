"""Pairing: a fresh key for two, from X25519 (RFC 7748) keys that are used once.

The PSK proves that both belong to the group, so who learns it later cannot read recordings. A
central also shows the peripherals it has paired before a proof that only it can make: who knows
the PSK, from a stolen peripheral say, cannot take its place.
"""

import os

from micropython import const

from epx import x25519
from epx.compare import equal
from epx.keyed import hkdf, hmac
from epx.nowwire import KEY_BYTES, derived

PROOF_BYTES = const(16)
ANSWER_BYTES = const(80)  # public key, hidden proof, confirmation, earlier proof


def new_keys(watchdog):
    """(secret, public)"""
    secret = os.urandom(KEY_BYTES)
    watchdog.may_block()
    try:
        return secret, x25519.public(secret)
    finally:
        watchdog.may_block_exit()


def agreed(watchdog, group, own_secret, other_public, identity, publics):
    """The pair's secret; publics: that of the central and that of the peripheral, joined."""
    watchdog.may_block()
    try:
        shared = x25519.shared(own_secret, other_public)
    finally:
        watchdog.may_block_exit()
    return pair_secret(group, shared, identity, publics[:KEY_BYTES], publics[KEY_BYTES:])


def pair_secret(group, shared, peer, central_public, peripheral_public):
    """What a pair keeps of an exchange (RFC 7748): 32 bytes."""
    info = b"epx now 3 pair" + peer + central_public + peripheral_public
    return hkdf(shared, group.pairing, info, 1)[0]


def _masked(secret, proof):
    mask = derived(secret, b"epx now 3 hide")
    return bytes([proof[i] ^ mask[i] for i in range(PROOF_BYTES)])


def _confirmation(secret, proof):
    return derived(secret, b"epx now 3 central" + proof)[:PROOF_BYTES]


def _earlier(proof, publics):
    return hmac(proof, b"epx now 3 again", publics)[:PROOF_BYTES]


def answer(watchdog, group, own, identity, public, proof, earlier):
    """What a central answers to a public key -> (pair's secret, answer).

    proof is for that key, earlier for the one of the pairing before.

    ValueError: nobody can agree on a secret with that key.
    """
    publics = own[1] + public
    secret = agreed(watchdog, group, own[0], public, identity, publics)
    return secret, (
        own[1] + _masked(secret, proof) + _confirmation(secret, proof) + _earlier(earlier, publics)
    )


def accept(watchdog, group, own, identity, answer, earlier_proof):
    """What a peripheral makes of the central's answer -> (pair's secret, proof).

    ValueError: it is not the answer of a central with this PSK, or not the central that gave us
    earlier_proof (None: any will do).
    """
    if len(answer) != ANSWER_BYTES:
        raise ValueError("an answer of %d bytes" % len(answer))
    public = answer[:32]
    publics = public + own[1]
    if earlier_proof and not equal(_earlier(earlier_proof, publics), answer[64:]):
        raise ValueError("this is not the central that we were paired with")
    secret = agreed(watchdog, group, own[0], public, identity, publics)
    proof = _masked(secret, answer[32:48])
    if not equal(_confirmation(secret, proof), answer[48:64]):
        raise ValueError("the answer does not fit")
    return secret, proof
