"""Keyed hashes and derived keys, against the vectors of their RFCs; comparison."""

import unittest
from binascii import hexlify

from epx.compare import equal
from epx.keyed import Mac, hkdf, hmac

# RFC 4231, section 4.2 to 4.8: key, data, HMAC-SHA256 (the fifth is truncated there).
HMAC = (
    (
        b"\x0b" * 20,
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        b"\xaa" * 20,
        b"\xdd" * 50,
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    ),
    (
        bytes(range(1, 26)),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
    (b"\x0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        b"\xaa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. "
        b"The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
)

# RFC 5869, appendix A.1 to A.3: secret, salt, info, keys.
HKDF = (
    (
        b"\x0b" * 22,
        bytes(range(13)),
        bytes(range(0xF0, 0xFA)),
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        bytes(range(80)),
        bytes(range(0x60, 0xB0)),
        bytes(range(0xB0, 0x100)),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
        "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
        "cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    (
        b"\x0b" * 22,
        b"",
        b"",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
)


def hexadecimal(data):
    return str(hexlify(data), "ascii")


class Vectors(unittest.TestCase):
    def test_hmac_as_in_rfc_4231(self):
        for key, data, wanted in HMAC:
            self.assertEqual(hexadecimal(hmac(key, data))[: len(wanted)], wanted)

    def test_hkdf_as_in_rfc_5869(self):
        for secret, salt, info, wanted in HKDF:
            keys = b"".join(hkdf(secret, salt, info, 3))
            self.assertEqual(hexadecimal(keys)[: len(wanted)], wanted)

    def test_of_parts_as_of_the_whole(self):
        for key, data, wanted in HMAC:
            mac = Mac(key)
            for at in range(len(data)):
                found = hexadecimal(mac.digest(data[:at], b"", memoryview(data)[at:]))
                self.assertEqual(found[: len(wanted)], wanted)

    def test_keys_around_the_length_of_a_block(self):
        """One of up to 64 bytes is padded with zeros, a longer one hashed: both are equal."""
        key = b"k" * 64
        self.assertEqual(hmac(key[:63], b"x"), hmac(key[:63] + b"\0", b"x"))
        self.assertNotEqual(hmac(key, b"x"), hmac(key + b"\0", b"x"))
        self.assertNotEqual(hmac(key, b"x"), hmac(key[:63], b"x"))
        self.assertEqual(hmac(b"", b"x"), hmac(bytes(64), b"x"))

    def test_fewer_keys_are_the_first_of_more(self):
        keys = hkdf(b"secret", b"salt", b"info", 4)
        self.assertEqual(hkdf(b"secret", b"salt", b"info", 1), keys[:1])
        self.assertEqual(len(set(keys)), 4)
        self.assertEqual({len(key) for key in keys}, {32})


class Equal(unittest.TestCase):
    def test_all_bytes_count(self):
        data = bytes(range(32))
        self.assertTrue(equal(data, memoryview(bytearray(data))))
        self.assertTrue(equal(b"", b""))
        self.assertFalse(equal(data, data[:31]))
        self.assertFalse(equal(data[:31], data))
        for i in range(32):
            for bit in (1, 128):
                other = bytearray(data)
                other[i] ^= bit
                self.assertFalse(equal(data, other))


if __name__ == "__main__":
    unittest.main()
