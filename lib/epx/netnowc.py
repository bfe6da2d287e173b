"""The central of a group: owns the network time, hears peripherals, answers by broadcast."""

import os
from binascii import unhexlify
from struct import unpack_from

from micropython import const

from epx import log
from epx.clock import MINUTES
from epx.loop import Task, uptime_s
from epx.netnow import (
    BROADCAST_MAC,
    NOT_AUTHENTIC,
    REPLAY,
    ROLE,
    UNKNOWN_PEER,
    WRONG_TIME,
    NetNow,
)
from epx.nowback import BackData
from epx.nowdesk import Desk
from epx.nowpeers import Roster
from epx.nowtime import NetworkTime
from epx.nowwire import (
    BROADCAST,
    CONFIRM,
    CONFIRMED,
    DATA,
    EVERYBODY,
    MILLIVOLTS,
    MORE_WAITS,
    NO_UPDATE,
    ON_TRIAL,
    PAIRING,
    RECEIPT,
    TIME,
    TIME_BYTES,
    UPDATE_WAITS,
    WAKEUP,
)
from epx.payloads import on_off, text
from epx.topics import Pub, Sub

_BROADCAST_MS = const(25000)
_BROADCAST_JITTER_MS = const(10000)
_WINDOW_MS = const(1000)
_WAKEUP_WINDOW_MS = const(600000)  # the clock of a sleeping ESP32 is off by some percent
_LOST_S = const(2)  # ... and wakeups that have another time
_NO_WIFI = const((None, "(none)", "(wired)", "(wired2)"))
_FROM_PAIR = const((1, 3, 5))  # DATA, PING, WAKEUP
_SETTLE_MS = const(30)
_MOST_UNSETTLED = const(8)

TOPICS = (
    # JSON: how many are paired, how many were heard since boot, and six of these: seconds since
    # the last packet, dBm, percent lost on the way, and mV if it measures its battery. If there
    # are more, the next six follow.
    Pub("Peers", "peers", every_ms=5 * MINUTES),
    # For 5 minutes a peripheral that is known already may be paired again.
    Sub("Pair", "open_window", on_off),
    # Forget the peripheral with this identity, 12 hex digits.
    Sub("Unpair", "unpair", text(12)),
    # An update waits for the peripheral with this identity; it is told when it wakes.
    Sub("Update", "announce_update", text(12)),
)


class NetNowCentral(NetNow):
    """Commands of Hear rows are called for what peripherals send; see bind().

    What wants a confirmation gets it once the broker has what came of it (config without MQTT: at
    once): so nothing is lost with the power of this device.
    """

    channel = None  # on which we are
    _clock = None  # the task that broadcasts the time
    _hinted_s = -_LOST_S

    def __init__(self, config, net, mqtt, watchdog):
        super().__init__(config)
        self._mqtt = mqtt
        self.otakey = config.otakey
        start = os.urandom(TIME_BYTES)
        self.time = NetworkTime(bytes((start[0] & 0x7F,)) + start[1:])
        self.roster = Roster(self._network)
        self._count = unpack_from(">I", os.urandom(4))[0] >> 2
        self._unsettled = []
        self.back = BackData(self)
        self.desk = Desk(self, watchdog)
        self._settle = Task(self._confirm_settled, core=True)
        self._settle.cancel()
        mqtt.bind(self, TOPICS)
        if config.ssid not in _NO_WIFI:
            if config.espnowlongrange:
                log.error("netnow: long range only beside a wire: espnowlongrange is not used")
            net.sm.observe(self._on_net)
        else:
            self._start(config.espnowchannel)

    def _on_net(self, state):
        if state == "connected":
            self._start(None)

    def _start(self, channel):
        try:
            self._open_radio(channel)
            self.channel = self._interface.config("channel")
        except (OSError, RuntimeError, ValueError) as error:
            log.error("netnow: %s", error)
            Task(self._start, 60000, arg=channel, core=True)
            return
        log.info("netnow: on channel %d", self.channel)
        if self._clock is None:
            self._clock = Task(
                self.broadcast_time, 0, _BROADCAST_MS, jitter_ms=_BROADCAST_JITTER_MS, core=True
            )
        else:
            self._clock.advance()

    # What goes out: broadcasts only, so that there may be any number of peripherals.

    def broadcast_time(self):
        payload = self.identity() + bytes((self.channel,))
        self.transmit(self.group.down, TIME, BROADCAST, EVERYBODY, self.new_tid(), 0, payload)

    def transmit(self, channel, type, kind, identity, tid, flags, payload):
        self._count = (self._count + 1) & 0x3FFFFFFF
        kinds = (type, kind)
        packet = channel.seal(kinds, identity, self._count, tid, self.time.now(), flags, payload)
        return self._send(BROADCAST_MAC, packet)

    def answer(self, identity, kind, tid, payload):
        """To one peripheral, with its own key; nothing if it is not paired any more."""
        peer, channel = self.roster.channel_to(identity)
        if peer:
            flags = MORE_WAITS if self.back.waits_for(identity) else 0
            if peer.update == "waits":
                flags |= UPDATE_WAITS
            self.transmit(channel, TIME, kind, identity, tid, flags, payload)

    def _confirm_now(self, identity, tid):
        self.answer(identity, CONFIRM, self.new_tid(), tid + bytes((self.channel,)))

    def _hint(self):
        """Somebody has another time, or none: broadcast ours a little earlier."""
        if uptime_s() - self._hinted_s >= _LOST_S and self._clock:
            self._hinted_s = uptime_s()
            self._clock.advance()

    # What comes in.

    def _judge(self, type, cut):
        if type in _FROM_PAIR:
            roster = self.roster
            peer = roster.last
            if self._peer_view != peer.identity:
                peer = self._find(bytes(self._peer_view))
                if peer is None:
                    return
            if not peer.up.is_authentic(cut[0], cut[2]):
                peer = self._newly_paired(peer, cut)
                if peer is None:
                    return
            if peer is not roster.last:
                if peer.secret:
                    roster.replace(peer)
                    self.desk.pending = None
                roster.keep_warm(peer)
            self._admit(peer, type, peer.up.body(self._nonce_view, cut[1]))
        elif type == PAIRING:
            body = self._opened(self.group.up, cut)
            if body:
                self.desk.heard(body, bytes(self._peer_view), bytes(self._tid_view))
        else:
            self.refuse(ROLE)

    def _find(self, identity):
        peer = self.roster.find(identity)
        if peer is None:
            pending = self.desk.pending
            if pending and pending.peer.identity == identity:
                return pending.peer
            self.refuse(UNKNOWN_PEER)
            self._hint()
        return peer

    def _newly_paired(self, peer, cut):
        """The tag is wrong; unless it is made with a secret that was agreed on just now."""
        self.roster.cool(peer)
        pending = self.desk.pending
        if pending and pending.peer.identity == peer.identity:
            peer = pending.peer
            if peer.up.is_authentic(cut[0], cut[2]):
                return peer
        self.refuse(NOT_AUTHENTIC)
        return None

    def _admit(self, peer, type, body):
        """An authentic packet: is it new?"""
        counter = unpack_from(">I", self._buffer, 12)[0]
        if counter <= peer.counter:
            self.refuse(REPLAY)
            return
        ahead_ms = self.time.ahead_ms(body[2:14])
        limit_ms = _WAKEUP_WINDOW_MS if type == WAKEUP else _WINDOW_MS
        if not -limit_ms <= ahead_ms <= limit_ms:
            self.refuse(WRONG_TIME)
            if type == WAKEUP:
                self._hint()
            return
        peer.note(counter, self._received[2])
        mark = bytes(self._type_and_tid())
        self._obey(peer, type, body, mark)

    def _type_and_tid(self):
        buffer = self._buffer
        return buffer[1:2] + buffer[16:28]

    def _obey(self, peer, type, body, mark):
        tid = mark[1:]
        is_repeated = tid in peer.tids
        if is_repeated and (type != DATA or mark not in peer.tids):
            self.refuse(REPLAY)
            return
        self._note_flags(peer, unpack_from(">H", body, 14)[0])
        kind = body[1]
        if not is_repeated:
            peer.remember(mark)
            if type == DATA and kind != RECEIPT:
                self.sender = peer.identity
                self._dispatch(body)
        if type != DATA:
            self._confirm_now(peer.identity, tid)
        elif kind == RECEIPT:
            self.back.received(peer, body)
        elif kind == CONFIRMED:
            self._confirm(peer.identity, tid)
        if self.back.waits:
            self.back.heard(peer)

    def _note_flags(self, peer, extra):
        peer.battery_mv = extra & MILLIVOLTS
        if extra & NO_UPDATE and peer.update == "waits":
            peer.update = "cannot"
            log.warn("netnow: a peripheral has no Wi-Fi settings for its update")
        elif extra & ON_TRIAL:
            peer.update = "trial"
        elif peer.update == "trial":
            peer.update = "done"

    # Confirmations: when what came of a packet cannot be lost any more.

    def _is_settled(self):
        mqtt = self._mqtt
        return mqtt.sm.state == "initial" or (
            mqtt.connected() and not mqtt.outbox.events and not mqtt.client.in_flight
        )

    def _confirm(self, identity, tid):
        if self._is_settled():
            self._confirm_now(identity, tid)
            return
        waiting = (identity, tid)
        if waiting not in self._unsettled:
            if len(self._unsettled) >= _MOST_UNSETTLED:
                self._unsettled.pop(0)  # it asks again
            self._unsettled.append(waiting)
            self._settle.restart(_SETTLE_MS)

    def _confirm_settled(self):
        if not self._mqtt.connected():
            self._unsettled.clear()  # they ask again
        elif not self._is_settled():
            self._settle.restart(_SETTLE_MS)
        while self._unsettled and not self._settle.active():
            self._confirm_now(*self._unsettled.pop(0))

    # For the appliance and the house.

    def send_back(self, identity, payload):
        """Bring payload, at most 176 bytes, to the peripheral with this identity when it wakes.

        ValueError: it is too long, or nobody with this identity is paired.
        """
        if identity not in self.roster.pairs.index:
            raise ValueError("want the identity of a paired device")
        self.back.add(identity, payload)

    def peers(self):
        return self.roster.page()

    def open_window(self, is_open):
        self.desk.open_window(is_open)

    def unpair(self, digits):
        identity = self._identity_of(digits)
        if identity and self.roster.unpair(identity):
            log.info("netnow: %s is not paired any more", digits)

    def announce_update(self, digits):
        identity = self._identity_of(digits)
        if identity:
            self.roster.channel_to(identity)[0].update = "waits"

    def _identity_of(self, digits):
        try:
            identity = unhexlify(digits)
        except ValueError:
            identity = None
        if identity in self.roster.pairs.index:
            return identity
        log.warn("netnow: want 12 hex digits of a paired device, not %s", digits)
        return None
