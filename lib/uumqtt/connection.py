"""The connection under the client: a non-blocking socket, its states and deadlines."""

import errno
import socket
from select import POLLERR, POLLHUP, POLLIN, POLLOUT
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from uumqtt.inbox import Inbox
from uumqtt.outbox import Outbox
from uumqtt.packet import MQTTError, check_topic, connect_packet, encoded

_REPLY_LIMIT_MS = const(5000)
_HANDSHAKE_LIMIT_MS = const(15000)
_READS_PER_TURN = const(4)  # then others get their turn
_IPPROTO_TCP = const(6)  # these two are the same on Linux and lwIP
_TCP_NODELAY = const(1)
_EINPROGRESS_ESP32 = const(119)  # newlib's number, whatever the errno module says

_PINGREQ = const(b"\xc0\0")
_DISCONNECT = const(b"\xe0\0")
_PAD_BYTES = const(16)

_FAILED = POLLERR | POLLHUP | 32  # 32: POLLNVAL, closed underneath; MicroPython does not name it
_READABLE = POLLIN | _FAILED
_NEVER_MS = const(60000)


class Connection:
    """Opens, watches and closes; Client adds what the packets mean."""

    def __init__(
        self,
        client_id,
        keepalive_s=30,
        clean=True,
        user=None,
        password=None,
        window=8,
        rx_bytes=1024,
        tx_bytes=1024,
        packet_limit=1024,
    ):
        if not client_id and not clean:
            raise ValueError("a lasting session needs a client_id")
        self._identity = (client_id, keepalive_s, clean, user, password)
        self._will = None
        self._keepalive_ms = keepalive_s * 1000
        self._outbox = Outbox(tx_bytes, window)
        self._inbox = Inbox(self, self._outbox, rx_bytes, packet_limit)
        self._socket = None
        self.stream = None  # what to register with poll; None = closed
        self.connected = False  # CONNACK came
        self.securing = False  # TLS handshake: ready() may take its time
        self._linked = False  # TCP is up
        self._held = False
        self._writable = None  # the stream, where a packet may be written at once
        self._fault = None  # of a write within publish(); ready() or tick() raise it
        self._reply_at = 0  # when the link, TLS or CONNACK must be there
        self._puback_since = self._suback_since = 0  # the first one is missing, or the last came
        self._ping_at = 0
        self._ping_sent = False

    def set_will(self, topic, payload, retain=True, qos=1):
        """What the broker publishes when this client vanishes; from the next open() on."""
        topic = encoded(topic)
        check_topic(topic, 0, len(topic), ValueError)
        if qos not in (0, 1, 2):
            raise ValueError("QoS is 0, 1 or 2")
        self._will = (topic, payload, retain, qos)

    def open(self, address, tls_context=None, server_hostname=None):
        """Begin to connect to an address of getaddrinfo(); returns at once."""
        self.close()
        connect = connect_packet(*self._identity, self._will)
        self._outbox.check_size(len(connect))
        stream = self.stream = self._socket = socket.socket()
        begun = False
        try:
            stream.setblocking(False)
            # Else a packet waits up to 40 ms for the acknowledgement of the one before it.
            stream.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
            try:
                stream.connect(address)
            except OSError as error:
                if error.args[0] not in (errno.EINPROGRESS, _EINPROGRESS_ESP32):
                    raise
            if tls_context:
                self.stream = tls_context.wrap_socket(
                    stream, server_hostname=server_hostname, do_handshake_on_connect=False
                )
            begun = True
        finally:
            if not begun:
                self.close()
        self.securing = tls_context is not None
        self._outbox.put(connect)
        self._reply_at = ticks_add(ticks_ms(), _REPLY_LIMIT_MS)

    def close(self):
        """Free the socket, whatever state it is in. What is in flight is kept."""
        # TLS closes its socket too, but not after a handshake that failed (MicroPython 1.25).
        for stream in (self.stream, self._socket):
            if stream:
                try:
                    stream.close()
                except OSError:
                    pass  # it is gone all the same
        self.stream = self._socket = self._writable = self._fault = None
        self.connected = self.securing = self._linked = self._ping_sent = self._held = False
        self._inbox.reset()
        self._outbox.reset()

    def disconnect(self):
        """Say goodbye, so that the will is not published, and close."""
        if self.connected and self._outbox.put(_DISCONNECT):
            self._flush()
        self.close()

    def events(self):
        """What to poll the stream for."""
        if not self._linked:
            return POLLOUT
        wanted = 0 if self._inbox.stalled else POLLIN
        return wanted | POLLOUT if self._outbox.end else wanted

    def ready(self, events):
        """Read and write what is possible now. Raises OSError: close() is due."""
        if (self._writable is None or events != POLLIN) and not self._can_receive(events):
            return
        stream = self.stream
        # What callbacks send is written together. (If one raises: at the next ready(), for which
        # events() asks. A try here would move the frame to the heap.)
        self._writable = None
        reads = _READS_PER_TURN
        while reads and self._inbox.receive(stream) and self.stream is stream:
            # A broken link is not polled again: read all that is left of it.
            if not events & _FAILED:
                reads -= 1
        if self.stream is not stream:
            return  # a callback closed it
        if events & _FAILED:
            raise MQTTError("link failed")
        if self.connected and not self._held:
            self._writable = stream
            self._outbox.flush(stream)

    def _can_receive(self, events):
        """All that may come before reading: a fault, the link, TLS, room for what waits."""
        if self._fault:
            raise self._fault
        if not self.stream or not (self._linked or self._link_is_up(events)):
            return False
        if self.securing:
            return self._is_secure()
        self._outbox.flush(self.stream)
        return True

    def _ping_later(self):
        """Asked after 0.75, answered within 0.5: silence is noticed after 1.25 x keepalive.

        Asked also while other packets flow: what is sent proves nothing about the broker.
        """
        self._ping_sent = False
        self._ping_at = ticks_add(ticks_ms(), self._keepalive_ms * 3 // 4)

    def _link_is_up(self, events):
        if events & _FAILED:
            self._inbox.receive(self.stream)  # raises the errno, on most systems
            raise MQTTError("broker not reachable")
        if not events & POLLOUT:
            return False
        self._linked = True
        limit_ms = _HANDSHAKE_LIMIT_MS if self.securing else _REPLY_LIMIT_MS
        self._reply_at = ticks_add(ticks_ms(), limit_ms)
        return True

    def _is_secure(self):
        """Go on with the TLS handshake, which writing CONNECT drives."""
        try:
            self.securing = not self._outbox.flush(self.stream)
        except ValueError as error:  # so MicroPython says that the certificate is not good
            raise MQTTError("certificate: %s" % str(error).strip())
        if self.securing:
            return False
        self._reply_at = ticks_add(ticks_ms(), _REPLY_LIMIT_MS)
        return True

    def tick(self):
        """Check every deadline -> ms until the next one, as of now.

        Call it also after open(), subscribe() and publish(qos=1), which begin new ones.
        """
        if self._fault:
            raise self._fault
        now = ticks_ms()
        if not self.stream:
            return _NEVER_MS
        if not self.connected:
            what = "TLS handshake" if self.securing else "CONNACK"
            return _left(self._reply_at, now, what if self._linked else "connection")
        wait = _NEVER_MS
        if self._outbox.in_flight:
            limit = ticks_add(self._puback_since, _REPLY_LIMIT_MS)
            wait = min(wait, _left(limit, now, "PUBACK"))
        if self._outbox.asked:
            limit = ticks_add(self._suback_since, _REPLY_LIMIT_MS)
            wait = min(wait, _left(limit, now, "SUBACK"))
        if self._keepalive_ms:
            if not self._ping_sent and ticks_diff(self._ping_at, now) <= 0:
                self._ping_sent = True
                self._ping_at = ticks_add(now, self._keepalive_ms // 2)
                self._outbox.put(_PINGREQ, _PAD_BYTES)  # a full buffer is no excuse
                self._outbox.flush(self.stream)
            wait = min(wait, _left(self._ping_at, now, "PINGRESP"))
        return wait

    def _flush(self):
        try:
            self._outbox.flush(self.stream)
        except OSError as error:
            self._fault = error
            self._writable = None


def _left(at_ms, now_ms, what):
    """ms from now until the deadline; MQTTError once it has passed."""
    left_ms = ticks_diff(at_ms, now_ms)
    if left_ms <= 0:
        raise MQTTError("no " + what)
    return left_ms
