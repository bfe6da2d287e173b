"""Stands in for models/ssd1306.py where the heap is small: hands the bytes on to the PC.

There epxhost.appliance_process lets the model of the chip decode them.
"""

import sys

_HEAD = b'#! {"display": "'
_TAIL = b'"}\n'
_DIGITS = b"0123456789abcdef"
# A page of 128 columns and its control byte; a longer transfer makes the line grow.
_USUAL_BYTES = 129


class SSD1306:
    """The line is built in one buffer: pieces would fragment a heap that is nearly full."""

    def __init__(self, width=128, height=64):
        self.present = True
        self.failing = False
        self._line = bytearray(len(_HEAD) + 2 * _USUAL_BYTES + len(_TAIL))
        self._line[: len(_HEAD)] = _HEAD

    def i2c_write(self, data):
        at = len(_HEAD)
        missing = at + 2 * len(data) + len(_TAIL) - len(self._line)
        if missing > 0:
            self._line += bytes(missing)
        line = self._line
        for byte in data:
            line[at] = _DIGITS[byte >> 4]
            line[at + 1] = _DIGITS[byte & 15]
            at += 2
        for byte in _TAIL:
            line[at] = byte
            at += 1
        sys.stdout.buffer.write(memoryview(line)[:at])

    def i2c_read(self, n):
        return bytes(n)
