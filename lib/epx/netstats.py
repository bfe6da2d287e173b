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
    """connlost and mqttlost of the namespace netstats."""

    KEYS = ("connlost", "mqttlost")

    def __init__(self):
        self._nvram = Nvram("netstats")
        self._counts = {}
        for key in self.KEYS:
            self._counts[key] = self._nvram.get_int(key, 0)
        self._pause = None
        diag.before_reboot(self._save)

    def count(self, key):
        return self._counts[key]

    def add(self, key):
        self._counts[key] = (self._counts[key] + 1) & 0x7FFFFFFF
        if self._pause is None:
            self._save()
            self._pause = loop.Task(self._end_pause, _PAUSE_MS, core=True)

    def reset(self):
        for key in self.KEYS:
            self._counts[key] = 0
        self._save()

    def _end_pause(self):
        self._pause = None
        if self._save():
            self._pause = loop.Task(self._end_pause, _PAUSE_MS, core=True)

    def _save(self):
        written = False
        try:
            for key in self.KEYS:
                written = self._nvram.set_int(key, self._counts[key]) or written
        except OSError as error:
            log.error("netstats: %s", error)
        return written
