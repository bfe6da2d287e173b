"""socket over the world's LAN: TCP with the behaviour of MicroPython's unix port."""

import _sim

from testmock import errors
from testmock.simworld import lan as _lan

AF_INET = 2
SOCK_STREAM = 1
SOCK_DGRAM = 2
SOL_SOCKET = 4095
SO_REUSEADDR = 4
SO_BROADCAST = 32
IPPROTO_TCP = 6
IPPROTO_IP = 0
TCP_NODELAY = 1

_device = _sim.device


def getaddrinfo(host, port, af=0, type=0, proto=0, flags=0):
    address = _lan.resolve(_device, host)
    return [(AF_INET, SOCK_STREAM, 0, "", (address, port))]


class socket:
    """A TCP socket."""

    def __init__(self, af=AF_INET, type=SOCK_STREAM, proto=0):
        self._pollers = []
        self._end = None
        self._listener = None
        self._timeout_ms = -1
        self._closed = False
        self._bound = None
        _lan.opened(_device, self)

    # For poll.

    def _events(self):
        if self._closed:
            return 32  # POLLNVAL
        if self._listener:
            return self._listener.events()
        return self._end.events() if self._end else 16 | 4

    def _changed(self):
        for poller in self._pollers:
            poller._changed()
        if self._fiber:
            _device.world.wake(self._fiber)

    _fiber = None

    def _wait(self, condition):
        """Block until condition(), as long as the time limit of the socket says."""
        world = _device.world
        end_us = -1 if self._timeout_ms < 0 else world.now_us + self._timeout_ms * 1000
        self._fiber = world.current
        try:
            while not condition():
                if end_us >= 0 and world.now_us >= end_us:
                    raise OSError(errors.ETIMEDOUT)
                _device.block_us(-1 if end_us < 0 else end_us - world.now_us)
        finally:
            self._fiber = None

    def setblocking(self, flag):
        self._timeout_ms = -1 if flag else 0

    def settimeout(self, seconds):
        self._timeout_ms = -1 if seconds is None else int(seconds * 1000)

    def setsockopt(self, level, option, value):
        pass

    def fileno(self):
        return id(self) & 0xFFFF

    def bind(self, address):
        self._bound = address

    def listen(self, backlog=1):
        self._listener = _lan.listen_on_device(_device, self._bound[1], self._changed, backlog)

    def accept(self):
        if not self._listener.waiting:
            if self._timeout_ms == 0:
                raise OSError(errors.EAGAIN)
            self._wait(self._listener.events)
        end = self._listener.waiting.pop(0)
        accepted = socket()
        accepted._end = end
        end.on_change = accepted._changed
        return accepted, end.peer_address

    def connect(self, address):
        self._check_open()
        self._end = _lan.connect_from_device(_device, address, self._changed)
        if self._timeout_ms == 0:
            raise OSError(errors.EINPROGRESS)
        self._wait(self._end.settled)
        self._end.check()

    def _check_open(self):
        if self._closed:
            raise OSError(errors.EBADF)

    def _check(self):
        self._check_open()
        if not self._end:
            raise OSError(errors.ENOTCONN)
        self._end.check()

    def write(self, buf, n=-1):
        self._check()
        data = bytes(buf) if n < 0 else bytes(memoryview(buf)[:n])
        sent = self._end.send(data)
        if sent or not data:
            return sent
        if self._timeout_ms == 0:
            return None
        self._wait(self._end.can_send)
        return self._end.send(data)

    def send(self, data):
        sent = self.write(data)
        if sent is None:
            raise OSError(errors.EAGAIN)
        return sent

    def sendall(self, data):
        data = bytes(data)
        while data:
            sent = self.write(data)
            if sent is None:
                raise OSError(errors.EAGAIN)
            data = data[sent:]

    def readinto(self, buf, n=-1):
        data = self.read(len(buf) if n < 0 else n)
        if data is None:
            return None
        buf[: len(data)] = data
        return len(data)

    def read(self, n=4096):
        if self._end and self._end.rx and not self._closed:
            # What had arrived before an error can still be read.
            return self._end.receive(n)
        self._check()
        if not self._end.can_receive():
            if self._timeout_ms == 0:
                return None
            self._wait(self._end.can_receive)
            self._end.check()
        return self._end.receive(n)

    def recv(self, n):
        data = self.read(n)
        if data is None:
            raise OSError(errors.EAGAIN)
        return data

    def recv_into(self, buf, n=-1):
        size = self.readinto(buf, n)
        if size is None:
            raise OSError(errors.EAGAIN)
        return size

    def makefile(self, *unused):
        return self

    def close(self):
        if not self._closed:
            self._closed = True
            if self._end:
                self._end.close()
            if self._listener:
                self._listener.close()
            _lan.closed(_device, self)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
