"""What the parts of a central of the radio meet in unit tests."""

from epx import log
from epx.nowpeers import Roster
from epx.nowtime import NetworkTime
from epx.nowwire import Group

PSK, GROUP = "bla", "ble"


def identity(number):
    """Of a peripheral."""
    return b"pee%03d" % number


def secret(number):
    return b"%032d" % number


def said(words):
    """Was this logged? Forgets what was logged before it."""
    lines = []
    while log.peek():
        lines.append(log.peek())
        log.drop()
    return any(words in line for line in lines)


class Watchdog:
    """blocked: how many blocking sections have begun; inside: how many have not ended."""

    blocked = inside = 0

    def may_block(self):
        self.blocked += 1
        self.inside += 1

    def may_block_exit(self):
        self.inside -= 1


class Central:
    """sent: (type, kind, identity, TID, payload) of what it has transmitted; refusals: reasons."""

    otakey = None

    def __init__(self):
        self.group = Group(PSK, GROUP)
        self.time = NetworkTime(bytes(range(12)))
        self.roster = Roster(self.group.network)
        self.refusals = []
        self.sent = []
        self.broadcasts = 0
        self._tids = 0

    def new_tid(self):
        self._tids += 1
        return b"central's%03d" % self._tids

    def refuse(self, reason):
        self.refusals.append(reason)

    def broadcast_time(self):
        self.broadcasts += 1

    def transmit(self, channel, type, kind, peer, tid, flags, payload):
        self.sent.append((type, kind, peer, tid, payload))

    def answer(self, peer, kind, tid, payload):
        self.transmit(None, 2, kind, peer, tid, 0, payload)


def run(ms):
    """Let the loop turn for so long."""
    from epx import loop

    done = []
    loop.Task(lambda: done.append(1), ms)
    while not done:
        loop.step()
