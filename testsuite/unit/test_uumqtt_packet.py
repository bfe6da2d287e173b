"""MQTT on the byte level."""

import unittest

from uumqtt import packet


def reason(check, *arguments):
    """Why check raises, or None."""
    try:
        check(*arguments)
    except (ValueError, packet.MQTTError) as error:
        return error.args[0]
    return None


class TopicTest(unittest.TestCase):
    def problem(self, text):
        return reason(packet.check_topic, text, 0, len(text), packet.MQTTError)

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
        self.assertEqual(self.problem(b""), "topic is empty or too long")
        self.assertEqual(self.problem(b"x" * 65536), "topic is empty or too long")
        self.assertEqual(self.problem(b"a/+"), "wildcard in topic")
        self.assertEqual(self.problem(b"a#"), "wildcard in topic")
        self.assertEqual(self.problem(b"a\0"), "NUL in topic")

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
            self.assertEqual(self.problem(b"a" + text), "topic is not UTF-8", text)

    def test_looks_only_at_its_part(self):
        self.assertIsNone(reason(packet.check_topic, b"+a\0", 1, 2, ValueError))

    def test_raises_what_it_is_told(self):
        for kind in (ValueError, packet.MQTTError):
            with self.assertRaises(kind):
                packet.check_topic(b"a/+", 0, 3, kind)


class FilterTest(unittest.TestCase):
    def test_accepts_wildcards_where_they_belong(self):
        for text in (b"#", b"+", b"a/#", b"+/a/+", b"+/+", b"/", b"a//b", b"/#", b"$SYS/#"):
            self.assertIsNone(reason(packet.check_filter, text), text)

    def test_refuses_wildcards_elsewhere(self):
        for text in (b"a#", b"#/a", b"a/#/b", b"a+", b"+a/b", b"##"):
            self.assertEqual(reason(packet.check_filter, text), "wildcard in topic", text)

    def test_refuses_nothing_nul_and_bad_utf8(self):
        self.assertEqual(reason(packet.check_filter, b""), "filter is empty or too long")
        self.assertEqual(reason(packet.check_filter, b"a/" * 32768), "filter is empty or too long")
        self.assertEqual(reason(packet.check_filter, b"a/\0"), "NUL in topic")
        self.assertEqual(reason(packet.check_filter, b"\xff/a"), "topic is not UTF-8")


class EncodingTest(unittest.TestCase):
    def test_remaining_length_takes_as_many_bytes_as_it_needs(self):
        for size, header in (
            (0, b"\x10\x00"),
            (127, b"\x10\x7f"),
            (128, b"\x10\x80\x01"),
            (16383, b"\x10\xff\x7f"),
            (16384, b"\x10\x80\x80\x01"),
        ):
            whole = packet.framed(0x10, bytes(size))
            self.assertEqual(bytes(whole[: len(header)]), header)
            self.assertEqual(len(whole), len(header) + size)

    def test_connect_says_no_more_than_it_is_told(self):
        self.assertEqual(
            bytes(packet.connect_packet("me", 30, True, None, None, None)),
            b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x1e\x00\x02me",
        )

    def test_connect_says_everything_in_the_order_of_the_standard(self):
        will = ("w/t", b"\x00off", True, 1)
        self.assertEqual(
            bytes(packet.connect_packet("me", 300, False, "us", b"\xff", will)),
            b"\x10\x20\x00\x04MQTT\x04\xec\x01\x2c\x00\x02me"
            b"\x00\x03w/t\x00\x04\x00off\x00\x02us\x00\x01\xff",
        )

    def test_a_user_needs_no_password(self):
        self.assertEqual(
            bytes(packet.connect_packet("me", 30, True, "us", None, None)),
            b"\x10\x12\x00\x04MQTT\x04\x82\x00\x1e\x00\x02me\x00\x02us",
        )

    def test_a_password_needs_a_user(self):
        self.assertEqual(
            packet.connect_packet("me", 30, True, None, "secret", None),
            packet.connect_packet("me", 30, True, None, None, None),
        )

    def test_an_error_is_an_oserror_with_a_reason(self):
        with self.assertRaises(OSError) as caught:
            raise packet.MQTTError("no PINGRESP")
        self.assertEqual(caught.exception.reason, "no PINGRESP")
        self.assertEqual(str(caught.exception), "no PINGRESP")


if __name__ == "__main__":
    unittest.main()
