"""HX711: amplifier and converter of 24 bits for a load cell.

Source: data sheet of AVIA Semiconductor. Chapter "Serial Interface": the data pin falls when there
is a value; each pulse of the clock pin shifts out a bit, the highest first, and one to three more
choose what is converted next. Timing, figure 2: a pulse may last 50 us. Chapter "Reset and
Power-Down": one of more than 60 us switches the chip off until it ends, which resets the chip.
Settling time and rate, 10 or 80 values per second: table "Key Electrical Characteristics".

Each pulse is made with interrupts off, so that it lasts as long as two calls with one argument:
10 us at 80 MHz. Between pulses the chip waits for any time, but a new conversion spoils what is
left of a value; so read() within milliseconds after ready() has begun to be true, or skip() what
waits since a while and read() what comes then. It takes 1.5 ms at 80 MHz.
"""

from errno import EAGAIN, EIO, ENODEV
from time import sleep_us

from machine import disable_irq, enable_irq
from micropython import const

# What to convert: pulses per value.
A_GAIN_128 = const(25)
B_GAIN_32 = const(26)
A_GAIN_64 = const(27)

SETTLING_MS = const(400)  # after power_up() and after a change of gain, at 10 values per second

_BITS = const(24)
_SIGN = const(0x800000)
_MOST = const(0x7FFFFF)
_OFF_US = const(100)


class HX711:
    """data, clock: Pins. Off, as far as is known, before power_up()."""

    _is_on = False

    def __init__(self, data, clock, pulses=A_GAIN_128):
        self._data = data
        self._clock = clock
        self._pulses = pulses
        self._converting = A_GAIN_128

    def power_up(self):
        """Reset it, even out of the midst of a value. OSError(ENODEV): the wire of the data lies
        on ground. Whether there is a chip at all, ready() tells within SETTLING_MS."""
        clock = self._clock
        data = self._data
        data.init(data.IN, data.PULL_UP)  # an absent chip is never ready
        clock.init(clock.OUT, value=1, hold=False)
        sleep_us(_OFF_US)
        clock.value(0)
        self._converting = A_GAIN_128
        self._is_on = bool(data.value())
        if not self._is_on:
            raise OSError(ENODEV)

    def power_down(self):
        """Less than 1 uA. The level of the clock is held, through a deep sleep too if the pin is
        one of those that the ESP32 holds then (0, 2, 4, 12 to 15, 25 to 27, 32, 33)."""
        self._is_on = False
        self._clock.init(self._clock.OUT, value=1, hold=True)

    def is_down(self):
        """SETTLING_MS after power_down(): did it obey? One that did has no value to offer."""
        return not self._is_on and bool(self._data.value())

    def ready(self):
        return self._is_on and not self._data.value()

    def skip(self):
        """Throw away the value that waits, if one does."""
        if self.ready():
            self._shift()

    def read(self):
        """The newest value, -8388607 to 8388606. OSError(EAGAIN): there is none yet; ENODEV: the
        data wire does not move; EIO: beyond the range, as with a torn wire of the cell."""
        if not self.ready():
            raise OSError(EAGAIN)
        known = self._converting == self._pulses
        value = self._shift()
        spare = self._pulses - _BITS
        # The data goes high at the 25th pulse.
        if ~value & (1 << spare) - 1:
            raise OSError(ENODEV)
        if not known:  # it was that of another input or gain
            raise OSError(EAGAIN)
        value >>= spare
        if value in (_SIGN, _MOST):
            raise OSError(EIO)
        return value - (value & _SIGN) * 2

    def _shift(self):
        """One bit per pulse."""
        data = self._data.value
        clock = self._clock
        value = 0
        for _ in range(self._pulses):
            state = disable_irq()
            clock(1)
            clock(0)
            enable_irq(state)
            value = value << 1 | data()
        self._converting = self._pulses
        return value
