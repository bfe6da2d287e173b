"""What is to be sent: bytes that the kernel has not taken, messages without their PUBACK."""

from struct import pack_into

from micropython import const

# Strings are copied by struct's "128s", which unlike a slice allocates nothing. It fills up with
# zeros, hence the pad behind the buffer; later bytes overwrite them. When the buffer is full the
# pad takes a PUBACK and a PINGREQ.
_COPIED_BYTES = const(128)
_PAD_BYTES = const(136)
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
        self.start = 0  # first byte that the kernel has not taken
        self.end = 0  # behind the last byte; 0 = nothing waits
        self.offered = 0  # where the refused write ended
        self._window = window
        self.ids = [0] * window  # 0 = acknowledged
        self._topics = [None] * window
        self._payloads = [None] * window
        self._heads = [0] * window
        self._first = 0  # oldest slot in use
        self._span = 0  # slots from the oldest to the newest
        self.sent = 0  # how many of them went out on this connection
        self.in_flight = 0
        self.asked = []  # ids of SUBSCRIBE and UNSUBSCRIBE without an answer
        self._last_id = 0

    def reset(self):
        """The connection is over: forget bytes and questions, keep unacknowledged messages."""
        self.start = self.end = self.offered = 0
        self.sent = self._span
        self.asked.clear()

    def flush(self, stream):
        """Offer the waiting bytes to the kernel -> True when it took them all."""
        while True:
            if self.sent < self._span:
                self._put_again()
            if not self.end:
                return True
            # TLS wants a refused write repeated with the same length, so no more than that.
            end = self.offered or self.end
            if self.start:
                taken = stream.write(self._view[self.start : end])
            else:
                taken = stream.write(self.buffer, end)
            if taken is None:
                self.offered = end
                return False
            self.offered = 0
            self.start += taken
            if self.start == self.end:
                self.start = self.end = 0

    def has_room(self, size_bytes):
        return self.end + size_bytes <= self._limit

    def check_size(self, size_bytes):
        """ValueError for what can never be sent."""
        if size_bytes > self._limit:
            raise ValueError("packet larger than tx_bytes")

    def put(self, packet, pad_bytes=0):
        """Append a whole packet -> False when there is no room, even with some of the pad."""
        end = self.end
        if end + len(packet) > self._limit + pad_bytes:
            return False
        self.end = end + len(packet)
        self.buffer[end : self.end] = packet
        return True

    def put_puback(self, packet_id):
        """There is room: has_room(4) was asked, and what came since may use the pad."""
        pack_into(">BBH", self.buffer, self.end, 0x40, 2, packet_id)
        self.end += 4

    def put_publish(self, head, topic, payload, packet_id):
        """Append a PUBLISH; packet_id 0 = QoS 0 -> False when there is no room."""
        topic_bytes = len(topic)
        size = topic_bytes + len(payload) + (4 if packet_id else 2)
        buffer = self.buffer
        position = self.end
        end = position + size + (2 if size < 128 else 3)
        if end > self._limit:
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
        self.end = end
        return True

    def put_message(self, head, topic, payload):
        """Append a PUBLISH, with QoS 1 keep it until its PUBACK -> id or 0; None = not now."""
        if not head & _QOS_1:
            return 0 if self.put_publish(head, topic, payload, 0) else None
        slot = self._span
        if slot == self._window or self.sent < slot:
            return None
        packet_id = self.new_id()
        if not self.put_publish(head, topic, payload, packet_id):
            return None
        self._span = self.sent = slot + 1
        self.in_flight += 1
        slot = (self._first + slot) % self._window
        self.ids[slot] = packet_id
        self._topics[slot] = topic
        self._payloads[slot] = payload
        self._heads[slot] = head | _DUP
        return packet_id

    def _put_again(self):
        """Append messages that are due again as long as there is room."""
        while self.sent < self._span:
            slot = (self._first + self.sent) % self._window
            packet_id = self.ids[slot]
            if packet_id and not self.put_publish(
                self._heads[slot], self._topics[slot], self._payloads[slot], packet_id
            ):
                return
            self.sent += 1

    def acknowledge(self, packet_id):
        """Forget the message with this id -> False when there is none."""
        ids = self.ids
        slot = self._first
        if ids[slot] != packet_id:
            if packet_id not in ids:
                return False
            slot = ids.index(packet_id)
        ids[slot] = 0
        self._topics[slot] = self._payloads[slot] = None
        self.in_flight -= 1
        if slot == self._first:  # free it, and those behind it that were acknowledged before it
            span = self._span
            while span and not ids[slot]:
                slot = (slot + 1) % self._window
                span -= 1
            self.sent = max(0, self.sent + span - self._span)
            self._span = span
            self._first = slot
        return True

    def new_id(self):
        """The next packet id that nothing unanswered has."""
        packet_id = self._last_id % 0xFFFF + 1
        while packet_id in self.ids or packet_id in self.asked:
            packet_id = packet_id % 0xFFFF + 1
        self._last_id = packet_id
        return packet_id
