"""Frames and checks of Modbus RTU."""

import unittest

from testmock.models.pzem004t import with_crc
from third.modbus import crc16, find, request

# Read two registers from 0 on, slave 1: the check that every description shows.
KNOWN = b"\x01\x03\x00\x00\x00\x02\xc4\x0b"


class TestFrames(unittest.TestCase):
    def test_a_known_frame(self):
        self.assertEqual(bytes(request(1, 3, 0, 2)), KNOWN)
        self.assertEqual(crc16(KNOWN, 0, 6), 0x0BC4)

    def test_the_check_of_a_whole_frame_is_zero(self):
        self.assertEqual(crc16(KNOWN, 0, 8), 0)
        self.assertEqual(crc16(b"??" + KNOWN + b"?", 2, 10), 0)

    def test_nothing_has_the_initial_check(self):
        self.assertEqual(crc16(b"", 0, 0), 0xFFFF)

    def test_words_go_high_byte_first(self):
        self.assertEqual(bytes(request(0xF8, 0x42)), with_crc(b"\xf8\x42"))
        self.assertEqual(bytes(request(0xF8, 6, 1, 0x1234)), with_crc(b"\xf8\x06\x00\x01\x12\x34"))


class TestFind(unittest.TestCase):
    def setUp(self):
        self.answer = with_crc(b"\x01\x04\x02\x08\x98")

    def find(self, data):
        return find(data, len(data), 4, 7)

    def test_alone_and_between_noise(self):
        self.assertEqual(self.find(self.answer), 0)
        self.assertEqual(self.find(b"\x01\x04\x02" + self.answer + b"\x01\x04"), 3)

    def test_the_newest_of_two(self):
        self.assertEqual(self.find(self.answer + self.answer), 7)

    def test_only_what_is_before_the_length(self):
        self.assertIsNone(find(self.answer, 6, 4, 7))
        self.assertIsNone(find(self.answer, 0, 4, 7))

    def test_each_wrong_bit_is_noticed(self):
        for i in range(8 * len(self.answer)):
            data = bytearray(self.answer)
            data[i >> 3] ^= 1 << (i & 7)
            self.assertIsNone(self.find(data), i)

    def test_another_function_or_no_address(self):
        self.assertIsNone(self.find(with_crc(b"\x01\x03\x02\x08\x98")))
        for address in (0, 0xF9, 0xFF):
            self.assertIsNone(self.find(with_crc(bytes((address,)) + b"\x04\x02\x08\x98")))

    def test_a_refusal_says_its_code(self):
        with self.assertRaises(OSError) as caught:
            self.find(b"\x84" + with_crc(b"\x01\x84\x02"))
        self.assertIn("code 2", str(caught.exception))

    def test_a_refusal_with_a_wrong_check_is_noise(self):
        self.assertIsNone(self.find(b"\x01\x84\x02\x00\x00"))
        self.assertIsNone(self.find(b"\x01\x84\x02"))

    def test_answers_shorter_than_a_refusal_are_found(self):
        data = with_crc(b"\xf8\x42")
        self.assertEqual(find(data, 4, 0x42, 4), 0)


if __name__ == "__main__":
    unittest.main()
