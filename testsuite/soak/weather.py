"""Faults of a weather sensor's hardware: chips that fail, lie, lose their supply."""

from testsuite.soak.hardware import Base


class Hardware(Base):
    again = ("Malfunction",)
    story_minutes = 180
    shares = (8, 2.0)

    def rows(self):
        between = self.random.between
        rows = self.broken("hygrometer", "barometer", "display")
        rows += [
            self.attribute("hygrometer", "stuck", self._bytes, None),
            self.attribute("hygrometer", "low_supply", True, False),
            self.attribute("hygrometer", "ids", lambda: {0xFE: b"\xff\xff"}, self._ids()),
            self.attribute("barometer", "raw", self._raw, None),
            self.attribute("barometer", "id", lambda: self.random.below(256), 0x60),
            self.happens("hygrometer", "celsius", lambda: between(-400, 1200) / 10),
            self.happens("hygrometer", "humidity", lambda: between(0, 1000) / 10),
            self.happens("barometer", "celsius", lambda: between(-400, 850) / 10),
            self.happens("barometer", "hectopascals", lambda: between(3000, 11000) / 10),
            self.brownout("hygrometer"),
            self.brownout("barometer"),
            self.brownout("display"),
        ]
        return rows

    def _ids(self):
        return dict(self.parts["hygrometer"].ids)

    def _bytes(self):
        return self.random.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x80\0\0\x04"))

    def _raw(self):
        return self.random.choice(((0, 0), (0xFFFFF, 0xFFFFF), (0x80000, 0x80000), (1, 0xFFFFF)))

    def untrue(self):
        hygrometer, barometer = self.parts["hygrometer"], self.parts["barometer"]
        return (
            self.differs("Temperature", hygrometer.celsius, 0.11)
            or self.differs("Humidity", hygrometer.humidity, 0.11)
            or self.differs("Pressure", barometer.hectopascals, 0.3)
        )
