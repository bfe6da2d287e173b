"""MQTT on the byte level."""

import unittest

from uumqtt_fakes import Peer

from uumqtt.client import Client
from uumqtt.connection import MQTTError, check_topic


class TopicTest(unittest.TestCase):
    def problem(self, text):
        """Why it is no topic, or None."""
        try:
            check_topic(text, MQTTError)
        except MQTTError as error:
            return error.args[0]
        return None

    def test_accepts_what_the_standard_allows(self):
        for text in (
            b"a",
            b"/",
            b"a/b c/$x",
            "k\u00fcche/\u20ac/\U0001f6b0".encode(),
            b"\xed\x9f\xbf\xee\x80\x80",  # around the surrogates
            b"\xf4\x8f\xbf\xbf",  # U+10FFFF
            b"x" * 65535,
        ):
            self.assertIsNone(self.problem(text), text[:20])

    def test_refuses_wildcards_nul_and_nothing(self):
        self.assertEqual(self.problem(b""), "bad topic")
        self.assertEqual(self.problem(b"x" * 65536), "bad topic")
        self.assertEqual(self.problem(b"a/+"), "bad topic")
        self.assertEqual(self.problem(b"a#"), "bad topic")
        self.assertEqual(self.problem(b"a\0"), "bad topic")

    def test_refuses_every_kind_of_bad_utf8(self):
        for text in (
            b"\x80",  # continuation without a lead
            b"\xc1\xbf",  # overlong, two bytes
            b"\xe0\x9f\xbf",  # overlong, three bytes
            b"\xf0\x8f\xbf\xbf",  # overlong, four bytes
            b"\xed\xa0\x80",  # surrogate
            b"\xf4\x90\x80\x80",  # beyond U+10FFFF
            b"\xf5\x80\x80\x80",
            b"\xff",
            b"\xc3",  # cut off
            b"\xe2\x82",
            b"\xf0\x9f\x9a",
            b"\xc3\x28",  # continuation missing
            b"\xe2\x82\x28",
            b"\xf0\x9f\x28\xb0",
            b"\xf0\x9f\x9a\x28",
        ):
            self.assertEqual(self.problem(b"a" + text), "bad topic", text)

    def test_raises_what_it_is_told(self):
        for kind in (ValueError, MQTTError):
            with self.assertRaises(kind):
                check_topic(b"a/+", kind)


class FilterTest(unittest.TestCase):
    def test_accepts_wildcards_where_they_belong(self):
        client = Peer().connect()
        for text in (b"#", b"+", b"a/#", b"+/a/+", b"+/+", b"/", b"a//b", b"/#", b"$SYS/#"):
            self.assertTrue(client.subscribe(text), text)

    def test_refuses_everything_else(self):
        client = Client("me", tx_bytes=300)
        elsewhere = (b"a#", b"#/a", b"a/#/b", b"a+", b"+a/b", b"##")
        for text in elsewhere + (b"", b"a/" * 32768, b"a/\0", b"\xff/a"):
            with self.assertRaises(ValueError):
                client.subscribe(text)


class EncodingTest(unittest.TestCase):
    def connect(self, will=None, **options):
        """The CONNECT of a client with these options."""
        peer = Peer(**options)
        if will:
            peer.client.set_will(*will)
        peer.link()
        return peer.stream.take()

    def test_remaining_length_takes_as_many_bytes_as_it_needs(self):
        peer = Peer(tx_bytes=16384)
        client = peer.connect()
        for size, header in (
            (1, b"\x82\x06"),
            (122, b"\x82\x7f"),
            (123, b"\x82\x80\x01"),
            (16376, b"\x82\xfd\x7f"),
        ):
            client.subscribe(b"f" * size)
            whole = peer.stream.take()
            self.assertEqual(whole[: len(header)], header)
            self.assertEqual(len(whole), len(header) + 5 + size)
        with self.assertRaises(ValueError):
            client.subscribe(b"f" * 16377)

    def test_connect_says_no_more_than_it_is_told(self):
        self.assertEqual(self.connect(), b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x1e\x00\x02me")

    def test_connect_says_everything_in_the_order_of_the_standard(self):
        self.assertEqual(
            self.connect(
                ("w/t", b"\x00off", True, 1),
                keepalive_s=300,
                clean=False,
                user="us",
                password=b"\xff",
            ),
            b"\x10\x20\x00\x04MQTT\x04\xec\x01\x2c\x00\x02me"
            b"\x00\x03w/t\x00\x04\x00off\x00\x02us\x00\x01\xff",
        )

    def test_the_last_will_counts(self):
        peer = Peer()
        peer.client.set_will("w", "1", True, 2)
        peer.client.set_will("w", "2", False, 1)
        peer.link()
        self.assertIn(b"\x04\x0e\x00\x1e\x00\x02me\x00\x01w\x00\x012", peer.stream.take())

    def test_a_user_needs_no_password(self):
        self.assertEqual(
            self.connect(user="us"),
            b"\x10\x12\x00\x04MQTT\x04\x82\x00\x1e\x00\x02me\x00\x02us",
        )

    def test_a_password_needs_a_user(self):
        self.assertEqual(self.connect(password="secret"), self.connect())

    def test_an_error_is_an_oserror_that_says_why(self):
        with self.assertRaises(OSError) as caught:
            raise MQTTError("no PINGRESP")
        self.assertEqual(caught.exception.args[0], "no PINGRESP")
        self.assertEqual(str(caught.exception), "no PINGRESP")


if __name__ == "__main__":
    unittest.main()
