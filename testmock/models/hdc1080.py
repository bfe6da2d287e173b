"""An HDC1080 hygrometer behind an I2C bus.

Models (data sheet SNAS672A, chapters 7.5, 8.5 and 8.6): the register pointer, a conversion that
the pointer starts and during which the chip does not answer, both values in sequence or one,
their resolutions, the identification, the low-supply bit.
"""

_TEMPERATURE, _HUMIDITY, _CONFIGURATION = 0x00, 0x01, 0x02
_IDS = {0xFE: b"\x54\x49", 0xFF: b"\x10\x50"}
_AFTER_POWER_ON = 0x1000
_WRITABLE = 0x3700
_BOTH, _LOW_SUPPLY = 0x1000, 0x0800
_ENODEV = 19
# By the bits for the resolution: how many bits, how long it takes.
_TEMPERATURE_US = {0: (14, 6350), 1: (11, 3650)}
_HUMIDITY_US = {0: (14, 6500), 1: (11, 3850), 2: (8, 2500)}


class HDC1080:
    """celsius and humidity are what it feels. now_us tells the time: the bench's clock.

    stuck: bytes that are read in place of the measurement, None for the true ones.
    """

    def __init__(self, now_us):
        self._now_us = now_us
        self.celsius = 21.5
        self.humidity = 82.0
        self.low_supply = False
        self.ids = dict(_IDS)
        self.stuck = None
        self.present = True
        self.failing = False
        self.power_on()

    def power_on(self):
        """Lose and regain the supply."""
        self.configuration = _AFTER_POWER_ON
        self._pointer = _TEMPERATURE
        self._words = [0, 0]
        self._converting = ()
        self._ready_us = 0

    def i2c_write(self, data):
        self._pointer = data[0]
        if len(data) == 3 and self._pointer == _CONFIGURATION:
            value = data[1] << 8 | data[2]
            if value & 0x8000:
                self.power_on()
            else:
                self.configuration = value & _WRITABLE
        elif len(data) == 1 and self._pointer <= _HUMIDITY:
            self._convert()

    def _convert(self):
        mode = self.configuration
        self._converting = (_TEMPERATURE, _HUMIDITY) if mode & _BOTH else (self._pointer,)
        self._ready_us = self._now_us() + sum([self._plan(i)[1] for i in self._converting])

    def _plan(self, which):
        mode = self.configuration
        if which == _HUMIDITY:
            return _HUMIDITY_US[mode >> 8 & 3]
        return _TEMPERATURE_US[mode >> 10 & 1]

    def _finish(self):
        for which in self._converting:
            if which == _HUMIDITY:
                share = self.humidity / 100
            else:
                share = (self.celsius + 40) / 165
            bits = self._plan(which)[0]
            word = int(min(max(share, 0), 1) * (1 << bits) + 0.5)
            self._words[which] = min(word, (1 << bits) - 1) << 16 - bits
        self._converting = ()

    def i2c_read(self, n):
        if self._pointer <= _HUMIDITY:
            if self._now_us() < self._ready_us:
                raise OSError(_ENODEV)
            self._finish()
            data = self.stuck or b"".join([word.to_bytes(2, "big") for word in self._words])
            data = data[2 * self._pointer :]
        elif self._pointer == _CONFIGURATION:
            word = self.configuration | (_LOW_SUPPLY if self.low_supply else 0)
            data = word.to_bytes(2, "big")
        else:
            data = self.ids.get(self._pointer, b"\xff\xff")
        # Who reads on finds the bus high.
        return (data + b"\xff" * n)[:n]
