"""What a played central and a played peripheral have in common. They live on a Station of an
ether, simulated or real (nowair.RealEther), and their bytes come from the device's own modules."""

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

from epxhost.devicelib import device_module
from epxhost.nowair import BROADCAST, Station
from epxhost.nowcheck import as_ms
from epxhost.nowkeys import Pairs, Radio
from epxhost.nowpackets import SORTS, Opened, build, open_packet, wire

pairing = device_module("epx.nowpair")

Say = Callable[[str], None]


class NoWatchdog:
    """A PC may take its time."""

    def may_block(self) -> None:
        pass

    def may_block_exit(self) -> None:
        pass


class NetworkTime:
    """Follows the ether's clock from where it was set (bytes or ms)."""

    def __init__(self, world: Any, time: bytes) -> None:
        self._world = world
        self._offset = as_ms(time) - world.now_ms()

    def ms(self) -> int:
        return self._offset + self._world.now_ms()

    def now(self) -> bytes:
        return (self.ms() & (1 << 8 * wire.TIME_BYTES) - 1).to_bytes(wire.TIME_BYTES, "big")

    def ahead_ms(self, time: bytes) -> int:
        return as_ms(time) - self.ms()


class Played:
    """refused: {reason: count}. say: hears what happens, in words."""

    counter = 0

    def __init__(
        self,
        ether: Any,
        mac: bytes,
        radio: Radio,
        pairs: Pairs | None = None,
        say: Say = lambda words: None,
        channel: int | None = None,
    ) -> None:
        self.world = ether.world
        self.pairs = pairs or Pairs()
        self.keys = radio.keys(self.pairs.secrets())
        self.say = say
        self.refused: Counter[str] = Counter()
        self.station = Station(ether, mac, channel or radio.channel, radio.long_range)
        self.station.on_packet = self._take
        self._alarm: Any = None

    def close(self) -> None:
        """It is off the air, and waits for nothing."""
        self.station.on = False
        if self._alarm:
            self._alarm.cancel()

    def later(self, ms: float, step: Callable[[], None]) -> None:
        """One step at a time is due: this one now."""
        if self._alarm:
            self._alarm.cancel()
        self._alarm = self.world.call_after(ms, step)

    def transmit(
        self,
        name: str,
        peer: bytes,
        time: bytes,
        extra: int = 0,
        payload: bytes = b"",
        tid: bytes | None = None,
        destination: bytes = BROADCAST,
    ) -> tuple[bytes, Any]:
        """Send a packet of this sort -> (TID, Transmission)."""
        sort = SORTS[name]
        channel = self.keys.channel(sort.owner, sort.direction, peer)
        tid = tid or os.urandom(wire.TID_BYTES)
        self.counter += 1
        data = build(channel, sort, peer, self.counter, tid, time, extra, payload)
        return tid, self.station.send(data, destination)

    def refuse(self, reason: str) -> None:
        self.refused[reason] += 1

    def _take(self, source: bytes, data: bytes) -> None:
        opened = open_packet(data, self.keys)
        if opened.body:
            self.hear(source, opened)
        else:
            self.refuse(opened.reason or "")
            self.pass_by(opened)

    def hear(self, source: bytes, opened: Opened) -> None:
        """Something authentic has come."""
        raise NotImplementedError

    def pass_by(self, opened: Opened) -> None:
        """Something else has come."""
