"""Faults of a mains energy meter's hardware: silence, noise on the line, a counter that jumps."""

from testsuite.soak.hardware import Base
from testsuite.story import sent


class Hardware(Base):
    again = ("Malfunction",)
    commands = (("Ticker", lambda random: random.choice(("on", "off", "1", "0"))),)
    story_minutes = 120
    shares = (3, 2.0)

    def __init__(self, storm):
        Base.__init__(self, storm)
        self._told_wh = 0

    def rows(self):
        between = self.random.between
        rows = self.broken("meter")
        rows += [
            self.attribute("meter", "deaf_to", lambda: (self.random.choice((3, 4, 6)),), ()),
            self.attribute("meter", "noise", self._noise, b""),
            self.attribute("meter", "tail", self._noise, b""),
            self.attribute("meter", "flips", 1 << 30, 0),
            self.attribute("meter", "answer_us", lambda: between(100, 5000) * 1000, 20000),
            self.attribute("meter", "address", lambda: between(2, 200), 1),
            # Three end a try: never two tries by one fault.
            self.happens("meter", "flips", lambda: between(1, 5)),
            self.happens("meter", "w", lambda: float(between(0, 23000))),
            self.happens("meter", "v", lambda: between(800, 2600) / 10),
            self.happens("meter", "a", lambda: between(0, 100000) / 1000),
            self.happens("meter", "alarm_w", lambda: between(1, 25000)),
            self.happens("meter", "wh", lambda: self.random.choice((0, between(0, 9999999)))),
        ]
        return rows

    def _noise(self):
        return bytes([self.random.below(256) for _ in range(self.random.between(1, 30))])

    def wrong(self):
        totals = [self._told_wh] + [int(payload) for _, payload in sent(self.world, "Wh")]
        self._told_wh = max(totals)
        return None if totals == sorted(totals) else "Wh goes backwards: %s" % totals

    def untrue(self):
        meter = self.parts["meter"]
        alarm = 1 if meter.w > meter.alarm_w else 0
        return self.differs("Alarm", alarm, 0) or self.differs("V", meter.v, 0.11)
