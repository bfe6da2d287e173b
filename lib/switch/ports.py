"""Inputs and outputs that are pins of the processor."""

from machine import Pin
from micropython import const

_FIRST_WITHOUT_PULL = const(34)  # of an ESP32's pins


class PinPort:
    """levels: the outputs, a bit for each that is on."""

    def __init__(self, inputs, on_level, outputs, levels):
        """on_level: of an input that is on."""
        self.levels = levels
        self._on_level = on_level
        # With its level from the first moment on.
        self._outputs = [
            Pin(number, Pin.OUT, value=levels >> i & 1) for i, number in enumerate(outputs)
        ]
        pull = Pin.PULL_DOWN if on_level else Pin.PULL_UP
        self._inputs = [
            Pin(number, Pin.IN) if number >= _FIRST_WITHOUT_PULL else Pin(number, Pin.IN, pull)
            for number in inputs
        ]

    def read(self):
        """The inputs that are on, a bit for each."""
        found = 0
        bit = 1
        level = self._on_level
        for pin in self._inputs:
            if pin.value() == level:
                found |= bit
            bit <<= 1
        return found

    def write(self, levels):
        self.levels = levels
        for pin in self._outputs:
            pin.value(levels & 1)
            levels >>= 1
