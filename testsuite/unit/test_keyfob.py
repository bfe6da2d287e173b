"""Frames of keyfobs: vectors, timing rules, jitter, noise; waiting for the edges of a pin."""

import unittest
from time import ticks_diff, ticks_us

import _sim
import micropython
from machine import Pin

from testmock.models import keyfob as model
from third.keyfob import COUNTS, Frames, decode
from third.ookpoll import Listener

BENCH = _sim.bench
EV1527 = "EV1527:11259365"  # 0xABCDE5
HT6P20 = "HT6P20:19088741"  # 0x1234565
TAIL = [(0, 300)]
UNITS_US = {EV1527: (230, 350, 450), HT6P20: (400, 500, 600)}


def codes_of(pulses, frames=None):
    """All that is decoded from a train of (level, us)."""
    frames = frames or Frames()
    found = []
    for level, us in pulses:
        if frames.feed(level, us):
            found.append(decode(frames.pulses, frames.size))
    if frames.end():
        found.append(decode(frames.pulses, frames.size))
    return [code for code in found if code]


def counts(frames):
    return dict(zip(COUNTS, frames.counts))


class TestFrames(unittest.TestCase):
    def test_the_vectors(self):
        for code in (EV1527, HT6P20):
            for unit_us in UNITS_US[code]:
                pulses = model.press(code, 3, unit_us)
                self.assertEqual(codes_of(pulses), [code] * 3, (code, unit_us))

    def test_the_numbers_of_pulses(self):
        for code, pulses in ((EV1527, 49), (HT6P20, 57)):
            frames = Frames()
            codes_of(model.press(code, 1), frames)
            self.assertEqual(frames.size, pulses)

    def test_the_first_bit_is_the_most_significant(self):
        self.assertEqual(codes_of(model.press("EV1527:8388608", 1)), ["EV1527:8388608"])
        self.assertEqual(codes_of(model.press("EV1527:1", 1)), ["EV1527:1"])
        self.assertEqual(codes_of(model.press("EV1527:0", 1)), ["EV1527:0"])
        self.assertEqual(codes_of(model.press("EV1527:16777215", 1)), ["EV1527:16777215"])

    def test_ht6p20_needs_its_suffix(self):
        for suffix in range(16):
            code = "HT6P20:%d" % (0x1234560 + suffix)
            self.assertEqual(codes_of(model.press(code, 1)), [code] if suffix == 5 else [])

    def test_a_bit_that_is_too_long_is_refused(self):
        for code in (EV1527, HT6P20):
            first = 2  # behind what comes before the bits
            pulses = model.press(code, 1)
            good = list(pulses)
            level, us = good[first]
            good[first] = (level, us * 110 // 100)
            self.assertEqual(codes_of(good), [code])
        pulses = model.press(EV1527, 1)
        pulses[2] = (1, pulses[2][1] * 125 // 100)
        self.assertEqual(codes_of(pulses), [])

    def test_two_pulses_that_are_nearly_equal_are_no_bit(self):
        pulses = model.press(EV1527, 1)
        i = 2
        total = pulses[i][1] + pulses[i + 1][1]
        pulses[i] = (1, total * 54 // 100)
        pulses[i + 1] = (0, total * 46 // 100)
        self.assertEqual(codes_of(pulses), [])

    def test_the_preamble_has_limits(self):
        for low_us, good in ((5000, 0), (5001, 1), (19999, 1), (20000, 0)):
            pulses = model.press(EV1527, 1)
            pulses[1] = (0, low_us)
            self.assertEqual(len(codes_of(pulses)), good, low_us)
        pulses = model.press(EV1527, 1)
        pulses[1] = (1, 10000)
        self.assertEqual(codes_of(pulses), [])

    def test_a_pulse_of_data_has_limits(self):
        for us in (150, 1500):
            pulses = model.press(EV1527, 1)
            pulses[-1] = (1, us)
            self.assertEqual(codes_of(pulses), [])

    def test_a_frame_too_short_or_too_long_is_none(self):
        pulses = model.press(EV1527, 1)
        frames = Frames()
        self.assertEqual(codes_of(pulses[:-1], frames), [])
        self.assertEqual(codes_of(pulses + TAIL, frames), [])
        self.assertEqual(counts(frames)["ook_nok"], 2)

    def test_a_hundred_pulses_overflow_and_the_next_preamble_starts_anew(self):
        frames = Frames()
        pulses = [(0, 10000)] + [(1 - i & 1, 400) for i in range(150)] + [(1, 2000)]
        pulses += model.press(HT6P20, 2)
        self.assertEqual(codes_of(pulses, frames), [HT6P20] * 2)
        self.assertEqual(counts(frames)["ook_overflow"], 1)

    def test_frames_back_to_back_are_counted(self):
        frames = Frames()
        self.assertEqual(codes_of(model.press(EV1527, 5), frames), [EV1527] * 5)
        self.assertEqual(
            counts(frames),
            {"ook_start": 5, "ook_restart": 4, "ook_ok": 5, "ook_nok": 0, "ook_overflow": 0},
        )

    def test_what_was_missed_ends_a_frame(self):
        frames = Frames()
        pulses = model.press(EV1527, 1)
        for level, us in pulses[:20]:
            frames.feed(level, us)
        self.assertTrue(frames.collecting())
        frames.lose()
        self.assertEqual(codes_of(pulses[20:], frames), [])

    def test_ten_percent_of_jitter_on_each_pulse_does_no_harm(self):
        random = model.Random(433)
        for code in (EV1527, HT6P20):
            for unit_us in UNITS_US[code]:
                for _ in range(20):
                    pulses = model.jittered(model.press(code, 4, unit_us), 10, random)
                    self.assertEqual(codes_of(pulses), [code] * 4)

    def test_feeding_allocates_nothing(self):
        if not hasattr(micropython, "heap_lock"):
            self.skipTest("CPython")
        random = model.Random(1)
        pulses = model.press(EV1527, 3) + [(0, 9000)] + model.noise(300, random)
        frames = Frames()
        feed = frames.feed
        complete = 0
        micropython.heap_lock()
        try:
            for level, us in pulses:
                if feed(level, us):
                    complete += 1
        finally:
            micropython.heap_unlock()
        self.assertEqual(complete, 3)


class TestNoise(unittest.TestCase):
    def hear(self, count, seed, low_us, high_us):
        """Codes in count pulses of noise; without lists, for MicroPython's sake."""
        frames = Frames()
        between = model.Random(seed).between
        level = 0
        found = []
        for _ in range(count):
            level = 1 - level
            if frames.feed(level, between(low_us, high_us)):
                found.append(decode(frames.pulses, frames.size))
        return [code for code in found if code], counts(frames)

    def test_a_million_pulses_of_noise_are_no_code(self):
        self.assertEqual(self.hear(500000, 1, 20, 3000)[0], [])
        # Mostly data, and now and then a preamble: frames of the right length are cut from it.
        found, seen = self.hear(500000, 2, 151, 1540)
        self.assertEqual(found, [])
        self.assertEqual(seen["ook_start"], 0)

    def test_frames_of_the_right_length_full_of_noise_are_no_code(self):
        random = model.Random(3)
        frames = Frames()
        for size in (49, 57):
            for _ in range(300):
                frames.begin()
                for i in range(size):
                    frames.feed(1 - i & 1, random.between(200, 1400))
                self.assertTrue(frames.end())
                self.assertIsNone(decode(frames.pulses, frames.size))

    def test_a_steady_wave_is_no_code(self):
        frames = Frames()
        for size in (49, 57):
            frames.begin()
            for i in range(size):
                frames.feed(1 - i & 1, 500)
            self.assertTrue(frames.end())
            self.assertIsNone(decode(frames.pulses, frames.size))


class TestListener(unittest.TestCase):
    def setUp(self):
        self.fob = model.Keyfob(BENCH.clock.now_us)
        BENCH.signal(14, self.fob)
        self.frames = Frames()
        self.heard = []
        self.listener = Listener(Pin(14, Pin.IN), self.frames, self.on_frame)

    def on_frame(self):
        self.heard.append(decode(self.frames.pulses, self.frames.size))

    def listen(self, ms, pause_us=1000):
        """As the loop does it -> the longest window in us."""
        longest = 0
        passed_us = 0
        while passed_us < ms * 1000:
            began = ticks_us()
            self.listener.listen()
            us = ticks_diff(ticks_us(), began)
            longest = max(longest, us)
            passed_us += us + pause_us
            BENCH.clock.spend_us(pause_us)
        return longest

    def test_hears_every_frame_of_a_long_press(self):
        for code in (EV1527, HT6P20):
            self.heard.clear()
            self.fob.press(code, 20)
            self.listen(2000)
            # Holtek's first preamble cannot be told from the silence before it.
            self.assertEqual(self.heard, [code] * (20 if code == EV1527 else 19))

    def test_a_window_ends_in_time_whatever_is_on_the_line(self):
        self.assertTrue(74000 < self.listen(500) < 76000)
        self.fob.noise(2000)
        self.assertTrue(self.listen(5000) <= 124000)
        self.fob.add([(1, 3000000)])
        self.assertTrue(122000 < self.listen(1000) < 124000)

    def test_a_frame_is_complete_though_nothing_follows(self):
        self.fob.press(EV1527, 1)
        self.listen(200)
        self.assertEqual(self.heard, [EV1527])

    def test_a_pulse_that_is_over_before_it_is_waited_for_ends_a_frame(self):
        pulses = model.press(EV1527, 1)
        self.fob.add([(0, 5000)] + pulses[:-1] + [(1, 1)] + model.press(EV1527, 2)[1:])
        self.listen(300)
        self.assertEqual(self.heard, [EV1527] * 2)

    def test_a_preamble_that_may_end_at_any_time_is_waited_for(self):
        for lead_us in range(60000, 76000, 500):
            self.heard.clear()
            self.fob.add([(0, lead_us)] + model.press(EV1527, 2))
            self.listen(400)
            # One may be lost: the high before its preamble came while others worked.
            self.assertIn(self.heard, ([EV1527] * 2, [EV1527]))
            self.assertTrue(len(self.heard) == 2 or 74000 <= lead_us <= 76000, lead_us)

    def test_what_others_took_too_long_for_is_no_frame(self):
        self.fob.press(EV1527, 6)
        self.listen(500, pause_us=40000)
        self.assertTrue(0 < len(self.heard) < 6)
        self.assertEqual(set(self.heard), {EV1527})

    def test_presses_with_jitter_and_noise_between(self):
        pressed = 0
        decoded = 0
        self.fob.jitter_pct = 10
        for i in range(100):
            code = "EV1527:%d" % (70000 + 77777 * i) if i & 1 else HT6P20
            self.fob.noise(50)
            self.fob.press(code, 4)
            self.fob.noise(50)
            self.heard.clear()
            self.listen(700)
            pressed += 1
            # What one press needs: two frames that are equal.
            decoded += self.heard.count(code) >= 2
            self.assertEqual(set(self.heard) - {code, None}, set())
        self.assertTrue(decoded >= pressed * 99 // 100, decoded)

    def test_a_spike_shorter_than_an_instruction_loses_one_frame_only(self):
        pulses = model.press(EV1527, 4)
        i = len(pulses) // 2 + 11
        pulses[i : i + 1] = [pulses[i], (1 - pulses[i][0], 1), pulses[i]]
        self.fob.add(pulses)
        self.listen(400)
        self.assertEqual([code for code in self.heard if code], [EV1527] * 3)


class TestModel(unittest.TestCase):
    def test_levels_and_edges_agree(self):
        fob = model.Keyfob(BENCH.clock.now_us)
        now_us = BENCH.clock.now_us()
        end_us = fob.add([(0, 100), (1, 200), (0, 300)])
        self.assertEqual(end_us, now_us + 600)
        fob.add([(1, 50)])
        found = [fob.level_at(now_us + us) for us in (0, 99, 100, 299, 300, 599, 600, 649, 650)]
        self.assertEqual(found, [0, 0, 1, 1, 0, 0, 1, 1, 0])
        edges = []
        us = fob.next_edge_us(now_us)
        while us is not None:
            edges.append(us - now_us)
            us = fob.next_edge_us(us)
        self.assertEqual(edges, [100, 300, 600, 650])

    def test_jitter_is_uniform_within_its_bounds(self):
        pulses = model.jittered([(1, 1000)] * 2000, 10, model.Random(1))
        lengths = [us for _, us in pulses]
        self.assertTrue(min(lengths) >= 900 and max(lengths) <= 1100)
        self.assertTrue(abs(sum(lengths) // 2000 - 1000) < 6)
        self.assertTrue(sum([us > 1050 for us in lengths]) > 400)


if __name__ == "__main__":
    unittest.main()
