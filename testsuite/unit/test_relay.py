"""A relay on its own, with the loop and the clock's memory; the payloads and keys of four."""

import unittest

import _sim
from machine import Pin

from epx import loop, rtcmemory
from relay.actuator import Relay
from relay.service import seconds
from relay.settings import KEYS, SAFE_PINS, times

BENCH = _sim.bench


def run_for_s(s):
    """Until then, and not a moment later."""
    end_us = BENCH.clock.now_us() + s * 1000000
    loop.Task(int, s * 1000)
    while BENCH.clock.now_us() < end_us:
        loop.step()


class TestRelay(unittest.TestCase):
    def setUp(self):
        self.relay = self.make(604800)

    def make(self, most_s):
        return Relay(1, Pin(26, Pin.OUT, value=1), most_s)

    def expect(self, on):
        self.assertEqual((self.relay.state, BENCH.output(26)), (1, 0) if on else (0, 1))

    def test_is_on_for_a_day(self):
        self.expect(False)
        self.relay.turn_on(86400)
        run_for_s(86399)
        self.expect(True)
        run_for_s(2)
        self.expect(False)

    def test_is_on_for_a_week_at_most(self):
        self.relay.turn_on(10**20)
        run_for_s(604799)
        self.expect(True)
        run_for_s(2)
        self.expect(False)
        self.assertIsNone(rtcmemory.read("relay1"))

    def test_a_longer_a_shorter_and_no_time(self):
        for s in (100, 50, 5):
            self.relay.turn_on(s)
        run_for_s(4)
        self.expect(True)
        run_for_s(2)
        self.expect(False)
        self.relay.turn_on(5)
        self.relay.turn_on(-5)
        self.expect(False)
        self.relay.turn_on(1000)
        run_for_s(30)
        self.expect(True)

    def test_goes_on_after_a_reset(self):
        self.relay.turn_on(100)
        run_for_s(40)
        self.relay._end.cancel()
        self.relay = self.make(604800)
        self.expect(True)
        run_for_s(59)
        self.expect(True)
        run_for_s(2)
        self.expect(False)
        self.relay = self.make(604800)
        self.expect(False)

    def test_a_clock_that_was_set_back_gives_no_more_than_the_longest_time(self):
        self.relay.turn_on(100)
        self.relay._end.cancel()
        rtcmemory.write("relay1", (50000).to_bytes(8, "big"))
        self.relay = self.make(60)
        run_for_s(59)
        self.expect(True)
        run_for_s(2)
        self.expect(False)

    def test_a_clock_that_was_set_forward_turns_off(self):
        self.relay.turn_on(100)
        self.relay._end.cancel()
        BENCH.rtc_offset_s += 1000
        self.relay = self.make(60)
        self.expect(False)
        self.assertIsNone(rtcmemory.read("relay1"))


class TestTables(unittest.TestCase):
    def test_seconds(self):
        for payload, value in ((b"30", 30), (b"-1", -1), (b"0", 0), (b" 2.9 ", 2), (b"1e3", 1000)):
            self.assertEqual(seconds(payload), value)
        for payload in (b"foo", b"", b"nan", b"inf", b"-inf", b"1,5", b"\xff"):
            with self.assertRaises(ValueError) as caught:
                seconds(payload)
            self.assertEqual(caught.exception.args[0], "want a number of seconds")

    def test_the_longest_times(self):
        self.assertEqual(KEYS[0].default, (600, 86400, 86400, 86400))
        self.assertEqual(times("1, 2,3 ,604800"), (1, 2, 3, 604800))
        for words in ("", "1,2,3", "1,2,3,4,5", "0,1,1,1", "1,1,1,604801", "1,1,1,x", "1.5,1,1,1"):
            with self.assertRaises(ValueError) as caught:
                times(words)
            self.assertIn("want 4 integers", caught.exception.args[0])

    def test_the_safe_level_is_off(self):
        self.assertEqual(SAFE_PINS, ((25, 1), (26, 1), (27, 1), (33, 1)))


if __name__ == "__main__":
    unittest.main()
