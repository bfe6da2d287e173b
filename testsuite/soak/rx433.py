"""Faults of a receiver of keyfobs: noise, strangers, buttons that are held, names taught."""

from testsuite.soak.hardware import Base
from testsuite.story import sent

_KNOWN = "EV1527:11259365"
_ENOUGH_MS = 1500


class Hardware(Base):
    again = ("Statistics",)
    story_minutes = 15
    shares = (2, 0.75)
    commands = (
        ("Learn", lambda random: random.choice(("gate", "door", "x" * 16, "y" * 17, "a b"))),
        ("Forget", lambda random: random.choice(("gate", "door", "nobody"))),
    )

    def rows(self):
        fob = self.parts["keyfob"]
        between = self.random.between
        return [
            self.again_and_again("noise", 1000, 5000, lambda: fob.noise(between(10, 600))),
            self.again_and_again("buttons", 1000, 9000, self._press),
            self.attribute("keyfob", "jitter_pct", lambda: between(1, 30), 0),
            ("a press", self._press, None),
            ("a button is held", lambda: fob.press(_KNOWN, 100), None),
            ("half a frame", lambda: fob.add([(0, 11000)] + [(1, 350), (0, 1050)] * 9), None),
            ("a carrier", lambda: fob.add([(1, 1500000)]), None),
        ]

    def _press(self):
        number = self.random.below(1 << 24)
        self.parts["keyfob"].press("%s:%d" % (self.random.choice(("EV1527", "HT6P20")), number))

    def provoke(self):
        """The first press may be the one to be learned."""
        for _ in range(3):
            self.parts["keyfob"].press(_KNOWN)
            self.world.run_for(_ENOUGH_MS)

    def untrue(self):
        told = sent(self.world, "Keyfob")
        return None if told and told[-1][1] == _KNOWN else "a press was not heard: %s" % told
