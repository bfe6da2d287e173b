"""Network time: it follows the clock from any start, over every wrap."""

import time
import unittest

from epx.nowtime import NetworkTime

WRAPS = (
    0,
    1,
    0xFFFF,
    (1 << 30) - 1,
    (1 << 31) - 500,
    (1 << 32) - 1,
    (1 << 32) - 500,
    (1 << 64) - 500,
    (1 << 95) - 500,
    (1 << 96) - 500,
)


def packed(number):
    return (number % (1 << 96)).to_bytes(12, "big")


class TestNetworkTime(unittest.TestCase):
    def test_there_and_back(self):
        for start in WRAPS:
            self.assertEqual(NetworkTime(packed(start)).now(), packed(start))

    def test_it_goes_on_with_the_clock(self):
        for start in WRAPS:
            network = NetworkTime(packed(start))
            wanted = start
            for passed_ms in (1, 500, 1000, 3600000):
                time.sleep_ms(passed_ms)
                wanted += passed_ms
                self.assertEqual(network.now(), packed(wanted))

    def test_over_the_wrap_of_ticks(self):
        """It is 30 s away when a test begins."""
        network = NetworkTime(packed(5))
        before = time.ticks_ms()
        for _ in range(7):
            time.sleep_ms(10000)
            network.now()
        self.assertTrue(time.ticks_ms() < before)
        self.assertEqual(network.now(), packed(70005))

    def test_nobody_has_to_ask_it_for_days(self):
        network = NetworkTime(packed(0))
        time.sleep_ms(6 * 86400000)
        self.assertEqual(network.now(), packed(6 * 86400000))

    def test_how_far_another_is_ahead(self):
        for start in WRAPS[1:-1]:
            network = NetworkTime(packed(start))
            for ahead_ms in (0, 1, 999, 1000, 1001, 600000, 120001, 1 << 28):
                self.assertEqual(network.ahead_ms(packed(start + ahead_ms)), ahead_ms)
                if start >= ahead_ms:
                    self.assertEqual(network.ahead_ms(packed(start - ahead_ms)), -ahead_ms)

    def test_it_moves_while_another_stays(self):
        network = NetworkTime(packed((1 << 32) - 300))
        time.sleep_ms(1000)
        self.assertEqual(network.ahead_ms(packed((1 << 32) - 300)), -1000)

    def test_what_is_far_off_is_cut(self):
        network = NetworkTime(packed(1 << 90))
        most = 0x1FFFFFFF
        for far in (1 << 30, 1 << 32, 1 << 33, 1 << 64, 1 << 89):
            self.assertEqual(network.ahead_ms(packed((1 << 90) + far)), most)
            self.assertEqual(network.ahead_ms(packed((1 << 90) - far)), -most)

    def test_a_sleep_is_added(self):
        for start in WRAPS:
            network = NetworkTime(packed(start))
            network.add(3600000)
            self.assertEqual(network.now(), packed(start + 3600000))
            network.add(50 * 86400000)
            self.assertEqual(network.now(), packed(start + 3600000 + 50 * 86400000))

    def test_it_can_be_set(self):
        network = NetworkTime(packed(5))
        time.sleep_ms(777)
        network.set(packed(1 << 70))
        time.sleep_ms(3)
        self.assertEqual(network.now(), packed((1 << 70) + 3))

    def test_it_takes_and_keeps_bytes_of_any_kind(self):
        buffer = bytearray(packed(1 << 50))
        network = NetworkTime(memoryview(buffer))
        buffer[0] = 9
        self.assertEqual(network.now(), packed(1 << 50))
        self.assertEqual(network.ahead_ms(bytearray(packed((1 << 50) + 9))), 9)


if __name__ == "__main__":
    unittest.main()
