"""The memory that survives resets, on the simulated bench."""

import sys
import unittest

import _sim

from epx import rtcmemory

BENCH = _sim.bench


def reload_after(cause):
    """The module as of the next boot."""
    BENCH.cause = cause
    del sys.modules["epx.rtcmemory"]
    delattr(sys.modules["epx"], "rtcmemory")
    __import__("epx.rtcmemory")
    return sys.modules["epx.rtcmemory"]


class TestMemory(unittest.TestCase):
    def test_nothing_is_there_at_first(self):
        self.assertIsNone(rtcmemory.read("one"))

    def test_keeps_pieces_by_their_names(self):
        rtcmemory.write("one", b"1")
        rtcmemory.write("two", bytes(range(255)))
        rtcmemory.write("none", b"")
        rtcmemory.write("one", b"111")
        self.assertEqual(rtcmemory.read("one"), b"111")
        self.assertEqual(rtcmemory.read("two"), bytes(range(255)))
        self.assertEqual(rtcmemory.read("none"), b"")
        self.assertIsNone(rtcmemory.read("three"))
        rtcmemory.write("two", None)
        rtcmemory.write("two", None)
        self.assertIsNone(rtcmemory.read("two"))
        self.assertEqual(rtcmemory.read("one"), b"111")
        for name in ("one", "none"):
            rtcmemory.write(name, None)
        self.assertEqual(len(BENCH.rtc_memory), 4)

    def test_a_damage_anywhere_makes_all_unknown(self):
        rtcmemory.write("one", b"12345")
        rtcmemory.write("two", b"67")
        good = BENCH.rtc_memory
        for i in range(len(good)):
            BENCH.rtc_memory = good[:i] + bytes((good[i] ^ 0x10,)) + good[i + 1 :]
            self.assertIsNone(rtcmemory.read("one"))
            self.assertIsNone(rtcmemory.read("two"))
            BENCH.rtc_memory = good[:i]
            self.assertIsNone(rtcmemory.read("one"))
        BENCH.rtc_memory = bytes(2048)
        self.assertIsNone(rtcmemory.read("one"))
        rtcmemory.write("one", b"new")
        self.assertEqual(rtcmemory.read("one"), b"new")

    def test_survives_every_reset_but_a_power_on(self):
        rtcmemory.write("one", b"1")
        for cause in (2, 3, 4, 5):
            self.assertEqual(reload_after(cause).read("one"), b"1")
        self.assertIsNone(reload_after(1).read("one"))


if __name__ == "__main__":
    unittest.main()
