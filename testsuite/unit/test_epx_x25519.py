"""The exchange of keys: vectors of RFC 7748, and what strangers may send."""

import sys
import unittest
from binascii import hexlify, unhexlify

from epx.x25519 import public, shared

PRIME = 2**255 - 19
# Section 5.2: scalar, u-coordinate, result.
VECTORS = (
    (
        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
    ),
    (
        "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
        "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
    ),
)
# The same section: what is there after so many iterations. That after 100 is no vector of the RFC,
# but OpenSSL has it too, and on CPython the way to 1000 goes by it.
AFTER = {
    1: "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079",
    100: "b1a5a73158904c020866c13939dd7e1aa26852ee1d2609c92e5a8f1debe2150a",
    1000: "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51",
}
# Section 6.1.
ALICE = unhexlify("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
ALICE_PUBLIC = unhexlify("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
BOB = unhexlify("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
BOB_PUBLIC = unhexlify("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
SHARED = unhexlify("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")


def key(number):
    return number.to_bytes(32, "little")


class TestVectors(unittest.TestCase):
    def test_single_ones(self):
        for secret, point, result in VECTORS:
            found = shared(unhexlify(secret), unhexlify(point))
            self.assertEqual(hexlify(found).decode(), result)

    def test_iterated(self):
        last = 1000
        if sys.implementation.name == "micropython":
            last = 100  # at 4 ms each
        print("1,000,000 iterations are left out: an hour on MicroPython, 20 minutes on CPython")
        secret = point = key(9)
        for i in range(1, last + 1):
            secret, point = shared(secret, point), secret
            if i in AFTER:
                self.assertEqual((i, hexlify(secret).decode()), (i, AFTER[i]))

    def test_two_get_the_same_secret(self):
        self.assertEqual(public(ALICE), ALICE_PUBLIC)
        self.assertEqual(public(BOB), BOB_PUBLIC)
        self.assertEqual(shared(ALICE, BOB_PUBLIC), SHARED)
        self.assertEqual(shared(BOB, ALICE_PUBLIC), SHARED)


class TestArguments(unittest.TestCase):
    def test_bits_that_are_set_or_cleared_do_not_count(self):
        other = bytearray(ALICE)
        other[0] ^= 7
        other[31] ^= 0xC0
        self.assertEqual(public(other), ALICE_PUBLIC)
        for place, bit in ((0, 8), (31, 0x20), (16, 1)):
            other = bytearray(ALICE)
            other[place] ^= bit
            self.assertNotEqual(public(other), ALICE_PUBLIC)

    def test_secrets_are_left_as_they_are(self):
        secret = bytearray(b"\xff" * 32)
        public(secret)
        self.assertEqual(secret, b"\xff" * 32)

    def test_the_highest_bit_of_a_public_key_means_nothing(self):
        point = bytearray(BOB_PUBLIC)
        point[31] |= 0x80
        self.assertEqual(shared(ALICE, point), SHARED)

    def test_a_number_above_the_prime_is_the_same_reduced(self):
        self.assertEqual(shared(ALICE, key(PRIME + 9)), public(ALICE))

    def test_points_of_low_order_are_refused(self):
        for number in (0, 1, PRIME - 1, PRIME, PRIME + 1):
            for highest in (0, 1 << 255):
                with self.assertRaises(ValueError):
                    shared(ALICE, key(number | highest))

    def test_other_lengths_are_refused(self):
        for size in (0, 31, 33):
            with self.assertRaises(ValueError):
                shared(bytes(size), BOB_PUBLIC)
            with self.assertRaises(ValueError):
                shared(ALICE, BOB_PUBLIC[:1] * size)
            with self.assertRaises(ValueError):
                public(bytes(size))


if __name__ == "__main__":
    unittest.main()
