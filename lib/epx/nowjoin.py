"""How a peripheral without a central finds one and pairs; loaded while it does."""

import os

from micropython import const

from epx import diag, log
from epx.loop import Task
from epx.netnow import BROADCAST_MAC
from epx.nowtime import NetworkTime
from epx.nowwire import AGREED, EXCHANGE, KNOWN, PAIRING, TID_BYTES

_ASK_MS = const(1000)
_ASKS_PER_CHANNEL = const(5)
_EXCHANGE_MS = const(3000)
_REFUSED_MS = const(20000)
_EXCHANGES = const(5)
_DEBT_MS = const(30000)  # of a battery: once somebody was heard, a pairing is worth it


class Join:
    """What the states "unpaired" and "pairing" of seeker, the peripheral, do."""

    _own = None  # keys of the exchange that runs: (secret, public)
    _manager = None  # MAC of the central that was heard
    _asked = None  # ... when the last request was sent with the time of that
    _tid = None  # of that request, until it is answered: one answer is looked at

    def __init__(self, seeker):
        self._seeker = seeker

    def look(self):
        """Channel by channel ask who is there."""
        self._seeker.begin_search()
        self._seeker.sm.add(Task(self._look, 0, _ASK_MS, core=True))

    def _look(self):
        seeker = self._seeker
        if seeker.may_search(_ASK_MS, _ASKS_PER_CHANNEL):
            seeker.call()

    def _send(self, kind, tid, time, payload):
        seeker = self._seeker
        seeker.send_packet(BROADCAST_MAC, (PAIRING, kind), seeker.group.up, tid, time, payload)

    def hear(self, time, manager, channel):
        """A broadcast of our group, or a recording of one."""
        seeker = self._seeker
        seeker.heard_time = NetworkTime(time)
        seeker.tune(channel)
        self._manager = manager
        if seeker.sm.state != "pairing":
            seeker.sm.go("pairing")

    def ask(self):
        """Ask for an exchange of keys, with the time that was heard."""
        from epx import nowpair

        seeker = self._seeker
        self._tries = 0
        if self._manager is None:  # it has forgotten us
            self._manager = seeker.pairing.manager
        self._own = nowpair.new_keys(seeker.watchdog)
        self._tid = None
        self._exchange = task = Task(self._ask_again, 0, _EXCHANGE_MS, core=True)
        seeker.sm.add(task)

    def _ask_again(self):
        seeker = self._seeker
        self._tries += 1
        if self._tries > _EXCHANGES:
            # Not by way of waking: there, a recording would lead here again, and nowhere else.
            seeker.sm.go("scanning" if self._is_kept() else "unpaired")
        elif seeker.pays(_EXCHANGE_MS, _DEBT_MS):
            payload = self._own[1]
            if self._is_kept():
                payload += seeker.pairing.public  # what the proof that we want to see is for
            # Only who has told this time can answer: what is heard meanwhile may be a recording.
            self._asked = self._manager
            self._tid = seeker.new_tid()
            self._send(EXCHANGE, self._tid, seeker.heard_time.now(), payload)

    def _is_kept(self):
        """Is there a pair to go back to?"""
        return self._seeker.pairing.secret and not self._seeker.wanted_pairing

    def answered(self, status, payload):
        seeker = self._seeker
        if seeker.sm.state != "pairing" or payload[:TID_BYTES] != self._tid:
            return
        self._tid = None
        if status == AGREED:
            self._agree(payload[TID_BYTES:])
        elif status == KNOWN and self._is_kept():
            seeker.sm.go("waking")  # not forgotten at all: packets were lost
        else:
            self._exchange.restart(_REFUSED_MS)
            seeker.pays(_REFUSED_MS, _DEBT_MS)
            if status == KNOWN:
                log.warn("netnow: the central knows this device: let it pair again, Pair on")
                if seeker.on_battery:
                    seeker.give_up()

    def _agree(self, answer):
        from epx import nowpair

        seeker = self._seeker
        earlier = seeker.pairing.proof if self._is_kept() else None
        try:
            secret, proof = nowpair.accept(
                seeker.watchdog, seeker.group, self._own, seeker.identity(), answer, earlier
            )
        except ValueError as error:
            log.error("netnow: pairing: %s", error)
            return
        diag.forget("epx", "nowpair")
        diag.forget("epx", "x25519")
        seeker.pairing.put(self._asked, secret, proof, self._own[1])
        try:
            os.remove(seeker.PAIR_FILE)
        except OSError:
            pass
        seeker.paired()
