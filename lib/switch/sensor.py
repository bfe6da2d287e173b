"""The inputs of a switch: polled, debounced, handed to the program."""

from micropython import const

from epx.loop import Task
from epx.topics import Source

_MOST_POLLS = const(0x3FFF)


class Input(Source):
    """One of them. event: what was told of it last."""

    event = None

    def tell(self, event):
        if event:
            self.event = event
            self.announce("moved")


class Inputs:
    """All of them; each[i] is what number i tells.

    Time is counted in polls: however late one is, a reading that did not stay does not count.
    """

    def __init__(self, config, port, size, program):
        poll_ms = config.poll
        self._port = port
        self._program = program
        self.each = [Input() for _ in range(size)]
        self._steady_polls = -(-config.debounce // poll_ms)
        self._long_polls = -(-config.longpress // poll_ms)
        self._unknown = (1 << size) - 1
        self._stable = 0  # what has stayed long enough
        self._reading = 0
        self._polls = [-1] * size  # since the reading of each changed
        self._held_polls = [0] * size  # since each was pressed; 0: is not
        self._busy_polls = self._steady_polls + 1  # after which nothing can happen any more
        Task(self._poll, 0, poll_ms)

    def health(self):
        """For an update on trial: is every input known?"""
        return "unsure" if self._unknown else "ok"

    def _poll(self):
        reading = self._port.read()
        changed = reading ^ self._reading
        if changed:
            self._reading = reading
            self._busy_polls = self._steady_polls + 1
        elif not self._busy_polls:
            return
        self._busy_polls -= 1
        bit = 1
        for i in range(len(self.each)):
            polls = self._polls[i]
            polls = self._polls[i] = 0 if changed & bit else min(polls + 1, _MOST_POLLS)
            if polls >= self._steady_polls and ((reading ^ self._stable) | self._unknown) & bit:
                self._settle(i, bit)
            elif self._held_polls[i]:
                self._hold(i, bit)
            bit <<= 1

    def _settle(self, i, bit):
        """The reading of input i has stayed: it counts."""
        on = 1 if self._reading & bit else 0
        was_known = not self._unknown & bit
        self._unknown &= ~bit
        self._stable = self._stable & ~bit | (bit if on else 0)
        if not was_known:
            self._program.found(i, on)
            return
        self._held_polls[i] = on
        self.each[i].tell(self._program.moved(i, on))
        if on:
            self._busy_polls += 1

    def _hold(self, i, bit):
        """Input i is pressed; a press that ends just now is not a long one."""
        self._busy_polls = max(self._busy_polls, 1)
        self._held_polls[i] += 1
        if self._held_polls[i] > self._long_polls and self._reading & bit:
            self._held_polls[i] = 0
            self.each[i].tell(self._program.held(i))
