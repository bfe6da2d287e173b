"""Filters of readings: each kind of row alone, their order, time that wraps, time-outs."""

import unittest

import fakes

_WRAP = 1 << 30


class FilterCase(unittest.TestCase):
    def setUp(self):
        self.filters = fakes.World().load("epx.filters")

    def pipeline(self, *rows):
        return self.filters.Pipeline(rows)

    def check(self, row, readings, wanted):
        """Readings through one row, one per second."""
        pipeline = self.pipeline(row)
        found = [pipeline.feed(reading, 1000 * i) for i, reading in enumerate(readings)]
        self.close(found, wanted)

    def close(self, found, wanted):
        self.assertEqual(len(found), len(wanted))
        for got, want in zip(found, wanted):
            if want is None or got is None or abs(got - want) > 1e-4:
                self.assertEqual(got, want)


class TestRows(FilterCase):
    def test_offset_adds(self):
        self.check(("offset", -0.5), (21, 0, -3.25), (20.5, -0.5, -3.75))

    def test_scale_multiplies(self):
        self.check(("scale", 0.1), (2301, 0, -5), (230.1, 0, -0.5))

    def test_two_points_make_a_line(self):
        points = ((0, 1), (100, 91))
        self.check(("calibrate_linear", points), (0, 50, 100, -10), (1, 46, 91, -8))

    def test_of_more_points_the_line_has_the_least_squares(self):
        # Mean (2, 3); sum of products 5 x 2.0, of squares 10.
        points = ((0, 1), (1, 3), (2, 2), (3, 5), (4, 4))
        self.check(("calibrate_linear", points), (2, 7, 0), (3, 7, 1.4))

    def test_one_point_and_the_same_point_twice_shift(self):
        self.check(("calibrate_linear", ((20, 21),)), (20, 30), (21, 31))
        self.check(("calibrate_linear", ((20, 21), (20, 23))), (20, 30), (22, 32))

    def test_points_far_from_zero_keep_their_digits(self):
        points = ((101000.0, 101010.0), (101010.0, 101021.0))
        self.check(("calibrate_linear", points), (101005.0,), (101015.5,))

    def test_clamp_has_two_ends_or_one_or_none(self):
        self.check(("clamp", 0, 100), (-1, 0, 50, 100, 101), (0, 0, 50, 100, 100))
        self.check(("clamp", None, 100), (-1, 101), (-1, 100))
        self.check(("clamp", 0, None), (-1, 101), (0, 101))
        self.check(("clamp", None, None), (-1, 101), (-1, 101))

    def test_a_median_ignores_one_reading_out_of_line(self):
        self.check(("median", 3), (21, 85, 21, 22, -127, 22), (21, 53, 21, 22, 21, 22))

    def test_the_median_of_an_even_number_is_between_the_middle_ones(self):
        self.check(("median", 4), (4, 2, 8, 6, 100), (4, 3, 4, 5, 7))

    def test_a_moving_average_is_that_of_the_window(self):
        self.check(("moving_average", 3), (3, 5, 10, 0, 2), (3, 4, 6, 5, 4))

    def test_an_exponential_average_begins_with_the_first_reading(self):
        self.check(("exponential_average", 0.25), (8, 16, 16, 0), (8, 10, 11.5, 8.625))

    def test_delta_compares_with_what_it_let_through(self):
        self.check(("delta", 2), (10, 11, 11.5, 12, 13, 10), (10, None, None, 12, None, 10))

    def test_delta_zero_lets_every_change_through(self):
        self.check(("delta", 0), (10, 10, 11, 11), (10, None, 11, None))

    def test_throttle_lets_one_through_per_time(self):
        wanted = (1, None, None, 4, None, None, 7)
        self.check(("throttle", 3000), (1, 2, 3, 4, 5, 6, 7), wanted)

    def test_a_heartbeat_says_the_newest_reading_and_nothing_in_between(self):
        self.check(("heartbeat", 2000), (1, 2, 3, 4, 5), (None, None, 3, None, 5))

    def test_a_timeout_lets_readings_through(self):
        self.check(("timeout", 1500), (1, 1, 2), (1, 1, 2))

    def test_an_unknown_row_is_refused(self):
        with self.assertRaises(ValueError) as caught:
            self.pipeline(("offset", 1), ("sharpen", 2))
        self.assertIn("sharpen", str(caught.exception))


class TestPipeline(FilterCase):
    def test_without_a_row_readings_come_out_as_they_are(self):
        pipeline = self.pipeline()
        self.assertIsNone(pipeline.value)
        self.assertEqual(pipeline.feed(3, 0), 3)
        self.assertEqual(pipeline.value, 3)

    def test_rows_are_applied_in_their_order(self):
        self.assertEqual(self.pipeline(("offset", 1), ("scale", 2)).feed(3, 0), 8)
        self.assertEqual(self.pipeline(("scale", 2), ("offset", 1)).feed(3, 0), 7)

    def test_what_a_row_holds_back_does_not_reach_the_next(self):
        pipeline = self.pipeline(("throttle", 2000), ("moving_average", 2))
        found = [pipeline.feed(i, 1000 * i) for i in range(5)]
        self.close(found, (0, None, 1, None, 3))

    def test_value_stays_while_nothing_is_to_be_said(self):
        pipeline = self.pipeline(("delta", 5))
        pipeline.feed(20, 0)
        self.assertIsNone(pipeline.feed(21, 1))
        self.assertEqual(pipeline.value, 20)

    def test_no_reading_is_no_reading(self):
        pipeline = self.pipeline(("moving_average", 2))
        for reading in (4, None, float("nan"), 6):
            pipeline.feed(reading, 0)
        self.assertEqual(pipeline.value, 5)

    def test_two_pipelines_with_the_same_rows_do_not_meet(self):
        rows = (("median", 3),)
        one, other = self.filters.Pipeline(rows), self.filters.Pipeline(rows)
        one.feed(100, 0)
        self.assertEqual(other.feed(1, 0), 1)


class TestTime(FilterCase):
    def test_after_a_time_out_nothing_is_known(self):
        pipeline = self.pipeline(("timeout", 10000))
        self.assertEqual(pipeline.tick(0), None)
        pipeline.feed(20, 0)
        self.assertIsNone(pipeline.tick(9999))
        self.assertEqual(pipeline.value, 20)
        self.assertIsNone(pipeline.feed(None, 10000))
        self.assertIsNone(pipeline.value)

    def test_a_time_out_that_nobody_saw_begins_anew_as_well(self):
        pipeline = self.pipeline(("timeout", 10000), ("moving_average", 5), ("delta", 1))
        pipeline.feed(20, 0)
        self.assertIsNone(pipeline.feed(20, 9000))
        self.assertEqual(pipeline.feed(30, 19000), 30)

    def test_a_time_out_behind_others_counts_what_reaches_it(self):
        pipeline = self.pipeline(("delta", 5), ("timeout", 10000))
        pipeline.feed(20, 0)
        pipeline.feed(21, 9000)
        pipeline.tick(10000)
        self.assertIsNone(pipeline.value)

    def test_what_forgets_is_calibrated_all_the_same(self):
        pipeline = self.pipeline(("calibrate_linear", ((0, 0), (1, 2))), ("timeout", 10))
        self.assertEqual(pipeline.feed(3, 0), 6)
        pipeline.tick(10)
        self.assertEqual(pipeline.feed(4, 11), 8)

    def test_a_heartbeat_repeats_what_is_there(self):
        pipeline = self.pipeline(("heartbeat", 5000), ("offset", 1))
        self.assertIsNone(pipeline.tick(0))
        pipeline.feed(20, 1000)
        found = [pipeline.tick(1000 * second) for second in range(2, 18)]
        self.assertEqual([i + 2 for i in range(16) if found[i] is not None], [6, 11, 16])
        self.assertEqual(found[4], 21)

    def test_a_heartbeat_that_was_late_keeps_its_times_and_makes_nothing_up(self):
        pipeline = self.pipeline(("heartbeat", 5000))
        pipeline.feed(20, 0)
        self.assertEqual(pipeline.tick(17000), 20)
        self.assertIsNone(pipeline.tick(19999))
        self.assertEqual(pipeline.tick(20000), 20)

    def test_a_heartbeat_stops_with_the_readings_if_a_time_out_comes_before_it(self):
        pipeline = self.pipeline(("timeout", 3000), ("heartbeat", 2000))
        pipeline.feed(20, 0)
        self.assertEqual(pipeline.tick(2000), 20)
        self.assertIsNone(pipeline.tick(4000))
        self.assertIsNone(pipeline.tick(6000))

    def test_times_may_wrap(self):
        start = _WRAP - 1000
        pipeline = self.pipeline(("timeout", 60000), ("throttle", 2000), ("heartbeat", 3000))
        found = []
        for i in range(10):
            value = pipeline.feed(i, (start + 1000 * i) % _WRAP)
            if value is not None:
                found.append((i, value))
        # Every other reading passes the throttle; a beat does not wait for one.
        self.assertEqual(found, [(3, 2), (6, 6), (9, 8)])
        self.assertEqual(pipeline.tick((start + 12000) % _WRAP), 8)
        self.assertIsNone(pipeline.tick((start + 69000) % _WRAP))
        self.assertIsNone(pipeline.value)


if __name__ == "__main__":
    unittest.main()
