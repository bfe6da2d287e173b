"""What is to be sent: bytes that the kernel has not taken, messages without their PUBACK."""

from struct import pack_into

from micropython import const

from uumqtt.packet import PINGREQ, PUBACK

# Short strings are copied by struct's "128s", which unlike a slice allocates nothing. It fills up
# with zeros, hence the pad behind the buffer; later bytes overwrite them.
_PAD_BYTES = const(128)
_SHORT_BYTES = const(127)  # remaining length that fits one byte
_SHORT_HEAD = const(">BBH128s")
_SHORT_STRING = const("128s")
_MAX_TX_BYTES = const(16384)  # so that the remaining length always fits two bytes
_DUP = const(8)
_QOS_1 = const(2)


class Outbox:
    """One buffer of `tx_bytes`, and a ring of `window` unacknowledged messages."""

    def __init__(self, tx_bytes, window):
        if not 136 <= tx_bytes <= _MAX_TX_BYTES or window < 1:
            raise ValueError("tx_bytes: 136 to 16384, window: at least 1")
        self._limit = tx_bytes
        self.buffer = bytearray(tx_bytes + _PAD_BYTES)
        self._view = memoryview(self.buffer)
        self._start = 0  # first byte that the kernel has not taken
        self.end = 0  # behind the last byte; 0 = nothing waits
        self._offered = 0  # where the refused write ended
        self._window = window
        self._ids = [0] * window  # 0 = acknowledged
        self._topics = [None] * window
        self._payloads = [None] * window
        self._heads = [0] * window
        self._first = 0  # oldest slot in use
        self._span = 0  # slots from the oldest to the newest
        self._sent = 0  # how many of them went out on this connection
        self.in_flight = 0
        self.asked = []  # ids of SUBSCRIBE and UNSUBSCRIBE without an answer
        self._last_id = 0

    def reset(self):
        """The connection is over: forget bytes and questions, keep unacknowledged messages."""
        self._start = self.end = self._offered = 0
        self._sent = self._span
        self.asked.clear()

    def resend(self):
        """A new session: let flush() send what the last one left unacknowledged."""
        self._sent = 0

    def flush(self, stream):
        """Offer the waiting bytes to the kernel -> True when it took them all."""
        while True:
            if self._sent < self._span:
                self._put_again()
            if not self.end:
                return True
            # TLS wants a refused write repeated with the same length, so no more than that.
            end = self._offered or self.end
            if self._start:
                taken = stream.write(self._view[self._start : end])
            else:
                taken = stream.write(self.buffer, end)
            if taken is None:
                self._offered = end
                return False
            self._offered = 0
            self._start += taken
            if self._start == self.end:
                self._start = self.end = 0

    def offered(self, end, taken):
        """`end` bytes at the empty buffer's start were offered, the kernel took `taken`."""
        self.end = end
        self._start = taken or 0
        self._offered = end if taken is None else 0

    def has_room(self, size_bytes):
        return self.end + size_bytes <= self._limit

    def check_size(self, size_bytes):
        """ValueError for what can never be sent."""
        if size_bytes > self._limit:
            raise ValueError("packet larger than tx_bytes")

    def put(self, packet):
        """Append a whole packet -> False when there is no room."""
        if not self.has_room(len(packet)):
            return False
        end = self.end
        self.end = end + len(packet)
        self.buffer[end : self.end] = packet
        return True

    def put_puback(self, packet_id):
        """There is room: has_room(4) was asked, and what came since may use the pad."""
        pack_into(">BBH", self.buffer, self.end, PUBACK, 2, packet_id)
        self.end += 4

    def put_pingreq(self):
        """The pad has room for it: a full buffer is no excuse for not asking."""
        pack_into(">H", self.buffer, self.end, PINGREQ << 8)
        self.end += 2

    def put_publish(self, head, topic, payload, packet_id):
        """Append a PUBLISH; packet_id 0 = QoS 0 -> False when there is no room."""
        topic_bytes = len(topic)
        size = topic_bytes + len(payload) + (4 if packet_id else 2)
        if size > _SHORT_BYTES:
            return self._put_long(head, size, topic, payload, packet_id)
        buffer = self.buffer
        position = self.end
        end = position + 2 + size
        if end > self._limit:
            return False
        pack_into(_SHORT_HEAD, buffer, position, head, size, topic_bytes, topic)
        position += 4 + topic_bytes
        if packet_id:
            pack_into(">H", buffer, position, packet_id)
            position += 2
        pack_into(_SHORT_STRING, buffer, position, payload)
        self.end = end
        return True

    def _put_long(self, head, size, topic, payload, packet_id):
        buffer = self.buffer
        position = self.end
        end = position + 3 + size
        if end > self._limit:
            return False
        pack_into(">BBBH", buffer, position, head, size & 127 | 128, size >> 7, len(topic))
        position += 5
        buffer[position : position + len(topic)] = topic
        if packet_id:
            pack_into(">H", buffer, position + len(topic), packet_id)
        buffer[end - len(payload) : end] = payload
        self.end = end
        return True

    def put_message(self, head, topic, payload):
        """Append a QoS 1 PUBLISH and keep it until its PUBACK -> its id, None = not now."""
        slot = self._span
        if slot == self._window or self._sent < slot:
            return None
        packet_id = self.new_id()
        if not self.put_publish(head | _QOS_1, topic, payload, packet_id):
            return None
        self._span = self._sent = slot + 1
        self.in_flight += 1
        slot = (self._first + slot) % self._window
        self._ids[slot] = packet_id
        self._topics[slot] = topic
        self._payloads[slot] = payload
        self._heads[slot] = head | _QOS_1 | _DUP
        return packet_id

    def _put_again(self):
        """Append messages that are due again as long as there is room."""
        while self._sent < self._span:
            slot = (self._first + self._sent) % self._window
            packet_id = self._ids[slot]
            if packet_id and not self.put_publish(
                self._heads[slot], self._topics[slot], self._payloads[slot], packet_id
            ):
                return
            self._sent += 1

    def acknowledge(self, packet_id):
        """Forget the message with this id -> False when there is none."""
        slot = self._first
        if self._ids[slot] != packet_id:
            if packet_id not in self._ids:
                return False
            slot = self._ids.index(packet_id)
        self._ids[slot] = 0
        self._topics[slot] = self._payloads[slot] = None
        self.in_flight -= 1
        while self._span and not self._ids[self._first]:
            self._first = (self._first + 1) % self._window
            self._span -= 1
            if self._sent:
                self._sent -= 1
        return True

    def holds(self, packet_id):
        """Whether the message with this id still waits for its PUBACK."""
        return packet_id in self._ids

    def new_id(self):
        """The next packet id that nothing unanswered has."""
        packet_id = self._last_id
        while True:
            packet_id = packet_id % 0xFFFF + 1
            if packet_id not in self._ids and packet_id not in self.asked:
                self._last_id = packet_id
                return packet_id
