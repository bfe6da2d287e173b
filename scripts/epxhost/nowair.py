"""The air of ether_hub.py, for one thread that plays stations and attackers on it.

It has the attributes of testmock/simworld/ether.py that Station and Attacker there ask for: so
what works with those works in the simulator and in real time.
"""

import heapq
import importlib
import itertools
import select
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from epxhost.door import ROOT
from epxhost.errors import ToolError
from epxhost.ether_hub import carry
from epxhost.nowcapture import Frame

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
simulated = importlib.import_module("testmock.simworld.ether")
Attacker = importlib.import_module("testmock.simworld.attacker").Attacker
Random = importlib.import_module("testmock.simworld.rng").Random

BROADCAST = simulated.BROADCAST
Station = simulated.Station
_LARGEST_BYTES = 600
_LONG_RANGE, _OTHERS = 8, 7
_MAC_BYTES = 6
# Of a packet of the hub for a device, before its data; see testmock/realether.py.
_SOURCE_AND_RSSI_BYTES = 7
_SNIFFED_HEAD_BYTES = 3 + 2 * _MAC_BYTES


class Alarm:
    """Something that is due; as the simulator has it."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None

    def active(self) -> bool:
        return self.callback is not None


class RealEther:
    """port: of this computer, where the hub is, which this process becomes if there is none."""

    def __init__(self, port: int, seed: int | None = None) -> None:
        self.world = self
        self.stations: list[Any] = []
        self.hub = carry(port)
        seed = seed if seed is not None else time.time_ns() & 0x7FFFFFFF
        self.random = Random(seed)
        self._port = port
        self._begun_s = time.monotonic()
        self._alarms: list[tuple[float, int, Alarm]] = []
        self._order = itertools.count()
        self._sniffers: list[Callable[[Any], None]] = []
        self._sent: dict[int, Any] = {}
        self._numbers = itertools.cycle(range(256))
        self._own = self._connected()
        self._ears: dict[bytes, tuple[socket.socket, Any]] = {}
        self._told: dict[bytes, bytes] = {}

    def __enter__(self) -> "RealEther":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        for ear, station in self._ears.values():
            station.on = False
            with suppress(ToolError):
                self._tell(ear, station)
            ear.close()
        self._own.close()
        if self.hub:
            self.hub.close()

    def _connected(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.connect(("127.0.0.1", self._port))
        made.setblocking(False)
        return made

    # What stations and attackers ask for.

    def now_ms(self) -> int:
        return int((time.monotonic() - self._begun_s) * 1000)

    def call_after(self, ms: float, callback: Callable[[], None]) -> Alarm:
        alarm = Alarm(callback)
        due_s = time.monotonic() + ms / 1000
        heapq.heappush(self._alarms, (due_s, next(self._order), alarm))
        return alarm

    def sniff(self, callback: Callable[[Any], None]) -> None:
        self._sniffers.append(callback)
        self._send(self._own, b"S")

    def transmit(
        self,
        channel: int,
        source: bytes,
        destination: bytes,
        data: bytes,
        position: object = None,
        **options: Any,
    ) -> Any:
        """A Transmission; its acknowledged is right once it is done."""
        sent = simulated.Transmission(channel, bytes(source), bytes(destination), bytes(data))
        for name, value in options.items():
            setattr(sent, name, value)
        self._register()
        number = next(self._numbers)
        self._sent[number] = sent
        head = bytes((ord("P"), number, channel, bool(sent.long_range)))
        self._send(self._own, head + sent.source + sent.destination + sent.data)
        return sent

    # The loop.

    def run(self, until: Callable[[], bool] = lambda: False, limit_s: float | None = None) -> bool:
        """Until that is true (then True), or the time is over."""
        end_s = None if limit_s is None else time.monotonic() + limit_s
        while not until():
            self._register()
            now_s = time.monotonic()
            if end_s is not None and now_s >= end_s:
                return False
            due_s = [self._alarms[0][0]] if self._alarms else []
            due_s += [end_s] if end_s is not None else []
            pause_s = max(0.0, min(due_s) - now_s) if due_s else None
            sockets = {self._own: None} | dict(self._ears.values())
            for readable in select.select(list(sockets), [], [], pause_s)[0]:
                self._receive(readable, sockets[readable])
            self._ring()
        return True

    def _ring(self) -> None:
        while self._alarms and self._alarms[0][0] <= time.monotonic():
            alarm = heapq.heappop(self._alarms)[2]
            callback, alarm.callback = alarm.callback, None
            if callback:
                callback()

    def _register(self) -> None:
        """Tell the hub where our stations listen now."""
        for station in self.stations:
            if station.mac not in self._ears:
                self._ears[station.mac] = (self._connected(), station)
            self._tell(*self._ears[station.mac])

    def _tell(self, ear: socket.socket, station: Any) -> None:
        protocol = _LONG_RANGE if station.long_range else _OTHERS
        state = bytes((station.tuned, protocol, station.on))
        if self._told.get(station.mac) != state:
            self._told[station.mac] = state
            self._send(ear, b"T" + station.mac + state)

    def _send(self, sender: socket.socket, datagram: bytes) -> None:
        try:
            sender.send(datagram)
        except ConnectionError:
            self._is_gone()

    def _is_gone(self) -> None:
        raise ToolError(f"the ether at port {self._port} is gone: who carried it has ended")

    def _receive(self, readable: socket.socket, station: Any) -> None:
        try:
            datagram = readable.recv(_LARGEST_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            self._is_gone()
        if station:
            source, rssi = datagram[:_MAC_BYTES], datagram[_MAC_BYTES] - 128
            station.deliver(source, station.mac, datagram[_SOURCE_AND_RSSI_BYTES:], rssi)
        elif datagram[:1] == b"A":
            self._end(datagram[1], bool(datagram[2]))
        elif datagram[:1] == b"S":
            source, destination = datagram[3:9], datagram[9:15]
            data = datagram[_SNIFFED_HEAD_BYTES:]
            heard = simulated.Transmission(datagram[1], source, destination, data)
            heard.long_range = bool(datagram[2])
            for sniffer in self._sniffers:
                sniffer(heard)

    def _end(self, number: int, acknowledged: bool) -> None:
        sent = self._sent.pop(number, None)
        if sent:
            sent.acknowledged, sent.done = acknowledged, True
            if sent.on_end:
                sent.on_end(sent)


def frame(ether: Any, heard: Any) -> Frame:
    """A Transmission as a line of a recording."""
    now_ms = ether.world.now_ms()
    return Frame(now_ms, heard.channel, heard.source, heard.destination, heard.data)
