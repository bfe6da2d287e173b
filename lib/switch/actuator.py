"""The outputs of a switch: set, told, and kept over a power loss."""

from micropython import const

from epx import diag
from epx.loop import Task
from epx.topics import Source

_KEEP_MS = const(1000)  # between two writes of the same output to NVRAM


class Output(Source):
    """One of them."""

    def __init__(self, outputs, number):
        self._outputs = outputs
        self._number = number

    def level(self):
        return self._outputs.levels >> self._number & 1

    def switch(self, wanted):
        bit = 1 << self._number
        self._outputs.change(bit, bit if wanted else 0)


class Outputs:
    """All of them; each[i] is number i. levels: a bit for each that is on."""

    def __init__(self, port, size, nvram):
        self._port = port
        self._nvram = nvram
        self.levels = self._kept = port.levels
        self.each = [Output(self, i) for i in range(size)]
        self._keeper = Task(self._keep, _KEEP_MS)
        self._keeper.cancel()
        diag.before_reboot.append(self._keep)

    def change(self, named, on):
        """Of the outputs named those in on are switched on, the others off."""
        levels = self.levels & ~named | on
        moved = levels ^ self.levels
        if not moved:
            return
        self.levels = levels
        self._port.write(levels)
        if not self._keeper.active():
            self._keep()
        for output in self.each:
            if moved & 1:
                output.announce("moved")
            moved >>= 1

    def _keep(self):
        """Write what differs, and then nothing for a while."""
        moved = self.levels ^ self._kept
        if moved:
            self._kept = self.levels
            for i in range(len(self.each)):
                if moved >> i & 1:
                    self._nvram.set_int(str(i), self.levels >> i & 1)
            self._keeper.restart()
