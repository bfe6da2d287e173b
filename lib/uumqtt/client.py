"""A non-blocking MQTT 3.1.1 client: QoS 0 and 1, one socket, fixed memory.

Its owner polls `stream` for `events()`, calls `ready()` when poll says so and `tick()` when the
time that it returned is over. Everything raised as OSError (MQTTError is one) means: this
connection is finished, call close(), and open() again when you like.
"""

from struct import pack, pack_into
from time import ticks_ms

from micropython import const

from uumqtt.connection import Connection, check_topic, encoded, string
from uumqtt.inbox import Inbox

# Strings are copied by struct's "128s", which unlike a slice allocates nothing. It fills up with
# zeros, hence the pad behind the buffer; later bytes overwrite them. When the buffer is full the
# pad takes a PUBACK and a PINGREQ.
_COPIED_BYTES = const(128)
_PAD_BYTES = const(136)
_MAX_TX_BYTES = const(16384)  # so that the remaining length always fits two bytes
_DUP = const(8)
_QOS_1 = const(2)
_SUBSCRIBE = const(0x82)
_UNSUBSCRIBE = const(0xA2)
_BAD_QOS = const("QoS is 0 or 1")
_TOO_LARGE = const("packet larger than tx_bytes")


class Client(Inbox):
    """One connection at a time to one broker; unacknowledged messages outlive it.

    What is sent waits in one buffer of `tx_bytes`, QoS 1 in a window of messages without PUBACK.
    """

    _good_topic = None  # the last one published, already checked
    _last_id = 0

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
        if not 136 <= tx_bytes <= _MAX_TX_BYTES or window < 1:
            raise ValueError("tx_bytes: 136 to 16384, window: at least 1")
        Connection.__init__(self, client_id, keepalive_s, clean, user, password)
        Inbox.__init__(self, rx_bytes, packet_limit)
        self._tx_limit = tx_bytes
        self._tx = bytearray(tx_bytes + _PAD_BYTES)
        self._tx_view = memoryview(self._tx)
        self._window = window
        self.in_flight = []  # ids of QoS 1 messages without PUBACK, over all connections
        self._heads = []  # the same messages
        self._topics = []
        self._payloads = []
        self._asked = []  # ids of SUBSCRIBE and UNSUBSCRIBE without an answer
        self.close()

    def _reset_tx(self):
        """A new connection: forget bytes and questions, keep unacknowledged messages."""
        self._start = 0  # first byte that the kernel has not taken
        self._end = 0  # behind the last byte; 0 = nothing waits
        self._offered = 0  # where the refused write ended
        self._sent = len(self.in_flight)  # how many of them went out on this connection
        self._asked.clear()
        self._writable = False  # may a packet be written at once?
        self._broken = False  # a write of publish() has failed; ready() or tick() tell it
        self._puback_since = self._suback_since = 0  # the first one is missing, or the last came

    def publish(self, topic, payload, retain=False, qos=0):
        """-> packet id (QoS 1), 0 (QoS 0), None = not now: try again after ready().

        Raises ValueError for a bad topic, QoS or size; what is wrong with the link is raised by
        the next ready() or tick().
        """
        if topic is not self._good_topic:
            topic = encoded(topic)
            check_topic(topic, ValueError)
            self._good_topic = topic
        if not isinstance(payload, bytes):
            payload = encoded(payload)
        head = 0x31 if retain else 0x30
        if qos:
            if qos != 1:
                raise ValueError(_BAD_QOS)
            head |= _QOS_1
        return self._publish(head, topic, payload)

    def gather(self, on):
        """While on, what is published waits, to leave together in one write."""
        self._writable = self.connected and not on
        if self._writable:
            self._flush()

    # The frames of publish(), _publish(), _flush() and _write() have 11 words at most, and so
    # need no heap, where a frame costs more than the call (measured).

    def _publish(self, head, topic, payload):
        if not self.connected:
            return None
        packet_id = 0
        if head & _QOS_1:
            if len(self.in_flight) == self._window or (
                self._sent < len(self.in_flight) and not self._flush()
            ):
                return None
            packet_id = self._new_id()
        if not self._put_publish(head, topic, payload, packet_id) and not (
            self._flush() and self._put_publish(head, topic, payload, packet_id)
        ):
            return None
        if packet_id:
            if not self.in_flight:
                self._puback_since = ticks_ms()
            self.in_flight.append(packet_id)
            self._heads.append(head | _DUP)
            self._topics.append(topic)
            self._payloads.append(payload)
            self._sent += 1
        # Behind what the kernel has refused it goes later; from a callback when ready() ends.
        if self._writable and not self._offered:
            self._flush()
        return packet_id

    def _put_publish(self, head, topic, payload, packet_id):
        """Append a PUBLISH; packet_id 0 = QoS 0 -> False when there is no room."""
        topic_bytes = len(topic)
        size = topic_bytes + len(payload) + (4 if packet_id else 2)
        buffer = self._tx
        position = self._end
        end = position + size + (2 if size < 128 else 3)
        if end > self._tx_limit:
            if end - position > self._tx_limit:
                raise ValueError(_TOO_LARGE)
            return False
        if size < 128:
            pack_into(">BBH128s", buffer, position, head, size, topic_bytes, topic)
            position += 4
        else:
            low = size & 127 | 128
            pack_into(">BBBH128s", buffer, position, head, low, size >> 7, topic_bytes, topic)
            position += 5
        if topic_bytes > _COPIED_BYTES:
            buffer[position : position + topic_bytes] = topic
        position += topic_bytes
        if packet_id:
            pack_into(">H", buffer, position, packet_id)
            position += 2
        if end - position > _COPIED_BYTES:
            buffer[position:end] = payload
        else:
            pack_into("128s", buffer, position, payload)
        self._end = end
        return True

    def _put(self, head, body):
        """Append another packet -> False when there is no room."""
        size = len(body)
        if size + 3 > self._tx_limit:
            raise ValueError(_TOO_LARGE)
        if size < 128:
            packet = pack("BB", head, size) + body
        else:
            packet = pack("BBB", head, size & 127 | 128, size >> 7) + body
        end = self._end + len(packet)
        if end > self._tx_limit:
            return False
        self._tx[self._end : end] = packet
        self._end = end
        return True

    def _flush(self):
        """Offer the waiting bytes to the kernel -> True when it took them all.

        A broken link is told later, since publish() must not raise it. TLS wants a refused write
        repeated with the same length, so no more than that is offered.
        """
        try:
            while not self._broken:
                if self._sent < len(self.in_flight):
                    self._put_again()
                if not self._end:
                    return True
                if not self._offered:
                    self._offered = self._end
                if self._start:
                    taken = self.stream.write(self._tx_view[self._start : self._offered])
                else:
                    taken = self.stream.write(self._tx, self._offered)
                if taken is None:
                    return False
                self._offered = 0
                self._start += taken
                if self._start == self._end:
                    self._start = self._end = 0
        except OSError:
            self._broken = True

    def _put_again(self):
        """Append messages that are due again as long as there is room."""
        for slot in range(self._sent, len(self.in_flight)):
            packet_id = self.in_flight[slot]
            if not self._put_publish(
                self._heads[slot], self._topics[slot], self._payloads[slot], packet_id
            ):
                return
            self._sent = slot + 1

    def _new_id(self):
        """The next packet id that nothing unanswered has."""
        packet_id = self._last_id % 0xFFFF + 1
        while packet_id in self.in_flight or packet_id in self._asked:
            packet_id = packet_id % 0xFFFF + 1
        self._last_id = packet_id
        return packet_id

    def subscribe(self, topic_filter, qos=1):
        """-> packet id, which on_subscribed will get, or None = not now."""
        if qos not in (0, 1):
            raise ValueError(_BAD_QOS)
        return self._ask(_SUBSCRIBE, topic_filter, bytes((qos,)))

    def unsubscribe(self, topic_filter):
        """-> packet id, or None = not now."""
        return self._ask(_UNSUBSCRIBE, topic_filter, b"")

    def _ask(self, head, topic_filter, options):
        topic_filter = encoded(topic_filter)
        levels = topic_filter.split(b"/")
        if levels[-1] == b"#":
            levels.pop()
        for level in levels:  # section 4.7.1
            if level and level != b"+":
                check_topic(level, ValueError)
        if not 0 < len(topic_filter) <= 0xFFFF:
            raise ValueError("bad topic")
        packet_id = self._new_id()
        body = pack(">H", packet_id) + string(topic_filter) + options
        if not self.connected:
            return None
        if not self._put(head, body) and not (self._flush() and self._put(head, body)):
            return None
        if not self._asked:
            self._suback_since = ticks_ms()
        self._asked.append(packet_id)
        if self._writable:
            self._flush()
        return packet_id
