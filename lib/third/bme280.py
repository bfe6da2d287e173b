"""BME280 (and BMP280): barometric pressure on an I2C bus, compensated with its own temperature.

Source: Bosch data sheet BST-BME280-DS002: calibration table 16, formulas chapter 4.2.3,
registers chapter 5.4, measurement time appendix 9.1; the BMP280 (BST-BMP280-DS001) has the same.
Humidity is not measured: it would take the calibration of a third formula.
The methods raise OSError when the chip does not answer; none waits, none tries again.
"""

from errno import EIO
from struct import unpack

from micropython import const

_CALIBRATION = const(0x88)
_ID = const(0xD0)
_IDS = (0x60, 0x58)  # BME280, BMP280
_CONTROL_HUMIDITY = const(0xF2)
_STATUS = const(0xF3)
_CONTROL = const(0xF4)
_CONFIG = const(0xF5)
_FORCED = b"\x25"  # each once, then sleep again
_SLEEP = b"\x24"
_MEASURING = const(8)
_NOT_MEASURED = const(0x80000)


class BME280:
    """trigger(), and 10 ms later read(): it takes 6.4 at most."""

    address = 0x76
    _calibration = None

    def __init__(self, i2c):
        self._i2c = i2c

    def start(self):
        """Configure, and read the calibration. OSError(EIO): some other chip."""
        data = bytearray(24)
        self._i2c.readfrom_mem_into(self.address, _ID, data)
        if data[0] not in _IDS:
            raise OSError(EIO)
        self._i2c.writeto_mem(self.address, _CONTROL, _SLEEP)  # else it may ignore the others
        self._i2c.writeto_mem(self.address, _CONTROL_HUMIDITY, b"\x00")
        self._i2c.writeto_mem(self.address, _CONFIG, b"\x00")
        self._i2c.readfrom_mem_into(self.address, _CALIBRATION, data)
        self._calibration = unpack("<HhhHhhhhhhhh", data)

    def trigger(self):
        """Begin a measurement."""
        self._i2c.writeto_mem(self.address, _CONTROL, _FORCED)

    def read(self):
        """(degrees Celsius, hectopascals). OSError(EIO): it has not measured, or nonsense.

        These are the formulas for 32 and 64 bits; Python's integers have any length.
        """
        data = bytearray(10)
        self._i2c.readfrom_mem_into(self.address, _STATUS, data)
        pressure = data[4] << 12 | data[5] << 4 | data[6] >> 4
        temperature = data[7] << 12 | data[8] << 4 | data[9] >> 4
        t1, t2, t3, p1, p2, p3, p4, p5, p6, p7, p8, p9 = self._calibration
        if not data[0] & _MEASURING and _NOT_MEASURED not in (pressure, temperature):
            # In 1/5120 degrees.
            step = (temperature >> 4) - t1
            fine = ((temperature >> 3) - (t1 << 1)) * t2 >> 11
            fine += (step * step >> 12) * t3 >> 14
            # In 1/256 Pa.
            step = fine - 128000
            offset = step * step * p6 + (step * p5 << 17) + (p4 << 35)
            scale = (step * step * p3 >> 8) + (step * p2 << 12)
            scale = ((1 << 47) + scale) * p1 >> 33
            if scale > 0:  # else the calibration is nonsense
                pressure = ((1048576 - pressure << 31) - offset) * 3125 // scale
                step = pressure >> 13
                pressure += (p9 * step * step >> 25) + (p8 * pressure >> 19)
                pressure = (pressure >> 8) + (p7 << 4)
                # Specified are -40 to 85 degrees and 300 to 1100 hPa.
                if -230400 <= fine <= 460800 and 7680000 <= pressure <= 28160000:
                    return fine / 5120, pressure / 25600
        raise OSError(EIO)
