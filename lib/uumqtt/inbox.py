"""What comes in: bulk reads into one buffer, packets parsed in place, checked strictly."""

from micropython import const

from uumqtt.packet import MQTTError, check_topic

_PUBLISH = const(0x30)
# What a broker may send besides PUBLISH, and how long it must be: CONNACK, PUBACK, SUBACK (which
# answers one filter), UNSUBACK, PINGRESP.
_REPLY_SIZES = {0x20: 2, 0x40: 2, 0x90: 3, 0xB0: 2, 0xD0: 0}
_LONGEST_REPLY_BYTES = const(5)
_NONE = const(-1)
_PUBACK_BYTES = const(4)
_MAX_HEAD_BYTES = const(5)


class Inbox:
    """Finds packets and hands them to the client.

    The client has receiver() -> function of topic, payload, retain, dup, packet_id; reply(head,
    buffer, start) for what is no PUBLISH; dropped(size_bytes); connected. PUBACKs go to outbox.
    """

    def __init__(self, client, outbox, rx_bytes, packet_limit):
        if rx_bytes < 64 or packet_limit < 16:
            raise ValueError("rx_bytes: at least 64, packet_limit: at least 16")
        self._client = client
        self._outbox = outbox
        # A byte more: reply() looks at a third byte, which not every reply has.
        self._buffer = bytearray(rx_bytes + 1)
        self._view = memoryview(self._buffer)
        self._space = self._view[:rx_bytes]
        self._capacity = rx_bytes
        self._limit = min(packet_limit, rx_bytes - _MAX_HEAD_BYTES)
        self._topic = b"$"  # the last topic, already checked
        self._prefix = b"\0\1$"  # the same with its length, as it is on the wire
        self.reset()

    def reset(self):
        """A new connection begins with an empty buffer.

        Empty at its far end: parse(), whose callback may have closed the connection, stops there.
        """
        self._begin = self._end = self._capacity  # first byte of the next packet, behind the last
        self.stalled = False  # a packet waits until its PUBACK has room
        # While a packet is skipped: bytes up to its id, or to its end; bytes behind the id.
        self._skip = self._skip_rest = _NONE
        self._skip_id = self._skip_size = 0

    def receive(self, stream):
        """Read once, hand on what is complete -> whether there may be more to read."""
        if self.stalled:
            self.parse()
            return False
        if self._begin == self._end:
            self._begin = self._end = 0
        elif self._begin:
            self._compact()
        end = self._end
        count = stream.readinto(self._space[end:] if end else self._space)
        if not count:
            if count is None:
                self.parse()  # what a callback that raised has left
                return False
            raise MQTTError("closed by the broker")
        self._end = end + count
        if end or count > _LONGEST_REPLY_BYTES or not self._is_reply(count):
            self.parse()
        return self._end == self._capacity and not self.stalled

    def _is_reply(self, count):
        """Take the short way for a reply that comes alone, as most do."""
        buffer = self._buffer
        if count < 2 or buffer[1] != count - 2 or buffer[0] & 0xF0 == _PUBLISH:
            return False
        return self._skip == _NONE and self._other(buffer[0], 2, count - 2)

    def _compact(self):
        """Move the incomplete packet to the front; pieces do not overlap (it may be memcpy)."""
        view = self._view
        step = self._begin
        length = self._end - step
        position = 0
        while position < length:
            stop = min(position + step, length)
            view[position:stop] = view[position + step : stop + step]
            position = stop
        self._begin = 0
        self._end = length

    def parse(self):
        """Hand on every complete packet. Long because this is the hot path: one frame, locals."""
        self.stalled = False
        if self._skip != _NONE and not self._go_on_skipping():
            return
        client, immutable = self._client, bytes
        on_message = client.receiver()
        buffer, view = self._buffer, self._view
        topic, prefix = self._topic, self._prefix
        prefix_bytes = len(prefix)
        end, limit = self._end, self._limit
        position = self._begin
        while end - position > 1:
            head = buffer[position]
            size = buffer[position + 1]
            start = position + 2
            if size > 127:
                start, size = self._long_size(start)
            stop = start + size
            # Other than 0x30 to 0x33; and then, other than 0x3a and 0x3b.
            if stop > end or size > limit or (head | 3 != 0x33 and head | 1 != 0x3B):
                if not self._other(head, start, size):
                    break
                on_message, position = client.receiver(), self._begin
                continue
            after = start + prefix_bytes
            if after > stop or not buffer.startswith(prefix, start):
                after = self._new_topic(start, stop)
                topic, prefix = self._topic, self._prefix
                prefix_bytes = len(prefix)
            if head & 2:
                if not self._hand_on(on_message, head, after, stop):
                    break
            else:
                self._begin = stop  # now, since the callback may raise
                on_message(topic, immutable(view[after:stop]), head & 1, 0, 0)
            position = self._begin

    def _hand_on(self, on_message, head, position, stop):
        """A PUBLISH with QoS 1, its id at `position` -> False when its PUBACK has no room yet."""
        packet_id = self._packet_id(position, stop)
        if packet_id:
            self._begin = stop
            payload = bytes(self._view[position + 2 : stop])
            on_message(self._topic, payload, head & 1, head & 8, packet_id)
            self._acknowledge(packet_id)
        return packet_id

    def _acknowledge(self, packet_id):
        """PUBACK, unless the message's own callback has closed the connection."""
        if self._client.connected:
            self._outbox.put_puback(packet_id)

    def _long_size(self, start):
        """Remaining length of more than one byte, its second byte at `start` (section 2.2.3).

        -> first byte of the body, length. When bytes are missing the body begins beyond the end.
        """
        buffer = self._buffer
        size = buffer[start - 1] & 127
        for shift in (7, 14, 21):
            if start == self._end:
                return start + 1, 0
            size |= (buffer[start] & 127) << shift
            start += 1
            if buffer[start - 1] < 128:
                return start, size
        raise MQTTError("remaining length of more than 4 bytes")

    def _packet_id(self, start, stop):
        """-> the id at `start`, 0 = its PUBACK has no room yet."""
        if start + 2 > stop:
            raise MQTTError("PUBLISH too short")
        packet_id = self._buffer[start] << 8 | self._buffer[start + 1]
        if not packet_id:
            raise MQTTError("packet id 0")
        self.stalled = not self._outbox.has_room(_PUBACK_BYTES)
        return 0 if self.stalled else packet_id

    def _new_topic(self, start, stop):
        """Check and remember the topic, its length at `start` -> first byte behind it."""
        after = start + 2
        if after <= stop:
            after += self._buffer[start] << 8 | self._buffer[start + 1]
        if after > stop or stop - start < 3:
            raise MQTTError("PUBLISH too short")
        check_topic(self._buffer, start + 2, after, MQTTError)
        self._prefix = bytes(self._view[start:after])
        self._topic = self._prefix[2:]
        return after

    def _other(self, head, start, size):
        """All but a complete PUBLISH of usual size -> False when its rest has to come first."""
        if head & 0xF0 != _PUBLISH:
            if _REPLY_SIZES.get(head) != size:
                raise MQTTError("bad packet 0x%02x with length %d" % (head, size))
            if start + size > self._end:
                return False
            self._begin = start + size
            self._client.reply(head, self._buffer, start)
            return True
        if head & 4:
            raise MQTTError("QoS 3" if head & 2 else "QoS 2, never asked for")
        if head & 10 == 8:
            raise MQTTError("DUP with QoS 0")
        return size > self._limit and self._start_skipping(head, start, size)

    def _start_skipping(self, head, start, size):
        """Drop a PUBLISH that is too large -> whether all of it is dropped."""
        if self._end < start + 2:
            return False
        self._skip_size = size
        self._skip = start + size - self._begin
        if head & 2:
            after = 4 + (self._buffer[start] << 8 | self._buffer[start + 1])
            if after > size:
                raise MQTTError("PUBLISH too short")
            self._skip_rest = size - after
            self._skip -= self._skip_rest + 2
        return self._go_on_skipping()

    def _go_on_skipping(self):
        """Drop what is in the buffer -> whether that was all of the packet."""
        while True:
            count = min(self._skip, self._end - self._begin)
            self._begin += count
            self._skip -= count
            if self._skip:
                return False
            if self._skip_rest == _NONE:
                break
            if self._end - self._begin < 2:
                return False
            self._skip_id = self._packet_id(self._begin, self._end)
            if self.stalled:
                return False
            self._begin += 2
            self._skip = self._skip_rest
            self._skip_rest = _NONE
        packet_id = self._skip_id
        self._skip = _NONE
        self._skip_id = 0
        self._client.dropped(self._skip_size)
        if packet_id:
            self._acknowledge(packet_id)
        return True
