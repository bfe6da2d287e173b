"""Faults of a switch: contacts that bounce, buttons that are held, commands, programs."""

from testsuite.soak.hardware import Base
from testsuite.story import stat, with_keys

# driver, inputs, level of one that is on, outputs; the seed of a storm says which one it is.
_BOARDS = (
    ("Direct4", (26, 34, 33, 35), 0, (17, 16, 32, 12)),
    ("dtwonder2", (36, 39), 0, (16, 2)),
    ("hoffer6", (36, 39, 32, 33, 25, 26, 27, 14), 1, (4, 16, 17, 18, 19, 23)),
    ("minir4", (27, 0), 0, (26,)),
    ("dtwonder8", (), 0, ()),
)
_REGISTERS = 8
_PROGRAMS = (
    "0:P:-0/+0",
    "0:T:-0/+0; 1:R:-0/+0",
    "1:R:+0/-0;0:P:-0/+0",
    "0:P:-0/+0;;0:P:+0",
    "7:P:+7/-7",
    "0:Q:-0/+0",
    ";",
)


def _level(random):
    return random.choice(("1", "0", "on", "off", "up", "down"))


class Hardware(Base):
    story_minutes = 10
    shares = (5, 0.2)
    commands = (
        ("0/State", _level),
        ("1/State", _level),
        ("7/State", _level),
        ("Program", lambda random: random.choice(_PROGRAMS)),
    )

    def __init__(self, storm):
        Base.__init__(self, storm)
        driver, self.inputs, self._on, self.outputs = _BOARDS[self.world.seed % len(_BOARDS)]
        keys = {"driver": driver}
        if driver.startswith("dtwonder"):
            keys["led"] = "none"
        with_keys(self.world, **keys)
        count = len(self.outputs) or _REGISTERS
        self.again = ["Program"] + ["%d/State" % i for i in range(count)]
        self._release()

    def _set(self, i, on):
        if self.inputs:
            self.bench.set_input(self.inputs[i], self._on if on else 1 - self._on)
        else:
            registers = self.parts["registers"]
            bit = 1 << i
            registers.inputs = registers.inputs & ~bit if on else registers.inputs | bit

    def _release(self):
        for i in range(len(self.inputs) or _REGISTERS):
            self._set(i, False)

    def _bounce(self):
        self._set(self.random.below(len(self.inputs) or _REGISTERS), self.random.chance(50))

    def rows(self):
        return [
            self.again_and_again("contacts bounce", 1, 60, self._bounce, self._release),
            self.again_and_again("buttons are pressed", 200, 3000, self._bounce, self._release),
            ("an input moves", self._bounce, None),
            ("all inputs are on", self._all_on, self._release),
        ]

    def _all_on(self):
        for i in range(len(self.inputs) or _REGISTERS):
            self._set(i, True)

    def wrong(self):
        """What is told is what the pins say, and what the NVRAM keeps."""
        levels = self._levels()
        for i in range(len(levels)):
            told = stat(self.world, "%d/State" % i)
            kept = self.bench.nvs.get("switch", {}).get(str(i), 0)
            if not told == str(levels[i]) == str(kept):
                return "output %d is %s, told %s, kept %s" % (i, levels[i], told, kept)
        return None

    def _levels(self):
        if self.outputs:
            return [self.bench.output(pin) for pin in self.outputs]
        driven = self.parts["registers"].driven()
        return [None if driven is None else driven >> i & 1 for i in range(_REGISTERS)]
