"""The air between devices in real time: who is on a channel gets what is sent there.

Devices are processes with testmock/realether.py, which describes the datagrams. One more is for
tools: b"S" asks for everything that is on the air, which comes as b"S", channel, long range or
not, source, destination, data; but not to who has sent it.
"""

import errno
import queue
import random
import socket
import threading
from collections import deque
from dataclasses import dataclass, field

from epxhost.errors import ToolError

BROADCAST = b"\xff" * 6
_RSSI_DBM = -50
_LARGEST_BYTES = 600
_LOG_LIMIT = 20_000
_LONG_RANGE = 8
_OTHERS = 7


@dataclass
class _Ear:
    """Somebody who hears: a device, by its socket, or a Station of a test."""

    channel: int
    protocol: int
    on: bool
    address: tuple[str, int] | None = None
    heard: "queue.Queue[tuple[bytes, bytes]]" = field(default_factory=queue.Queue)


class EtherHub:
    """loss: probability that a receiver misses a packet. log: (channel, source, destination,
    data) of each packet. transmit() and station() are for tests; port for ApplianceProcess: 0
    chooses one, OSError if another is taken."""

    def __init__(self, loss: float = 0.0, seed: int = 1, port: int = 0) -> None:
        self.loss = loss
        self.log: deque[tuple[int, bytes, bytes, bytes]] = deque(maxlen=_LOG_LIMIT)
        self._random = random.Random(seed)
        self._ears: dict[bytes, _Ear] = {}
        self._sniffers: set[tuple[str, int]] = set()
        self._changed = threading.Condition()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind(("127.0.0.1", port))
        except OSError:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> "EtherHub":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the thread."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knock:
            knock.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def station(self, mac: bytes, channel: int, long_range: bool = False) -> "Station":
        """A radio that a test drives."""
        protocol = _LONG_RANGE if long_range else _OTHERS
        with self._changed:
            self._ears[mac] = ear = _Ear(channel, protocol, True)
        return Station(self, mac, ear)

    def wait_for(self, mac: bytes, channel: int | None, limit_s: float = 10) -> bool:
        """Until a device hears on that channel (None: on none); False if the time is over."""

        def there() -> bool:
            ear = self._ears.get(mac)
            return (ear.channel if ear and ear.on else None) == channel

        with self._changed:
            return self._changed.wait_for(there, limit_s)

    def transmit(
        self,
        channel: int,
        source: bytes,
        destination: bytes,
        data: bytes,
        long_range: bool = False,
        sender: tuple[str, int] | None = None,
    ) -> bool:
        """Send as anybody; True if the one that is meant has acknowledged."""
        acknowledged = False
        with self._changed:
            self.log.append((channel, source, destination, data))
            for address in self._sniffers - {sender}:
                head = b"S" + bytes((channel, long_range)) + source + destination
                self._socket.sendto(head + data, address)
            for mac, ear in self._ears.items():
                if mac == source or destination not in (BROADCAST, mac):
                    continue
                hears = ear.protocol & (_LONG_RANGE if long_range else _OTHERS)
                lost = self._random.random() < self.loss
                if not ear.on or ear.channel != channel or not hears or lost:
                    continue
                acknowledged |= mac == destination
                if ear.address:
                    packet = source + bytes([_RSSI_DBM + 128]) + data
                    self._socket.sendto(packet, ear.address)
                else:
                    ear.heard.put((source, data))
            self._changed.notify_all()
        return acknowledged

    def _run(self) -> None:
        while True:
            try:
                datagram, address = self._socket.recvfrom(_LARGEST_BYTES)
            except ConnectionError:
                continue  # a device that has ended meanwhile
            if not datagram:
                return
            if datagram[:1] == b"T":
                self._tune(datagram[1:7], _Ear(*datagram[7:9], bool(datagram[9]), address))
            elif datagram[:1] == b"P":
                number, channel, long_range = datagram[1:4]
                source, destination, data = datagram[4:10], datagram[10:16], datagram[16:]
                heard = self.transmit(
                    channel, source, destination, data, bool(long_range), address
                )
                self._socket.sendto(bytes([65, number, heard]), address)
            elif datagram[:1] == b"S":
                with self._changed:
                    self._sniffers.add(address)

    def _tune(self, mac: bytes, ear: _Ear) -> None:
        with self._changed:
            self._ears[mac] = ear
            self._changed.notify_all()


def carry(port: int) -> EtherHub | None:
    """The air at this port of the computer; None: another process carries it already."""
    try:
        return EtherHub(port=port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return None
        raise ToolError(f"port {port}: {error.strerror}") from None


class Station:
    """heard: a queue of (source MAC, data)."""

    def __init__(self, hub: EtherHub, mac: bytes, ear: _Ear) -> None:
        self._hub = hub
        self._ear = ear
        self.mac = mac
        self.heard = ear.heard

    def send(self, data: bytes, destination: bytes = BROADCAST) -> bool:
        """On the station's channel; True if acknowledged."""
        long_range = self._ear.protocol == _LONG_RANGE
        return self._hub.transmit(self._ear.channel, self.mac, destination, data, long_range)
