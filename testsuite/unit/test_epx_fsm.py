"""State machines: the table is checked, and what a state starts ends with it."""

import unittest

import fakes

_STATES = {
    "initial": ("idle",),
    "idle": ("busy",),
    "busy": ("idle", "done"),
    "done": (),
}


class Owner:
    def __init__(self, loop, fsm, **options):
        self.loop = loop
        self.entered = []
        self.ticks = 0
        self.error = None
        self.sm = fsm.StateMachine("toy", self, _STATES, **options)

    def on_idle(self):
        self.entered.append("idle")

    def on_busy(self):
        self.entered.append("busy")
        self.sm.add(self.loop.Task(self.tick, 100, 100))
        if self.error:
            raise self.error

    def on_done(self):
        self.entered.append("done")

    def tick(self):
        self.ticks += 1

    def hear(self, word):
        self.entered.append(word)


class FsmCase(unittest.TestCase):
    def setUp(self):
        self.world = fakes.World()
        self.loop, self.fsm, self.log = self.world.load("epx.loop", "epx.fsm", "epx.log")
        self.owner = Owner(self.loop, self.fsm)
        self.sm = self.owner.sm

    def go(self, *states):
        for state in states:
            self.sm.go(state)
            self.loop.step()

    def run_for(self, ms):
        self.world.run(self.loop, ms)


class TestTable(FsmCase):
    def test_a_target_that_is_no_state_is_refused(self):
        with self.assertRaises(ValueError) as context:
            self.fsm.StateMachine("toy", self.owner, {"initial": ("nowhere",)})
        self.assertEqual(context.exception.args[0], "toy: initial leads to unknown nowhere")

    def test_a_state_without_its_method_is_refused(self):
        with self.assertRaises(ValueError) as context:
            self.fsm.StateMachine("toy", self.owner, {"initial": (), "lost": ()})
        self.assertEqual(context.exception.args[0], "toy: no on_lost()")


class TestTransitions(FsmCase):
    def test_a_machine_begins_in_its_initial_state(self):
        self.assertEqual(self.sm.state, "initial")
        self.assertEqual(self.owner.entered, [])

    def test_go_enters_at_the_next_turn(self):
        self.sm.go("idle")
        self.assertEqual(self.sm.state, "initial")
        self.loop.step()
        self.assertEqual(self.sm.state, "idle")
        self.assertEqual(self.owner.entered, ["idle"])

    def test_an_undeclared_transition_is_an_error(self):
        for move in (self.sm.go, lambda state: self.sm.after(5, state)):
            with self.assertRaises(RuntimeError) as context:
                move("done")
            self.assertEqual(context.exception.args[0], "toy: initial -> done not declared")

    def test_a_state_that_does_not_exist_is_an_error(self):
        with self.assertRaises(RuntimeError):
            self.sm.go("nowhere")

    def test_after_enters_later(self):
        self.go("idle")
        self.sm.after(500, "busy")
        self.run_for(499)
        self.assertEqual(self.sm.state, "idle")
        self.run_for(1)
        self.assertEqual(self.sm.state, "busy")

    def test_after_may_have_jitter(self):
        self.go("idle")
        self.sm.after(500, "busy", jitter_ms=100)
        self.run_for(499)
        self.assertEqual(self.sm.state, "idle")
        self.run_for(101)
        self.assertEqual(self.sm.state, "busy")

    def test_the_last_word_of_a_turn_counts(self):
        self.go("idle", "busy")
        self.sm.go("idle")
        self.sm.go("done")
        self.loop.step()
        self.assertEqual(self.sm.state, "done")
        self.run_for(1000)
        self.assertEqual(self.owner.entered, ["idle", "busy", "done"])

    def test_going_somewhere_stops_what_the_state_runs_at_once(self):
        self.go("idle", "busy")
        self.run_for(250)
        self.sm.go("idle")
        self.run_for(1000)
        self.assertEqual(self.owner.ticks, 2)

    def test_observers_hear_of_every_state_from_now_on(self):
        self.go("idle")
        heard = []
        self.sm.observe(heard.append)
        self.sm.observe(lambda state: heard.append(self.sm.state))
        self.go("busy", "idle")
        self.assertEqual(heard, ["busy", "busy", "idle", "idle"])

    def test_transitions_are_logged_for_who_debugs(self):
        self.log.set_level("debug")
        self.go("idle")
        self.assertEqual(self.world.console, ["debug toy: initial -> idle"])


class TestRunning(FsmCase):
    def test_what_a_state_starts_ends_with_it(self):
        self.go("idle", "busy")
        stream = fakes.Stream()
        poll = self.loop.Poll(stream, fakes.POLLIN, self.owner.hear)
        once = self.loop.Task(self.owner.hear, 700, arg="late")
        self.sm.add(poll)
        self.sm.add(once)
        self.sm.after(500, "done")
        self.run_for(3000)
        self.assertEqual(self.owner.entered, ["idle", "busy", "done"])
        self.assertEqual(self.owner.ticks, 5)
        self.assertFalse(poll.active())
        self.assertFalse(once.active())

    def test_what_ends_with_the_state_runs_while_it_lasts(self):
        self.go("idle")
        self.sm.add(self.loop.Task(self.owner.hear, 10, arg="word"))
        self.sm.add(self.loop.Task(self.owner.tick, 0, 100, tolerance_ms=10))
        self.run_for(210)
        self.assertEqual(self.owner.entered, ["idle", "word"])
        self.assertEqual(self.owner.ticks, 3)
        self.sm.add(self.loop.Poll(fakes.Stream(fakes.POLLIN), fakes.POLLIN, self.owner.hear))
        self.loop.step()
        self.assertEqual(self.owner.entered[2], fakes.POLLIN)

    def test_a_task_of_the_state_may_end_the_state(self):
        self.go("idle", "busy")
        self.sm.add(self.loop.Task(self.sm.go, 50, arg="idle"))
        self.run_for(1000)
        self.assertEqual(self.sm.state, "idle")
        self.assertEqual(self.owner.ticks, 0)

    def test_what_has_fired_is_forgotten(self):
        self.go("idle")
        for _ in range(200):
            self.sm.add(self.loop.Task(self.owner.tick, 1))
            self.run_for(5)
        self.assertLess(len(self.sm._running), 3)

    def test_tasks_of_a_core_machine_are_core(self):
        heard = []
        self.loop.fault_handler = lambda owner, error: heard.append(owner.core) or True
        for core in (True, False):
            owner = Owner(self.loop, self.fsm, core=core)
            owner.error = ValueError("broken")
            owner.sm.go("idle")
            self.loop.step()
            owner.sm.go("busy")
            self.loop.step()
        self.assertEqual(heard, [True, False])


class TestFaults(FsmCase):
    def setUp(self):
        super().setUp()
        self.faults = []
        self.loop.fault_handler = self._handle

    def _handle(self, owner, error):
        self.faults.append(error)
        return True

    def test_a_state_whose_entry_raised_is_entered_again(self):
        self.owner.error = ValueError("broken")
        self.go("idle", "busy")
        self.assertEqual(len(self.faults), 1)
        self.owner.error = None
        self.run_for(1000)
        self.assertEqual(len(self.faults), 1)
        self.assertEqual(self.owner.entered, ["idle", "busy", "busy"])
        self.owner.ticks = 0
        self.run_for(1000)
        self.assertEqual(self.owner.ticks, 10)
        self.go("done")
        self.assertEqual(self.sm.state, "done")

    def test_a_state_that_was_left_after_its_fault_is_not_entered_again(self):
        self.owner.error = ValueError("broken")
        self.go("idle", "busy")
        self.owner.error = None
        self.go("done")
        self.run_for(60000)
        self.assertEqual(self.owner.entered, ["idle", "busy", "done"])
        self.assertEqual(len(self.faults), 1)


if __name__ == "__main__":
    unittest.main()
