"""PZEM004T: meter of mains voltage, current, power, energy, frequency, power factor, on a UART.

Source: Peacefair's user manual of the PZEM-004T V3.0, chapter 2 (protocol): 2.3 input registers,
2.4 holding registers, 2.5 writing one, 2.7 reset of the energy. What its chapter 1 says it can
measure is what is believed. 9600 baud, 8N1; the meter speaks when it is asked.
"""

from errno import EIO, ETIMEDOUT

from micropython import const

from third.modbus import find, request

# Whatever address the only meter on a line has, it obeys this one.
_ANY_ADDRESS = const(0xF8)

# What to ask for: the functions.
_SETTINGS = const(0x03)
_VALUES = const(0x04)
_ALARM = const(0x06)
_RESET = const(0x42)

_VALUE_REGISTERS = const(10)  # from input register 0 on
_ALARM_REGISTER = const(1)
_SETTING_REGISTERS = const(2)  # from holding register 1 on: alarm threshold in W, address
_BUFFER_BYTES = const(64)
_FULL_BUFFERS = const(5)  # more than a UART of MicroPython keeps

# The most that is believed, with some to spare.
_MOST = (3000, 110000, 300000, 700, 100, 10000000)


class PZEM004T:
    """First ask for something, at least 0.2 s later read() the answer. Nothing blocks.

    values, once read() has had them: voltage in 0.1 V, current in mA, power in 0.1 W, frequency
    in 0.1 Hz, power factor in 0.01, energy in Wh by the meter's own counter, 0xFFFF while there
    is more power than alarm_w, which is in W.
    """

    values = alarm_w = None
    asked = 0  # what was asked for last

    def __init__(self, uart):
        self._uart = uart
        self._buffer = bytearray(_BUFFER_BYTES)
        self._size = 0  # of the answer

    def ask(self, what, watts=0):
        """For 3: alarm_w, 4: values, 6: that alarm_w becomes watts, which the meter keeps,
        0x42: that the counter begins anew."""
        if what == _RESET:
            frame = request(_ANY_ADDRESS, what)
            self._size = 4
        elif what == _ALARM:
            frame = request(_ANY_ADDRESS, what, _ALARM_REGISTER, watts)
            self._size = 8
        elif what == _VALUES:
            frame = request(_ANY_ADDRESS, what, 0, _VALUE_REGISTERS)
            self._size = 5 + 2 * _VALUE_REGISTERS
        else:
            frame = request(_ANY_ADDRESS, what, _ALARM_REGISTER, _SETTING_REGISTERS)
            self._size = 5 + 2 * _SETTING_REGISTERS
        self.asked = what
        uart = self._uart
        for _ in range(_FULL_BUFFERS):  # what is older belongs to nobody
            if not uart.any():
                break
            uart.readinto(self._buffer)
        uart.write(frame)

    def read(self):
        """Read the answer to what was asked last.

        OSError: ETIMEDOUT if there is nothing, EIO if there is no right answer in what came, a
        text if the meter refuses.
        """
        buffer = self._buffer
        length = self._uart.readinto(buffer)
        if not length:
            raise OSError(ETIMEDOUT)
        start = find(buffer, length, self.asked, self._size)
        if start is None:
            raise OSError(EIO)
        word = self._word
        at = start + 3
        if self.asked == _VALUES:
            values = (
                word(at),
                # Of two registers the first is the lower half.
                word(at + 4) << 16 | word(at + 2),
                word(at + 8) << 16 | word(at + 6),
                word(at + 14),
                word(at + 16),
                word(at + 12) << 16 | word(at + 10),
                word(at + 18),
            )
            for i in range(len(_MOST)):
                if values[i] > _MOST[i]:
                    raise OSError(EIO)
            self.values = values
        elif self.asked == _SETTINGS:
            self.alarm_w = word(at)
        elif self.asked == _ALARM:
            self.alarm_w = word(at + 1)

    def _word(self, at):
        return self._buffer[at] << 8 | self._buffer[at + 1]
