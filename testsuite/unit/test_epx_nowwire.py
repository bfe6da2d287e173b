"""Packets of the radio: what is sealed comes out again, and nothing else does (T27).

The bytes themselves are in test_nowvectors.py.
"""

import unittest

from epx import nowpair, nowwire
from epx.nowwire import (
    CONFIRMED,
    DATA,
    HEAD_BYTES,
    LEAST_BYTES,
    MOST_BYTES,
    MOST_PAYLOAD,
    PAIRING,
    PLAIN_BYTES,
    TAG_BYTES,
    Channel,
    Group,
    payload_of,
)

PEER = b"peer 1"
TID = b"twelve bytes"
TIME = bytes(range(0xF0, 0xFC))


def seal(
    channel, payload=b"topic\nvalue", kinds=(DATA, CONFIRMED), counter=7, tid=TID, extra=3100
):
    return channel.seal(kinds, PEER, counter, tid, TIME, extra, payload)


def is_authentic(channel, packet):
    return channel.is_authentic(packet[:-TAG_BYTES], packet[-TAG_BYTES:])


def body(channel, packet):
    return channel.body(packet[12:HEAD_BYTES], packet[HEAD_BYTES:-TAG_BYTES])


class TestGroup(unittest.TestCase):
    def test_everybody_with_the_same_words_has_the_same_keys(self):
        one, other = Group("bla", "ble"), Group("bla", "ble")
        self.assertEqual((one.network, one.pairing), (other.network, other.pairing))
        self.assertEqual(seal(one.up), seal(other.up))

    def test_other_words_make_another_network(self):
        groups = [
            Group(*words)
            for words in (
                ("bla", "ble"),
                ("blu", "ble"),
                ("bla", "blu"),
                ("ble", "bla"),
                ("blable", ""),
                ("", "blable"),
                ("bla\0", "ble"),
                ("bla", "ble\0"),
                ("x" * 32, "ble"),
                ("x" * 33, "ble"),
                ("x" * 64, "ble"),
                ("\xe4", "ble"),
                ("a", "ble"),
            )
        ]
        self.assertEqual({len(group.network) for group in groups}, {4})
        self.assertEqual(len({group.network for group in groups}), len(groups))
        self.assertEqual(len({group.pairing for group in groups}), len(groups))

    def test_the_key_of_a_pair_depends_on_all_that_went_into_it(self):
        group = Group("bla", "ble")
        arguments = (b"s" * 32, PEER, b"c" * 32, b"p" * 32)
        found = {
            nowpair.pair_secret(group, *arguments),
            nowpair.pair_secret(Group("bla", "blu"), *arguments),
        }
        for i in range(4):
            changed = list(arguments)
            changed[i] = changed[i][:-1] + b"x"
            found.add(nowpair.pair_secret(group, *changed))
        found.add(nowpair.pair_secret(group, arguments[0], PEER, arguments[3], arguments[2]))
        self.assertEqual(len(found), 7)
        self.assertEqual({len(secret) for secret in found}, {32})


class TestChannel(unittest.TestCase):
    def setUp(self):
        self.group = Group("bla", "ble")
        self.channel = Channel(b"secret of a pair, 32 bytes of it", b"up", self.group.network)

    def test_what_is_sealed_comes_out_again(self):
        for size in range(MOST_PAYLOAD + 1):
            payload = bytes([i & 255 for i in range(size)])
            packet = seal(self.channel, payload)
            self.assertTrue(is_authentic(self.channel, packet))
            found = body(self.channel, packet)
            self.assertEqual(payload_of(found), payload)
            self.assertEqual((found[0], found[1], found[2:14]), (size, CONFIRMED, TIME))
            self.assertEqual(found[14] << 8 | found[15], 3100)
            self.assertEqual(found[PLAIN_BYTES + size :], bytes(-(PLAIN_BYTES + size) % 16))

    def test_its_length_is_one_of_twelve(self):
        sizes = set()
        for size in range(MOST_PAYLOAD + 1):
            sizes.add(len(seal(self.channel, b"x" * size)))
        self.assertEqual(sorted(sizes), [LEAST_BYTES + 16 * i for i in range(12)])
        self.assertTrue(max(sizes) <= MOST_BYTES)

    def test_its_head_is_in_the_clear(self):
        packet = seal(self.channel)
        head = bytes((3, DATA)) + self.group.network + PEER + b"\0\0\0\x07" + TID
        self.assertEqual(packet[:HEAD_BYTES], head)

    def test_a_longer_payload_is_refused(self):
        for size in (MOST_PAYLOAD + 1, 250, 256, 1000):
            self.assertRaises(ValueError, seal, self.channel, bytes(size))

    def test_numbers_at_their_limits(self):
        packet = seal(self.channel, counter=0xFFFFFFFF, extra=0xFFFF)
        self.assertEqual(packet[12:16], b"\xff\xff\xff\xff")
        self.assertEqual(body(self.channel, packet)[14:16], b"\xff\xff")

    def test_equal_payloads_look_different(self):
        """So long as counter or TID differ, which both do."""
        packets = [
            seal(self.channel),
            seal(self.channel, counter=8),
            seal(self.channel, tid=TID[:-1] + b"x"),
        ]
        self.assertEqual(len({packet[HEAD_BYTES : HEAD_BYTES + 16] for packet in packets}), 3)
        self.assertEqual(len({packet[-TAG_BYTES:] for packet in packets}), 3)

    def test_directions_and_secrets_are_apart(self):
        network = self.group.network
        others = (
            Channel(b"secret of a pair, 32 bytes of it", b"down", network),
            Channel(b"secret of a pair, 32 bytes of i!", b"up", network),
            self.group.up,
            self.group.down,
        )
        packet = seal(self.channel)
        for other in others:
            self.assertFalse(is_authentic(other, packet))
            self.assertFalse(is_authentic(self.channel, seal(other)))

    def test_what_is_cut_or_longer_is_not_authentic(self):
        packet = seal(self.channel, b"x" * 49)
        for size in range(TAG_BYTES, len(packet)):
            self.assertFalse(is_authentic(self.channel, packet[:size]))
        for more in (b"\0", bytes(16)):
            self.assertFalse(is_authentic(self.channel, packet + more))

    def test_nor_is_garbage(self):
        for size in range(LEAST_BYTES, MOST_BYTES):
            for byte in (0, 3, 255):
                self.assertFalse(is_authentic(self.channel, bytes((byte,)) * size))

    def test_views_of_a_buffer_will_do(self):
        packet = seal(self.channel)
        view = memoryview(bytearray(packet))
        end = len(packet) - TAG_BYTES
        self.assertTrue(self.channel.is_authentic(view[:end], view[end:]))
        found = self.channel.body(view[12:HEAD_BYTES], view[HEAD_BYTES:end])
        self.assertEqual(payload_of(found), b"topic\nvalue")

    def test_a_payload_that_is_longer_than_its_body_is_none(self):
        for size, room in ((1, 0), (16, 0), (17, 16), (176, 160), (255, 176)):
            self.assertRaises(ValueError, payload_of, bytes((size,)) + bytes(15 + room))
        self.assertEqual(payload_of(bytes(16)), b"")
        self.assertEqual(payload_of(b"\x10" + bytes(15) + b"x" * 16), b"x" * 16)


class TestNumbers(unittest.TestCase):
    def test_of_each_side_are_apart(self):
        self.assertEqual(len({DATA, nowwire.TIME, nowwire.PING, PAIRING, nowwire.WAKEUP}), 5)
        flags = (nowwire.NO_UPDATE, nowwire.ON_TRIAL, nowwire.MILLIVOLTS)
        self.assertEqual(sum(flags), 0xFFFF)


if __name__ == "__main__":
    unittest.main()
