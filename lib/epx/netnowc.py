"""The central of a group: owns the network time, hears peripherals, answers by broadcast."""

import os
from struct import unpack_from

from micropython import const

from epx import log
from epx.loop import Task, uptime_s
from epx.netnow import (
    BROADCAST_MAC,
    CONTENT,
    NOT_AUTHENTIC,
    REPLAY,
    ROLE,
    UNKNOWN_PEER,
    WRONG_TIME,
    NetNow,
)
from epx.nowconfirm import Confirmations
from epx.nowdesk import Desk
from epx.nowhouse import TOPICS, House
from epx.nowpeers import Roster
from epx.nowtime import NetworkTime
from epx.nowwire import (
    BROADCAST,
    CONFIRM,
    CONFIRMED,
    DATA,
    EVERYBODY,
    HOLDS,
    MILLIVOLTS,
    MORE_WAITS,
    NO_UPDATE,
    NOTICED,
    ON_TRIAL,
    PAIRING,
    PLAIN_BYTES,
    RECEIPT,
    TID_BYTES,
    TIME,
    TIME_BYTES,
    UPDATE_WAITS,
    WAKEUP,
    payload_of,
)

_BROADCAST_MS = const(25000)
_BROADCAST_JITTER_MS = const(10000)
_WINDOW_MS = const(1000)
_WAKEUP_WINDOW_MS = const(600000)  # the clock of a sleeping ESP32 is off by some percent
_LOST_S = const(2)  # ... and wakeups that have another time
_NO_WIFI = const((None, "(none)", "(wired)", "(wired2)"))
_FROM_PAIR = const((1, 3, 5))  # DATA, PING, WAKEUP


class NetNowCentral(NetNow):
    """Commands of Hear rows are called for what peripherals send; see bind().

    What wants a confirmation gets it once the broker has what came of it (config without MQTT: at
    once): so nothing is lost with the power of this device.
    """

    _clock = None  # the task that broadcasts the time
    _hinted_s = -_LOST_S
    _last_channel = b"\x01"
    back = None  # what waits for peripherals, once there was something: see nowback

    def __init__(self, config, net, mqtt, watchdog):
        super().__init__(config)
        self.otakey = config.otakey
        self.time = NetworkTime(_anywhere())
        self.roster = Roster(self._network)
        self._count = unpack_from(">I", os.urandom(4))[0] >> 2
        self.desk = Desk(self, watchdog)
        self._confirmations = Confirmations(self, mqtt)
        mqtt.bind(House(self), TOPICS)
        if config.ssid not in _NO_WIFI:
            if config.espnowlongrange:
                log.error("netnow: long range only beside a wire: espnowlongrange is not used")
            net.sm.observe(self._on_net)
        else:
            self._start(config.espnowchannel)

    def _on_net(self, state):
        if state == "connected":
            self._start(None)

    def _start(self, channel=None):
        try:
            self._open_radio(channel)
            channel_now = self._channel()[0]
        except (OSError, RuntimeError, ValueError) as error:
            log.error("netnow: %s", error)
            Task(self._start, 60000, arg=channel, core=True)
            return
        log.info("netnow: on channel %d", channel_now)
        if self._clock is None:
            # Again: random numbers of the chip are good once its radio is on.
            self.time.set(_anywhere())
            self._clock = Task(
                self.broadcast_time, 0, _BROADCAST_MS, jitter_ms=_BROADCAST_JITTER_MS, core=True
            )
        self._clock.advance()

    # What goes out: broadcasts only, so that there may be any number of peripherals.

    def _channel(self):
        """On which we are, one byte: the driver follows the access point, and says nothing."""
        try:
            self._last_channel = bytes((self._interface.config("channel"),))
        except (OSError, RuntimeError):  # the network has switched its radio off for a while
            pass
        return self._last_channel

    def broadcast_time(self):
        payload = self.identity() + self._channel()
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
            flags = MORE_WAITS if self.back and self.back.waits_for(identity) else 0
            if peer.update == "waits":
                flags |= UPDATE_WAITS
            if self._confirmations.are_held():
                flags |= HOLDS
            self.transmit(channel, TIME, kind, identity, tid, flags, payload)

    def confirm_now(self, identity, tid):
        self.answer(identity, CONFIRM, self.new_tid(), tid + self._channel())

    def _hint(self):
        """Somebody has another time, or none: broadcast ours a little earlier."""
        if uptime_s() - self._hinted_s >= _LOST_S and self._clock:
            self._hinted_s = uptime_s()
            self._clock.advance()

    # What comes in.

    def _judge(self, type, cut):
        """Short, as all that a forged packet comes to: see nowwire.Channel."""
        if type in _FROM_PAIR:
            peer = self.roster.last
            if self._peer_view != peer.identity:
                peer = self._find(bytes(self._peer_view))
            if peer:
                if peer.up.is_authentic(cut[0], cut[2]):
                    self._accept(peer, type, cut[1])
                else:
                    self._disappoint(peer, type, cut)
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

    def _disappoint(self, peer, type, cut):
        """The tag is wrong; unless it is made with a secret that was agreed on just now."""
        pending = self.desk.pending
        if pending and pending.peer is not peer and pending.peer.identity == peer.identity:
            self.roster.cool(peer)
            peer = pending.peer
            if peer.up.is_authentic(cut[0], cut[2]):
                self._accept(peer, type, cut[1])
                return
        if peer is not self.roster.last:
            self.roster.cool(peer)
        self.refuse(NOT_AUTHENTIC)

    def _accept(self, peer, type, ciphertext):
        if peer is not self.roster.last:
            self._welcome(peer)
        body = peer.up.body(self._nonce_view, ciphertext)
        counter = self._counter()
        if counter <= peer.counter:
            self.refuse(REPLAY)
        elif self._is_timely(type, body):
            peer.note(counter, self._received[2])
            self._obey(peer, body)

    def _welcome(self, peer):
        if peer.secret:
            self.roster.replace(peer)
            self.desk.pending = None
        self.roster.keep_warm(peer)

    def _counter(self):
        return unpack_from(">I", self._buffer, 12)[0]

    def _is_timely(self, type, body):
        ahead_ms = self.time.ahead_ms(body[2:14])
        limit_ms = _WAKEUP_WINDOW_MS if type == WAKEUP else _WINDOW_MS
        if -limit_ms <= ahead_ms <= limit_ms:
            return True
        self.refuse(WRONG_TIME)
        if type == WAKEUP:
            self._hint()
        return False

    def _obey(self, peer, body):
        mark = self._mark()
        if not peer.knows(mark[1:]):
            if mark[0] == DATA and not self._confirmations.have_room():
                return  # it asks again
            peer.remember(mark, body[1])
            self._note_flags(peer, body[14] << 8 | body[15])
            if mark[0] == DATA and body[1] != RECEIPT:
                self.sender = peer.identity
                self._dispatch(body)
        elif mark[0] != DATA or not peer.knows(mark):
            self.refuse(REPLAY)
            return
        self._respond(peer, body, mark)

    def _mark(self):
        """Type and TID."""
        buffer = self._buffer
        return bytes(buffer[1:2] + buffer[16:28])

    def _respond(self, peer, body, mark):
        if mark[0] != DATA:
            self._note_state(peer, body)
            self.confirm_now(peer.identity, mark[1:])
        elif body[1] == RECEIPT:
            self._note_receipt(peer, body)
        elif body[1] == CONFIRMED:
            self._confirmations.give(peer.identity, mark[1:])
        if self.back:
            self.back.heard(peer)

    def _note_receipt(self, peer, body):
        tid = body[PLAIN_BYTES : PLAIN_BYTES + TID_BYTES]
        if tid == NOTICED:
            _updates().noticed(peer)
        elif self.back:
            self.back.received(peer, tid)

    def _note_flags(self, peer, extra):
        peer.battery_mv = extra & MILLIVOLTS
        peer.cannot = extra & NO_UPDATE
        if peer.update or extra & ON_TRIAL:
            _updates().note_flags(peer, extra)

    def _note_state(self, peer, body):
        """Of a wakeup or ping: see epx.netnowp."""
        try:
            words = str(bytes(payload_of(body)), "utf-8")
        except ValueError:
            self.refuse(CONTENT)
            return
        if peer.update:
            _updates().note_state(peer, words, body[14] << 8 & ON_TRIAL)
        peer.set = words[:1] if words[:1].isalpha() else ""

    # For the appliance and the house.

    def send_back(self, identity, payload):
        """Bring payload, at most 176 bytes, to the peripheral with this identity when it wakes.

        ValueError: it is too long, or nobody with this identity is paired.
        """
        if identity not in self.roster.pairs.index:
            raise ValueError("want the identity of a paired device")
        if self.back is None:
            from epx.nowback import BackData

            self.back = BackData(self)
        self.back.add(identity, payload)


def _anywhere():
    """A time that nobody can guess, far from its end."""
    time = os.urandom(TIME_BYTES)
    return bytes((time[0] & 0x7F,)) + time[1:]


def _updates():
    from epx import nowupdates

    return nowupdates
