"""Where a central pairs: who may, how often, and what was answered last."""

from micropython import const

from epx import diag, log
from epx.loop import Task, uptime_s
from epx.netnow import CONTENT, WRONG_TIME
from epx.nowwire import (
    AGREED,
    ASK,
    EXCHANGE,
    KEY_BYTES,
    KNOWN,
    LATER,
    PAIRING,
    payload_of,
)

_WINDOW_MS = const(1000)
_ASKED_S = const(30)  # between two broadcasts that pair requests may bring
_EXCHANGE_S = const(60)
_ANSWER_S = const(1)  # between two answers that cost no exchange
_OPEN_S = const(300)
_PREPARE_MS = const(30000)


class Desk:
    """One exchange per minute, with keys that were made before; known identities in the window."""

    pending = None  # the answer that the peripheral has not made use of yet: nowpending.Pending
    _own = None  # keys for the next exchange: (secret, public)
    _exchange_s = -_EXCHANGE_S
    _asked_s = -_ASKED_S
    _answer_s = -_ANSWER_S
    _open_until_s = 0

    def __init__(self, central, watchdog):
        self._central = central
        self._watchdog = watchdog
        self._task = Task(self._prepare, _PREPARE_MS, core=True)

    def open_window(self, is_open):
        self._open_until_s = uptime_s() + _OPEN_S if is_open else 0
        log.info("netnow: pairing of known devices %s", "for 5 minutes" if is_open else "ended")

    def _prepare(self):
        from epx import nowpair

        self._own = nowpair.new_keys(self._watchdog)
        self._forget()

    def _forget(self):
        diag.forget("epx", "nowpending")
        diag.forget("epx", "nowpair")
        diag.forget("epx", "x25519")

    def heard(self, body, identity, tid):
        """A pair request of somebody who knows the PSK."""
        central = self._central
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
            public = payload_of(body)
            if kind != EXCHANGE or len(public) != KEY_BYTES:
                raise ValueError
        except ValueError:
            central.refuse(CONTENT)
            return
        self._decide(identity, bytes(public), tid)

    def _decide(self, identity, public, tid):
        now_s = uptime_s()
        pending = self.pending
        if pending and pending.public == public and pending.peer.identity == identity:
            # The answer was lost, or this is a recording: either way it costs no exchange.
            if now_s - self._answer_s >= _ANSWER_S:
                self._answer(identity, AGREED, tid, pending.answer)
        elif identity in self._central.roster.pairs.index and now_s >= self._open_until_s:
            if now_s - self._answer_s >= _ANSWER_S:
                log.warn("netnow: a known device wants to pair: open the window with Pair on")
                self._answer(identity, KNOWN, tid, b"")
        elif self._own is None or now_s - self._exchange_s < _EXCHANGE_S:
            if now_s - self._answer_s >= _ANSWER_S:
                self._answer(identity, LATER, tid, b"")
        else:
            self._exchange(identity, public, tid)

    def _exchange(self, identity, public, tid):
        from epx import nowpending

        self._exchange_s = uptime_s()
        own, self._own = self._own, None
        try:
            self.pending = nowpending.Pending(self._central, self._watchdog, own, identity, public)
        except ValueError as error:
            log.warn("netnow: pairing: %s", error)
        else:
            self._answer(identity, AGREED, tid, self.pending.answer)
        self._task.restart(_ANSWER_S * 1000)

    def _answer(self, identity, status, tid, more):
        self._answer_s = uptime_s()
        central = self._central
        central.transmit(
            central.group.down, PAIRING, status, identity, central.new_tid(), 0, tid + more
        )
