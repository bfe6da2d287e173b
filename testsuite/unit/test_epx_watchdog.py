"""The watchdog: fed while the loop turns or a declared block lasts, and at no other time."""

import unittest

import fakes

_LIMIT_MS = 15000


class WatchdogCase(unittest.TestCase):
    """The feeding thread is played: it takes a turn each second, whatever the loop does."""

    def setUp(self):
        self.world = fakes.World()
        self.loop, self.module = self.world.load("epx.loop", "epx.watchdog")

    def start(self, enabled=True, **options):
        self.dog = self.module.Watchdog(enabled, **options)
        return self.dog

    def arm(self):
        self.start(grace_ms=1000)
        self.world.run(self.loop, 1000)
        self.assertEqual(self.world.wdt_timeout, _LIMIT_MS)

    def feeder(self, seconds):
        """So many turns of the feeding thread; how often it fed."""
        function, arguments = self.world.threads[0]
        before = len(self.world.feeds)
        turns = [seconds]

        def sleep_ms(ms):
            self.assertEqual(ms, 1000)
            turns[0] -= 1
            if not turns[0]:
                raise fakes.Reset
            self.world.now_ms += ms

        self.module.time.sleep_ms, true_sleep = sleep_ms, self.module.time.sleep_ms
        try:
            function(*arguments)
        except fakes.Reset:
            pass
        self.module.time.sleep_ms = true_sleep
        return len(self.world.feeds) - before


class TestArming(WatchdogCase):
    def test_without_being_enabled_it_does_nothing(self):
        self.start(False)
        self.world.run(self.loop, 60000)
        self.dog.may_block()
        self.dog.may_block_exit()
        self.assertIsNone(self.world.wdt_timeout)
        self.assertEqual(self.world.threads, [])

    def test_it_is_armed_after_the_grace_time(self):
        self.start()
        self.world.run(self.loop, 9999)
        self.assertIsNone(self.world.wdt_timeout)
        self.world.run(self.loop, 1)
        self.assertEqual(self.world.wdt_timeout, _LIMIT_MS)
        self.assertEqual(len(self.world.threads), 1)

    def test_a_block_that_began_before_it_was_armed_counts(self):
        self.start(grace_ms=1000)
        self.dog.may_block()
        self.world.run(self.loop, 1000)
        self.assertGreater(self.feeder(100), 99)


class TestFeeding(WatchdogCase):
    def test_it_is_fed_while_the_loop_turns(self):
        self.arm()
        fed = 0
        for _ in range(100):
            self.world.run(self.loop, 2000)
            fed += self.feeder(1)
        self.assertEqual(fed, 100)

    def test_a_loop_that_stands_still_starves_it_at_once(self):
        self.arm()
        self.world.run(self.loop, 5000)
        self.assertLessEqual(self.feeder(16), 1)

    def test_a_mark_of_life_is_worth_one_feed_only(self):
        self.arm()
        self.world.run(self.loop, 60000)
        self.assertEqual(self.feeder(5), 1)

    def test_the_loop_leaves_no_gap_near_the_limit(self):
        self.arm()
        times = self.world.now_ms
        marks = 0
        for _ in range(200):
            self.world.run(self.loop, 100)
            if self.dog._marks:
                marks += 1
                self.dog._marks = 0
        seconds = (self.world.now_ms - times) // 1000
        self.assertGreaterEqual(marks, seconds // 2)


class TestBlocking(WatchdogCase):
    def test_a_declared_block_is_fed_for_120_seconds(self):
        self.arm()
        self.dog.may_block()
        self.assertEqual(self.feeder(300), 120)

    def test_a_block_that_has_ended_is_not_fed_any_longer(self):
        self.arm()
        self.dog.may_block()
        self.assertEqual(self.feeder(5), 5)
        self.dog.may_block_exit()
        self.assertEqual(self.feeder(20), 1)

    def test_a_block_within_a_block_does_not_prolong_it(self):
        self.arm()
        self.dog.may_block()
        self.assertEqual(self.feeder(100), 100)
        self.dog.may_block()
        self.assertEqual(self.feeder(100), 20)
        self.dog.may_block_exit()
        self.assertEqual(self.feeder(100), 0)
        self.dog.may_block_exit()
        self.assertEqual(self.feeder(10), 1)

    def test_the_inner_end_does_not_end_the_outer_block(self):
        self.arm()
        self.dog.may_block()
        self.dog.may_block()
        self.dog.may_block_exit()
        self.assertEqual(self.feeder(50), 50)

    def test_a_turning_loop_does_not_prolong_a_block(self):
        self.arm()
        self.dog.may_block()
        self.feeder(120)
        self.world.run(self.loop, 5000)
        self.assertEqual(self.feeder(10), 0)

    def test_after_a_block_the_loop_feeds_again(self):
        self.arm()
        self.dog.may_block()
        self.dog.may_block_exit()
        self.feeder(10)
        self.world.run(self.loop, 2000)
        self.assertEqual(self.feeder(1), 1)

    def test_an_end_without_a_beginning_is_an_error(self):
        self.arm()
        with self.assertRaises(RuntimeError):
            self.dog.may_block_exit()
        self.dog.may_block()
        self.dog.may_block_exit()
        with self.assertRaises(RuntimeError):
            self.dog.may_block_exit()


if __name__ == "__main__":
    unittest.main()
