"""The radio's vectors, computed by the package cryptography from what the page says: so that they
are not right only because they come from the code that is checked against them."""

import hashlib
import hmac
import importlib.util
from struct import pack

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from epxhost.door import ROOT

PATH = ROOT / "testsuite/unit/nowvectors.py"
spec = importlib.util.spec_from_file_location("nowvectors", PATH)
vectors = importlib.util.module_from_spec(spec)
spec.loader.exec_module(vectors)


def raw(text):
    return bytes.fromhex(text)


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def expand(secret, words):
    return HKDFExpand(SHA256(), 32, words).derive(secret)


def test_keys_of_the_group():
    salt = hashlib.sha256(vectors.GROUP.encode()).digest()
    keys = HKDF(SHA256(), 96, salt, b"epx now 3 group").derive(vectors.PSK.encode())
    assert keys[:32].hex() == vectors.GROUP_SECRET
    assert keys[32:36].hex() == vectors.NETWORK
    assert keys[64:].hex() == vectors.PAIRING_KEY


def test_keys_of_the_channels():
    for name, keys in vectors.KEYS.items():
        owner, direction = name.split()
        secret = raw(vectors.GROUP_SECRET if owner == "group" else vectors.PAIR_SECRET)
        for word, key in zip(("encrypt", "authenticate"), keys, strict=True):
            assert expand(secret, f"epx now 3 {word} {direction}".encode()).hex() == key


def test_the_exchange():
    secret = X25519PrivateKey.from_private_bytes(raw(vectors.CENTRAL_SECRET))
    other = X25519PublicKey.from_public_bytes(raw(vectors.PERIPHERAL_PUBLIC))
    assert secret.public_key().public_bytes_raw().hex() == vectors.CENTRAL_PUBLIC
    shared = secret.exchange(other)
    assert shared.hex() == vectors.SHARED
    identity = raw(vectors.PERIPHERAL)
    publics = raw(vectors.CENTRAL_PUBLIC + vectors.PERIPHERAL_PUBLIC)
    info = b"epx now 3 pair" + identity + publics
    pair = HKDF(SHA256(), 32, raw(vectors.PAIRING_KEY), info).derive(shared)
    assert pair.hex() == vectors.PAIR_SECRET
    otakey = vectors.OTAKEY.encode()
    public = raw(vectors.PERIPHERAL_PUBLIC)
    proof = mac(otakey, b"epx now 3 proof", identity, public)[:16]
    assert proof.hex() == vectors.PROOF
    hidden = bytes(a ^ b for a, b in zip(proof, expand(pair, b"epx now 3 hide"), strict=False))
    answer = raw(vectors.CENTRAL_PUBLIC) + hidden
    answer += expand(pair, b"epx now 3 central" + proof)[:16]
    first = mac(otakey, b"epx now 3 proof", identity)[:16]
    assert (answer + mac(first, b"epx now 3 again", publics)[:16]).hex() == vectors.ANSWER
    earlier = mac(otakey, b"epx now 3 proof", identity, raw(vectors.EARLIER_PUBLIC))[:16]
    assert earlier.hex() == vectors.EARLIER_PROOF
    assert (answer + mac(earlier, b"epx now 3 again", publics)[:16]).hex() == vectors.ANSWER_AGAIN


@pytest.mark.parametrize("row", vectors.PACKETS, ids=lambda row: row[0])
def test_packets(row):
    _, channel, kinds, peer, counter, tid, time, extra, payload, packet = row
    key, authentication_key = (raw(text) for text in vectors.KEYS[channel])
    head = pack(">BB", 3, kinds[0]) + raw(vectors.NETWORK) + raw(peer)
    head += pack(">I", counter) + raw(tid)
    vector = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(head[12:])
    body = bytes((len(raw(payload)), kinds[1])) + raw(time) + pack(">H", extra) + raw(payload)
    body += bytes(-len(body) % 16)
    sealed = head + Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor().update(body)
    assert (sealed + mac(authentication_key, sealed)[:16]).hex() == packet
