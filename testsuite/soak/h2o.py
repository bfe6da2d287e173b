"""Faults of a water tank's hardware: its expander, its display, its flow meter, its switches."""

from testsuite.soak.hardware import Base


class Hardware(Base):
    again = ("CoarseLevelPct", "Flow", "Malfunctions")
    story_minutes = 150
    shares = (3, 2.0)

    def rows(self):
        between = self.random.between
        rows = self.broken("expander", "display")
        rows += [
            self.attribute("flow", "rate_hz", lambda: between(1, 230), 0),
            self.attribute("flow", "rate_hz", lambda: between(300, 5000), 0),
            self.attribute("expander", "inputs", lambda: self.random.below(0x10000), 0),
            self.happens("expander", "inputs", self._level),
            self.brownout("expander"),
            self.brownout("display"),
        ]
        return rows

    def _level(self):
        return 0xFFE0 & ~((1 << self.random.below(6)) - 1) & 0xFFFF
