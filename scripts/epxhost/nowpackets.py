"""Packets of the radio on a PC: read, opened, described; the bytes are those of epx.nowwire."""

from collections.abc import Iterator
from struct import unpack_from
from typing import Any, NamedTuple

from epxhost.devicelib import device_constant, device_module
from epxhost.errors import ToolError

wire = device_module("epx.nowwire")
topics = device_module("epx.nowtopics")

IDENTITY_BYTES = 6


def _reason(name: str) -> str:
    """As a device counts it."""
    return device_constant("epx.netnow", "REASONS")[device_constant("epx.netnow", name)]


OTHER_VERSION = _reason("OTHER_VERSION")
LENGTH = _reason("LENGTH")
OTHER_NETWORK = _reason("OTHER_NETWORK")
ROLE = _reason("ROLE")
UNKNOWN_PEER = _reason("UNKNOWN_PEER")
NOT_AUTHENTIC = _reason("NOT_AUTHENTIC")
WRONG_TIME = _reason("WRONG_TIME")
REPLAY = _reason("REPLAY")
CONTENT = _reason("CONTENT")


class Sort(NamedTuple):
    """What packets there are: type, kind, whose key ("group" or "pair"), "up" or "down"."""

    type: int
    kind: int
    owner: str
    direction: str


SORTS = {
    "ask": Sort(wire.PAIRING, wire.ASK, "group", "up"),
    "exchange": Sort(wire.PAIRING, wire.EXCHANGE, "group", "up"),
    "wakeup": Sort(wire.WAKEUP, 0, "pair", "up"),
    "ping": Sort(wire.PING, 0, "pair", "up"),
    "data": Sort(wire.DATA, wire.NOT_CONFIRMED, "pair", "up"),
    "data-confirmed": Sort(wire.DATA, wire.CONFIRMED, "pair", "up"),
    "receipt": Sort(wire.DATA, wire.RECEIPT, "pair", "up"),
    "time": Sort(wire.TIME, wire.BROADCAST, "group", "down"),
    "confirm": Sort(wire.TIME, wire.CONFIRM, "pair", "down"),
    "back-data": Sort(wire.TIME, wire.BACK_DATA, "pair", "down"),
    "agreed": Sort(wire.PAIRING, wire.AGREED, "group", "down"),
    "known": Sort(wire.PAIRING, wire.KNOWN, "group", "down"),
    "later": Sort(wire.PAIRING, wire.LATER, "group", "down"),
}
TYPES = {
    wire.DATA: "data",
    wire.TIME: "time",
    wire.PING: "ping",
    wire.PAIRING: "pairing",
    wire.WAKEUP: "wakeup",
}
FROM_PAIR = (wire.DATA, wire.PING, wire.WAKEUP)


def sort_name(type_: int, kind: int, direction: str) -> str:
    for name, sort in SORTS.items():
        if (sort.type, sort.kind, sort.direction) == (type_, kind, direction):
            return name
    return f"{TYPES.get(type_, 'type')} {type_} of kind {kind}"


class Packet:
    """What a packet shows to everybody. data has a length that packets can have."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.version, self.type, self.network, self.peer, self.counter, self.tid = unpack_from(
            ">BB4s6sI12s", data
        )
        self.nonce = data[12 : wire.HEAD_BYTES]
        self.sealed = data[: -wire.TAG_BYTES]
        self.ciphertext = self.sealed[wire.HEAD_BYTES :]
        self.tag = data[-wire.TAG_BYTES :]

    def is_for_all(self) -> bool:
        return self.peer == wire.EVERYBODY


class Body:
    """What it has inside. payload: ValueError if the body is not whole."""

    def __init__(self, plain: bytes) -> None:
        self.plain = plain
        self.kind = plain[1]
        self.time = plain[2:14]
        self.extra = unpack_from(">H", plain, 14)[0]

    @property
    def payload(self) -> bytes:
        return wire.payload_of(self.plain)


class Keys:
    """Keys of a group, and of those pairs whose secrets are known.

    pending: of pairings that have been agreed on and not used.
    """

    def __init__(self, psk: str, group: str, secrets: dict[bytes, bytes] | None = None) -> None:
        self.group = wire.Group(psk, group)
        self.secrets = secrets or {}
        self.pending: dict[bytes, bytes] = {}
        self._channels: dict[tuple[bytes, str], Any] = {}

    def of_pair(self, secret: bytes, direction: str) -> Any:
        """A Channel."""
        if (secret, direction) not in self._channels:
            network = self.group.network
            made = wire.Channel(secret, direction.encode(), network)
            self._channels[secret, direction] = made
        return self._channels[secret, direction]

    def channel(self, owner: str, direction: str, peer: bytes) -> Any:
        """A Channel; None if there is no key of that pair."""
        if owner == "group":
            return getattr(self.group, direction)
        secret = self.secrets.get(peer)
        return self.of_pair(secret, direction) if secret else None

    def candidates(self, packet: Packet) -> list[tuple[str, str, Any]]:
        """(owner, direction, Channel) of whoever may have sealed a packet; pending comes last."""
        peer = packet.peer
        if packet.type == wire.PAIRING:
            return [("group", way, getattr(self.group, way)) for way in ("up", "down")]
        if packet.type == wire.TIME and packet.is_for_all():
            return [("group", "down", self.group.down)]
        way = "down" if packet.type == wire.TIME else "up"
        secrets = {"pair": self.secrets.get(peer), "new pair": self.pending.get(peer)}
        return [(name, way, self.of_pair(key, way)) for name, key in secrets.items() if key]


def build(
    channel: Any,
    sort: Sort,
    peer: bytes,
    counter: int,
    tid: bytes,
    time: bytes,
    extra: int = 0,
    payload: bytes = b"",
) -> bytes:
    """A packet of this sort; ToolError: the payload is too long. channel: from Keys."""
    try:
        kinds = (sort.type, sort.kind)
        return channel.seal(kinds, peer, counter, tid, time, extra, payload)
    except ValueError as error:
        raise ToolError(str(error)) from None


class Opened(NamedTuple):
    """packet: None if it has not even the form of one. body: None if it cannot be opened, and
    reason says why then; with neither, nobody has given the keys to try."""

    packet: Packet | None
    reason: str | None
    owner: str = ""
    direction: str = ""
    body: Body | None = None

    @property
    def name(self) -> str:
        if self.packet is None:
            return "?"
        if self.body is None:
            return TYPES.get(self.packet.type, f"type {self.packet.type}")
        return sort_name(self.packet.type, self.body.kind, self.direction)


def open_packet(data: bytes, keys: Keys | None) -> Opened:
    """In the order in which a device looks at it."""
    if data[:1] != bytes((wire.VERSION,)):
        return Opened(None, OTHER_VERSION if data else LENGTH)
    whole = len(data) % 16 == (wire.HEAD_BYTES + wire.TAG_BYTES) % 16
    if not wire.LEAST_BYTES <= len(data) <= wire.MOST_BYTES or not whole:
        return Opened(None, LENGTH)
    packet = Packet(data)
    if keys is None:
        return Opened(packet, None)
    if packet.network != keys.group.network:
        return Opened(packet, OTHER_NETWORK)
    if packet.type not in TYPES:
        return Opened(packet, ROLE)
    candidates = keys.candidates(packet)
    for owner, direction, channel in candidates:
        if channel.is_authentic(packet.sealed, packet.tag):
            body = Body(channel.body(packet.nonce, packet.ciphertext))
            return Opened(packet, None, owner, direction, body)
    return Opened(packet, NOT_AUTHENTIC if candidates else UNKNOWN_PEER)


def content_problem(opened: Opened) -> str | None:
    """Why nobody could make sense of an authentic packet; None if one can."""
    assert opened.packet and opened.body
    try:
        payload = opened.body.payload
    except ValueError as error:
        return str(error)
    least, most = _PAYLOADS.get(opened.name, (0, 0))
    if opened.name.startswith("data"):
        try:
            topics.split(payload)
        except ValueError as error:
            return str(error)
    elif opened.name not in SORTS:
        return f"there is no {opened.name}"
    elif not least <= len(payload) <= most or (
        opened.name == "exchange" and len(payload) % wire.KEY_BYTES
    ):
        return f"a payload of {len(payload)} bytes"
    return None


_ANSWER_BYTES = wire.TID_BYTES + device_module("epx.nowpair").ANSWER_BYTES
# Least and most bytes; data is a topic and a value.
_PAYLOADS = {
    "ask": (0, wire.MOST_PAYLOAD),
    "wakeup": (0, wire.MOST_PAYLOAD),
    "ping": (0, wire.MOST_PAYLOAD),
    "exchange": (wire.KEY_BYTES, 2 * wire.KEY_BYTES),
    "receipt": (wire.TID_BYTES, wire.MOST_PAYLOAD),
    "time": (IDENTITY_BYTES + 1, IDENTITY_BYTES + 1),
    "confirm": (wire.TID_BYTES + 1, wire.MOST_PAYLOAD),
    "back-data": (1, wire.MOST_PAYLOAD),
    "agreed": (_ANSWER_BYTES, _ANSWER_BYTES),
    "known": (wire.TID_BYTES, wire.MOST_PAYLOAD),
    "later": (wire.TID_BYTES, wire.MOST_PAYLOAD),
}


def fields(opened: Opened) -> Iterator[tuple[str, str]]:
    """(name, value) of all that can be read of a packet."""
    packet, body = opened.packet, opened.body
    if packet is None:
        return
    yield "version", str(packet.version)
    yield "type", f"{packet.type} ({TYPES.get(packet.type, 'there is none')})"
    yield "network", packet.network.hex()
    yield "peer", "everybody" if packet.is_for_all() else packet.peer.hex()
    yield "counter", str(packet.counter)
    yield "TID", packet.tid.hex()
    if body:
        yield "key", f"of the {opened.owner}, {opened.direction}"
        yield "kind", f"{body.kind} ({opened.name})"
        yield "network time", body.time.hex()
        yield "extra", f"{body.extra:#06x}{_extra_words(opened)}"
        try:
            yield "payload", _payload_words(opened.name, body.payload)
        except ValueError as error:
            yield "payload", str(error)
    yield "tag", packet.tag.hex()


def _extra_words(opened: Opened) -> str:
    assert opened.body
    extra = opened.body.extra
    if opened.direction == "down":
        flags = {"an update waits": wire.UPDATE_WAITS, "more waits": wire.MORE_WAITS}
    else:
        flags = {"cannot be updated": wire.NO_UPDATE, "on trial": wire.ON_TRIAL}
    words = [word for word, flag in flags.items() if extra & flag]
    if opened.direction == "up" and extra & wire.MILLIVOLTS:
        words.insert(0, f"{extra & wire.MILLIVOLTS} mV")
    return f" ({', '.join(words)})" if words else ""


def _payload_words(name: str, payload: bytes) -> str:
    size = wire.TID_BYTES
    if name == "time" and len(payload) == IDENTITY_BYTES + 1:
        return f"central {payload[:-1].hex()} on channel {payload[-1]}"
    if name == "confirm" and len(payload) > size:
        return f"for TID {payload[:size].hex()}, channel {payload[size]}"
    if name in ("receipt", "agreed", "known", "later") and len(payload) >= size:
        rest = payload[size:].hex()
        return f"for TID {payload[:size].hex()}{', ' + rest if rest else ''}"
    if payload and all(byte >= 32 or byte == 10 for byte in payload):
        return repr(payload.decode("utf-8", "backslashreplace"))
    return payload.hex() or "none"
