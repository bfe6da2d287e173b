"""The relay across the button of a garage door's motor."""

from epx.loop import Task


class Opener:
    def __init__(self, pin, pulse_ms):
        self._pin = pin
        self._release = Task(self._let_go, pulse_ms)
        self._release.cancel()

    def press(self, wanted):
        if wanted:
            self._pin.value(1)
            self._release.restart()

    def _let_go(self):
        self._pin.value(0)
