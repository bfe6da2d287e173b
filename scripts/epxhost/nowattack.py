"""What somebody without keys can do on an ether, simulated or real, so often and so fast."""

from collections.abc import Callable, Iterable
from typing import Any

from epxhost.errors import ToolError
from epxhost.nowair import Attacker, simulated
from epxhost.nowcapture import Frame
from epxhost.nowpackets import wire

WAYS = ("replay", "flip", "forge", "flood")
_MOST_BITS = 8


def remember(attacker: Any, frames: Iterable[Frame]) -> None:
    """Of a recording that was made before."""
    for frame in frames:
        made = simulated.Transmission(frame.channel, frame.source, frame.destination, frame.data)
        attacker.recorded.append(made)


class Attack:
    """A series of count packets. type: of those that are repeated (None: all) or forged."""

    def __init__(
        self,
        attacker: Attacker,
        way: str,
        count: int,
        per_second: float,
        type_: int | None = None,
        size: int = 76,
    ) -> None:
        self.sent = 0
        self._attacker = attacker
        self._count = count
        self._pause_ms = 1000 / per_second
        self._type = type_
        self._size = size
        self._strike: Callable[[], None] = getattr(self, f"_{way}")
        recorded = attacker.recorded if type_ is None else attacker.of_type(type_)
        self._packets = list(recorded)
        if way in ("replay", "flip") and not self._packets:
            raise ToolError("nothing was recorded that could be sent again")

    def start(self) -> None:
        if self.sent < self._count:
            self._strike()
            self.sent += 1
            self._attacker.ether.world.call_after(self._pause_ms, self.start)

    def is_over(self) -> bool:
        return self.sent >= self._count

    def _next(self) -> Any:
        return self._packets[self.sent % len(self._packets)]

    def _replay(self) -> None:
        self._attacker.replay(self._next())

    def _flip(self) -> None:
        self._attacker.flip_bits(self._next(), 1 + self.sent % _MOST_BITS)

    def _forge(self) -> None:
        """For a peripheral that was heard, or for anybody."""
        peers = [sent.data[6:12] for sent in self._packets if sent.data[6:12] != wire.EVERYBODY]
        peer = peers[self.sent % len(peers)] if peers else None
        self._attacker.forge(self._type or wire.DATA, peer, self._size)

    def _flood(self) -> None:
        """From a new address each time."""
        below = self._attacker.random.below
        self._attacker.spoof(b"\x02" + bytes(below(256) for _ in range(5)))
        self._attacker.forge(self._type or wire.DATA, None, self._size)
        self._attacker.spoof()
