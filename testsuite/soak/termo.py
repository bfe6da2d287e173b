"""Faults of thermometers on a wire: they come and go, the wire is on ground, bits are wrong."""

from testmock.models.ds18b20 import DS18B20
from testsuite.soak.hardware import Base

_NAMES = ("first", "second", "third")


class Hardware(Base):
    again = ("Malfunction",)
    story_minutes = 60
    shares = (2, 2.0)

    def rows(self):
        between = self.random.between
        wire = self.parts["wire"]
        fourth = DS18B20(self.bench.clock.now_us, 4, 24)
        rows = [
            ("all are absent", lambda: self._present(False), lambda: self._present(True)),
            ("another one", lambda: wire.devices.append(fourth), wire.devices.pop),
            self.attribute("wire", "shorted", True, False),
            self.brownout("wire"),
            self.again_and_again("loose contact", 20, 4000, self._loose, self._tight),
        ]
        for name in _NAMES:
            rows += [
                self.attribute(name, "present", False, True),
                self.attribute(name, "garbled", 1 << 30, 0),
                self.happens(name, "garbled", lambda: between(1, 20)),
                self.happens(name, "celsius", lambda: between(-550, 1250) / 10),
                self.brownout(name),
            ]
        return rows

    def _present(self, there):
        for name in _NAMES:
            self.parts[name].present = there

    def _loose(self):
        name = self.random.choice(_NAMES)
        self.parts[name].present = there = self.random.chance(50)
        if there:
            self.parts[name].power_on()

    def _tight(self):
        self._present(True)

    def untrue(self):
        """Smoothed, and told when it moved by more than its uncertainty."""
        for name in _NAMES:
            sensor = self.parts[name]
            digits = "".join(["%02x" % byte for byte in sensor.rom])
            found = self.differs("Temperature/" + digits, sensor.celsius, 0.5)
            if found:
                return found
        return None
