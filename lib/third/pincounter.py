"""Stands in for machine.Counter where the firmware (before 1.26) or the chip has none."""

from micropython import const

_SMALL_INT_MASK = const(0x3FFFFFFF)


class Counter:
    """Counts rising edges by interrupt, modulo 2**30.

    The handler allocates nothing. It does not judge the time between edges either: an ESP32
    runs it late and several in a row after a garbage collection, so that true pulses would
    look like bounces.
    """

    def __init__(self, _number, pin, filter_ns):
        self._count = 0
        pin.irq(self._edge, pin.IRQ_RISING)

    def value(self):
        return self._count

    def _edge(self, _pin):
        self._count = (self._count + 1) & _SMALL_INT_MASK
