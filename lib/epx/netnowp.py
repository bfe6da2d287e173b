"""A peripheral: sends to its central, follows the network time, takes back data."""

from struct import unpack_from

from micropython import const

from epx.fsm import StateMachine
from epx.loop import Task
from epx.netnow import CONTENT, REPLAY, ROLE, WRONG_TIME
from epx.nowseek import ANSWER_MS, STATES, Seeker
from epx.nowtime import NetworkTime
from epx.nowunsent import Waiting
from epx.nowwire import (
    BACK_DATA,
    BROADCAST,
    CONFIRM,
    CONFIRMED,
    DATA,
    EVERYBODY,
    HOLDS,
    MORE_WAITS,
    MOST_PAYLOAD,
    NO_UPDATE,
    NOT_CONFIRMED,
    NOTICED,
    ON_TRIAL,
    PAIRING,
    PING,
    RECEIPT,
    TID_BYTES,
    TIME,
    UPDATE_WAITS,
    payload_of,
)
from loader import verdict

_PING_MS = const(10000)
_AHEAD_MS = const(120000)  # a broadcast is believed so far ahead of the last
_TOLERANCE_MS = const(1000)
_SILENCE_MS = const(100000)  # three broadcasts
_DEADLINE_MS = const(15000)
_FIRST_PAIRING_S = const(15)
_HELD_S = const(2)  # a battery does not wait for a broker that is away
_LATER_MS = const(30000)  # after its deadline a message is tried more rarely
_AGAIN_MS = (250, 500, 1000, 2000)
_MORE_MS = const(1500)  # how long a promise of back data is believed
_BROADCAST_BYTES = const(23)  # of its body: who knows the PSK can make a shorter one
_FROM_OTHERS = const((1, 3, 5))  # DATA, PING, WAKEUP: of peripherals
_UNPAIRED = const(("unpaired", "pairing"))
_LOST = const(("waking", "scanning"))


class NetNowPeripheral(Seeker):
    """Commands of Hear rows are called for back data; see bind().

    extra: battery voltage in mV and flags of epx.nowwire, told with every packet. update_waits:
    the central has said so. Begins with start().
    """

    update_waits = False
    _last_back = b""  # network time of the last back data
    _last_broadcast = None
    _sent = 0  # how often the first message has been sent since we are ready
    _is_late = False

    def __init__(self, config, watchdog, can_update=False, on_battery=False):
        super().__init__(config, watchdog, on_battery)
        self.extra = (0 if can_update else NO_UPDATE) | (ON_TRIAL if verdict.trial else 0)
        self._waiting = Waiting(self._too_late)
        self._ping_pause = Task(self._nothing, core=True)
        self._ping_pause.cancel()
        self._more = Task(self._nothing, core=True)
        self._more.cancel()
        self.sm = StateMachine("netnow", self, STATES, core=True)

    def _nothing(self):
        pass

    # Sending.

    def send_data(self, payload, confirm_mode=2, done=None, deadline_ms=_DEADLINE_MS):
        """Send at most 176 bytes (ValueError if they are more).

        confirm_mode 0: once, unheard. 1: True if the central's radio has acknowledged it. Both
        False while there is no contact. 2: kept through sleep, repeated until the central has
        confirmed it, one after the other; done(True) then, or done(False) once after deadline_ms.
        """
        if len(payload) > MOST_PAYLOAD:
            raise ValueError("want at most %d bytes, not %d" % (MOST_PAYLOAD, len(payload)))
        tid = self.new_tid()
        if confirm_mode != 2:
            return self.sm.state == "ready" and self._send_data(
                NOT_CONFIRMED, tid, payload, confirm_mode == 1
            )
        unsent = self.memory.unsent
        self._waiting.tell(self.memory.keep(tid, payload), False)
        self._is_late = False
        self._waiting.add(tid, done, deadline_ms)
        if self.sm.state == "ready" and len(unsent) == 1:
            self._send_first()
        return True

    def _send_data(self, kind, tid, payload, acknowledged=False):
        time, manager = self.memory.time, self.pairing.manager
        if time is None:
            return False  # unpaired in this turn
        kinds = (DATA, kind)
        return self.send_packet(manager, kinds, self._up, tid, time.now(), payload, acknowledged)

    def _send_first(self):
        self._sent = 0
        self._again.restart(0)

    def _transmit(self):
        unsent = self.memory.unsent
        if not unsent or self.sm.state != "ready":
            return
        if self._sent >= (1 if self._is_late else len(_AGAIN_MS)):
            self.sm.go("waking")  # is the central still there?
            return
        message = unsent[0]
        self._send_data(CONFIRMED, message[:TID_BYTES], message[TID_BYTES:])
        self._again.restart(_LATER_MS if self._is_late else _AGAIN_MS[self._sent])
        self._sent += 1

    def _too_late(self):
        if self.on_battery and (self.wanted_pairing or not self.pairing.secret):
            self._waiting.postpone(_FIRST_PAIRING_S)  # its battery says when to end that
        self._tell_late()

    def give_up(self):
        """Tell all who wait that it takes longer; what is unsent stays."""
        self._waiting.hurry(0)
        self._tell_late()

    def _tell_late(self):
        for tid in self._waiting.late():
            self._is_late = True
            self._waiting.tell(tid, False)
        self._waiting.arm()

    def linger_ms(self):
        """How long somebody who wants to sleep should wait for back data."""
        return _MORE_MS if self._more.active() else 0

    # The state of contact.

    def on_ready(self):
        self.heard_time = None
        self._silence = Task(self._is_silent, _SILENCE_MS, core=True)
        self._again = Task(self._transmit, core=True)
        self.sm.add(self._silence)
        self.sm.add(self._again)
        self._send_first()

    def _is_silent(self):
        self.sm.go("waking")

    # What comes in.

    def _judge(self, type, cut):
        if type == TIME:
            if self._peer_view == EVERYBODY:
                body = self._opened(self.group.down, cut)
                if body:
                    self._on_broadcast(body)
            elif self._peer_view == self._me and self._down:
                body = self._opened(self._down, cut)
                if body:
                    self._on_own(body)
        elif type == PAIRING:
            if self._peer_view == self._me:
                body = self._opened(self.group.down, cut)
                if body:
                    self._on_answer(body)
        elif type not in _FROM_OTHERS:
            self.refuse(ROLE)

    def _on_answer(self, body):
        try:
            if self._join:
                self._join.answered(body[1], payload_of(body))
        except ValueError:
            self.refuse(CONTENT)

    def _on_broadcast(self, body):
        if body[1] != BROADCAST or body[0] != 7 or len(body) < _BROADCAST_BYTES:
            self.refuse(CONTENT)
            return
        time = body[2:14]
        manager, channel = body[16:22], body[22]
        state = self.sm.state
        if state in _UNPAIRED:
            self._joiner().hear(time, manager, channel)
        elif manager != self.pairing.manager:
            if state == "scanning" and self.may_pair_again():
                self._joiner().hear(time, manager, channel)
        else:
            self._follow(time, state, channel)

    def _follow(self, time, state, channel):
        """What our central broadcasts."""
        if self._is_plausible(time):
            self._last_broadcast = time
            self.memory.time.set(time)
            if state == "ready":
                self._silence.restart()
        elif state in _LOST:
            self.heard_time = NetworkTime(time)
            self.heard_channel = channel
        elif state == "ready" and not self._ping_pause.active():
            self._ping_pause.restart(_PING_MS)
            self._ping(time)

    def _ping(self, time):
        self._ask_for((PING, 0), time)

    def _is_plausible(self, time):
        if self.memory.time is None or self.sm.state != "ready":
            return False
        if not -_TOLERANCE_MS <= self.memory.time.ahead_ms(time) <= _TOLERANCE_MS:
            return False
        last = self._last_broadcast
        return last is None or 0 < NetworkTime(last).ahead_ms(time) <= _AHEAD_MS

    def _on_own(self, body):
        try:
            payload = payload_of(body)
        except ValueError:
            self.refuse(CONTENT)
            return
        kind = body[1]
        if kind == CONFIRM:
            self._on_confirm(payload, body)
        elif kind == BACK_DATA:
            self._on_back_data(body)
        else:
            self.refuse(CONTENT)

    def _on_confirm(self, payload, body):
        tid = payload[:TID_BYTES]
        if len(payload) <= TID_BYTES:
            self.refuse(CONTENT)
            return
        time = body[2:14]
        is_asked = tid in self._asked
        if is_asked:
            self._asked.clear()
            self.tune(payload[TID_BYTES])
            self.pairing.put_channel(self._channel)
        elif not self._is_answer(time) or not self.memory.sent(tid):
            self.refuse(REPLAY)
            return
        # Only the central can name our TID: so this is the time. But what answers a reading may
        # have been held back for a while: that does not turn the clock back.
        if is_asked or self.memory.time.ahead_ms(time) > 0:
            self.memory.time = NetworkTime(time)
            self._last_broadcast = time
        self._note_flags(unpack_from(">H", body, 14)[0])
        state = self.sm.state
        if state in _LOST:
            self.sm.go("ready")
        self._waiting.tell(tid, True)
        if state == "ready":
            self._silence.restart()
            self._send_first()

    def _is_answer(self, time):
        """To a reading, which may be asked for hours: now, or long ago and a recording?"""
        known = self.memory.time
        return known and abs(known.ahead_ms(time)) <= ANSWER_MS

    def _note_flags(self, flags):
        if flags & MORE_WAITS:
            self._more.restart(_MORE_MS)
        else:
            self._more.cancel()
        if flags & HOLDS and self.on_battery:
            self._waiting.hurry(_HELD_S)
        if flags & UPDATE_WAITS and not self.update_waits and not self.extra & ON_TRIAL:
            self.update_waits = True
            self._send_data(RECEIPT, self.new_tid(), NOTICED)

    def _on_back_data(self, body):
        time = body[2:14]
        if self.sm.state != "ready" or abs(self.memory.time.ahead_ms(time)) > _TOLERANCE_MS:
            self.refuse(WRONG_TIME)
            return
        if self._last_back and NetworkTime(self._last_back).ahead_ms(time) <= 0:
            self.refuse(REPLAY)
            return
        self._last_back = time
        self._note_flags(unpack_from(">H", body, 14)[0])
        tid = bytes(self._tid_view)
        if self.memory.is_new(tid):
            self._dispatch(body)
        self._send_data(RECEIPT, self.new_tid(), tid)
