"""The air between devices in real time: datagrams to a hub on this computer.

It is scripts/epxhost/ether_hub.py.

To the hub: b"T", MAC, channel, protocol, on or off: where packets for this device go, and what it
hears now. b"P", number, channel, long range or not, source, destination, data: a packet. From the
hub: b"A", number, acknowledged or not, to who sent it; source, RSSI + 128, data to who hears it.
What has come waits in the socket, so that poll() sees it, until the program takes it.
"""

import io
import select
import socket

_HEADER_BYTES = 7
_LARGEST_BYTES = 300
# The hub is on the same computer; only a busy one takes this long.
_ANSWER_LIMIT_MS = 100
# MicroPython, py/stream.h.
_GET_FILENO = 10
_EINVAL = 22


class Stream(io.IOBase):
    """What poll() needs of an object, on either interpreter."""

    _socket = None

    def fileno(self):
        return self._socket.fileno()

    def ioctl(self, request, argument):
        return self._socket.fileno() if request == _GET_FILENO else -_EINVAL


def _open_socket(address):
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.connect(address)
    opened.setblocking(False)
    return opened


def _try(function, argument):
    """None: there is nothing to read, or no hub."""
    try:
        return function(argument)
    except OSError:
        return None


class RealRadio:
    """Below espnow.py. port: of the hub, 0: nobody else is on the air."""

    stream_class = Stream

    def __init__(self, bench, port):
        self._bench = bench
        self._port = port
        address = socket.getaddrinfo("127.0.0.1", port or 9)[0][-1]
        self._data = _open_socket(address)
        self._answers = _open_socket(address)
        Stream._socket = self._data
        self._poll = select.poll()
        self._poll.register(self._data, select.POLLIN)
        self._answer_poll = select.poll()
        self._answer_poll.register(self._answers, select.POLLIN)
        self._told = None
        self._number = 0
        self._open = False
        self.pollers = []
        self.counts = [0, 0, 0, 0, 0]
        self.on_packet = None

    def restart(self):
        """The processor is reset, or sleeps: nobody hears it from now on."""
        self._open = False
        self.tell()

    def tell(self):
        """The hub, if something has changed; also called by control.py, four times a second."""
        wifi = self._bench.wifi
        on = wifi.active()
        state = bytes((wifi.tuned(), wifi.config("protocol"), on))
        if self._port and state != self._told:
            self._told = state
            _try(self._data.send, b"T" + wifi.mac + state)

    def is_open(self):
        return self._open

    def open(self, size):
        while _try(self._data.recv, _LARGEST_BYTES):
            pass  # what came before does not count
        self._open = True
        self.tell()

    def close(self):
        self._open = False

    def waiting(self):
        self.tell()
        return bool(self._poll.poll(0))

    def sending(self):
        return False

    def take(self, timeout_ms):
        self.tell()
        packet = _try(self._data.recv, _LARGEST_BYTES)
        if packet is None and timeout_ms:
            self._poll.poll(timeout_ms)
            packet = _try(self._data.recv, _LARGEST_BYTES)
        if not packet:
            return None
        self.counts[3] += 1
        now_ms = self._bench.clock.now_us() // 1000
        return packet[:6], packet[_HEADER_BYTES:], packet[6] - 128, now_ms

    def send(self, meant, data, long_range, sync):
        self.tell()
        failures = self.counts[2]
        for destination in meant:
            self._send(destination, data, long_range, sync)
        return not sync or self.counts[2] == failures

    def _send(self, destination, data, long_range, sync):
        wifi = self._bench.wifi
        self._number = (self._number + 1) % 256
        head = bytes((80, self._number, wifi.tuned(), bool(long_range)))
        self.counts[0] += 1
        self.counts[1] += 1
        to_all = destination[0] & 1
        if self._port:
            _try(self._answers.send, head + wifi.mac + destination + data)
        if sync and not to_all and not self._is_acknowledged():
            self.counts[2] += 1

    def _is_acknowledged(self):
        while self._port and self._answer_poll.poll(_ANSWER_LIMIT_MS):
            answer = _try(self._answers.recv, 3)
            if answer is None:
                return False
            if answer[1] == self._number:
                return bool(answer[2])
        return False
