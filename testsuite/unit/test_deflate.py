"""Inflating as lib/ uses it: MicroPython's own, and what stands in for it on CPython."""

import unittest
from io import BytesIO

import deflate

EINVAL = 22
FIRST = bytes([n * 167 % 251 ^ n >> 3 & 255 for n in range(3000)])
# A match of 10 bytes from 3000 bytes back, as a block with fixed codes (RFC 1951, 3.2.6):
# code 264, distance code 22 (from 2049 on, ten more bits), end. Codes run from the highest bit,
# numbers from the lowest.
MATCH = ((1, 1), (1, 2), ("0001000", 7), ("10110", 5), (3000 - 2049, 10), ("0000000", 7))


def packed(fields):
    value = at = 0
    for field, bits in fields:
        for n in range(bits):
            bit = int(field[n]) if isinstance(field, str) else field >> n & 1
            value |= bit << at
            at += 1
    return bytes([value >> shift & 255 for shift in range(0, at, 8)])


def stored(data):
    """A block that is not compressed (RFC 1951, 3.2.4), not the last one."""
    size = len(data)
    return bytes([0, size & 255, size >> 8, ~size & 255, ~size >> 8 & 255]) + data


STREAM = stored(FIRST) + packed(MATCH)
PLAIN = FIRST + FIRST[:10]


class TestDeflate(unittest.TestCase):
    def inflated(self, data, bits=12, piece=100):
        """What comes out before the end, and the error that ended it (None: none)."""
        out = b""
        try:
            with deflate.DeflateIO(BytesIO(data), deflate.RAW, bits) as stream:
                while True:
                    part = stream.read(piece)
                    if not part:
                        return out, None
                    out += part
        except (OSError, EOFError) as error:
            return out, error

    def test_a_window_of_4_kb_reaches_back_3000_bytes(self):
        for piece in (1, 100, 4096):
            self.assertEqual(self.inflated(STREAM, 12, piece), (PLAIN, None))

    def test_a_window_of_2_kb_does_not(self):
        out, error = self.inflated(STREAM, 11)
        self.assertEqual(out, FIRST)
        self.assertEqual(error.args[0], EINVAL)

    def test_readinto_and_the_rest_of_the_stream_stay_exact(self):
        source = BytesIO(STREAM + b"what follows")
        stream = deflate.DeflateIO(source, deflate.RAW, 12)
        buffer = bytearray(50)
        self.assertEqual(stream.readinto(buffer), 50)
        self.assertEqual(bytes(buffer), FIRST[:50])
        self.assertEqual(source.tell(), 55)
        self.assertEqual(stream.readinto(buffer, 7), 7)
        self.assertEqual(stream.read(-1), PLAIN[57:])
        self.assertEqual(stream.read(5), b"")
        self.assertEqual(source.read(), b"what follows")

    def test_a_truncated_stream_ends_with_eoferror(self):
        for size in (0, 1, 4, 5, 1000, len(STREAM) - 4, len(STREAM) - 1):
            out, error = self.inflated(STREAM[:size])
            self.assertTrue(isinstance(error, EOFError), size)
            self.assertTrue(PLAIN.startswith(out))

    def test_garbage_is_einval(self):
        # An unknown kind of block; a stored one whose length and its complement differ.
        for data in (b"\xff" * 20, b"\x01" * 20):
            out, error = self.inflated(data)
            self.assertEqual((out, error.args[0]), (b"", EINVAL))

    def test_what_is_refused(self):
        for arguments in ((deflate.RAW, 4), (deflate.RAW, 16), (7, 12)):
            with self.assertRaises(ValueError):
                deflate.DeflateIO(BytesIO(STREAM), *arguments).read(1)

    def test_a_closed_stream_reads_no_more(self):
        stream = deflate.DeflateIO(BytesIO(STREAM), deflate.RAW, 12)
        stream.close()
        with self.assertRaises(OSError):
            stream.read(1)
