"""The radio's own vectors: what docs/radio-protocol.md promises to whoever writes it anew."""

import unittest
from binascii import hexlify, unhexlify

import nowvectors as vectors

from epx import nowpair, x25519
from epx.nowpending import Pending
from epx.nowwire import (
    HEAD_BYTES,
    MOST_PAYLOAD,
    PLAIN_BYTES,
    TAG_BYTES,
    Channel,
    Group,
    derived,
    payload_of,
)


class Watchdog:
    blocking = 0

    def may_block(self):
        self.blocking += 1

    def may_block_exit(self):
        self.blocking -= 1


class Central:
    otakey = vectors.OTAKEY

    def __init__(self, group):
        self.group = group


def text(data):
    return hexlify(bytes(data)).decode()


def own(name):
    """(secret, public) of "CENTRAL" or "PERIPHERAL"."""
    secret = unhexlify(getattr(vectors, name + "_SECRET"))
    return secret, unhexlify(getattr(vectors, name + "_PUBLIC"))


class TestKeys(unittest.TestCase):
    def setUp(self):
        self.group = Group(vectors.PSK, vectors.GROUP)
        self.watchdog = Watchdog()
        self.identity = unhexlify(vectors.PERIPHERAL)

    def test_group(self):
        self.assertEqual(text(self.group.network), vectors.NETWORK)
        self.assertEqual(text(self.group.pairing), vectors.PAIRING_KEY)

    def test_channels(self):
        for name, secret in (("group", vectors.GROUP_SECRET), ("pair", vectors.PAIR_SECRET)):
            for direction in ("up", "down"):
                keys = [
                    text(derived(unhexlify(secret), ("epx now 3 %s %s" % (w, direction)).encode()))
                    for w in ("encrypt", "authenticate")
                ]
                self.assertEqual(tuple(keys), vectors.KEYS["%s %s" % (name, direction)])

    def test_exchange(self):
        for name in ("CENTRAL", "PERIPHERAL"):
            secret, public = own(name)
            self.assertEqual(text(x25519.public(secret)), text(public))
        shared = x25519.shared(own("CENTRAL")[0], own("PERIPHERAL")[1])
        self.assertEqual(text(shared), vectors.SHARED)

    def test_central_answers(self):
        public = own("PERIPHERAL")[1]
        central = Central(self.group)
        for earlier, answer in (
            ("", vectors.ANSWER),
            (vectors.EARLIER_PUBLIC, vectors.ANSWER_AGAIN),
        ):
            made = Pending(
                central, self.watchdog, own("CENTRAL"), self.identity, public, unhexlify(earlier)
            )
            self.assertEqual(text(made.answer), answer)
            self.assertEqual(text(made.peer.secret), vectors.PAIR_SECRET)
        self.assertEqual(self.watchdog.blocking, 0)

    def accepted(self, answer, earlier):
        return nowpair.accept(
            self.watchdog, self.group, own("PERIPHERAL"), self.identity, answer, earlier
        )

    def test_peripheral_accepts(self):
        expected = (vectors.PAIR_SECRET, vectors.PROOF)
        earlier = unhexlify(vectors.EARLIER_PROOF)
        for answer, proof in ((vectors.ANSWER, None), (vectors.ANSWER_AGAIN, earlier)):
            found = self.accepted(unhexlify(answer), proof)
            self.assertEqual((text(found[0]), text(found[1])), expected)
        self.assertEqual(self.watchdog.blocking, 0)

    def test_peripheral_refuses_who_does_not_know_it(self):
        with self.assertRaises(ValueError):
            self.accepted(unhexlify(vectors.ANSWER), unhexlify(vectors.EARLIER_PROOF))

    def test_peripheral_refuses_what_is_changed(self):
        answer = unhexlify(vectors.ANSWER_AGAIN)
        earlier = unhexlify(vectors.EARLIER_PROOF)
        for position in (0, 31, 32, 47, 48, 63, 64, 79):
            wrong = bytearray(answer)
            wrong[position] ^= 1
            with self.assertRaises(ValueError):
                self.accepted(bytes(wrong), earlier)
        self.assertEqual(self.watchdog.blocking, 0)


class TestPackets(unittest.TestCase):
    def setUp(self):
        group = Group(vectors.PSK, vectors.GROUP)
        secret = unhexlify(vectors.PAIR_SECRET)
        self.channels = {
            "group up": group.up,
            "group down": group.down,
            "pair up": Channel(secret, b"up", group.network),
            "pair down": Channel(secret, b"down", group.network),
        }

    def test_sealed(self):
        for row in vectors.PACKETS:
            name, channel, kinds, peer, counter, tid, time, extra, payload, packet = row
            made = self.channels[channel].seal(
                kinds, unhexlify(peer), counter, unhexlify(tid), unhexlify(time), extra,
                unhexlify(payload),
            )  # fmt: skip
            self.assertEqual((name, text(made)), (name, packet))

    def test_opened(self):
        for row in vectors.PACKETS:
            channel = self.channels[row[1]]
            packet = unhexlify(row[-1])
            sealed, tag = packet[:-TAG_BYTES], packet[-TAG_BYTES:]
            self.assertTrue(channel.is_authentic(sealed, tag))
            body = channel.body(packet[12:HEAD_BYTES], sealed[HEAD_BYTES:])
            self.assertEqual(body[1], row[2][1])
            self.assertEqual(text(body[2:14]), row[6])
            self.assertEqual(body[14] << 8 | body[15], row[7])
            self.assertEqual(text(payload_of(body)), row[8])

    def test_each_bit_counts(self):
        packet = unhexlify(next(row[-1] for row in vectors.PACKETS if row[0] == "awake"))
        channel = self.channels["pair up"]
        for bit in range(len(packet) * 8):
            wrong = bytearray(packet)
            wrong[bit // 8] ^= 1 << bit % 8
            self.assertFalse(channel.is_authentic(wrong[:-TAG_BYTES], wrong[-TAG_BYTES:]))

    def test_no_key_opens_what_another_has_sealed(self):
        for row in vectors.PACKETS:
            packet = unhexlify(row[-1])
            for name, channel in self.channels.items():
                right = channel.is_authentic(packet[:-TAG_BYTES], packet[-TAG_BYTES:])
                self.assertEqual(right, name == row[1])

    def test_a_byte_too_many(self):
        self.assertEqual(len(unhexlify(vectors.PACKETS[-1][8])), MOST_PAYLOAD)
        with self.assertRaises(ValueError):
            self.channels["pair up"].seal(
                (1, 0), bytes(6), 1, bytes(12), bytes(12), 0, bytes(MOST_PAYLOAD + 1)
            )

    def test_a_body_that_is_not_whole(self):
        for size in (0, 16, 32):
            with self.assertRaises(ValueError):
                payload_of(bytes((size + 1,)) + bytes(PLAIN_BYTES + size - 1))
