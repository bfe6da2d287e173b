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
    """Bit 0 is input H and output QH: the first to come out and the one that goes farthest.

    The pins are given as they are after a reset. Until the first transfer nothing is enabled, and
    what the registers hold from before the reset stays where it is.
    """

    def __init__(self, enable, latch, clock, data_in, data_out):
        self._enable = enable
        self._latch = latch
        self._clock = clock
        self._in = data_in
        self._out = data_out
        self._is_enabled = False
        latch.init(latch.OUT, value=1)
        clock.init(clock.OUT, value=0)
        data_out.init(data_out.OUT, value=0)
        data_in.init(data_in.IN)

    def transfer(self, outputs):
        """Set the outputs -> the levels of the inputs."""
        clock, data_in, data_out = self._clock, self._in, self._out
        self._latch.value(0)
        inputs = 0
        for i in range(_BITS):
            if data_in.value():
                inputs |= 1 << i
            data_out.value(outputs >> i & 1)
            clock.value(1)
            clock.value(0)
        self._latch.value(1)
        if not self._is_enabled:
            self._is_enabled = True
            self._enable.init(self._enable.OUT, value=0)
        return inputs
