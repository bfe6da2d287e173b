"""The event loop in a world of fake time, fake poll, and both interpreters."""

import unittest

import fakes

SECONDS = 1000
MINUTES = 60 * SECONDS
HOURS = 60 * MINUTES
DAYS = 24 * HOURS
_EPOCH_MS = 268000000


class Recorder:
    """Callbacks that remember when they were called, and do what they are told."""

    def __init__(self, world):
        self.world = world
        self.start_ms = world.now_ms
        self.times = []
        self.words = []
        self.takes_ms = 0
        self.error = None
        self.then = None

    def run(self):
        self.times.append(self.world.now_ms - self.start_ms)
        self.world.now_ms += self.takes_ms
        if self.then:
            self.then()
        if self.error:
            raise self.error

    def hear(self, word):
        self.words.append(word)
        self.run()


class Led:
    def __init__(self):
        self.values = []

    def value(self, value):
        self.values.append(value)


class LoopCase(unittest.TestCase):
    before_wrap_ms = 30000

    def setUp(self):
        self.world = fakes.World(self.before_wrap_ms)
        self.loop = self.world.load("epx.loop")

    def recorder(self):
        return Recorder(self.world)

    def run_for(self, ms):
        self.world.run(self.loop, ms)

    def step(self, turns=1):
        for _ in range(turns):
            self.loop.step()


class TestTask(LoopCase):
    def test_a_task_runs_once_after_its_delay(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 2500)
        self.assertTrue(task.active())
        self.run_for(2499)
        self.assertEqual(recorder.times, [])
        self.run_for(10000)
        self.assertEqual(recorder.times, [2500])
        self.assertFalse(task.active())

    def test_a_task_without_delay_runs_in_the_next_turn(self):
        recorder = self.recorder()
        self.loop.Task(recorder.run)
        self.step()
        self.assertEqual(recorder.times, [0])

    def test_the_argument_is_handed_over_even_if_it_is_false(self):
        recorder = self.recorder()
        self.loop.Task(recorder.hear, arg=0)
        self.loop.Task(recorder.hear, arg="")
        self.step()
        self.assertEqual(recorder.words, [0, ""])

    def test_a_recurring_task_does_not_drift(self):
        recorder = self.recorder()
        recorder.takes_ms = 3
        self.loop.Task(recorder.run, 10, 10)
        self.run_for(1000)
        self.assertEqual(recorder.times, list(range(10, 1001, 10)))

    def test_the_first_delay_of_a_recurring_task_may_differ(self):
        recorder = self.recorder()
        self.loop.Task(recorder.run, 3, 100)
        self.run_for(300)
        self.assertEqual(recorder.times, [3, 103, 203])

    def test_at_most_one_turn_is_caught_up_after_a_long_block(self):
        recorder = self.recorder()
        blocker = self.recorder()
        blocker.takes_ms = 975
        self.loop.Task(blocker.run, 5)
        self.loop.Task(recorder.run, 10, 10)
        self.run_for(1020)
        self.assertEqual(recorder.times[0], 980)
        self.assertEqual(recorder.times[1:], [980, 990, 1000, 1010, 1020])

    def test_a_block_longer_than_an_epoch_half_is_caught_up_once(self):
        recorder = self.recorder()
        self.loop.Task(recorder.run, 1000, 1000)
        self.world.now_ms += 100 * HOURS
        self.step(3)
        self.assertLessEqual(len(recorder.times), 3)
        count = len(recorder.times)
        self.run_for(10 * SECONDS)
        self.assertIn(len(recorder.times) - count, (9, 10, 11))

    def test_jitter_stays_within_its_bounds_and_is_used(self):
        delays = []
        for _ in range(200):
            recorder = self.recorder()
            self.loop.Task(recorder.run, 1000, jitter_ms=500)
            self.run_for(1501)
            delays.append(recorder.times[0])
        self.assertGreaterEqual(min(delays), 1000)
        self.assertLessEqual(max(delays), 1500)
        self.assertLess(min(delays), 1060)
        self.assertGreater(max(delays), 1440)

    def test_each_period_of_a_recurring_task_has_its_own_jitter(self):
        recorder = self.recorder()
        self.loop.Task(recorder.run, 1000, 1000, jitter_ms=500)
        self.run_for(60 * SECONDS)
        steps = [b - a for a, b in zip(recorder.times, recorder.times[1:])]
        self.assertGreaterEqual(min(steps), 1000)
        self.assertLessEqual(max(steps), 1500)
        self.assertGreater(max(steps), min(steps) + 100)

    def test_tasks_due_at_the_same_time_run_in_the_order_of_their_making(self):
        recorder = self.recorder()
        for number in range(20):
            self.loop.Task(recorder.hear, 50, arg=number)
        self.step(2)
        self.assertEqual(recorder.words, list(range(20)))

    def test_recurring_tasks_with_one_period_keep_their_order(self):
        recorder = self.recorder()
        for number in range(5):
            self.loop.Task(recorder.hear, 50, 50, arg=number)
        self.run_for(500)
        self.assertEqual(recorder.words, list(range(5)) * 10)

    def test_period_zero_runs_in_every_turn(self):
        recorder = self.recorder()
        self.loop.Task(recorder.run, 0, 0)
        self.step(5)
        self.assertEqual(len(recorder.times), 5)
        self.assertEqual(self.world.last_wait_ms, 0)

    def test_period_zero_after_a_delay_runs_in_every_turn(self):
        recorder = self.recorder()
        self.loop.Task(recorder.run, 20, 0)
        self.step(2)
        self.world.now_ms += 5
        self.step(4)
        self.assertGreaterEqual(len(recorder.times), 4)

    def test_tasks_of_period_zero_take_turns(self):
        recorder = self.recorder()
        for number in range(4):
            self.loop.Task(recorder.hear, 0, 0, arg=number)
        self.step(3)
        self.assertEqual(recorder.words, list(range(4)) * 3)


class TestLongTimes(LoopCase):
    def test_a_task_of_twenty_days_runs_on_time(self):
        recorder = self.recorder()
        self.loop.Task(recorder.run, 20 * DAYS)
        self.run_for(20 * DAYS - 1)
        self.assertEqual(recorder.times, [])
        self.run_for(1 * MINUTES)
        self.assertEqual(recorder.times, [20 * DAYS])

    def test_a_task_of_four_hundred_days_runs_on_time(self):
        recorder = self.recorder()
        self.loop.Task(recorder.run, 400 * DAYS)
        self.run_for(401 * DAYS)
        self.assertEqual(recorder.times, [400 * DAYS])

    def test_a_period_of_twenty_days_recurs(self):
        recorder = self.recorder()
        self.loop.Task(recorder.run, 20 * DAYS, 20 * DAYS)
        self.run_for(61 * DAYS)
        self.assertEqual(recorder.times, [20 * DAYS, 40 * DAYS, 60 * DAYS])

    def test_a_delay_of_exactly_one_epoch_is_kept(self):
        for delay in (_EPOCH_MS - 1, _EPOCH_MS, _EPOCH_MS + 1, 2 * _EPOCH_MS):
            recorder = self.recorder()
            self.loop.Task(recorder.run, delay)
            self.run_for(delay + 10)
            self.assertEqual(recorder.times, [delay])

    def test_a_short_period_is_kept_across_every_wrap(self):
        recorder = self.recorder()
        self.loop.Task(recorder.run, HOURS, HOURS)
        self.run_for(30 * DAYS)
        self.assertEqual(len(recorder.times), 30 * 24)
        for number in range(30 * 24):
            self.assertEqual(recorder.times[number], (number + 1) * HOURS)

    def test_the_uptime_goes_beyond_every_wrap(self):
        self.loop.Task(self.recorder().run, HOURS, HOURS)
        self.assertEqual(self.loop.uptime_s(), 0)
        self.run_for(100 * DAYS)
        self.assertEqual(self.loop.uptime_s(), 100 * 86400)

    def test_a_loop_with_streams_only_keeps_its_clock(self):
        stream = fakes.Stream()
        self.loop.Poll(stream, fakes.POLLIN, self.recorder().hear)
        self.run_for(15 * DAYS)
        self.assertEqual(self.loop.uptime_s(), 15 * 86400)

    def test_poll_may_return_a_little_late_after_the_longest_wait(self):
        self.step()
        self.world.now_ms += 1000  # as long as an interrupt could possibly take
        self.step()
        passed_ms = self.world.now_ms - (fakes.TICKS - 30000)
        self.assertEqual(self.loop.uptime_s(), passed_ms // 1000)

    def test_a_restart_beyond_an_epoch_is_kept(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 5000)
        task.restart(10 * DAYS)
        self.run_for(11 * DAYS)
        self.assertEqual(recorder.times, [10 * DAYS])

    def test_a_long_task_can_be_restarted_short(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 10 * DAYS)
        task.restart(5000)
        self.run_for(11 * DAYS)
        self.assertEqual(recorder.times, [5000])


class TestEpoch(unittest.TestCase):
    """The origin of time moves on while callbacks run and read the clock."""

    def _world(self):
        self.world = fakes.World()
        self.loop = self.world.load("epx.loop")

    def test_tasks_keep_their_times_when_a_callback_reads_the_clock_across_an_epoch(self):
        self._world()
        loop = self.loop
        blocker = Recorder(self.world)
        blocker.takes_ms = 40
        blocker.then = loop.uptime_s
        loop.Task(blocker.run, _EPOCH_MS - 10)
        second = Recorder(self.world)
        loop.Task(second.run, 100 * SECONDS, 100 * SECONDS)  # due while the first one runs
        third = Recorder(self.world)
        loop.Task(third.run, _EPOCH_MS + 30000)
        self.world.run(loop, _EPOCH_MS + 500 * SECONDS)
        self.assertEqual(blocker.times, [_EPOCH_MS - 10])
        self.assertEqual(third.times, [_EPOCH_MS + 30000])
        self.assertEqual(len(second.times), _EPOCH_MS // 100000 + 5)
        self.assertEqual(second.times[-1], _EPOCH_MS + 500 * SECONDS)

    def test_a_one_shot_made_across_an_epoch_is_on_time(self):
        self._world()
        loop = self.loop
        late = Recorder(self.world)

        def make():
            loop.Task(late.run, 5000)

        blocker = Recorder(self.world)
        blocker.takes_ms = 40
        blocker.then = make
        loop.Task(blocker.run, _EPOCH_MS - 10)
        other = Recorder(self.world)
        loop.Task(other.run, _EPOCH_MS - 5, 1000)
        self.world.run(loop, _EPOCH_MS + 20000)
        self.assertEqual(late.times, [_EPOCH_MS + 5030])
        self.assertEqual(len(other.times), 21)


class TestTolerance(LoopCase):
    def wakeups(self, ms):
        """How often the loop woke up, the end of the time not counted."""
        before = self.world.polls
        self.run_for(ms)
        return self.world.polls - before - 1

    def test_tasks_within_their_tolerance_share_one_wakeup(self):
        for delay in (100, 300, 500, 900):
            self.loop.Task(self.recorder().run, 1000 + delay, tolerance_ms=1000)
        recorder = self.recorder()
        self.loop.Task(recorder.run, 2000)
        self.assertEqual(self.wakeups(2500), 1)
        self.assertEqual(recorder.times, [2000])

    def test_a_tolerant_task_runs_no_later_than_its_tolerance(self):
        recorder = self.recorder()
        self.loop.Task(recorder.run, 1000, tolerance_ms=300)
        self.loop.Task(self.recorder().run, 5000)
        self.run_for(10000)
        self.assertEqual(recorder.times, [1300])

    def test_a_recurring_tolerant_task_does_not_drift(self):
        recorder = self.recorder()
        self.loop.Task(recorder.run, 1000, 1000, tolerance_ms=300)
        self.run_for(60001)
        self.assertEqual(len(recorder.times), 60)
        self.assertEqual(recorder.times[-2], 59300)

    def test_a_ready_stream_is_no_reason_to_wait_with_what_is_due(self):
        recorder = self.recorder()
        self.loop.Task(recorder.run, 1000, tolerance_ms=500)
        stream = fakes.Stream()
        hear = self.recorder()
        self.loop.Poll(stream, fakes.POLLIN, hear.hear)

        def ready():
            stream.ready = fakes.POLLIN

        self.world.at(1100, ready)
        self.step(2)
        self.assertEqual(recorder.times, [1100])

    def test_cancelled_tasks_wake_nobody(self):
        for delay in range(100, 1000, 100):
            self.loop.Task(self.recorder().run, delay).cancel()
        self.loop.Task(self.recorder().run, 2000)
        self.assertEqual(self.wakeups(2500), 1)

    def test_the_loop_waits_exactly_until_somebody_cannot_wait_any_longer(self):
        dice = fakes.Dice(7)
        for _ in range(60):
            world = fakes.World()
            loop = world.load("epx.loop")
            latest, due = [], []
            for _ in range(1 + dice.below(40)):
                delay, tolerance = dice.below(2000), (0, dice.below(1500))[dice.below(2)]
                task = loop.Task(id, delay, tolerance_ms=tolerance)
                if dice.below(4):
                    latest.append(delay + tolerance)
                    due.append(delay)
                else:
                    task.cancel()
            if latest:
                loop._wake_time()
                self.assertEqual(loop._wake_time(), min(latest))

    def test_a_heap_too_deep_to_search_wakes_early_never_late(self):
        if fakes.ON_MICROPYTHON:
            self.skipTest("the depth is a constant of the compiled code there")
        loop = self.loop
        for delay in range(200):
            loop.Task(id, delay, tolerance_ms=5000 - 20 * delay)
        loop._STACK_SIZE = 1
        self.assertLessEqual(loop._wake_time(), 1199)
        self.assertGreaterEqual(loop._wake_time(), 1)


class TestCancel(LoopCase):
    def test_a_cancelled_task_does_not_run(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 100, 100)
        self.run_for(250)
        task.cancel()
        task.cancel()
        self.assertFalse(task.active())
        self.run_for(1000)
        self.assertEqual(recorder.times, [100, 200])

    def test_a_recurring_task_may_cancel_itself(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 100, 100)
        recorder.then = task.cancel
        self.run_for(1000)
        self.assertEqual(recorder.times, [100])

    def test_a_task_may_cancel_another_that_is_due_in_the_same_turn(self):
        first, second = self.recorder(), self.recorder()
        self.loop.Task(first.run, 100)
        first.then = self.loop.Task(second.run, 100).cancel
        self.run_for(1000)
        self.assertEqual(second.times, [])

    def test_a_cancelled_task_can_be_restarted(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 100, 100)
        task.cancel()
        self.run_for(500)
        task.restart()
        self.run_for(350)
        self.assertEqual(recorder.times, [600, 700, 800])

    def test_a_thousand_cancelled_tasks_do_not_fill_the_heap(self):
        keep = self.recorder()
        self.loop.Task(keep.run, 2 * HOURS)
        for _ in range(1000):
            self.loop.Task(self.recorder().run, HOURS).cancel()
        self.step()
        self.assertLess(len(self.loop._heap), 50)
        self.run_for(2 * HOURS)
        self.assertEqual(len(keep.times), 1)

    def test_a_callback_may_cancel_everybody_else(self):
        loop = self.loop
        others = []
        recorder = self.recorder()

        def cancel_all():
            for task in others:
                task.cancel()

        recorder.then = cancel_all
        loop.Task(recorder.run, 10)
        others.extend([loop.Task(recorder.run, 10) for _ in range(40)])
        self.run_for(100)
        self.assertEqual(recorder.times, [10])
        self.assertLess(len(loop._heap), 50)

    def test_a_loop_that_never_rests_does_not_fill_the_heap_either(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, HOURS)

        def earlier():
            task.restart(HOURS - len(recorder.times))

        recorder.then = earlier
        self.loop.Task(recorder.run, 0, 0)
        for _ in range(20):
            self.loop.Task(recorder.run, 2 * HOURS)
        self.step(1000)
        self.assertLess(len(self.loop._heap), 100)
        self.assertEqual(self.loop._cancelled, len(self.cancelled()))

    def cancelled(self):
        return [entry for entry in self.loop._heap if entry[4] == -3]

    def test_the_count_of_cancelled_tasks_stays_exact(self):
        dice = fakes.Dice(3)
        recorder = self.recorder()
        tasks = [self.loop.Task(recorder.run, 1 + dice.below(50), 7) for _ in range(60)]

        def shuffle():
            for _ in range(10):
                task = tasks[dice.below(60)]
                (task.cancel, task.restart, task.advance)[dice.below(3)]()

        recorder.then = shuffle
        self.step(300)
        self.assertEqual(self.loop._cancelled, len(self.cancelled()))
        self.assertLess(len(self.loop._heap), 130)
        for task in tasks:
            task.cancel()
        count = len(recorder.times)
        self.run_for(HOURS)
        self.assertEqual(len(recorder.times), count)

    def test_what_a_cancelled_task_held_is_given_back(self):
        loop = self.loop
        for _ in range(100):
            loop.Task(self.recorder().run, HOURS, arg=bytearray(10)).cancel()
        self.step()
        self.assertLessEqual(len([e for e in loop._heap if e[3] is not None]), 17)


class TestRestart(LoopCase):
    def test_restart_moves_a_task_to_later(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 100)
        for _ in range(10):
            self.run_for(60)
            task.restart()
        self.run_for(500)
        self.assertEqual(recorder.times, [700])

    def test_restart_moves_a_task_to_earlier(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 5000)
        task.restart(100)
        self.run_for(6000)
        self.assertEqual(recorder.times, [100])

    def test_restart_to_later_and_back_again_is_exact(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 1000)
        task.restart(3000)
        task.restart(1000)
        self.run_for(6000)
        self.assertEqual(recorder.times, [1000])
        task.restart(1000)
        task.restart(3000)
        task.restart(2000)
        self.run_for(6000)
        self.assertEqual(recorder.times, [1000, 8000])

    def test_restart_to_the_same_time_changes_nothing(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 1000)
        task.restart()
        task.restart(1000)
        self.run_for(5000)
        self.assertEqual(recorder.times, [1000])

    def test_a_recurring_task_may_postpone_itself(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 100, 100)
        recorder.then = lambda: task.restart(250)
        self.run_for(1000)
        self.assertEqual(recorder.times, [100, 350, 600, 850])

    def test_a_postponed_recurring_task_goes_on_from_there(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 100, 100)
        self.run_for(150)
        task.restart(130)
        self.run_for(400)
        self.assertEqual(recorder.times, [100, 280, 380, 480])

    def test_restart_without_a_delay_uses_the_one_given_at_first(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 1000)
        task.restart(100)
        self.run_for(200)
        task.restart()
        self.run_for(2000)
        self.assertEqual(recorder.times, [100, 1200])

    def test_a_fired_task_can_be_restarted(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 100)
        self.run_for(200)
        task.restart(100)
        self.run_for(200)
        self.assertEqual(recorder.times, [100, 300])

    def test_a_task_may_restart_itself(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 100)
        recorder.then = task.restart
        self.run_for(450)
        self.assertEqual(recorder.times, [100, 200, 300, 400])

    def test_restart_draws_the_jitter_anew(self):
        delays = []
        task = None
        for _ in range(50):
            recorder = self.recorder()
            task = self.loop.Task(recorder.run, 1000, jitter_ms=500)
            task.restart()
            task.restart(100)
            self.run_for(2000)
            delays.append(recorder.times[0])
            self.assertEqual(len(recorder.times), 1)
        self.assertGreaterEqual(min(delays), 100)
        self.assertLessEqual(max(delays), 600)
        self.assertGreater(max(delays), 250)

    def test_postponing_costs_no_allocation(self):
        if not fakes.ON_MICROPYTHON:
            self.skipTest("only MicroPython can lock its heap")
        import micropython

        loop = real_time_loop(self.world)
        task = loop.Task(self.recorder().run, 1000)
        task.restart(2000)
        failed = None
        micropython.heap_lock()
        try:
            task.restart(3000)
            task.restart(3001)
        except MemoryError as error:
            failed = error
        micropython.heap_unlock()
        self.assertIsNone(failed)

    def test_advance_runs_at_the_next_turn(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 10 * DAYS)
        task.advance()
        self.step()
        self.assertEqual(recorder.times, [0])
        self.assertFalse(task.active())

    def test_an_advanced_recurring_task_goes_on_from_there(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 1000, 1000)
        self.run_for(1500)
        task.advance()
        self.run_for(2600)
        self.assertEqual(recorder.times, [1000, 1500, 2500, 3500])

    def test_a_postponed_task_can_be_advanced(self):
        recorder = self.recorder()
        task = self.loop.Task(recorder.run, 1000)
        task.restart(5000)
        task.advance()
        self.run_for(10000)
        self.assertEqual(recorder.times, [0])


class TestPoll(LoopCase):
    def listen(self, events=fakes.POLLIN, ready=0):
        stream, recorder = fakes.Stream(ready), self.recorder()
        poll = self.loop.Poll(stream, events, recorder.hear)
        return stream, recorder, poll

    def test_a_ready_stream_is_told_which_events(self):
        stream, recorder, _ = self.listen(fakes.POLLIN | fakes.POLLOUT)
        stream.ready = fakes.POLLOUT
        self.step()
        stream.ready = fakes.POLLIN | fakes.POLLOUT
        self.step()
        self.assertEqual(recorder.words, [fakes.POLLOUT, fakes.POLLIN | fakes.POLLOUT])

    def test_every_ready_stream_is_served_in_one_turn(self):
        all_of_them = [self.listen(ready=fakes.POLLIN) for _ in range(16)]
        self.step()
        for _, recorder, _ in all_of_them:
            self.assertEqual(recorder.words, [fakes.POLLIN])

    def test_a_stream_that_becomes_ready_ends_the_wait(self):
        stream, recorder, _ = self.listen()
        self.loop.Task(self.recorder().run, 60000)

        def ready():
            stream.ready = fakes.POLLIN

        self.world.at(1234, ready)
        self.step()
        self.assertEqual(recorder.times, [1234])

    def test_modify_changes_what_is_waited_for(self):
        stream, recorder, poll = self.listen()
        stream.ready = fakes.POLLOUT
        self.loop.Task(self.recorder().run, 10, 10)
        self.step(2)
        self.assertEqual(recorder.words, [])
        poll.modify(fakes.POLLOUT)
        poll.modify(fakes.POLLOUT)
        self.step()
        self.assertEqual(recorder.words, [fakes.POLLOUT])

    def test_a_cancelled_poll_hears_nothing_and_can_be_cancelled_again(self):
        _stream, recorder, poll = self.listen(ready=fakes.POLLIN)
        self.assertTrue(poll.active())
        poll.cancel()
        poll.cancel()
        poll.modify(fakes.POLLOUT)
        self.assertFalse(poll.active())
        self.loop.Task(self.recorder().run, 10)
        self.step()
        self.assertEqual(recorder.words, [])

    def test_a_poll_may_be_cancelled_by_another_one_of_the_same_turn(self):
        polls = [self.listen(ready=fakes.POLLIN) for _ in range(2)]
        polls[0][1].then = polls[1][2].cancel
        polls[1][1].then = polls[0][2].cancel
        self.step()
        self.assertEqual(len(polls[0][1].words) + len(polls[1][1].words), 1)

    def test_a_stream_closed_before_its_poll_is_cancelled_does_no_harm(self):
        stream, _, poll = self.listen()
        stream.unregister_fails = True
        poll.cancel()
        self.assertFalse(poll.active())

    def test_an_always_ready_stream_and_an_always_due_task_do_not_starve_each_other(self):
        _, heard, _ = self.listen(ready=fakes.POLLIN)
        ran = self.recorder()
        later = self.recorder()
        self.loop.Task(ran.run, 0, 0)
        self.loop.Task(later.run, 5, 5)
        for _ in range(100):
            self.step()
            self.world.now_ms += 1
        self.assertEqual(len(heard.words), 100)
        self.assertGreaterEqual(len(ran.times), 100)
        self.assertGreaterEqual(len(later.times), 19)

    def test_an_error_or_hangup_removes_the_stream_and_is_told_once(self):
        for events in (fakes.POLLERR, fakes.POLLHUP, fakes.POLLNVAL):
            _stream, recorder, poll = self.listen(ready=events)
            self.loop.Task(self.recorder().run, 10)
            self.step(3)
            self.assertEqual(recorder.words, [events])
            self.assertFalse(poll.active())

    def test_a_stream_too_many_is_refused(self):
        for _ in range(16):
            self.listen()
        with self.assertRaises(OSError):
            self.listen()

    def test_a_failing_poll_keeps_the_healthy_streams(self):
        good, good_recorder, good_poll = self.listen()
        bad, bad_recorder, bad_poll = self.listen()
        bad.broken = True
        good.ready = fakes.POLLIN
        self.step()
        self.assertEqual(bad_recorder.words, [fakes.POLLERR])
        self.assertFalse(bad_poll.active())
        self.step(2)
        self.assertEqual(good_recorder.words, [fakes.POLLIN] * 2)
        self.assertTrue(good_poll.active())
        good_poll.modify(fakes.POLLOUT)
        good_poll.cancel()
        self.assertEqual(bad_recorder.words, [fakes.POLLERR])

    def test_a_stream_that_cannot_even_be_registered_is_told(self):
        bad, recorder, _ = self.listen()
        self.listen(ready=fakes.POLLIN)
        bad.broken = "register"
        self.step()
        self.assertEqual(recorder.words, [fakes.POLLERR])

    def test_a_poll_that_fails_for_no_stream_does_not_spin(self):
        _, recorder, poll = self.listen(ready=fakes.POLLIN)
        task = self.recorder()
        self.loop.Task(task.run, 0, 0)
        self.world.poll_fails = 1
        self.step()
        self.assertEqual(self.world.slept_ms, 10)
        self.assertTrue(poll.active())
        self.assertGreaterEqual(len(task.times), 1)
        self.step()
        self.assertEqual(recorder.words, [fakes.POLLIN])

    def test_a_stream_of_nobody_is_ignored(self):
        _stream, recorder, poll = self.listen(ready=fakes.POLLIN)
        self.loop._polls.remove(poll)
        self.step()
        self.assertEqual(recorder.words, [])


class TestLed(LoopCase):
    def test_the_led_is_lit_once_per_turn_that_runs_callbacks(self):
        led = Led()
        self.loop.set_led(led)
        for _ in range(3):
            self.loop.Task(self.recorder().run, 10)
        self.step(2)
        self.assertEqual(led.values, [0, 1, 0])

    def test_an_inverted_led_is_dark_when_high(self):
        led = Led()
        self.loop.set_led(led, True)
        self.loop.Task(self.recorder().run)
        self.step()
        self.assertEqual(led.values, [1, 0, 1])

    def test_the_led_is_lit_for_a_stream_too(self):
        led = Led()
        self.loop.set_led(led)
        self.loop.Poll(fakes.Stream(fakes.POLLIN), fakes.POLLIN, self.recorder().hear)
        self.step(2)
        self.assertEqual(led.values, [0, 1, 0, 1, 0])

    def test_no_led_is_fine(self):
        self.loop.set_led(None)
        recorder = self.recorder()
        self.loop.Task(recorder.run)
        self.step()
        self.assertEqual(len(recorder.times), 1)


class TestFaults(LoopCase):
    def setUp(self):
        super().setUp()
        self.faults = []
        self.answer = True
        self.loop.fault_handler = self._handle

    def _handle(self, owner, error):
        self.faults.append((owner, error))
        return self.answer

    def test_a_failing_task_is_retried_with_back_off_and_the_others_go_on(self):
        bad, good = self.recorder(), self.recorder()
        bad.error = ValueError("broken")
        task = self.loop.Task(bad.run, 100, 100)
        self.loop.Task(good.run, 100, 100)
        self.run_for(32000)
        self.assertEqual(bad.times, [100, 1100, 3100, 7100, 15100, 31100])
        self.assertEqual(len(good.times), 320)
        self.assertEqual(len(self.faults), 6)
        self.assertIs(self.faults[0][0], task)

    def test_the_back_off_ends_at_ten_minutes(self):
        bad = self.recorder()
        bad.error = ValueError("broken")
        self.loop.Task(bad.run, 100, 100)
        self.run_for(2 * HOURS)
        steps = [b - a for a, b in zip(bad.times, bad.times[1:])]
        self.assertEqual(steps[-1], 10 * MINUTES)
        self.assertEqual(max(steps), 10 * MINUTES)

    def test_a_task_that_recovers_has_its_period_and_its_back_off_again(self):
        bad = self.recorder()
        bad.error = ValueError("broken")
        self.loop.Task(bad.run, 100, 100)
        self.run_for(2000)
        bad.error = None
        self.run_for(2000)
        self.assertEqual(bad.times[:4], [100, 1100, 3100, 3200])
        self.assertEqual(bad.times[-1], 4000)
        bad.error = ValueError("again")
        self.run_for(1500)
        self.assertEqual(bad.times[-2:], [4100, 5100])

    def test_a_retry_that_is_late_keeps_the_pace_of_its_task(self):
        for period in (100, 0):
            bad = self.recorder()
            bad.error = ValueError("broken")
            task = self.loop.Task(bad.run, 100, period)
            self.run_for(100)
            bad.error = None
            bad.takes_ms = 1
            self.world.now_ms += 5030
            self.run_for(300)
            task.cancel()
            self.assertEqual(bad.times[:2], [100, 5130])
            for moment in bad.times[3:]:  # the one before is what is caught up
                self.assertEqual(moment % (period or 1), 0)
            self.assertGreaterEqual(len(bad.times), 5)

    def test_a_failing_one_shot_is_tried_until_it_succeeds(self):
        bad = self.recorder()
        bad.error = OSError(5)
        task = self.loop.Task(bad.run, 100)
        self.run_for(2000)
        self.assertTrue(task.active())
        bad.error = None
        self.run_for(60000)
        self.assertEqual(bad.times, [100, 1100, 3100])
        self.assertFalse(task.active())

    def test_a_failing_task_with_a_long_period_waits_for_its_period(self):
        bad = self.recorder()
        bad.error = ValueError("broken")
        self.loop.Task(bad.run, 0, HOURS)
        self.run_for(4 * HOURS)
        self.assertEqual(bad.times, [0, HOURS, 2 * HOURS, 3 * HOURS, 4 * HOURS])

    def test_the_rest_of_the_turn_runs_after_a_fault(self):
        bad, good = self.recorder(), self.recorder()
        bad.error = ValueError("broken")
        self.loop.Task(bad.run, 100)
        self.loop.Task(good.run, 100)
        self.step(2)
        self.assertEqual(good.times, [100])

    def test_running_out_of_memory_is_a_fault_as_any_other(self):
        bad = self.recorder()
        bad.error = MemoryError()
        self.loop.Task(bad.run, 100)
        self.step(2)
        self.assertIsInstance(self.faults[0][1], MemoryError)

    def test_a_fault_that_is_not_handled_goes_on(self):
        self.answer = False
        bad = self.recorder()
        bad.error = ValueError("ours")
        self.loop.Task(bad.run, 100, core=True)
        with self.assertRaises(ValueError):
            self.step(2)
        self.assertTrue(self.faults[0][0].core)

    def test_without_a_handler_every_fault_goes_on(self):
        self.loop.fault_handler = None
        bad = self.recorder()
        bad.error = ValueError("ours")
        self.loop.Poll(fakes.Stream(fakes.POLLIN), fakes.POLLIN, bad.hear)
        with self.assertRaises(ValueError):
            self.step()

    def test_a_keyboard_interrupt_passes_every_handler(self):
        for error in (KeyboardInterrupt(), SystemExit()):
            bad = self.recorder()
            bad.error = error
            self.loop.Task(bad.run)
            with self.assertRaises(type(error)):
                self.loop.run()
        poll = self.recorder()
        poll.error = KeyboardInterrupt()
        self.loop.Poll(fakes.Stream(fakes.POLLIN), fakes.POLLIN, poll.hear)
        with self.assertRaises(KeyboardInterrupt):
            self.loop.run()
        self.assertEqual(self.faults, [])

    def test_the_loop_can_go_on_after_an_interrupt(self):
        good = self.recorder()
        self.loop.Task(good.run, 100, 100)
        self.test_a_keyboard_interrupt_passes_every_handler()
        self.loop._polls[0].cancel()
        self.run_for(1000)
        self.assertEqual(len(good.times), 10)

    def test_a_failing_stream_is_left_alone_for_a_while(self):
        bad = self.recorder()
        bad.error = ValueError("broken")
        poll = self.loop.Poll(fakes.Stream(fakes.POLLIN), fakes.POLLIN, bad.hear)
        self.run_for(8000)
        self.assertEqual(bad.times, [0, 1000, 3000, 7000])
        bad.error = None
        bad.then = poll.cancel
        self.run_for(60000)
        self.assertEqual(bad.times[4:], [15000])

    def test_a_failing_stream_that_is_cancelled_meanwhile_stays_so(self):
        bad = self.recorder()
        bad.error = ValueError("broken")
        poll = self.loop.Poll(fakes.Stream(fakes.POLLIN), fakes.POLLIN, bad.hear)
        self.step()
        self.assertTrue(poll.active())
        poll.cancel()
        self.assertFalse(poll.active())
        self.run_for(60000)
        self.assertEqual(bad.times, [0])

    def test_a_stream_that_fails_as_it_hangs_up_is_not_polled_again(self):
        bad = self.recorder()
        bad.error = ValueError("broken")
        poll = self.loop.Poll(fakes.Stream(fakes.POLLHUP), fakes.POLLIN, bad.hear)
        self.run_for(60000)
        self.assertEqual(bad.times, [0])
        self.assertFalse(poll.active())

    def test_a_stream_closed_while_it_was_left_alone_is_a_fault_of_its_owner(self):
        bad, stream = self.recorder(), fakes.Stream(fakes.POLLIN)
        bad.error = ValueError("broken")
        self.loop.Poll(stream, fakes.POLLIN, bad.hear)
        self.step()
        stream.broken = "register"
        self.run_for(5000)
        self.assertFalse(self.faults[-1][0].core)

    def test_a_stream_waits_for_a_free_place_after_its_fault(self):
        bad = self.recorder()
        bad.error = ValueError("broken")
        self.loop.Poll(fakes.Stream(fakes.POLLIN), fakes.POLLIN, bad.hear)
        self.step()
        others = [
            self.loop.Poll(fakes.Stream(), fakes.POLLIN, self.recorder().hear) for _ in range(16)
        ]
        self.run_for(5000)
        self.assertEqual(len(bad.times), 1)
        others[0].cancel()
        self.run_for(HOURS)
        self.assertGreater(len(bad.times), 1)


def real_time_loop(world):
    """A loop with MicroPython's own time and select."""
    import uselect
    import utime

    world.modules = {"time": utime, "select": uselect}
    return world.load("epx.loop")


class _Counter:
    """Callbacks that allocate nothing."""

    def __init__(self):
        self.count = 0
        self.turns = 0

    def run(self):
        self.count += 1

    def turn(self):
        import micropython

        self.turns += 1
        if self.turns == self.lock_at:
            micropython.heap_lock()
        elif self.turns == self.unlock_at:
            micropython.heap_unlock()


class TestAllocation(unittest.TestCase):
    """On the true clock and the true poll."""

    def check(self, turns, period_ms):
        """Turn with tasks of several kinds; the heap is locked all the time but the beginning."""
        if not fakes.ON_MICROPYTHON:
            self.skipTest("only MicroPython can lock its heap")
        import micropython

        loop = real_time_loop(fakes.World())
        counter = _Counter()
        for number in range(10):
            loop.Task(counter.run, 0, 1 + number % 3)
        loop.Task(counter.run, 0, 2, tolerance_ms=3)
        # All are due in the first turn, which makes room for that once and for all.
        # The frame of the loop is allocated once, so the heap is locked from within.
        counter.lock_at, counter.unlock_at = 50, 50 + turns
        ticker = loop.Task(counter.turn, 0, period_ms)
        failed = None
        try:
            while counter.turns < 50 + turns:
                loop.run(50 + turns)
        except MemoryError as error:
            micropython.heap_unlock()
            failed = error
        ticker.cancel()
        self.assertIsNone(failed)

    def test_a_thousand_busy_turns_allocate_nothing(self):
        self.check(1000, 0)

    def test_hundreds_of_idle_turns_allocate_nothing(self):
        self.check(300, 1)


if __name__ == "__main__":
    unittest.main()
