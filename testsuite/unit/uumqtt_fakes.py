"""A scripted peer for the tests of lib/uumqtt: one socket, bytes in and out, a clock by hand."""

import errno
import select

from uumqtt import client as client_module
from uumqtt import connection, inbox
from uumqtt.client import Client

ADDRESS = ("192.0.2.1", 1883)
CONNACK = b"\x20\x02\x00\x00"
ANY_ROOM = 1 << 20


class FakeStream:
    """A non-blocking socket. What it gets is scripted: feed(), room, chunk, error, end()."""

    def __init__(self, network):
        self._network = network
        self._incoming = bytearray()
        self._ended = False
        self.sent = bytearray()
        self.writes = []  # length of each write that was taken
        self.refused = []  # length of each write that was refused
        self.room = ANY_ROOM  # bytes that the kernel still takes
        self.chunk = ANY_ROOM  # bytes given by one read
        self.error = None  # raised by the next read or write
        self.closed = 0
        self.address = None
        self.options = []

    def setblocking(self, flag):
        assert flag is False

    def setsockopt(self, level, option, value):
        self.options.append((level, option, value))

    def connect(self, address):
        self.address = address
        if self._network.connect_error is not None:
            raise OSError(self._network.connect_error)

    def readinto(self, buffer):
        self._check()
        count = min(len(buffer), len(self._incoming), self.chunk)
        if not count:
            return 0 if self._ended else None
        buffer[:count] = self._incoming[:count]
        self._incoming = self._incoming[count:]
        return count

    def write(self, buffer, size=None):
        self._check()
        if size is None:
            size = len(buffer)
        count = min(size, self.room)
        if not count:
            self.refused.append(size)
            return None
        self.room -= count
        self.sent += bytes(buffer[:count])
        self.writes.append(count)
        return count

    def close(self):
        if not self.closed:
            self._network.open_sockets -= 1
        self.closed += 1
        if self._network.close_error:
            raise OSError(errno.EIO)

    def feed(self, data):
        self._incoming += data

    def end(self):
        self._ended = True

    def unread(self):
        return len(self._incoming)

    def take(self):
        """What was sent since the last take()."""
        sent = bytes(self.sent)
        self.sent = bytearray()
        return sent

    def _check(self):
        assert not self.closed
        if self.error is not None:
            raise OSError(self.error)


class FakeNetwork:
    """Stands in for the module socket."""

    def __init__(self):
        self.connect_error = errno.EINPROGRESS
        self.close_error = False
        self.open_sockets = 0
        self.stream = None

    def socket(self):
        self.open_sockets += 1
        self.stream = FakeStream(self)
        return self.stream


class FakeTLS:
    """An SSLContext whose streams refuse `refusals` writes, as a handshake does."""

    def __init__(self, refusals=0, error=None, handshake_error=None):
        self.refusals = refusals
        self.error = error
        self.handshake_error = handshake_error
        self.hostname = None

    def wrap_socket(self, stream, server_hostname, do_handshake_on_connect):
        assert do_handshake_on_connect is False
        self.hostname = server_hostname
        if self.error:
            raise self.error
        return FakeTLSStream(self, stream)


class FakeTLSStream:
    """Wants a refused write repeated with the same length, and takes it whole then."""

    def __init__(self, context, stream):
        self._context = context
        self._stream = stream
        self._wanted = None

    def write(self, buffer, size=None):
        if size is None:
            size = len(buffer)
        assert self._wanted in (None, size)
        if self._context.handshake_error:
            raise self._context.handshake_error
        if self._context.refusals:
            self._context.refusals -= 1
            self._wanted = size
            return None
        self._wanted = None
        return self._stream.write(buffer, size)

    def readinto(self, buffer):
        return self._stream.readinto(buffer)

    def close(self):
        """Like MicroPython's: after a failed handshake the socket below stays open."""
        if not self._context.handshake_error:
            self._stream.close()


class Clock:
    """ticks_ms() by hand, shortly before its wrap."""

    def __init__(self):
        self.now_ms = (1 << 30) - 2000

    def ticks_ms(self):
        return self.now_ms & ((1 << 30) - 1)

    def sleep_ms(self, ms):
        self.now_ms += ms


class Peer:
    """A Client, its owner that records what it hears, and the other end."""

    def __init__(self, client_class=Client, **options):
        self.network = connection.socket = FakeNetwork()
        self.clock = Clock()
        client_module.ticks_ms = inbox.ticks_ms = connection.ticks_ms = self.clock.ticks_ms
        self.client = client_class("me", **options)
        self.heard = []
        self.delivered = []
        self.subscribed = []
        self.sessions = []
        self.skipped = []
        self.client.on_message = self._on_message
        self.client.on_delivered = self.delivered.append
        self.client.on_subscribed = self._on_subscribed
        self.client.on_connected = self.sessions.append
        self.client.on_skipped = self.skipped.append

    def _on_message(self, topic, payload, retain, dup, packet_id):
        assert type(topic) is bytes and type(payload) is bytes
        self.heard.append((topic, payload, bool(retain), bool(dup), packet_id))

    def _on_subscribed(self, packet_id, granted):
        self.subscribed.append((packet_id, granted))

    @property
    def stream(self):
        return self.network.stream

    def link(self):
        """Open, and the TCP connection comes up."""
        self.client.open(ADDRESS)
        self.client.ready(select.POLLOUT)

    def connect(self, connack=CONNACK):
        """Up to the CONNACK -> the client; what was sent so far is taken away."""
        self.link()
        self.receive(connack)
        self.stream.take()
        return self.client

    def connect_and_receive(self, data):
        self.connect()
        return self.receive(data)

    def receive(self, data):
        """data arrives, the client is told -> what it sends."""
        self.stream.feed(data)
        while self.stream.unread() and self.client.stream:
            self.client.ready(select.POLLIN)
        return self.stream.take()


def publish(topic, payload, qos=0, packet_id=0, retain=False, dup=False):
    """The bytes of a PUBLISH."""
    body = bytes((len(topic) >> 8, len(topic) & 255)) + topic
    if qos:
        body += bytes((packet_id >> 8, packet_id & 255))
    return frame(0x30 | dup << 3 | qos << 1 | retain, body + payload)


def frame(head, body):
    """A packet with its remaining length."""
    size = len(body)
    header = bytearray((head,))
    while size > 127:
        header.append(size & 127 | 128)
        size >>= 7
    header.append(size)
    return bytes(header) + bytes(body)


def ack(head, packet_id, *more):
    return frame(head, bytes((packet_id >> 8, packet_id & 255)) + bytes(more))
