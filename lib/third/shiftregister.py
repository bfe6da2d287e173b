"""ShiftRegisters: eight inputs of a 74HC165 and eight outputs of a 74HC595 on four shared wires.

Sources: data sheets SCLS116 (74HC165: parallel load while SH/LD is low, shift at the rising edge
of CLK while CLK INH is low, QH shows input H first) and SCLS041 (74HC595: shift at the rising
edge of SRCLK, outputs change at the rising edge of RCLK, outputs float while OE is high).

The latch wire is RCLK of the one and CLK INH of the other, whose SH/LD has its inverse. So at rest
it is high; one transfer takes it low, reads and writes eight bits, and takes it high again. The
chips need 20 ns for each edge; a call of MicroPython takes a hundred times that.
"""

from micropython import const

_BITS = const(8)


class ShiftRegisters:
    """levels: of the outputs. Bit 0 is input H and output QH: the first to come out and the one
    that goes farthest.

    pins: enable, latch, clock, in, out, as they are after a reset. Nothing is enabled before the
    outputs have their first levels; what they held from before the reset stays until then.
    Inputs with a bit in inverted count while they are low.
    """

    def __init__(self, pins, levels, inverted=0):
        enable, self._latch, self._clock, self._in, self._out = pins
        self._inverted = inverted
        for pin, level in ((self._latch, 1), (self._clock, 0), (self._out, 0)):
            pin.init(pin.OUT, value=level)
        self._in.init(self._in.IN)
        self.write(levels)
        enable.init(enable.OUT, value=0)

    def write(self, levels):
        self.levels = levels
        self.read()

    def read(self):
        """One transfer: the inputs, while the outputs stay as they are."""
        clock, data_in, data_out = self._clock, self._in, self._out
        outputs = self.levels
        self._latch.value(0)
        inputs = 0
        for i in range(_BITS):
            if data_in.value():
                inputs |= 1 << i
            data_out.value(outputs >> i & 1)
            clock.value(1)
            clock.value(0)
        self._latch.value(1)
        return inputs ^ self._inverted
