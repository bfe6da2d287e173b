"""How a peripheral finds its central, pairs with it, and finds it again on another channel."""

import os

from micropython import const

from epx import diag, log
from epx.loop import Task
from epx.netnow import BROADCAST_MAC, NetNow
from epx.nowunsent import Memory, Pairing
from epx.nowwire import (
    ASK,
    ON_TRIAL,
    PAIRING,
    TIME_BYTES,
    WAKEUP,
    Channel,
)
from loader import verdict

STATES = {
    "initial": ("off", "unpaired", "waking"),
    "off": ("unpaired", "waking"),
    "unpaired": ("unpaired", "pairing", "waking", "off"),
    "pairing": ("waking", "scanning", "unpaired", "off"),
    "waking": ("ready", "scanning", "pairing", "unpaired", "off"),
    "scanning": ("ready", "waking", "pairing", "unpaired", "off"),
    "ready": ("waking", "unpaired", "off"),
}
_CHANNELS = const(13)
_PAIRING_LIMIT_MS = const(600000)
_WAKE_AGAIN_MS = (250, 500, 1000, 500)
_PROBE_MS = const(150)
_PROBES = const(2)
_PAIR_AGAIN_MS = const(15000)
_SCAN_PART = const(720)  # of all time may be spent on scans by who has a battery: 120 s per day
_SCAN_MOST_MS = const(130000)  # twice all channels, for a pairing
_MOST_ASKED = const(4)
_MOST_STATE = const(120)  # bytes; a packet has room for 176
ANSWER_MS = const(5000)


class Seeker(NetNow):
    """The part of NetNowPeripheral before and between its conversations."""

    heard_time = None  # what a broadcast said that we did not believe yet
    _up = _down = None
    heard_channel = None  # ... and on which channel it said to be
    _calls = False
    _join = None  # while there is no pair: see nowjoin
    _tries = 0
    wanted_pairing = False  # by the file pair.txt
    PAIR_FILE = "pair.txt"

    def __init__(self, config, watchdog, on_battery):
        super().__init__(config)
        self.watchdog = watchdog
        self.on_battery = on_battery
        self._asked = []  # TIDs of wakeups and pings, the last ones
        # An answer that comes later is a recording.
        self._ask_ends = Task(self._asked.clear, ANSWER_MS, core=True)
        self.memory = memory = Memory()
        self.pairing = Pairing()
        self._channel = self.pairing.channel or 1
        memory.scan_ms = min(_SCAN_MOST_MS, memory.scan_ms + memory.slept_ms // _SCAN_PART)
        diag.before_reboot.append(memory.save)
        self._me = self.identity()
        self._state = _state()

    def start(self):
        """Switch the radio on and find the central. The file pair.txt forces a new pairing."""
        self._open_radio(self._channel)
        try:
            os.stat(self.PAIR_FILE)
            self.wanted_pairing = True
        except OSError:
            pass
        if not self.pairing.secret:
            self.sm.go("unpaired")
        elif self.wanted_pairing:
            Task(self.give_up_pairing, _PAIRING_LIMIT_MS, core=True)
            self.sm.go("unpaired")
        else:
            self.sm.go("waking")

    def stop(self):
        """Radio off."""
        self.sm.go("off")

    def on_off(self):
        self._close_radio()

    def rssi_dbm(self):
        """Of the last packet heard; None if there was none."""
        return self._received[2] if self._received[0] else None

    def trial_ended(self):
        """The program is not on trial any more: tell the central now, not at the next wake."""
        self.extra &= ~ON_TRIAL
        if self.sm.state == "ready":
            self._ping(self.memory.time.now())

    def tune(self, channel):
        if channel != self._channel:
            self._channel = channel
            try:
                self._interface.config(channel=channel)
            except (OSError, RuntimeError) as error:
                log.warn("netnow: channel %d: %s", channel, error)

    def _ask_for(self, kinds, time):
        """Tell the central our state, with a TID whose confirmation will be believed."""
        tid = self.new_tid()
        asked = self._asked
        asked.append(tid)
        if len(asked) > _MOST_ASKED:
            asked.pop(0)
        self._ask_ends.restart()
        self.send_packet(self.pairing.manager, kinds, self._up, tid, time, self._state)

    def send_packet(self, mac, kinds, channel, tid, time, payload=b"", acknowledged=False):
        counter = self.memory.next_counter()
        packet = channel.seal(kinds, self._me, counter, tid, time, self.extra, payload)
        return self._send(mac, packet, acknowledged)

    # Without a pair.

    def _joiner(self):
        if self._join is None:
            from epx.nowjoin import Join

            self._join = Join(self)
        return self._join

    def on_unpaired(self):
        self._joiner().look()

    def on_pairing(self):
        self._joiner().ask()

    def paired(self):
        """There is a new pair."""
        self.wanted_pairing = False
        self._up = None
        self.memory.time = self.heard_time
        log.info("netnow: paired, channel %d", self._channel)
        self.sm.go("waking")

    def give_up_pairing(self):
        """Nobody was there for one that was asked for."""
        if self.wanted_pairing:
            log.warn("netnow: nobody to pair with: the earlier pairing stays")
            self.wanted_pairing = False
            if self.sm.state in ("unpaired", "pairing"):
                self.sm.go("waking")

    def unpair(self):
        """Forget the central, and look for one to pair with."""
        self.wanted_pairing = False
        self.pairing.forget()
        self._up = self._down = self.memory.time = self.heard_time = None
        if self._poll:
            self.sm.go("unpaired")

    # With a pair, and no word from the central yet.

    def on_waking(self):
        self._join = None
        diag.forget("epx", "nowjoin")
        if self._up is None:
            secret = self.pairing.secret
            self._up = Channel(secret, b"up", self._network)
            self._down = Channel(secret, b"down", self._network)
        self._know(self.pairing.manager)
        self._tries = 0
        self.heard_time = None
        self._wake_task = task = Task(self._wake, core=True)
        self.sm.add(task)

    def _wake(self):
        tries = self._tries
        self._tries = tries + 1
        if tries < len(_WAKE_AGAIN_MS):
            self._wakeup(tries)
            self._wake_task.restart(_WAKE_AGAIN_MS[tries])
        elif not self.heard_time:
            self.sm.go("scanning")
        elif tries == len(_WAKE_AGAIN_MS):
            self._wakeup(1)  # with the time that was heard, perhaps only now
            self._wake_task.restart(_WAKE_AGAIN_MS[-1])
        else:
            # The group is there, on this channel, but does not know us: it has forgotten us.
            self.sm.go("pairing")

    def _wakeup(self, number):
        """With our time, and by turns with what broadcasts say, which may be recordings."""
        time = self.memory.time
        if time is None or (self.heard_time and number & 1):
            time = self.heard_time
        now = time.now() if time else bytes(TIME_BYTES)
        self._ask_for((WAKEUP, 0), now)

    def on_scanning(self):
        self.heard_channel = None
        log.info("netnow: looking for the central on other channels")
        self.begin_search()
        self.heard_time = None
        self.sm.add(Task(self._probe, 0, _PROBE_MS, core=True))

    def _probe(self):
        if self.heard_channel and self._tries >= _CHANNELS * _PROBES:
            # It is there, and answered nobody: has it forgotten us?
            self.tune(self.heard_channel)
            self.sm.go("waking")
        elif self.may_search(_PROBE_MS, _PROBES):
            number = (self._tries - 1) % _PROBES
            if not number:
                self.heard_time = None  # what was heard on the last channel may be a recording
            if self._calls:
                self.call()
            else:
                self._wakeup(number)

    def call(self):
        """Who is there? Any central of the group answers."""
        kinds = (PAIRING, ASK)
        none = bytes(TIME_BYTES)
        self.send_packet(BROADCAST_MAC, kinds, self.group.up, self.new_tid(), none)

    def may_pair_again(self):
        """With another central that can prove to be ours: ours on a new board. A battery pays for
        that afterwards: each search takes all that there is, and so would never save it up."""
        if self.on_battery:
            if self.memory.scan_ms < 0:
                return False
            self.memory.scan_ms -= _PAIR_AGAIN_MS
        return True

    # Searching, channel by channel.

    def begin_search(self):
        self._tries = 0
        self._first_channel = os.urandom(1)[0]  # who may search for seconds only gets everywhere

    def pays(self, ms, debt_ms=0):
        """Of the battery for a radio that is on without a central. False if that is used up."""
        memory = self.memory
        if self.on_battery:
            if memory.scan_ms + debt_ms < ms:
                self.give_up()
                return False
            memory.scan_ms -= ms
        return True

    def may_search(self, ms, per_channel):
        """Tune to the next channel in time. False if there is no battery for it."""
        if not self.pays(ms):
            return False
        if self._tries % (per_channel * _CHANNELS) == 0:
            # Now and then a search is for a central on another board, which wakeups do not reach.
            self._calls = os.urandom(1)[0] & 3 == 0
        if self._tries % per_channel == 0:
            channel = self._first_channel + self._tries // per_channel
            self.tune(channel % _CHANNELS + 1)
        self._tries += 1
        return True


def _state():
    """What a wakeup or ping says: which set runs, and if so, how the last update has failed."""
    words = diag.last_words("reboot.txt", 100) or ""
    if "failed, back to" not in words:
        words = ""
    state = ((verdict.chosen or "") + words.split("\n")[0]).encode()
    # What does not fit is cut off between two characters (RFC 3629, section 3).
    end = min(len(state), _MOST_STATE)
    while end < len(state) and state[end] & 0xC0 == 0x80:
        end -= 1
    return state[:end]
