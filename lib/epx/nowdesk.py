"""Where a central pairs: who may, how often, and what was answered last."""

from micropython import const

from epx import diag, log
from epx.loop import Task, uptime_s
from epx.netnow import CONTENT, WRONG_TIME
from epx.nowwire import ASK, EXCHANGE, payload_of

_WINDOW_MS = const(1000)
_REQUEST_BYTES = const((32, 64))  # a public key, perhaps that of an earlier pairing, too
_ASKED_S = const(30)  # between two broadcasts that pair requests may bring
_OPEN_S = const(300)
_PREPARE_MS = const(30000)
_NEXT_MS = const(1000)
_FORGET_MS = const(10000)


class Desk:
    """One exchange per minute, with keys that were made before; known identities in the window."""

    pending = None  # the answer that the peripheral has not made use of yet: nowpending.Pending
    own = None  # keys for the next exchange: (secret, public)
    exchange_s = answer_s = -60  # when the last one was
    open_until_s = 0
    _asked_s = -_ASKED_S

    def __init__(self, central, watchdog):
        self.central = central
        self.watchdog = watchdog
        self._task = Task(self._prepare, _PREPARE_MS, core=True)

    def open_window(self, is_open):
        self.open_until_s = uptime_s() + _OPEN_S if is_open else 0
        log.info("netnow: pairing of known devices %s", "for 5 minutes" if is_open else "ended")

    def prepare(self):
        """Soon: the keys of the exchange just now were used."""
        self._task.restart(_NEXT_MS)

    def _prepare(self):
        if self.own is None:
            from epx import nowpair

            self.own = nowpair.new_keys(self.watchdog)
        diag.forget("epx", "nowpending")
        diag.forget("epx", "nowpair")
        diag.forget("epx", "x25519")

    def heard(self, body, identity, tid):
        """A pair request of somebody who knows the PSK."""
        central = self.central
        kind = body[1]
        if kind == ASK:
            # What it is answered with, everybody hears: so one answer serves all.
            if uptime_s() - self._asked_s >= _ASKED_S:
                self._asked_s = uptime_s()
                central.broadcast_time()
            return
        if not -_WINDOW_MS <= central.time.ahead_ms(body[2:14]) <= _WINDOW_MS:
            central.refuse(WRONG_TIME)
            return
        try:
            publics = bytes(payload_of(body))
            if kind != EXCHANGE or len(publics) not in _REQUEST_BYTES:
                raise ValueError
        except ValueError:
            central.refuse(CONTENT)
            return
        from epx import nowpending

        nowpending.decide(self, identity, publics, tid)
        if not self._task.active():
            self._task.restart(_FORGET_MS)
