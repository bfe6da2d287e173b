"""Wakes, reads for a while, and sleeps. Pins stand for the radio."""

from machine import Pin

from epx import log
from epx.loop import Task


class Nap:
    """GPIO 4: the reading is confirmed. GPIO 5: somebody says that an update waits."""

    value = 0

    def __init__(self, sleeper):
        self._sleeper = sleeper
        self._arrives = Pin(4, Pin.IN)
        self._waits = Pin(5, Pin.IN)
        Task(self.read, 2000)
        Task(self.done, 3000)

    def read(self):
        self.value += 1

    def done(self):
        log.info("nap: read %d", self.value)
        if self._arrives.value():
            self._sleeper.reading_confirmed()
        if self._waits.value() and not self._sleeper.update():
            log.error("nap: cannot be updated")
        self._sleeper.sleep()
