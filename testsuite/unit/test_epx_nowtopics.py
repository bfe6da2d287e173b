"""Rows of what is told and heard by radio."""

import unittest

from epx.nowtopics import Hear, Tell, split


class Source:
    weight = 7.26
    name = "scale"
    nothing = None

    def number(self):
        return 42


class TestTell(unittest.TestCase):
    def test_a_topic_and_a_value(self):
        for row, wanted in (
            (Tell("stat/X/Weight", "weight", 4), b"stat/X/Weight\n7.2600"),
            (Tell("stat/X/Weight", "weight", 1), b"stat/X/Weight\n7.3"),
            (Tell("stat/X/Number", "number", 0), b"stat/X/Number\n42"),
            (Tell("stat/X/Name", "name"), b"stat/X/Name\nscale"),
        ):
            self.assertEqual(row.payload(Source()), wanted)

    def test_what_is_unknown_is_not_told(self):
        self.assertIsNone(Tell("stat/X/Y", "nothing", 1).payload(Source()))
        self.assertIsNone(Tell("stat/X/Y", "nothing").payload(Source()))


class TestSplit(unittest.TestCase):
    def test_two_lines(self):
        self.assertEqual(split(b"stat/X/Weight\n7.0"), (b"stat/X/Weight", b"7.0"))

    def test_a_value_may_be_empty_or_have_lines_of_its_own(self):
        self.assertEqual(split(b"a\n"), (b"a", b""))
        self.assertEqual(split(b"a\nb\nc\n"), (b"a", b"b\nc\n"))

    def test_what_it_gets_may_be_any_buffer_of_any_bytes(self):
        self.assertEqual(split(memoryview(b"\xff\n\xfe")), (b"\xff", b"\xfe"))
        self.assertEqual(split(bytearray(b"a\nb")), (b"a", b"b"))

    def test_less_is_refused(self):
        for payload in (b"", b"\n", b"\nvalue", b"topic", b"topic\rvalue"):
            self.assertRaises(ValueError, split, payload)


class TestHear(unittest.TestCase):
    def test_it_is_a_row(self):
        row = Hear("stat/X/Y", "heard", int)
        self.assertEqual((row.topic, row.command, row.parse), ("stat/X/Y", "heard", int))


if __name__ == "__main__":
    unittest.main()
