"""HX711: amplifier and converter of a load cell, on two wires that only it understands.

Models the serial interface of AVIA's data sheet: the data pin falls when a value is there; 24
pulses of the clock pin shift it out, 25 to 27 say what is converted next; a pulse of more than
60 us switches the chip off until it ends, which resets it. Values are valid four conversions after
that, and after another input or gain was chosen; the data pin is high so long.
"""

from testmock.models.keyfob import Random

_BITS = 24
_OFF_US = 60
_SETTLING = 4  # conversions
_MOST = 0x7FFFFF
_GAINS = {25: 128, 26: 32, 27: 64}  # by pulses; 26 is input B, where nothing is connected


class HX711:
    """What lies on the scale, and what ails it.

    A conversion gives mass_kg * counts_per_kg + zero, noise at most more or less; see also drift()
    and disturb(). fault: "init": no value ever comes; "read": values are those of a torn wire;
    "power_off": it goes on although the clock is high. shorted: the data lie on ground. present:
    if not, the data pin has the level of its pull resistor.
    """

    def __init__(self, bench, data, clock, mass_kg=0, counts_per_kg=10, zero=-20, rate_hz=10):
        self.present = True
        self.shorted = False
        self.fault = ""
        self.mass_kg = mass_kg
        self.counts_per_kg = counts_per_kg
        self.zero = zero
        self.noise = 0
        self.reads = self.resets = 0
        self.wrong_pulses = 0  # while there is no value, or more than 27
        self.torn = 0  # values that changed while they were read
        self._now_us = bench.clock.now_us
        self._off_us = _OFF_US + bench.late_us
        self._period_us = 1000000 // rate_hz
        self._random = Random(711)
        self._disturbance = self._disturbed_until_us = 0
        self._drift = self._drifts_since_us = 0
        self._data = bench.pin(data)
        self._clock = 0
        self._rose_us = 0
        self.power_on()
        bench.signal(data, self)
        bench.pin(clock).changed = self._on_clock

    def power_on(self):
        self.resets += 1
        self._pulses = 0  # of the value that is read
        self._is_wrong = False
        self.gain_pulses = 25
        self._settle()

    def drift(self, kg_per_s):
        """What lies there gets heavier all the time."""
        self._drift = float(kg_per_s)
        self._drifts_since_us = self._now_us()

    def disturb(self, kg, seconds):
        """Somebody leans on it and lets go, all the time: up to kg too much or too little."""
        self._disturbance = float(kg)
        self._disturbed_until_us = self._now_us() + int(float(seconds) * 1000000)

    @property
    def gain(self):
        return _GAINS[self.gain_pulses]

    def is_down(self):
        """Switched off by its clock?"""
        long = self._clock and self._now_us() - self._rose_us > self._off_us
        return bool(long and self.fault != "power_off")

    def _settle(self):
        self._since_us = self._now_us()
        self._read = _SETTLING - 1  # number of the conversion that was read last

    def _conversions(self):
        return (self._now_us() - self._since_us) // self._period_us

    def _is_ready(self):
        if not self.present or self.fault == "init" or self.is_down():
            return False
        return self._conversions() > self._read

    def _convert(self):
        """What the newest conversion has given, 24 bits."""
        number = self._conversions()
        at_us = self._since_us + number * self._period_us
        kg = float(self.mass_kg)
        if self._drift:
            kg += self._drift * (at_us - self._drifts_since_us) / 1000000
        if at_us < self._disturbed_until_us:
            kg += self._disturbance * self._random.between(-100, 100) / 100
        if self.gain_pulses == 26:
            kg = 0
        value = int((kg * float(self.counts_per_kg) + float(self.zero) + 0.5) // 1)
        if self.noise:
            value += self._random.between(-int(self.noise), int(self.noise))
        if self.fault == "read":
            value = _MOST
        return max(-_MOST - 1, min(_MOST, value)) & 0xFFFFFF

    def level_at(self, now_us):
        """Of the data pin."""
        if self.shorted:
            return 0
        if not self.present:
            return 1 if self._data.pull == 2 else 0
        if self.is_down():
            return 1
        if self._clock and now_us - self._rose_us > self._off_us:
            return 1 if now_us - self._rose_us < self._period_us else 0
        if 0 < self._pulses <= _BITS:
            return self._value >> (_BITS - self._pulses) & 1
        return 0 if self._is_ready() else 1

    def _on_clock(self, level):
        if level == self._clock:
            return
        now_us = self._now_us()
        self._clock = level
        if level:
            self._rose_us = now_us
            self._rise()
        elif now_us - self._rose_us > self._off_us:
            self.power_on()
        elif self._is_wrong:
            self.wrong_pulses += 1

    def _rise(self):
        """One pulse begins; which one it was shows at its end."""
        self._is_wrong = False
        if self._pulses == _BITS:
            self._pulses = 25
            self.reads += 1
            self._resumed = self._since_us, self._converted
            self._choose()
        elif 0 < self._pulses < _BITS:
            self._pulses += 1
            self._tear()
        elif self._is_ready():
            self._pulses = 1
            self._converted = self._conversions()
            self._value = self._convert()
            self._gain_before = self.gain_pulses
        elif 25 <= self._pulses < 27:
            self._pulses += 1
            self._choose()
        else:
            self._is_wrong = True

    def _tear(self):
        """A conversion that ends while the one before is read spoils the bits still to come."""
        if self._conversions() > self._converted:
            self._converted = self._conversions()
            rest = (1 << (_BITS + 1 - self._pulses)) - 1
            self._value = self._value & ~rest | ~self._convert() & rest
            self.torn += 1

    def _choose(self):
        """What is converted next; another input or gain has to settle."""
        self.gain_pulses = self._pulses
        if self.gain_pulses == self._gain_before:
            self._since_us, self._read = self._resumed
        else:
            self._settle()
