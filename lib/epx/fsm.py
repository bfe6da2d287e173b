"""State machines declared as a table.

The owner supplies the table, which has a state "initial", and a method on_<state>() for each
other state, called on entry:

    _STATES = {
        "initial": ("idle",),
        "idle": ("connecting",),
        "connecting": ("connected", "idle"),
        "connected": ("idle",),
    }
"""

from epx import log
from epx.loop import Poll, Task


class StateMachine:
    """Drives owner through states. What a state starts, ends when the state is left."""

    def __init__(self, name, owner, states, core=False):
        self._enters = {}
        for state, targets in states.items():
            if state != "initial":
                enter = getattr(owner, "on_" + state, None)
                if enter is None:
                    raise ValueError("%s: no on_%s()" % (name, state))
                self._enters[state] = enter
            for target in targets:
                if target not in states:
                    raise ValueError("%s: %s leads to unknown %s" % (name, state, target))
        self.name = name
        self.state = "initial"
        self.core = core
        self._states = states
        self._running = []  # tasks and polls that end with the current state
        self._observers = []

    def go(self, state):
        """Enter state at the next turn of the loop; what this state runs stops now."""
        self._check(state)
        self._stop()
        return self.after(0, state)

    def after(self, delay_ms, state, jitter_ms=0):
        """Enter state after delay_ms, unless this state is left before."""
        self._check(state)
        return self._add(
            Task(self._enter, delay_ms, arg=state, jitter_ms=jitter_ms, core=self.core)
        )

    def once(self, delay_ms, callback, arg=None):
        return self._add(Task(callback, delay_ms, arg=arg, core=self.core))

    def every(self, period_ms, callback, delay_ms=None, tolerance_ms=0):
        """Call back each period_ms, for the first time after delay_ms (None: a period)."""
        if delay_ms is None:
            delay_ms = period_ms
        return self._add(
            Task(callback, delay_ms, period_ms, tolerance_ms=tolerance_ms, core=self.core)
        )

    def poll(self, stream, events, callback):
        return self._add(Poll(stream, events, callback, core=self.core))

    def observe(self, callback):
        """callback(state) hears of every state entered, from now on."""
        self._observers.append(callback)

    def _check(self, state):
        if state not in self._states[self.state]:
            raise RuntimeError("%s: %s -> %s not declared" % (self.name, self.state, state))

    def _add(self, job):
        running = self._running
        for i in range(len(running)):
            if not running[i].active():  # one that has fired makes room
                running[i] = job
                return job
        running.append(job)
        return job

    def _stop(self):
        for job in self._running:
            job.cancel()
        self._running.clear()

    def _enter(self, state):
        # After a fault of its on_<state>() a state is entered again, unless it has been left.
        if state != self.state and state not in self._states[self.state]:
            return
        self._stop()
        log.debug("%s: %s -> %s", self.name, self.state, state)
        self.state = state
        self._enters[state]()
        for observer in self._observers:
            observer(state)
