"""Counters of lost connections, kept in NVRAM with a bounded number of writes."""

from micropython import const

from epx import diag
from epx.loop import Task
from epx.nvram import Nvram

_PAUSE_MS = const(600000)


class NetStats:
    """Counters of lost connections: connlost and mqttlost of the namespace netstats.

    The first loss after a quiet time is written at once, further ones at most every ten minutes,
    and all before a reboot: at worst 52,560 writes per counter and year.
    """

    _pause = None  # the task that ends the time without writing

    def __init__(self):
        self._nvram = nvram = Nvram("netstats")
        self.counts = {}
        for key in ("connlost", "mqttlost"):
            self.counts[key] = nvram.get_int(key, 0)
        diag.before_reboot.append(self.save)

    def add(self, key):
        self.counts[key] = (self.counts[key] + 1) & 0x7FFFFFFF
        if self._pause is None:
            self.save()

    def save(self):
        """Write what changed; if anything did, nothing more for ten minutes."""
        self._pause = None
        for key in self.counts:
            if self._nvram.set_int(key, self.counts[key]):
                self._pause = self._pause or Task(self.save, _PAUSE_MS, core=True)
