"""AES as lib/ uses it: MicroPython's own, and what stands in for it on CPython."""

import unittest
from binascii import unhexlify

from cryptolib import aes

ECB = 1
CBC = 2
CTR = 6

# NIST SP 800-38A, F.2.5 and F.1.5: AES-256, the same four blocks.
KEY = unhexlify("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
IV = bytes(range(16))
PLAIN = unhexlify(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
)
CBC_SECRET = unhexlify(
    "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
    "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"
)
ECB_SECRET = unhexlify(
    "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870"
    "b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7"
)
# F.2.1: AES-128.
KEY_128 = unhexlify("2b7e151628aed2a6abf7158809cf4f3c")
FIRST_128 = unhexlify("7649abac8119b246cee98e9b12e9197d")


class TestAes(unittest.TestCase):
    def test_vectors_of_nist(self):
        self.assertEqual(aes(KEY, CBC, IV).encrypt(PLAIN), CBC_SECRET)
        self.assertEqual(aes(KEY, CBC, IV).decrypt(CBC_SECRET), PLAIN)
        self.assertEqual(aes(KEY, ECB).encrypt(PLAIN), ECB_SECRET)
        self.assertEqual(aes(KEY, ECB).decrypt(ECB_SECRET), PLAIN)
        self.assertEqual(aes(KEY_128, CBC, IV).encrypt(PLAIN[:16]), FIRST_128)

    def test_cbc_goes_on_from_call_to_call(self):
        cipher = aes(KEY, CBC, IV)
        self.assertEqual(cipher.encrypt(PLAIN[:16]) + cipher.encrypt(PLAIN[16:]), CBC_SECRET)
        cipher = aes(KEY, CBC, IV)
        self.assertEqual(cipher.decrypt(CBC_SECRET[:48]) + cipher.decrypt(CBC_SECRET[48:]), PLAIN)

    def test_in_place_and_into_a_part_of_a_buffer(self):
        data = bytearray(PLAIN)
        aes(KEY, CBC, IV).encrypt(data, data)
        self.assertEqual(bytes(data), CBC_SECRET)
        room = bytearray(100)
        view = memoryview(room)
        aes(KEY, CBC, IV).decrypt(memoryview(data)[:32], view[10:42])
        self.assertEqual(bytes(room), bytes(10) + PLAIN[:32] + bytes(58))

    def test_one_object_has_one_direction(self):
        cipher = aes(KEY, CBC, IV)
        cipher.encrypt(PLAIN)
        with self.assertRaises(ValueError):
            cipher.decrypt(PLAIN)

    def test_what_is_refused(self):
        for arguments in ((KEY, CTR, IV), (KEY, 3, IV), (KEY[:24], ECB), (KEY, CBC, IV[:15])):
            with self.assertRaises(ValueError):
                aes(*arguments)
        with self.assertRaises(ValueError):
            aes(KEY, CBC)
        with self.assertRaises(ValueError):
            aes(KEY, ECB).encrypt(PLAIN[:15])
        with self.assertRaises(ValueError):
            aes(KEY, ECB).encrypt(PLAIN, bytearray(63))
        with self.assertRaises(TypeError):
            aes(KEY, ECB).encrypt(PLAIN, bytes(64))
