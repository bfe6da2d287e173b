"""The connection under the client: a non-blocking socket, its states and deadlines.

Sections named in comments are those of the OASIS standard mqtt-v3.1.1-os. Connection, Inbox and
Client are one object, each class a layer of it. What sends most is in the uppermost, Client,
because MicroPython looks for a method there first.
"""

import errno
import socket
from select import POLLERR, POLLHUP, POLLIN, POLLOUT
from struct import pack, pack_into
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

_REPLY_LIMIT_MS = const(5000)
_HANDSHAKE_LIMIT_MS = const(15000)
_READS_PER_TURN = const(4)  # then others get their turn
_IPPROTO_TCP = const(6)  # these two are the same on Linux and lwIP
_TCP_NODELAY = const(1)
_EINPROGRESS_ESP32 = const(119)  # newlib's number, whatever the errno module says

_CONNECT = const(0x10)
_PINGREQ = const(0xC000)
_DISCONNECT = const(0xE0)

_FAILED = POLLERR | POLLHUP | 32  # 32: POLLNVAL, closed underneath; MicroPython does not name it
_NEVER_MS = const(60000)
_LINK_FAILED = const("link failed")
# Section 3.2.2.3.
_REFUSALS = const(
    (
        "protocol version refused",
        "client identifier refused",
        "broker unavailable",
        "bad user name or password",
        "not authorized",
    )
)


class MQTTError(OSError):
    """The link, or what came over it, is bad; args[0] says how."""


def encoded(text):
    """str or bytes-like -> bytes."""
    if isinstance(text, bytes):
        return text
    return text.encode() if isinstance(text, str) else bytes(text)


def string(text):
    """A text or binary field with its length in front (section 1.5.3)."""
    text = encoded(text)
    return pack(">H", len(text)) + text


def check_topic(topic, error):
    """Raise `error` if these bytes are no topic name (sections 1.5.3, 4.7.1, 4.7.3)."""
    try:
        if max(topic) > 0x7F:
            # What MicroPython's str() lets pass: overlong, surrogate, beyond U+10FFFF (RFC 3629).
            previous = 0
            for byte in topic:
                pair = previous << 8 | byte
                if (
                    0xC000 <= pair < 0xC200
                    or 0xE000 <= pair < 0xE0A0
                    or 0xEDA0 <= pair < 0xEE00
                    or 0xF000 <= pair < 0xF090
                    or 0xF490 <= pair
                ):
                    raise ValueError
                previous = byte
        str(topic, "utf-8")
        if len(topic) > 0xFFFF or b"#" in topic or b"+" in topic or b"\0" in topic:
            raise ValueError
    except ValueError:  # also of max(), when there is nothing
        raise error("bad topic")


class Connection:
    """Opens, watches and closes."""

    stream = None  # what to register with poll; None = closed
    connected = False  # CONNACK came
    securing = False  # TLS handshake: ready() may take its time
    _socket = None
    _will = b""

    def __init__(self, client_id, keepalive_s, clean, user, password):
        if not client_id and not clean:
            raise ValueError("a lasting session needs a client_id")
        self._keepalive_ms = keepalive_s * 1000
        # The parts of CONNECT (section 3.1).
        self._flags = 2 if clean else 0
        self._identity = string(client_id)
        self._credentials = b""
        if user is not None:
            self._flags |= 128
            self._credentials = string(user)
            if password is not None:
                self._flags |= 64
                self._credentials += string(password)

    def set_will(self, topic, payload, retain=True, qos=1):
        """What the broker publishes when this client vanishes; from the next open() on."""
        check_topic(encoded(topic), ValueError)
        if qos not in (0, 1, 2):
            raise ValueError("QoS is 0, 1 or 2")
        self._will = string(topic) + string(payload)
        self._flags = self._flags & 0xC2 | 4 | qos << 3 | (32 if retain else 0)

    def open(self, address, tls_context=None, server_hostname=None):
        """Begin to connect to an address of getaddrinfo(); returns at once."""
        self.close()
        connect = pack(">H4sBBH", 4, b"MQTT", 4, self._flags, self._keepalive_ms // 1000)
        self._put(_CONNECT, connect + self._identity + self._will + self._credentials)
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
                self.securing = True
            begun = True
        finally:
            if not begun:
                self.close()
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
        self.stream = self._socket = None
        self.connected = self.securing = self._ping_sent = False
        self._linked = False  # TCP is up
        self._reset_rx()
        self._reset_tx()

    def disconnect(self):
        """Say goodbye, so that the will is not published, and close."""
        if self.connected and self._put(_DISCONNECT, b""):
            self._flush()
        self.close()

    def events(self):
        """What to poll the stream for."""
        if not self._linked:
            return POLLOUT
        wanted = 0 if self._stalled else POLLIN
        return wanted | POLLOUT if self._end else wanted

    def ready(self, events):
        """Read and write what is possible now. Raises OSError: close() is due."""
        if (not self._writable or self._broken or events != POLLIN) and not self._can_receive(
            events
        ):
            return
        stream = self.stream
        # What callbacks send is written together. (If one raises: at the next ready(), for which
        # events() asks. A try here would move the frame to the heap.)
        self._writable = False
        reads = _READS_PER_TURN
        while reads and self._receive() and self.stream is stream:
            # A broken link is not polled again: read all that is left of it.
            if not events & _FAILED:
                reads -= 1
        if self.stream is not stream:
            return  # a callback closed it
        if events & _FAILED:
            raise MQTTError(_LINK_FAILED)
        if self.connected:
            self._writable = True
            self._flush()
            if self._broken:
                raise MQTTError(_LINK_FAILED)

    def _can_receive(self, events):
        """All that may come before reading: the link, TLS, room for what waits."""
        if not self.stream:
            return False
        if not self._linked:
            if events & _FAILED:
                self._receive()  # raises the errno, on most systems
                raise MQTTError("broker not reachable")
            if not events & POLLOUT:
                return False
            self._linked = True
            limit_ms = _HANDSHAKE_LIMIT_MS if self.securing else _REPLY_LIMIT_MS
            self._reply_at = ticks_add(ticks_ms(), limit_ms)
        try:
            sent = self._flush()
        except ValueError as error:  # so MicroPython says that the certificate is not good
            raise MQTTError("certificate: %s" % str(error).strip())
        if self._broken:
            raise MQTTError(_LINK_FAILED)
        if self.securing:
            # The TLS handshake, which writing CONNECT drives.
            if not sent:
                return False
            self.securing = False
            self._reply_at = ticks_add(ticks_ms(), _REPLY_LIMIT_MS)
        return True

    def _connack(self, flags, code):
        if self.connected:
            raise MQTTError("second CONNACK")
        if flags > 1 or (code and flags):
            raise MQTTError("bad CONNACK flags")
        if code:
            raise MQTTError(_REFUSALS[code - 1] if code <= 5 else "CONNACK code %d" % code)
        self.connected = True
        self._limit = self._packet_limit
        self._sent = 0  # what the last connection left unacknowledged goes out again
        self._puback_since = ticks_ms()
        self._ping_later()
        if self.on_connected:
            self.on_connected(bool(flags))

    def _ping_later(self):
        """Asked after 0.75, answered within 0.5: silence is noticed after 1.25 x keepalive.

        Asked also while other packets flow: what is sent proves nothing about the broker.
        """
        self._ping_sent = False
        self._ping_at = ticks_add(ticks_ms(), self._keepalive_ms * 3 // 4)

    def tick(self):
        """Check every deadline -> ms until the next one, as of now.

        Call it also after open(), subscribe() and publish(qos=1), which begin new ones.
        """
        now = ticks_ms()
        if not self.stream:
            return _NEVER_MS
        if not self.connected:
            what = "TLS handshake" if self.securing else "CONNACK"
            return _left(self._reply_at, now, what if self._linked else "connection")
        wait = _NEVER_MS
        if self.in_flight:
            limit = ticks_add(self._puback_since, _REPLY_LIMIT_MS)
            wait = min(wait, _left(limit, now, "PUBACK"))
        if self._asked:
            limit = ticks_add(self._suback_since, _REPLY_LIMIT_MS)
            wait = min(wait, _left(limit, now, "SUBACK"))
        if self._keepalive_ms:
            if not self._ping_sent and ticks_diff(self._ping_at, now) <= 0:
                self._ping_sent = True
                self._ping_at = ticks_add(now, self._keepalive_ms // 2)
                pack_into(">H", self._tx, self._end, _PINGREQ)  # a full buffer is no excuse
                self._end += 2
                self._flush()
            wait = min(wait, _left(self._ping_at, now, "PINGRESP"))
        if self._broken:
            raise MQTTError(_LINK_FAILED)
        return wait


def _left(at_ms, now_ms, what):
    """ms from now until the deadline; MQTTError once it has passed."""
    left_ms = ticks_diff(at_ms, now_ms)
    if left_ms <= 0:
        raise MQTTError("no " + what)
    return left_ms
