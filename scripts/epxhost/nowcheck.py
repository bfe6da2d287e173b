"""Judges packets as those do who receive them, from what came before; figures of a recording."""

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field

from epxhost import nowpackets
from epxhost.devicelib import device_constant
from epxhost.nowcapture import Frame
from epxhost.nowpackets import FROM_PAIR, Keys, Opened, open_packet, wire

WINDOW_MS = device_constant("epx.netnowc", "_WINDOW_MS")
WAKEUP_WINDOW_MS = device_constant("epx.netnowc", "_WAKEUP_WINDOW_MS")
_TIDS = 4  # that a central remembers of each peripheral
_COPY_MS = 100  # later, the same bytes are no copy that the driver has made


def as_ms(network_time: bytes) -> int:
    return int.from_bytes(network_time, "big")


@dataclass
class Memory:
    """What a receiver remembers of one peripheral."""

    counter: int = 0
    lost: int = 0
    received: int = 0
    tids: deque[tuple[int, bytes]] = field(default_factory=lambda: deque(maxlen=_TIDS))


class History:
    """What a central makes of packets that are authentic, one after the other."""

    def __init__(self) -> None:
        self.peers: defaultdict[bytes, Memory] = defaultdict(Memory)

    def judge(self, opened: Opened, now: int | None) -> tuple[str | None, bool]:
        """(reason to refuse, whether it repeats one); now: network time, None: nobody knows."""
        packet, body = opened.packet, opened.body
        assert packet and body
        memory = self.peers[packet.peer]
        if packet.counter <= memory.counter:
            return nowpackets.REPLAY, False
        limit_ms = WAKEUP_WINDOW_MS if packet.type == wire.WAKEUP else WINDOW_MS
        if now is not None and abs(as_ms(body.time) - now) > limit_ms:
            return nowpackets.WRONG_TIME, False
        if memory.counter:
            memory.lost += packet.counter - memory.counter - 1
        memory.counter = packet.counter
        memory.received += 1
        mark = (packet.type, packet.tid)
        known = [tid for _, tid in memory.tids]
        if packet.tid in known and (packet.type != wire.DATA or mark not in memory.tids):
            return nowpackets.REPLAY, False
        is_repeated = mark in memory.tids
        if not is_repeated:
            memory.tids.append(mark)
        content = None if is_repeated else nowpackets.content_problem(opened)
        return (nowpackets.CONTENT if content else None), is_repeated


@dataclass
class Judged:
    """One packet of a recording. reason: why a device refuses it, None if it does not, or if that
    cannot be told without its key (opened.body is None then)."""

    frame: Frame
    opened: Opened
    reason: str | None
    is_repeated: bool = False
    is_copy: bool = False

    def words(self) -> str:
        """What it is, and what becomes of it."""
        name = self.opened.name
        if self.reason:
            return f"{name}: refused, {self.reason}"
        if self.is_copy:
            return f"{name}: a copy that the radio made"
        if self.opened.packet and not self.opened.body:
            missing = self.opened.reason == nowpackets.UNKNOWN_PEER
            return f"{name}: not checked, {'its pair is not known' if missing else 'no key'}"
        return f"{name}: {'accepted, a repetition' if self.is_repeated else 'accepted'}"


class Check:
    """Follows a recording. keys: None: what packets show to everybody is all there is. now:
    network time at its beginning, None: what the first broadcast says."""

    def __init__(self, keys: Keys | None, now: int | None = None) -> None:
        self.history = History()
        self.names: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.senders: defaultdict[bytes, set[bytes]] = defaultdict(set)
        self.unopened = self.repeated = self.copies = 0
        self.answers_ms: list[float] = []
        self._keys = keys
        self._seen: dict[bytes, float] = {}
        self._asked: dict[bytes, float] = {}
        # Of network time to that of the recording. Integers: 96 bits are too many for a float.
        self._offset: int | None = now
        self._other: int | None = None

    def add(self, frame: Frame) -> Judged:
        opened = open_packet(frame.data, self._keys)
        judged = Judged(frame, opened, opened.reason)
        before_ms = self._seen.get(frame.data)
        judged.is_copy = before_ms is not None and frame.ms - before_ms <= _COPY_MS
        self._seen[frame.data] = frame.ms
        if judged.is_copy:
            self.copies += 1
            return judged
        if judged.reason is None and before_ms is not None:
            judged.reason = nowpackets.REPLAY
        elif judged.reason is None and opened.body:
            judged.reason, judged.is_repeated = self._judge(opened, frame.ms)
        elif opened.reason == nowpackets.UNKNOWN_PEER:
            judged.reason = None  # the pair is unknown to us, not to its central
        self._count(judged)
        return judged

    def _count(self, judged: Judged) -> None:
        opened = judged.opened
        if judged.reason:
            self.refused[judged.reason] += 1
        else:
            self.names[opened.name] += 1
            self.unopened += opened.body is None
            self.repeated += judged.is_repeated
        if opened.packet and not opened.packet.is_for_all() and not judged.reason:
            if opened.packet.type in FROM_PAIR or opened.direction == "up":
                self.senders[opened.packet.peer].add(judged.frame.source)

    def report(self) -> list[str]:
        """What was found, in lines."""
        total = sum(self.names.values()) + sum(self.refused.values()) + self.copies
        last_ms = max(self._seen.values(), default=0.0)
        lines = [f"{total} packets in {last_ms / 1000:.1f} s"]
        lines += [f"  {name:16}{count:6}" for name, count in sorted(self.names.items())]
        notes = {
            "repetitions": self.repeated,
            "copies of the radio": self.copies,
            "not opened: no key": self.unopened,
        }
        lines += [f"{name}: {count}" for name, count in notes.items() if count]
        lines += [f"refused, {reason}: {count}" for reason, count in self.refused.items()]
        for identity, memory in self.history.peers.items():
            if memory.received:
                lost = 100 * memory.lost // (memory.lost + memory.received)
                addresses = len(self.senders[identity])
                spoofed = f", from {addresses} addresses" if addresses > 1 else ""
                lines.append(
                    f"{identity.hex()}: {memory.received} accepted, {lost} % lost{spoofed}"
                )
        if self.answers_ms:
            answers = sorted(self.answers_ms)
            middle = answers[len(answers) // 2]
            lines.append(
                f"confirmed within {middle:.0f} ms (median), {answers[-1]:.0f} ms at most"
            )
        return lines

    def network_time(self, ms: float) -> int | None:
        """By what broadcasts said."""
        return None if self._offset is None else self._offset + round(ms)

    def _judge(self, opened: Opened, ms: float) -> tuple[str | None, bool]:
        packet, body = opened.packet, opened.body
        assert packet and body
        now = self.network_time(ms)
        if packet.type in FROM_PAIR:
            reason, is_repeated = self.history.judge(opened, now)
            if not reason:
                self._asked[packet.tid] = ms
            return reason, is_repeated
        if nowpackets.content_problem(opened):
            return nowpackets.CONTENT, False
        if opened.name == "time":
            return self._broadcast(as_ms(body.time) - round(ms)), False
        if opened.name == "ask":
            return None, False
        if now is not None and abs(as_ms(body.time) - now) > WINDOW_MS:
            return nowpackets.WRONG_TIME, False
        if opened.name == "confirm":
            asked_ms = self._asked.pop(body.payload[: wire.TID_BYTES], None)
            if asked_ms is not None:
                self.answers_ms.append(ms - asked_ms)
        return None, False

    def _broadcast(self, offset: int) -> str | None:
        """Somebody's network time. Of another one a second broadcast has to say the same: then the
        central has started anew."""
        known, other = self._offset, self._other
        fits = known is None or abs(offset - known) <= WINDOW_MS
        restarted = other is not None and abs(offset - other) <= WINDOW_MS
        if fits or restarted:
            self._offset, self._other = offset, None
            return None
        self._other = offset
        return nowpackets.WRONG_TIME
