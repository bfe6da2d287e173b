"""A DS18B20 thermometer, byte by byte, on a OneWireBus.

Models (data sheet 19-7487): scratchpad and its check, EEPROM of the limits and the resolution,
conversion time and its busy bit, the 85 C of power-on. Always with its own supply; no alarms.
"""

from testmock.models.onewire import OneWireDevice, crc8

_FAMILY = 0x28
_POWER_ON = 85 * 16
_CONVERSION_US = 750000


class DS18B20(OneWireDevice):
    """celsius: what it is in the place where it lies; present: is it on the wire?

    garbled: so many of the next scratchpads come with a wrong bit. now_us: the bench's clock.
    """

    def __init__(self, now_us, serial, celsius):
        self._now_us = now_us
        self.celsius = celsius
        self.garbled = 0
        self.conversions = 0
        self.eeprom = b"\x4b\x46\x7f"
        self.power_on()
        OneWireDevice.__init__(self, _FAMILY, serial)

    def power_on(self):
        """Lose and regain the supply."""
        self._result = _POWER_ON
        self._done_us = None
        self._memory = bytearray(self.eeprom)
        self._written = None

    @property
    def resolution(self):
        return 9 + (self._memory[2] >> 5 & 3)

    def bus_reset(self):
        self._written = None
        OneWireDevice.bus_reset(self)

    def command(self, byte):
        self._finish()
        if self._written is not None:
            self._write(byte)
        elif byte == 0x44:
            self._done_us = self._now_us() + (_CONVERSION_US >> 12 - self.resolution)
        elif byte == 0xBE:
            self.send(self._scratchpad())
        elif byte == 0x4E:
            self._written = 0
        elif byte == 0x48:
            self.eeprom = bytes(self._memory)
        elif byte == 0xB8:
            self._memory = bytearray(self.eeprom)

    def status_bit(self):
        self._finish()
        return 1 if self._done_us is None else 0

    def _write(self, byte):
        if self._written < 3:
            # Of the configuration only the resolution can be written.
            self._memory[self._written] = byte & 0x60 | 0x1F if self._written == 2 else byte
            self._written += 1

    def _finish(self):
        """The conversion, if it is over by now."""
        if self._done_us is not None and self._now_us() >= self._done_us:
            self._done_us = None
            self.conversions += 1
            step = 1 << 12 - self.resolution
            self._result = int(float(self.celsius) * 16 // step) * step

    def _scratchpad(self):
        low = self._result & 0xFFFF
        data = bytes((low & 0xFF, low >> 8)) + bytes(self._memory) + b"\xff\x0c\x10"
        data += bytes((crc8(data),))
        if self.garbled:
            self.garbled -= 1
            data = bytes((data[0] ^ 0x04,)) + data[1:]
        return data
