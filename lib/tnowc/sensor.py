"""The central of a link test: tells peripherals how it hears them, and the house what they say."""

from micropython import const

from epx.loop import Task
from epx.topics import Source

_EVERY_MS = const(60000)
_JITTER_MS = const(60000)


class LinkTest(Source):
    """now: NetNowCentral."""

    value = rssi_dbm = None

    def __init__(self, now):
        self._now = now
        self._task = Task(self.tell, _EVERY_MS, _EVERY_MS, jitter_ms=_JITTER_MS)

    def heard_value(self, text):
        self.value = text
        self.announce("value")

    def heard_rssi(self, rssi_dbm):
        self.rssi_dbm = rssi_dbm
        self.announce("rssi")

    def tell(self, _=None):
        roster = self._now.roster
        for identity in roster.heard:
            words = "stat/TNowP/YourRSSI\n%d" % roster.peer_of(identity).rssi_dbm
            self._now.send_back(identity, words.encode())
