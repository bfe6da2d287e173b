"""A peripheral played by a PC: finds a central, pairs, sends, and takes back data."""

import os
from collections.abc import Callable
from typing import Any

from epxhost import nowpackets
from epxhost.devicelib import device_module
from epxhost.nowair import BROADCAST
from epxhost.nowcheck import WINDOW_MS, as_ms
from epxhost.nowkeys import Pair, Pairs, Radio
from epxhost.nowpackets import Opened, content_problem, wire
from epxhost.nowplayed import NetworkTime, NoWatchdog, Played, Say, pairing

topics = device_module("epx.nowtopics")

_CHANNELS = 13
_ASK_MS = 1000
_ASKS_PER_CHANNEL = 2
_EXCHANGE_MS = 3000
_EXCHANGES = 5
# What the central means, and when to ask again.
_REFUSED = {"known": ("knows this device: `Pair on` lets it in", 20), "later": ("is busy", 5)}
_WAKE_AGAIN_MS = (250, 500, 1000, 500)
_PROBE_MS = 150
_SOON_MS = 20
_AGAIN_MS = (250, 500, 1000, 2000)
_PING_MS = 10000
_RESERVED = 64
_TIDS = 4


class PlayedPeripheral(Played):
    """state: "unpaired", "pairing", "waking" or "ready". heard: [(ms, topic, value)] of back data.

    channel: stay on this one; else it looks on all. extra: what it tells of its battery.
    """

    def __init__(
        self,
        ether: Any,
        mac: bytes,
        radio: Radio,
        pairs: Pairs | None = None,
        say: Say = lambda words: None,
        channel: int | None = None,
        extra: int = wire.NO_UPDATE,
    ) -> None:
        super().__init__(ether, mac, radio, pairs, say, channel)
        self.mac = mac
        self.state = "off"
        self.extra = extra
        self.heard: list[tuple[int, bytes, bytes]] = []
        self.central = BROADCAST
        self._is_fixed = channel is not None
        self._tries = 0
        self._time: NetworkTime | None = None
        self._heard_time: NetworkTime | None = None
        self._asked: list[bytes] = []
        self._unsent: list[tuple[bytes, bytes, Callable[[], None] | None]] = []
        self._back_tids: list[bytes] = []
        self._last_back = 0
        self._pinged_ms = -_PING_MS
        pair = self.pairs.pairs.get(mac)
        if pair:
            self.counter = pair.counter
            self.central = pair.central
            self._tune(pair.channel)

    def start(self) -> None:
        if self.mac in self.pairs.pairs:
            self._wake()
        else:
            self._look()

    def send(self, payload: bytes, mode: int = 2, done: Callable[[], None] | None = None) -> Any:
        """As send_data() of the device, but there is no deadline: mode 2 goes on until it is
        confirmed, done() then. Mode 0 and 1 give the Transmission, None if there is no contact."""
        if len(payload) > wire.MOST_PAYLOAD:
            raise nowpackets.ToolError(f"want a payload of at most {wire.MOST_PAYLOAD} bytes")
        if mode != 2:
            return self._to_central("data", payload)[1] if self.state == "ready" else None
        self._unsent.append((os.urandom(wire.TID_BYTES), payload, done))
        if self.state == "ready" and len(self._unsent) == 1:
            self._begin_message()
        return None

    # What goes out.

    def _go(self, state: str, step: Callable[[], None]) -> None:
        self.state = state
        self._tries = 0
        step()

    def _tune(self, channel: int) -> None:
        if not self._is_fixed and channel:
            self.station.tuned = channel

    def _next_channel(self, per_channel: int) -> None:
        if self._tries % per_channel == 0 and self._tries:
            self._tune(self.station.tuned % _CHANNELS + 1)
        self._tries += 1

    def _reserve(self) -> None:
        pair = self.pairs.pairs.get(self.mac)
        if pair and self.counter >= pair.counter:
            pair.counter = self.counter + _RESERVED
            self.pairs.save()

    def _to_central(self, name: str, payload: bytes = b"", tid: bytes | None = None) -> Any:
        self._reserve()
        assert self._time
        now = self._time.now()
        return self.transmit(name, self.mac, now, self.extra, payload, tid, self.central)

    def _look(self) -> None:
        self.say("looking for a central")
        self._go("unpaired", self._ask)

    def _ask(self) -> None:
        self._next_channel(_ASKS_PER_CHANNEL)
        self.transmit("ask", self.mac, bytes(wire.TIME_BYTES), self.extra)
        self.later(_ASK_MS, self._ask)

    def _pair(self) -> None:
        self._own = pairing.new_keys(NoWatchdog())
        self._tid = os.urandom(wire.TID_BYTES)
        self._go("pairing", self._exchange)

    def _exchange(self) -> None:
        self._tries += 1
        if self._tries > _EXCHANGES:
            self._look()
            return
        assert self._heard_time
        now = self._heard_time.now()
        earlier = self.pairs.pairs.get(self.mac)
        publics = self._own[1] + (earlier.public if earlier else b"")
        self.transmit("exchange", self.mac, now, self.extra, publics, self._tid)
        self.later(_EXCHANGE_MS, self._exchange)

    def _wake(self) -> None:
        self._heard_time = None
        self._tried_heard = 0
        self._go("waking", self._wakeup)

    def _wakeup(self) -> None:
        if self._tried_heard > 1:
            self._pair()  # the central is there, but has forgotten us
            return
        if self._tries >= len(_WAKE_AGAIN_MS):
            self._next_channel(2)
        else:
            self._tries += 1
        time = self._time
        if self._heard_time and (time is None or not self._tries & 1):
            time = self._heard_time
            self._tried_heard += 1
        self._ask_for("wakeup", time.now() if time else bytes(wire.TIME_BYTES))
        waits = self._tries <= len(_WAKE_AGAIN_MS)
        self.later(_WAKE_AGAIN_MS[self._tries - 1] if waits else _PROBE_MS, self._wakeup)

    def _ask_for(self, name: str, now: bytes) -> None:
        self._reserve()
        tid = self.transmit(name, self.mac, now, self.extra, b"", None, self.central)[0]
        self._asked = [*self._asked[1 - _TIDS :], tid]

    def _begin_message(self) -> None:
        self._tries = 0
        self._send_message()

    def _send_message(self) -> None:
        if not self._unsent:
            return
        if self._tries >= len(_AGAIN_MS):
            self.say("no confirmation: is the central still there?")
            self._wake()
            return
        tid, payload, _ = self._unsent[0]
        self._to_central("data-confirmed", payload, tid)
        self.later(_AGAIN_MS[self._tries], self._send_message)
        self._tries += 1

    # What comes in.

    def hear(self, source: bytes, opened: Opened) -> None:
        packet = opened.packet
        assert packet
        if opened.direction == "up" or (not packet.is_for_all() and packet.peer != self.mac):
            return  # others talk
        if content_problem(opened):
            self.refuse(nowpackets.CONTENT)
        elif opened.name == "time":
            self._on_time(opened)
        elif opened.name == "confirm":
            self._on_confirm(opened)
        elif opened.name == "back-data":
            self._on_back_data(opened)
        elif self.state == "pairing":
            self._on_answer(opened)

    def _on_time(self, opened: Opened) -> None:
        assert opened.body
        central, channel = opened.body.payload[:6], opened.body.payload[6]
        heard = NetworkTime(self.world, opened.body.time)
        if self.state in ("unpaired", "pairing"):
            self._heard_time = heard
            self._tune(channel)
            self.central = central
            if self.state == "unpaired":
                self.say(f"central {central.hex()} is on channel {channel}")
                self._pair()
        elif central != self.central:
            self.say(f"there is another central, {central.hex()}")
        elif self.state == "waking":
            if not self._heard_time:
                self._tries = 0
                self._tune(channel)
                self.later(_SOON_MS, self._wakeup)
            self._heard_time = heard
        elif self._time and abs(self._time.ahead_ms(opened.body.time)) <= WINDOW_MS:
            self._time = heard
        elif self.world.now_ms() - self._pinged_ms >= _PING_MS:
            self._pinged_ms = self.world.now_ms()
            self._ask_for("ping", opened.body.time)

    def _on_answer(self, opened: Opened) -> None:
        assert opened.body
        tid, answer = opened.body.payload[:12], opened.body.payload[12:]
        if tid != self._tid:
            self.refuse(nowpackets.REPLAY)
            return
        if opened.name != "agreed":
            why, pause_s = _REFUSED[opened.name]
            self.say(f"the central {why}; asking again in {pause_s} s")
            self._tries = 0
            self.later(1000 * pause_s, self._exchange)
            return
        earlier = self.pairs.pairs.get(self.mac)
        try:
            group, proof = self.keys.group, earlier.proof if earlier else None
            found = pairing.accept(NoWatchdog(), group, self._own, self.mac, answer, proof)
        except ValueError as error:
            self.say(f"pairing: {error}")
            return
        where = (self.central, self.station.tuned, self.counter)
        self.pairs.put(self.mac, Pair(*found, self._own[1], *where))
        self.keys.secrets[self.mac] = found[0]
        self._time = self._heard_time
        self.say(f"paired with {self.central.hex()} on channel {self.station.tuned}")
        self._wake()

    def _on_confirm(self, opened: Opened) -> None:
        assert opened.body
        tid = opened.body.payload[: wire.TID_BYTES]
        first = self._unsent[0] if self._unsent else None
        if tid in self._asked:
            self._asked.remove(tid)
            self._tune(opened.body.payload[wire.TID_BYTES])
        elif not first or first[0] != tid:
            self.refuse(nowpackets.REPLAY)
            return
        # Only the central can name our TID: so this is the time.
        self._time = NetworkTime(self.world, opened.body.time)
        if opened.body.extra & wire.UPDATE_WAITS:
            self.say("the central says that an update waits")
        if first and first[0] == tid:
            self._unsent.pop(0)
            self.say("confirmed")
            if first[2]:
                first[2]()
        if self.state != "ready":
            self.say("the central answers")
        self._go("ready", self._nothing)
        self._begin_message()

    def _nothing(self) -> None:
        if self._alarm:
            self._alarm.cancel()

    def _on_back_data(self, opened: Opened) -> None:
        assert opened.packet and opened.body
        body, tid = opened.body, opened.packet.tid
        if self.state != "ready" or not self._time:
            self.refuse(nowpackets.WRONG_TIME)
            return
        if abs(self._time.ahead_ms(body.time)) > WINDOW_MS:
            self.refuse(nowpackets.WRONG_TIME)
            return
        if as_ms(body.time) <= self._last_back:
            self.refuse(nowpackets.REPLAY)
            return
        self._last_back = as_ms(body.time)
        if tid not in self._back_tids:
            self._back_tids = [*self._back_tids[1 - _TIDS :], tid]
            self._deliver(body.payload)
        self._to_central("receipt", tid)

    def _deliver(self, payload: bytes) -> None:
        try:
            topic, value = topics.split(payload)
        except ValueError:
            self.refuse(nowpackets.CONTENT)
            return
        self.heard.append((self.world.now_ms(), topic, value))
        words = [part.decode("utf-8", "backslashreplace") for part in (topic, value)]
        self.say(f"back data: {words[0]} {words[1]}")
