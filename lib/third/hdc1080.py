"""HDC1080: relative humidity and temperature on an I2C bus.

Source: Texas Instruments data sheet SNAS672A, registers chapter 8.6, conversion times table 7.5.
The methods raise OSError when the chip does not answer; none waits, none tries again.
"""

from errno import EIO

from micropython import const

_CONFIGURATION = const(0x02)
_MANUFACTURER = const(0xFE)
# Both values in sequence, 14 bits each, heater off. Bit 11 tells of a low supply.
_BOTH = b"\x10\x00"
_LOW_SUPPLY = const(0x08)
_IDS = b"\x54\x49"


class HDC1080:
    """trigger(), and 20 ms later read(): it takes 6.35 for temperature, 6.5 for humidity."""

    address = 0x40

    def __init__(self, i2c):
        self._i2c = i2c

    def start(self):
        """Configure, and read back. OSError(EIO): some other chip, or none that works."""
        word = bytearray(2)
        self._i2c.readfrom_mem_into(self.address, _MANUFACTURER, word)
        if word == _IDS:
            self._i2c.writeto_mem(self.address, _CONFIGURATION, _BOTH)
            self._i2c.readfrom_mem_into(self.address, _CONFIGURATION, word)
            word[0] &= ~_LOW_SUPPLY
            if word == _BOTH:
                return
        raise OSError(EIO)

    def trigger(self):
        """Begin a conversion of both: the register pointer on temperature does."""
        self._i2c.writeto(self.address, b"\x00")

    def read(self):
        """(degrees Celsius, % of relative humidity). It does not answer while it converts.

        The lowest two bits are always 0, and no word of temperature is, but after a power-on.
        """
        data = bytearray(4)
        self._i2c.readfrom_into(self.address, data)
        if (data[1] | data[3]) & 3 or not (data[0] or data[1]):
            raise OSError(EIO)
        return (
            (data[0] << 8 | data[1]) * 165 / 65536 - 40,
            (data[2] << 8 | data[3]) * 100 / 65536,
        )
