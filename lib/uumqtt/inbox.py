"""What comes in: bulk reads into one buffer, packets parsed in place, checked strictly."""

from struct import pack_into
from time import ticks_ms

from micropython import const

from uumqtt.connection import Connection, MQTTError, check_topic

_PUBLISH = const(0x30)
_CONNACK = const(0x20)
_PUBACK = const(0x40)
_PINGRESP = const(0xD0)
_SUBACK = const(0x90)
# What a broker may send besides PUBLISH, and how long it must be: CONNACK, PUBACK, SUBACK (which
# answers one filter), UNSUBACK, PINGRESP.
_REPLY_SIZES = {0x20: 2, 0x40: 2, 0x90: 3, 0xB0: 2, 0xD0: 0}
_LONGEST_REPLY_BYTES = const(5)
_NONE = const(-1)
_PUBACK_BYTES = const(4)
_MAX_HEAD_BYTES = const(5)


class Inbox(Connection):
    """Finds packets in what comes, and does what they say."""

    on_message = None  # (topic, payload, retain, dup, packet_id); bytes, bytes, int, int, int
    on_delivered = None  # (packet_id): the broker has it
    on_subscribed = None  # (packet_id, granted): QoS, or 0x80 = refused
    on_connected = None  # (session_present)
    on_skipped = None  # (size_bytes): a packet above packet_limit was dropped

    skipped = 0  # how many of them
    stray_acks = 0  # PUBACKs for ids that were not in flight
    _topic = b"$"  # the last topic, already checked
    _prefix = b"\0\1$"  # the same with its length, as it is on the wire

    def __init__(self, rx_bytes, packet_limit):
        if rx_bytes < 64 or packet_limit < 16:
            raise ValueError("rx_bytes: at least 64, packet_limit: at least 16")
        # A byte more: _reply() looks at a third byte, which not every reply has.
        self._rx = bytearray(rx_bytes + 1)
        self._rx_view = memoryview(self._rx)
        self._space = self._rx_view[:rx_bytes]
        self._capacity = rx_bytes
        self._packet_limit = min(packet_limit, rx_bytes - _MAX_HEAD_BYTES)

    def _reset_rx(self):
        """A new connection begins with an empty buffer.

        Empty at its far end: _parse(), whose callback may have closed the connection, stops there.
        """
        self._position = self._filled = self._capacity  # next packet, behind the last byte
        self._limit = _NONE  # until CONNACK has come no PUBLISH takes the short way
        self._stalled = False  # a packet waits until its PUBACK has room
        # While a packet is skipped: bytes up to its id, or to its end; bytes behind the id.
        self._skip = self._skip_rest = _NONE
        self._skip_id = self._skip_size = 0

    def _receive(self):
        """Read once, hand on what is complete -> whether there may be more to read."""
        if self._stalled:
            self._parse()
            return False
        if self._position == self._filled:
            self._position = self._filled = 0
        elif self._position:
            self._compact()
        end = self._filled
        count = self.stream.readinto(self._space[end:] if end else self._space)
        if not count:
            if count is None:
                self._parse()  # what a callback that raised has left
                return False
            raise MQTTError("closed by the broker")
        self._filled = end + count
        if end or count > _LONGEST_REPLY_BYTES or not self._is_reply(count):
            self._parse()
        return self._filled == self._capacity and not self._stalled

    def _is_reply(self, count):
        """Take the short way for a reply that comes alone, as most do."""
        buffer = self._rx
        if count < 2 or buffer[1] != count - 2 or buffer[0] & 0xF0 == _PUBLISH:
            return False
        return self._skip == _NONE and self._other(buffer[0], 2, count - 2)

    def _compact(self):
        """Move the incomplete packet to the front; pieces do not overlap (it may be memcpy)."""
        view = self._rx_view
        step = self._position
        length = self._filled - step
        position = 0
        while position < length:
            stop = min(position + step, length)
            view[position:stop] = view[position + step : stop + step]
            position = stop
        self._position = 0
        self._filled = length

    def _parse(self):
        """Hand on every complete packet. Long because this is the hot path: one frame, locals."""
        self._stalled = False
        if self._skip != _NONE and not self._go_on_skipping():
            return
        on_message, immutable = self.on_message, bytes
        buffer, view = self._rx, self._rx_view
        topic, prefix, prefix_bytes = self._topic, self._prefix, len(self._prefix)
        end, limit, position = self._filled, self._limit, self._position
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
                on_message, limit, position = self.on_message, self._limit, self._position
                continue
            after = start + prefix_bytes
            if after > stop or not buffer.startswith(prefix, start):
                after = self._new_topic(start, stop)
                topic, prefix, prefix_bytes = self._topic, self._prefix, len(self._prefix)
            if head & 2:
                if not self._hand_on(head, after, stop):
                    break
            else:
                self._position = stop  # now, since the callback may raise
                if on_message:
                    on_message(topic, immutable(view[after:stop]), head & 1, 0, 0)
            position = self._position

    def _hand_on(self, head, start, stop):
        """A PUBLISH with QoS 1, its id at `start` -> False when its PUBACK has no room yet."""
        packet_id = self._packet_id(start, stop)
        if packet_id:
            self._position = stop
            if self.on_message:
                payload = bytes(self._rx_view[start + 2 : stop])
                self.on_message(self._topic, payload, head & 1, head & 8, packet_id)
            self._acknowledge(packet_id)
        return packet_id

    def _acknowledge(self, packet_id):
        """PUBACK, unless the message's own callback has closed the connection.

        There is room: _packet_id() has looked, and what came since may use the pad.
        """
        if self.connected:
            pack_into(">BBH", self._tx, self._end, _PUBACK, 2, packet_id)
            self._end += _PUBACK_BYTES

    def _long_size(self, start):
        """Remaining length of more than one byte, its second byte at `start` (section 2.2.3).

        -> first byte of the body, length. When bytes are missing the body begins beyond the end.
        """
        buffer = self._rx
        size = buffer[start - 1] & 127
        for shift in (7, 14, 21):
            if start == self._filled:
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
        packet_id = self._rx[start] << 8 | self._rx[start + 1]
        if not packet_id:
            raise MQTTError("packet id 0")
        self._stalled = self._end + _PUBACK_BYTES > self._tx_limit
        return 0 if self._stalled else packet_id

    def _new_topic(self, start, stop):
        """Check and remember the topic, its length at `start` -> first byte behind it."""
        after = start + 2
        if after <= stop:
            after += self._rx[start] << 8 | self._rx[start + 1]
        if after > stop or stop - start < 3:
            raise MQTTError("PUBLISH too short")
        topic = bytes(self._rx_view[start + 2 : after])
        check_topic(topic, MQTTError)
        self._topic = topic
        self._prefix = bytes(self._rx_view[start:after])
        return after

    def _other(self, head, start, size):
        """All but a complete PUBLISH of usual size -> False when its rest has to come first."""
        if not self.connected and head != _CONNACK:
            raise MQTTError("packet 0x%02x before CONNACK" % head)
        if head & 0xF0 != _PUBLISH:
            if _REPLY_SIZES.get(head) != size:
                raise MQTTError("bad packet 0x%02x with length %d" % (head, size))
            if start + size > self._filled:
                return False
            self._position = start + size
            self._reply(head, start)
            return True
        if head & 4:
            raise MQTTError("QoS 3" if head & 2 else "QoS 2, never asked for")
        if head & 10 == 8:
            raise MQTTError("DUP with QoS 0")
        if size <= self._limit or self._filled < start + 2:
            return False
        # A PUBLISH that is too large: drop it.
        self._skip_size = size
        self._skip = start + size - self._position
        if head & 2:
            after = 4 + (self._rx[start] << 8 | self._rx[start + 1])
            if after > size:
                raise MQTTError("PUBLISH too short")
            self._skip_rest = size - after
            self._skip -= self._skip_rest + 2
        return self._go_on_skipping()

    def _go_on_skipping(self):
        """Drop what is in the buffer -> whether that was all of the packet."""
        while True:
            count = min(self._skip, self._filled - self._position)
            self._position += count
            self._skip -= count
            if self._skip:
                return False
            if self._skip_rest == _NONE:
                break
            if self._filled - self._position < 2:
                return False
            self._skip_id = self._packet_id(self._position, self._filled)
            if self._stalled:
                return False
            self._position += 2
            self._skip = self._skip_rest
            self._skip_rest = _NONE
        packet_id = self._skip_id
        self._skip = _NONE
        self._skip_id = 0
        self.skipped += 1
        if self.on_skipped:
            self.on_skipped(self._skip_size)
        if packet_id:
            self._acknowledge(packet_id)
        return True

    def _reply(self, head, start):
        """A packet from the broker that is no PUBLISH, its length already checked."""
        packet_id = self._rx[start] << 8 | self._rx[start + 1]
        if head == _CONNACK:
            self._connack(packet_id >> 8, packet_id & 255)
        elif head == _PINGRESP:
            self._ping_later()
        elif not packet_id:
            raise MQTTError("packet id 0")
        elif head == _PUBACK:
            self._puback(packet_id)
        else:
            self._suback(head, packet_id, self._rx[start + 2])

    def _puback(self, packet_id):
        in_flight = self.in_flight
        if packet_id not in in_flight:
            self.stray_acks += 1
            return
        slot = in_flight.index(packet_id)
        in_flight.pop(slot)
        self._heads.pop(slot)
        self._topics.pop(slot)
        self._payloads.pop(slot)
        if slot < self._sent:
            self._sent -= 1
        if in_flight:
            self._puback_since = ticks_ms()
        if self.on_delivered:
            self.on_delivered(packet_id)

    def _suback(self, head, packet_id, granted):
        if packet_id not in self._asked:
            raise MQTTError("answer to no question")
        self._asked.remove(packet_id)
        self._suback_since = ticks_ms()
        if head == _SUBACK:
            if granted not in (0, 1, 0x80):
                raise MQTTError("bad SUBACK code 0x%02x" % granted)
            if self.on_subscribed:
                self.on_subscribed(packet_id, granted)
