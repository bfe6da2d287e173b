"""A central played by a PC: tells the network time, pairs, confirms, and sends back data."""

import hmac
import os
import random
from typing import Any

from epxhost import nowpackets
from epxhost.devicelib import device_module
from epxhost.nowcheck import WINDOW_MS, History
from epxhost.nowkeys import Pair, Pairs, Radio
from epxhost.nowpackets import FROM_PAIR, Opened, Packet, content_problem, wire
from epxhost.nowplayed import NetworkTime, NoWatchdog, Played, Say, pairing

topics = device_module("epx.nowtopics")

_BROADCAST_MS = (25000, 35000)
_ASKED_MS = 30000
_HINT_MS = 2000
_EXCHANGE_MS = 60000
_FIRST_MS = 20
_AGAIN_MS = 300
_TRIES = 5


class PlayedCentral(Played):
    """window: identities that are known may be paired again. heard: [(ms, identity, topic, value)]
    of what was accepted, once each. exchange_ms: between two pairings."""

    def __init__(
        self,
        ether: Any,
        mac: bytes,
        radio: Radio,
        pairs: Pairs | None = None,
        say: Say = lambda words: None,
        channel: int | None = None,
    ) -> None:
        super().__init__(ether, mac, radio, pairs, say, channel)
        start = os.urandom(wire.TIME_BYTES)
        self.time = NetworkTime(self.world, bytes((start[0] & 0x7F,)) + start[1:])
        self.counter = int.from_bytes(os.urandom(4), "big") >> 2
        self.window = False
        self.exchange_ms = _EXCHANGE_MS
        self.heard: list[tuple[int, bytes, bytes, bytes]] = []
        self.history = History()
        self._mac = mac
        self._back: dict[bytes, list[tuple[bytes, bytes]]] = {}
        self._due: dict[str, int] = {}
        self._answered: tuple[bytes, bytes, Pair] | None = None  # public key, answer, pair

    def start(self) -> None:
        self.transmit_time()
        self.later(random.uniform(*_BROADCAST_MS), self.start)

    def send_back(self, identity: bytes, payload: bytes) -> None:
        """To this peripheral, when it is heard next."""
        self._back.setdefault(identity, []).append((os.urandom(wire.TID_BYTES), payload))

    # What goes out.

    def transmit_time(self) -> None:
        payload = self._mac + bytes((self.station.tuned,))
        self.transmit("time", wire.EVERYBODY, self.time.now(), 0, payload)

    def _answer(
        self, name: str, identity: bytes, payload: bytes, tid: bytes | None = None
    ) -> None:
        flags = wire.MORE_WAITS if self._back.get(identity) else 0
        flags = flags if name in ("confirm", "back-data") else 0
        self.transmit(name, identity, self.time.now(), flags, payload, tid)

    def _may(self, what: str, every_ms: int) -> bool:
        """At most once in that time."""
        now_ms = self.world.now_ms()
        if now_ms < self._due.get(what, 0):
            return False
        self._due[what] = now_ms + every_ms
        return True

    def _send_back(self, identity: bytes, tries: int) -> None:
        waits = self._back.get(identity)
        if waits and tries:
            self._answer("back-data", identity, waits[0][1], waits[0][0])
            self.world.call_after(_AGAIN_MS, lambda: self._send_back(identity, tries - 1))

    # What comes in.

    def pass_by(self, opened: Opened) -> None:
        if opened.reason == nowpackets.UNKNOWN_PEER and self._may("hint", _HINT_MS):
            self.transmit_time()

    def hear(self, source: bytes, opened: Opened) -> None:
        packet, body = opened.packet, opened.body
        assert packet and body
        if packet.type in FROM_PAIR:
            self._admit(opened)
        elif opened.direction == "down":
            self.refuse(nowpackets.ROLE)
        elif opened.name == "ask":
            if self._may("asked", _ASKED_MS):
                self.transmit_time()
        elif abs(self.time.ahead_ms(body.time)) > WINDOW_MS:
            self.refuse(nowpackets.WRONG_TIME)
        elif content_problem(opened):
            self.refuse(nowpackets.CONTENT)
        else:
            self._exchange(packet, body.payload)

    def _admit(self, opened: Opened) -> None:
        packet, body = opened.packet, opened.body
        assert packet and body
        identity = packet.peer
        if opened.owner == "new pair":
            self._begin(identity)
        reason, is_repeated = self.history.judge(opened, self.time.ms())
        if reason:
            self.refuse(reason)
            if reason == nowpackets.WRONG_TIME and packet.type == wire.WAKEUP:
                if self._may("hint", _HINT_MS):
                    self.transmit_time()
            if reason != nowpackets.CONTENT:
                return
        elif not is_repeated and opened.name in ("data", "data-confirmed"):
            self._deliver(identity, body.payload)
        if opened.name == "receipt":
            self._received(identity, body.payload[: wire.TID_BYTES])
        elif opened.name != "data":
            confirmed = packet.tid + bytes((self.station.tuned,))
            self._answer("confirm", identity, confirmed)
        if self._back.get(identity):
            self.world.call_after(_FIRST_MS, lambda: self._send_back(identity, _TRIES))

    def _begin(self, identity: bytes) -> None:
        """It makes use of the secret that was agreed on last: now it is kept."""
        assert self._answered
        self.pairs.put(identity, self._answered[2])
        self.keys.secrets[identity] = self.keys.pending.pop(identity)
        self.history.peers.pop(identity, None)
        self.say(f"{identity.hex()} is paired")

    def _deliver(self, identity: bytes, payload: bytes) -> None:
        topic, value = topics.split(payload)
        self.heard.append((self.world.now_ms(), identity, topic, value))
        words = [part.decode("utf-8", "backslashreplace") for part in (topic, value)]
        self.say(f"{identity.hex()}: {words[0]} {words[1]}")

    def _received(self, identity: bytes, tid: bytes) -> None:
        waits = self._back.get(identity, [])
        for message in waits:
            if message[0] == tid:
                waits.remove(message)
                self.say(f"{identity.hex()} has received back data")
                break

    def _exchange(self, packet: Packet, publics: bytes) -> None:
        """publics: the key of this exchange, perhaps that of an earlier one after it."""
        identity, public = packet.peer, publics[: wire.KEY_BYTES]
        answered = self._answered
        if answered and answered[0] == identity + public:
            self._answer("agreed", identity, packet.tid + answered[1])
        elif identity in self.keys.secrets and not self.window:
            self.say(f"{identity.hex()} is known, and wants to pair: --window lets it in")
            self._answer("known", identity, packet.tid)
        elif not self._may("exchange", self.exchange_ms):
            self._answer("later", identity, packet.tid)
        else:
            self._agree(packet, public, publics[wire.KEY_BYTES :])

    def _proof(self, identity: bytes, public: bytes) -> bytes:
        message = identity + public
        return hmac.digest(self.pairs.key, message, "sha256")[: pairing.PROOF_BYTES]

    def _agree(self, packet: Packet, public: bytes, earlier: bytes) -> None:
        identity = packet.peer
        watchdog = NoWatchdog()
        own = pairing.new_keys(watchdog)
        proofs = self._proof(identity, public), self._proof(identity, earlier)
        try:
            found = pairing.answer(watchdog, self.keys.group, own, identity, public, *proofs)
        except ValueError as error:
            self.say(f"pairing: {error}")
            return
        pair = Pair(found[0], proofs[0], public, self._mac, self.station.tuned)
        self._answered = (identity + public, found[1], pair)
        self.keys.pending[identity] = found[0]
        self._answer("agreed", identity, packet.tid + found[1])
