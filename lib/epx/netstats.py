"""Counters of lost connections that survive a power loss, with a bounded number of writes.

The first loss after a quiet time is written at once, further ones at most every ten minutes, and
all before a reboot: at worst 52,560 writes per counter and year, of some 60 million that the NVS
partition takes.
"""

from epx import diag, log, loop
from epx.clock import MINUTES
from epx.nvram import Nvram

_PAUSE_MS = 10 * MINUTES


class NetStats:
    """connlost and mqttlost of the namespace netstats, in counts."""

    _pause = None  # the task that ends the time without writing

    def __init__(self):
        self._nvram = nvram = Nvram("netstats")
        self.counts = {}
        for key in ("connlost", "mqttlost"):
            self.counts[key] = nvram.get_int(key, 0)
        diag.before_reboot.append(self._save)

    def add(self, key):
        self.counts[key] = (self.counts[key] + 1) & 0x7FFFFFFF
        if self._pause is None:
            self._save()

    def reset(self):
        for key in self.counts:
            self.counts[key] = 0
        self._save()

    def _save(self):
        """Write what changed; if anything did, nothing more for ten minutes."""
        self._pause = None
        written = False
        try:
            for key in self.counts:
                written = self._nvram.set_int(key, self.counts[key]) or written
        except OSError as error:
            log.error("netstats: %s", error)
        if written:
            self._pause = loop.Task(self._save, _PAUSE_MS, core=True)
