"""A BME280 barometer as a register file behind an I2C bus.

Models (data sheet BST-BME280-DS002, chapters 3.3, 4.2 and 5): the identification, the calibration,
sleep and forced mode, the measuring bit and time, oversampling 0 (skipped) and 1 to 16, control
bytes in pairs. Not the filter, the normal mode, nor the humidity, which reads as skipped.

What it feels becomes raw values by inverting the data sheet's formulas for floating point, so
that a driver that computes with integers is checked by something else than itself.
"""

from struct import pack

_ID, _RESET, _STATUS, _CONTROL, _DATA = 0xD0, 0xE0, 0xF3, 0xF4, 0xF7
_CALIBRATION = 0x88
_SKIPPED = 0x80000
# The worked example of the BMP280's data sheet.
EXAMPLE = (27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)


class BME280:
    """celsius and hectopascals are what it feels. now_us tells the time: the bench's clock.

    raw: (pressure, temperature) to be measured in place of the true ones.
    """

    def __init__(self, now_us, calibration=EXAMPLE):
        self._now_us = now_us
        self._calibration = calibration
        self._known = None
        self.celsius = 22.5
        self.hectopascals = 1010.0
        self.raw = None
        self.id = 0x60
        self.present = True
        self.failing = False
        self.power_on()

    def power_on(self):
        """Lose and regain the supply."""
        self.registers = bytearray(256)
        self.registers[_CALIBRATION : _CALIBRATION + 24] = pack(
            "<HhhHhhhhhhhh", *self._calibration
        )
        self._pointer = 0
        self._ready_us = None
        self._store(_SKIPPED, _SKIPPED)

    def i2c_write(self, data):
        self._pointer = data[0]
        # Register and value, register and value: in writes the address does not move on.
        for i in range(0, len(data) - 1, 2):
            self._write(data[i], data[i + 1])

    def _write(self, register, value):
        if register == _RESET:
            if value == 0xB6:
                self.power_on()
        elif 0xF2 <= register <= 0xF5 and register != _STATUS:
            self.registers[register] = value
            if register == _CONTROL and value & 3 in (1, 2):
                times = 1250 + 2300 * self._times(value >> 5)
                pressure = self._times(value >> 2 & 7)
                times += 2300 * pressure + 575 if pressure else 0
                self._ready_us = self._now_us() + times

    @staticmethod
    def _times(bits):
        return 1 << min(bits, 5) - 1 if bits else 0

    def i2c_read(self, n):
        if self._ready_us is not None and self._now_us() >= self._ready_us:
            self._finish()
        self.registers[_ID] = self.id
        self.registers[_STATUS] = 0 if self._ready_us is None else 8
        data = bytes(self.registers[self._pointer : self._pointer + n])
        self._pointer += n
        return data

    def _finish(self):
        self._ready_us = None
        control = self.registers[_CONTROL]
        self.registers[_CONTROL] = control & 0xFC
        pressure, temperature = self.raw or self._raw()
        self._store(
            pressure if control >> 2 & 7 else _SKIPPED, temperature if control >> 5 else _SKIPPED
        )

    def _store(self, pressure, temperature):
        at = _DATA
        for value in (pressure, temperature):
            self.registers[at : at + 3] = (value << 4).to_bytes(3, "big")
            at += 3
        self.registers[at : at + 2] = b"\x80\x00"

    def _raw(self):
        """(pressure, temperature) for what it feels."""
        feels = (self.celsius, self.hectopascals)
        if self._known is None or self._known[0] != feels:
            temperature = _search(lambda raw: self.fine(raw) >= self.celsius * 5120)
            fine = self.fine(temperature)
            # The more pressure, the smaller the raw value.
            limit = self.hectopascals * 100
            pressure = _search(lambda raw: self.pascals(raw, fine) <= limit)
            self._known = (feels, (pressure, temperature))
        return self._known[1]

    def fine(self, raw):
        t1, t2, t3 = self._calibration[:3]
        step = raw / 131072 - t1 / 8192
        return (raw / 16384 - t1 / 1024) * t2 + step * step * t3

    def pascals(self, raw, fine):
        p1, p2, p3, p4, p5, p6, p7, p8, p9 = self._calibration[3:]
        a = fine / 2 - 64000
        b = a * a * p6 / 32768 + a * p5 * 2
        b = b / 4 + p4 * 65536
        a = (p3 * a * a / 524288 + p2 * a) / 524288
        a = (1 + a / 32768) * p1
        p = (1048576 - raw - b / 4096) * 6250 / a
        return p + (p9 * p * p / 2147483648 + p * p8 / 32768 + p7) / 16


def _search(reached):
    """The smallest of 20 bits for which it is reached."""
    low, high = 0, (1 << 20) - 1
    while low < high:
        middle = (low + high) // 2
        if reached(middle):
            high = middle
        else:
            low = middle + 1
    return low
