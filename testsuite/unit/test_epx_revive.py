"""A part that fails, rests and comes back: its bits, its rests, what the log hears."""

import unittest

import fakes

SECONDS = 1000
MINUTES = 60 * SECONDS


class TestPart(unittest.TestCase):
    def setUp(self):
        self.world = fakes.World()
        self.part = self.world.load("epx.revive").Part("tank: meter")

    def test_at_first_it_is_to_be_started_at_once(self):
        self.assertFalse(self.part.ready)
        self.assertEqual(self.part.malfunctions, 0)
        self.assertFalse(self.part.rests(1 * SECONDS))

    def test_that_it_works_for_the_first_time_is_no_news(self):
        self.part.works()
        self.assertTrue(self.part.ready)
        self.assertEqual(self.world.console, [])

    def test_after_a_failure_it_rests_for_ten_minutes(self):
        self.part.works()
        self.part.failed(1, OSError(5))
        self.assertFalse(self.part.ready)
        rests = [self.part.rests(5 * SECONDS) for _ in range(122)]
        self.assertEqual(rests, [True] * 119 + [False] * 3)

    def test_or_for_as_long_as_the_caller_says(self):
        self.part.retry_ms = 2 * MINUTES
        self.part.failed(1, OSError(5))
        self.assertEqual([self.part.rests(60 * SECONDS) for _ in range(3)], [True, False, False])
        self.assertIn("next try in 2 min", self.world.console[0])

    def test_each_failure_begins_the_rest_anew(self):
        self.part.failed(1, OSError(5))
        for _ in range(9):
            self.assertTrue(self.part.rests(1 * MINUTES))
        self.part.failed(1, OSError(5))
        for _ in range(9):
            self.assertTrue(self.part.rests(1 * MINUTES))
        self.assertFalse(self.part.rests(1 * MINUTES))

    def test_its_bits_add_up_until_it_works(self):
        self.assertEqual(self.part.failed(4, OSError(5)), 4)
        self.assertEqual(self.part.failed(1, OSError(5)), 5)
        self.assertEqual(self.part.failed(4, OSError(5)), 5)
        self.part.works()
        self.assertEqual(self.part.malfunctions, 0)

    def test_each_bit_is_logged_once_and_the_recovery(self):
        for _ in range(3):
            self.part.failed(4, "no answer")
            self.part.failed(1, "not there")
        self.part.works()
        self.part.works()
        self.assertEqual(
            self.world.console,
            [
                "warn tank: meter: no answer, next try in 10 min",
                "warn tank: meter: not there, next try in 10 min",
                "info tank: meter works again",
            ],
        )

    def test_several_work_again(self):
        part = self.world.load("epx.revive").Part("tank: switches")
        part.failed(1, "not there")
        part.works()
        self.assertEqual(self.world.console[-1], "info tank: switches work again")


if __name__ == "__main__":
    unittest.main()
