"""MicroPython's socket over CPython's: None instead of BlockingIOError, board error numbers."""

import _sim

from testmock import errors

_host = _sim.import_module("socket")
_host_errno = _sim.import_module("errno")

AF_INET = _host.AF_INET
SOCK_STREAM = _host.SOCK_STREAM
SOCK_DGRAM = _host.SOCK_DGRAM
SOL_SOCKET = _host.SOL_SOCKET
SO_REUSEADDR = _host.SO_REUSEADDR
SO_ERROR = _host.SO_ERROR
SO_KEEPALIVE = _host.SO_KEEPALIVE
IPPROTO_TCP = _host.IPPROTO_TCP
TCP_NODELAY = _host.TCP_NODELAY


def _board_error(error):
    """The same error with the number that a board gives it."""
    name = _host_errno.errorcode.get(error.errno, "")
    return OSError(getattr(errors, name, error.errno))


def getaddrinfo(host, port, af=0, type=0, proto=0, flags=0):
    try:
        found = _host.getaddrinfo(host, port, _host.AF_INET, _host.SOCK_STREAM)
    except OSError:
        raise OSError(errors.EAI_FAIL) from None
    return [(family, kind, number, name, address) for family, kind, number, name, address in found]


class socket:
    def __init__(self, af=AF_INET, type=SOCK_STREAM, proto=0, _accepted=None):
        self._socket = _accepted or _host.socket(af, type, proto)
        if _accepted:
            self._socket.setblocking(True)

    def fileno(self):
        return self._socket.fileno()

    def setblocking(self, flag):
        self._socket.setblocking(flag)

    def settimeout(self, seconds):
        self._socket.settimeout(seconds)

    def setsockopt(self, level, option, value):
        self._socket.setsockopt(level, option, value)

    def bind(self, address):
        self._socket.bind(address)

    def listen(self, backlog=1):
        self._socket.listen(backlog)

    def accept(self):
        accepted, address = self._call(self._socket.accept)
        return socket(_accepted=accepted), address

    def connect(self, address):
        self._call(self._socket.connect, address)

    def _call(self, function, *args):
        try:
            return function(*args)
        except OSError as error:
            raise _board_error(error) from None

    def _try(self, function, *args):
        try:
            return function(*args)
        except BlockingIOError:
            return None
        except OSError as error:
            raise _board_error(error) from None

    def write(self, buf, n=-1):
        return self._try(self._socket.send, buf if n < 0 else memoryview(buf)[:n])

    def send(self, data):
        return self._call(self._socket.send, data)

    def sendall(self, data):
        self._call(self._socket.sendall, data)

    def readinto(self, buf, n=-1):
        return self._try(self._socket.recv_into, buf, len(buf) if n < 0 else n)

    def read(self, n=4096):
        return self._try(self._socket.recv, n)

    def recv(self, n):
        return self._call(self._socket.recv, n)

    def close(self):
        self._socket.close()
