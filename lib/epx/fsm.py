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
from epx.loop import Task


class StateMachine:
    """Drives owner through states. What a state starts, ends when the state is left."""

    def __init__(self, name, owner, states, core=False):
        for state, targets in states.items():
            if state != "initial" and not hasattr(owner, "on_" + state):
                raise ValueError("%s: no on_%s()" % (name, state))
            for target in targets:
                if target not in states:
                    raise ValueError("%s: %s leads to unknown %s" % (name, state, target))
        self.name = name
        self.state = "initial"
        self.core = core
        self._owner = owner
        self._states = states
        self._running = []  # tasks and polls that end with the current state
        self._observers = []

    def go(self, state):
        """Enter state at the next turn of the loop; what this state runs stops now."""
        running = list(self._running)
        self.after(0, state)
        for job in running:
            job.cancel()

    def after(self, delay_ms, state, jitter_ms=0):
        """Enter state after delay_ms, unless this state is left before."""
        if state not in self._states[self.state]:
            raise RuntimeError("%s: %s -> %s not declared" % (self.name, self.state, state))
        self.add(Task(self._enter, delay_ms, arg=state, jitter_ms=jitter_ms, core=self.core))

    def add(self, job):
        """Cancel job, a Task or a Poll, when this state is left."""
        running = self._running
        for i in range(len(running)):
            if not running[i].active():  # one that has fired makes room
                running[i] = job
                return
        running.append(job)

    def observe(self, callback):
        """callback(state) hears of every state entered, from now on."""
        self._observers.append(callback)

    def _enter(self, state):
        # After a fault of its on_<state>() a state is entered again, unless it has been left.
        if state != self.state and state not in self._states[self.state]:
            return
        for job in self._running:
            job.cancel()
        self._running.clear()
        log.debug("%s: %s -> %s", self.name, self.state, state)
        self.state = state
        getattr(self._owner, "on_" + state)()
        for observer in self._observers:
            observer(state)
