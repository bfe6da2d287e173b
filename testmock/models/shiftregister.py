"""A 74HC165 and a 74HC595 that share clock and latch, edge by edge (SCLS116, SCLS041).

The latch wire is RCLK of the 74HC595, CLK INH of the 74HC165, and its inverse SH/LD: while it is
high the inputs are loaded, while it is low the clock shifts them out.
"""

_MASK = 0xFF


class ShiftRegisters:
    """inputs: levels outside, bit 0 is input H; outputs: latched, bit 0 is QH.

    driven(): what the outputs drive, None while they float. history: each such value in its turn.
    """

    def __init__(self, bench, enable, latch, clock, data_in, data_out):
        self.present = True
        self.failing = False
        self.inputs = _MASK
        self.transfers = 0
        self._bench = bench
        self._enable = bench.pin(enable)
        self._latch = bench.pin(latch)
        self._data_out = bench.pin(data_out)
        self._clock_level = 0
        self._latch_level = 1
        self.power_on()
        self._enable.changed = self._on_enable
        self._latch.changed = self._on_latch
        bench.pin(clock).changed = self._on_clock
        bench.signal(data_in, self)

    def power_on(self):
        """What is in the registers then is chance."""
        self.outputs = 0xA5
        self.shifted = 0x5A
        self.loaded = self.inputs
        self.history = []

    def driven(self):
        return self.outputs if self._bench.output(self._enable.number) == 0 else None

    def level_at(self, now_us):
        """QH of the 74HC165."""
        return (self.inputs if self._latch_level else self.loaded) & 1

    def _on_enable(self, level):
        # The level is written before the pin becomes an output.
        self._remember(None if level else self.outputs)

    def _remember(self, driven):
        if not self.history or self.history[-1] != driven:
            self.history.append(driven)

    def _on_latch(self, level):
        if level and not self._latch_level:
            self.outputs = self.shifted
            self.transfers += 1
            if self.driven() is not None:
                self._remember(self.outputs)
        elif self._latch_level and not level:
            self.loaded = self.inputs
        self._latch_level = level

    def _on_clock(self, level):
        if level and not self._clock_level:
            # What came first is at the far end after eight clocks: bit 0.
            self.shifted = self.shifted >> 1 | (0x80 if self._data_out.level() else 0)
            if not self._latch_level:
                self.loaded = self.loaded >> 1 | 0x80
        self._clock_level = level
