"""How a peripheral finds its central, pairs with it, and finds it again on another channel."""

import os

from micropython import const

from epx import diag, log
from epx.loop import Task
from epx.netnow import BROADCAST_MAC, NetNow
from epx.nowtime import NetworkTime
from epx.nowunsent import Memory, Pairing
from epx.nowwire import (
    AGREED,
    ASK,
    EXCHANGE,
    KNOWN,
    PAIRING,
    TID_BYTES,
    TIME_BYTES,
    WAKEUP,
    Channel,
)

STATES = {
    "initial": ("off", "unpaired", "waking"),
    "off": ("unpaired", "waking"),
    "unpaired": ("pairing", "waking", "off"),
    "pairing": ("waking", "unpaired", "off"),
    "waking": ("ready", "scanning", "pairing", "unpaired", "off"),
    "scanning": ("ready", "waking", "unpaired", "off"),
    "ready": ("waking", "unpaired", "off"),
}
_CHANNELS = const(13)
_ASK_MS = const(1000)
_ASKS_PER_CHANNEL = const(5)
_EXCHANGE_MS = const(3000)
_REFUSED_MS = const(20000)
_EXCHANGES = const(5)
_PAIRING_LIMIT_MS = const(600000)
_WAKE_AGAIN_MS = (250, 500, 1000, 500)
_PROBE_MS = const(150)
_PROBES = const(2)
_SCAN_PART = const(720)  # of all time may be spent on scans by who has a battery: 120 s per day
_SCAN_MOST_MS = const(130000)  # twice all channels, for a pairing
_MOST_ASKED = const(4)
_PAIR_FILE = const("pair.txt")


class Seeker(NetNow):
    """The part of NetNowPeripheral before and between its conversations."""

    _heard_time = None  # what a broadcast said that we did not believe yet
    _up = _down = None
    _state = b""  # told with each wakeup
    _own = None  # keys of the exchange that runs
    _tries = 0
    _wanted_pairing = False

    def __init__(self, config, watchdog, on_battery):
        super().__init__(config)
        self._watchdog = watchdog
        self._on_battery = on_battery
        self._asked = []  # TIDs of wakeups and pings, the last ones
        self.memory = memory = Memory()
        self.pairing = Pairing()
        self._channel = self.pairing.channel or 1
        memory.scan_ms = min(_SCAN_MOST_MS, memory.scan_ms + memory.slept_ms // _SCAN_PART)
        diag.before_reboot.append(memory.save)
        self._me = self.identity()
        self._make_channels()

    def _make_channels(self):
        secret = self.pairing.secret
        if secret:
            self._up = Channel(secret, b"up", self._network)
            self._down = Channel(secret, b"down", self._network)

    def start(self):
        """Switch the radio on and find the central. The file pair.txt forces a new pairing."""
        self._open_radio(self._channel)
        try:
            os.stat(_PAIR_FILE)
            self._wanted_pairing = True
        except OSError:
            pass
        if not self.pairing.secret:
            self.sm.go("unpaired")
        elif self._wanted_pairing:
            Task(self._give_up_pairing, _PAIRING_LIMIT_MS, core=True)
            self.sm.go("unpaired")
        else:
            self._meet_manager()
            self.sm.go("waking")

    def _meet_manager(self):
        self._know(self.pairing.manager)

    def _tune(self, channel):
        if channel != self._channel:
            self._channel = channel
            try:
                self._interface.config(channel=channel)
            except (OSError, RuntimeError) as error:
                log.warn("netnow: channel %d: %s", channel, error)

    def _ask_for(self, mac, kinds, channel, time, payload=b""):
        """Send with a TID whose confirmation will be believed."""
        tid = self.new_tid()
        asked = self._asked
        asked.append(tid)
        if len(asked) > _MOST_ASKED:
            asked.pop(0)
        self.send_packet(mac, kinds, channel, tid, time, payload)

    def send_packet(self, mac, kinds, channel, tid, time, payload=b"", acknowledged=False):
        counter = self.memory.next_counter()
        packet = channel.seal(kinds, self._me, counter, tid, time, self.extra, payload)
        return self._send(mac, packet, acknowledged)

    # Without a pair.

    def on_unpaired(self):
        self._begin_search()
        self.sm.add(Task(self._ask, 0, _ASK_MS, core=True))

    def _ask(self):
        if not self._may_search(_ASK_MS, _ASKS_PER_CHANNEL):
            return
        kinds = (PAIRING, ASK)
        none = bytes(TIME_BYTES)
        self.send_packet(BROADCAST_MAC, kinds, self.group.up, self.new_tid(), none)

    def _on_first_broadcast(self, time, manager, channel):
        self._heard_time = NetworkTime(time)
        self._tune(channel)
        self._manager = manager
        if self.sm.state == "unpaired":
            self.sm.go("pairing")

    def on_pairing(self):
        from epx import nowpair

        self._tries = 0
        self._own = nowpair.new_keys(self._watchdog)
        self._pairing_tid = self.new_tid()
        self._exchange = task = Task(self._request, 0, _EXCHANGE_MS, core=True)
        self.sm.add(task)

    def _request(self):
        self._tries += 1
        if self._tries > _EXCHANGES:
            self.sm.go("waking" if self._is_kept() else "unpaired")
            return
        kinds = (PAIRING, EXCHANGE)
        now = self._heard_time.now()
        self.send_packet(BROADCAST_MAC, kinds, self.group.up, self._pairing_tid, now, self._own[1])

    def _is_kept(self):
        """Is there a pair to go back to?"""
        return self.pairing.secret and not self._wanted_pairing

    def _on_pairing_answer(self, status, payload):
        if self.sm.state != "pairing" or payload[:TID_BYTES] != self._pairing_tid:
            return
        if status != AGREED:
            if status == KNOWN:
                log.warn("netnow: the central knows this device: let it pair again, Pair on")
                if self._on_battery:
                    self.give_up()
            self._exchange.restart(_REFUSED_MS)
            return
        from epx import nowpair

        earlier = self.pairing.proof if self._is_kept() else None
        answer = payload[TID_BYTES:]
        try:
            secret, proof = nowpair.accept(
                self._watchdog, self.group, self._own, self._me, answer, earlier
            )
        except ValueError as error:
            log.error("netnow: pairing: %s", error)
            return
        self._paired(secret, proof)

    def _paired(self, secret, proof):
        self._own = None
        diag.forget("epx", "nowpair")
        diag.forget("epx", "x25519")
        self.pairing.put(self._manager, secret, proof)
        self._wanted_pairing = False
        try:
            os.remove(_PAIR_FILE)
        except OSError:
            pass
        self._make_channels()
        self._meet_manager()
        self.memory.time = self._heard_time
        self._heard_time = None
        log.info("netnow: paired, channel %d", self._channel)
        self.sm.go("waking")

    def _give_up_pairing(self):
        if self._wanted_pairing:
            log.warn("netnow: nobody to pair with: the earlier pairing stays")
            self._wanted_pairing = False
            if self.sm.state in ("unpaired", "pairing"):
                self._meet_manager()
                self.sm.go("waking")

    def unpair(self):
        """Forget the central, and look for one to pair with."""
        self.pairing.forget()
        self._up = self._down = self.memory.time = self._heard_time = None
        if self._poll:
            self.sm.go("unpaired")

    # With a pair, and no word from the central yet.

    def on_waking(self):
        self._tries = 0
        self._heard_time = None
        self._wake_task = task = Task(self._wake, core=True)
        self.sm.add(task)

    def _wake(self):
        if self._tries >= len(_WAKE_AGAIN_MS):
            # The group is there, on this channel, but does not know us: it has forgotten us.
            self.sm.go("pairing" if self._heard_time else "scanning")
            return
        self._wakeup()
        self._wake_task.restart(_WAKE_AGAIN_MS[self._tries])
        self._tries += 1

    def _wakeup(self):
        """With our time, and by turns with what broadcasts say, which may be recordings."""
        time = self.memory.time
        if time is None or (self._heard_time and self._tries & 1):
            time = self._heard_time
        now = time.now() if time else bytes(TIME_BYTES)
        self._ask_for(self.pairing.manager, (WAKEUP, 0), self._up, now, self._state)

    def on_scanning(self):
        log.info("netnow: looking for the central on other channels")
        self._begin_search()
        self._heard_time = None
        self.sm.add(Task(self._probe, 0, _PROBE_MS, core=True))

    def _probe(self):
        if self._may_search(_PROBE_MS, _PROBES):
            self._wakeup()

    # Searching, channel by channel.

    def _begin_search(self):
        self._tries = 0
        self._first_channel = os.urandom(1)[0]  # who may search for seconds only gets everywhere

    def _may_search(self, ms, per_channel):
        """Tune to the next channel in time. False if there is no battery for it."""
        memory = self.memory
        if self._on_battery:
            if memory.scan_ms < ms:
                self.give_up()
                return False
            memory.scan_ms -= ms
        if self._tries % per_channel == 0:
            channel = self._first_channel + self._tries // per_channel
            self._tune(channel % _CHANNELS + 1)
        self._tries += 1
        return True
