"""A sensor that counts the seconds."""

from epx.loop import Task
from epx.topics import Pub

TOPICS = (Pub("Value", "value", 0, every_ms=1000),)


class Probe:
    value = 0

    def __init__(self):
        Task(self.sample, 1000, 1000)

    def sample(self):
        self.value += 1

    def health(self):
        return "ok"
