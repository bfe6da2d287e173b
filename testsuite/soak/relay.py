"""Faults of four relays: commands of all kinds, a display that fails."""

from testsuite.soak.hardware import Base
from testsuite.story import stat, with_keys

_PINS = (25, 26, 27, 33)


def _seconds(random):
    return str(random.choice((0, -1, 1, random.between(1, 60), random.between(60, 100000))))


class Hardware(Base):
    again = ("0/State", "1/State", "2/State", "3/State")
    commands = tuple([("%d/TurnOnWithTimeout" % i, _seconds) for i in range(4)])
    story_minutes = 180
    shares = (3, 2.0)

    def __init__(self, storm):
        Base.__init__(self, storm)
        with_keys(self.world, maxon="60,120,300,600")

    def rows(self):
        return self.broken("display") + [self.brownout("display")]

    def wrong(self):
        """What is told is what the pins say, low being on."""
        for i, pin in enumerate(_PINS):
            level = self.bench.output(pin)
            told = stat(self.world, "%d/State" % i)
            if told != str(1 - level):
                return "relay %d is told to be %s, its pin is %d" % (i, told, level)
        return None

    def untrue(self):
        """After the longest of those times."""
        on = [pin for pin in _PINS if not self.bench.output(pin)]
        return "on for ever: %s" % on if on else self.wrong()
