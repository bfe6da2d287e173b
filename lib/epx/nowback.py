"""What a central has to tell single peripherals, until they confirm it: back data."""

from micropython import const

from epx import log
from epx.loop import Task
from epx.nowwire import BACK_DATA, MOST_PAYLOAD

_MOST = const(16)
_MOST_EACH = const(4)
_FIRST_MS = const(20)  # after the peripheral was heard
_AGAIN_MS = const(300)
_TRIES = const(5)  # each time it is heard; then it sleeps, or is away


class BackData:
    """At most 16 messages, four for each peripheral; the oldest make room, and that is logged.

    They wait in RAM, for as long as it takes the peripheral to wake, but not over a reset.
    """

    def __init__(self, central):
        self._central = central
        self.waits = []  # [identity, TID, payload, tries left]
        self._task = Task(self._send, core=True)
        self._task.cancel()

    def waits_for(self, identity):
        for message in self.waits:
            if message[0] == identity:
                return True
        return False

    def add(self, identity, payload):
        if len(payload) > MOST_PAYLOAD:
            raise ValueError("want a payload of at most %d bytes" % MOST_PAYLOAD)
        own = [message for message in self.waits if message[0] == identity]
        if len(own) >= _MOST_EACH or len(self.waits) >= _MOST:
            log.warn("netnow: too much back data waits, the oldest is lost")
            self.waits.remove(own[0] if len(own) >= _MOST_EACH else self.waits[0])
        self.waits.append([identity, self._central.new_tid(), payload, _TRIES])
        self._task.restart(0)

    def heard(self, peer):
        """The peripheral is awake now."""
        for message in self.waits:
            if message[0] == peer.identity:
                message[3] = _TRIES
                if not self._task.active():
                    self._task.restart(_FIRST_MS)

    def _send(self):
        """The first message of each peripheral: it gets them in order."""
        seen = []
        for message in self.waits:
            identity, tid, payload, tries = message
            if identity not in seen:
                seen.append(identity)
                if tries:
                    message[3] = tries - 1
                    self._task.restart(_AGAIN_MS)
                    self._central.answer(identity, BACK_DATA, tid, payload)

    def drop(self, identity):
        """It is not paired any more."""
        self.waits = [message for message in self.waits if message[0] != identity]

    def received(self, peer, tid):
        """A receipt; then the next message goes out."""
        for message in self.waits:
            if message[1] == tid and message[0] == peer.identity:
                self.waits.remove(message)
                break
