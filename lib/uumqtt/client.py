"""A non-blocking MQTT 3.1.1 client: QoS 0 and 1, one socket, fixed memory.

Its owner polls `stream` for `events()`, calls `ready()` when poll says so and `tick()` when the
time that it returned is over. Everything raised as OSError (MQTTError is one) means: this
connection is finished, call close(), and open() again when you like.
"""

from struct import pack
from time import ticks_ms

from micropython import const

from uumqtt import packet
from uumqtt.connection import Connection
from uumqtt.packet import MQTTError, check_topic

_PUBLISH_HEAD_BYTES = const(9)  # at most: fixed header, length of the topic, packet id
_CONNACK = const(0x20)
_PUBACK = const(0x40)
_PINGRESP = const(0xD0)
_SUBSCRIBE = const(0x82)
_SUBACK = const(0x90)
_UNSUBSCRIBE = const(0xA2)
_QOS_1 = const(2)
_BAD_QOS = const("QoS is 0 or 1")
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


def _ignore(_topic, _payload, _retain, _dup, _packet_id):
    pass


def _too_early(_topic, _payload, _retain, _dup, _packet_id):
    raise MQTTError("PUBLISH before CONNACK")


class Client(Connection):
    """One connection at a time to one broker; unacknowledged messages outlive it."""

    on_message = None  # (topic, payload, retain, dup, packet_id); bytes, bytes, int, int, int
    on_delivered = None  # (packet_id): the broker has it
    on_subscribed = None  # (packet_id, granted): QoS, or 0x80 = refused
    on_connected = None  # (session_present)
    on_skipped = None  # (size_bytes): a packet above packet_limit was dropped

    skipped = 0  # how many of them
    stray_acks = 0  # PUBACKs for ids that were not in flight
    _good_topic = None  # the last one published, already checked

    @property
    def in_flight(self):
        """Number of QoS 1 messages without PUBACK, over all connections."""
        return self._outbox.in_flight

    def publish(self, topic, payload, retain=False, qos=0):
        """-> packet id (QoS 1), 0 (QoS 0), None = not now: try again after ready().

        Raises ValueError for a bad topic, QoS or size; what is wrong with the link is raised by
        the next ready() or tick().
        """
        if topic is not self._good_topic:
            topic = packet.encoded(topic)
            check_topic(topic, 0, len(topic), ValueError)
            self._good_topic = topic
        if not isinstance(payload, bytes):
            payload = packet.encoded(payload)
        head = 0x31 if retain else 0x30
        if qos:
            if qos != 1:
                raise ValueError(_BAD_QOS)
            head |= _QOS_1
        return self._publish(head, topic, payload)

    def _publish(self, head, topic, payload):
        if not self.connected:
            return None
        outbox = self._outbox
        waiting = outbox.end
        taken = outbox.put_message(head, topic, payload)
        if taken is None:
            outbox.check_size(_PUBLISH_HEAD_BYTES + len(topic) + len(payload))
            self._flush()
            waiting = 0
            taken = outbox.put_message(head, topic, payload)
        if taken and outbox.in_flight == 1:
            self._puback_since = ticks_ms()
        # Behind waiting bytes it goes when they go; from a callback when ready() ends.
        if self._writable and not waiting:
            self._flush()
        return taken

    def hold(self):
        """Gather what is published from here on, to send it together at release()."""
        self._held = True
        self._writable = None

    def release(self):
        """End of hold()."""
        self._held = False
        if self.connected:
            self._writable = self.stream
            self._flush()

    def subscribe(self, topic_filter, qos=1):
        """-> packet id, which on_subscribed will get, or None = not now."""
        if qos not in (0, 1):
            raise ValueError(_BAD_QOS)
        return self._ask(_SUBSCRIBE, topic_filter, bytes((qos,)))

    def unsubscribe(self, topic_filter):
        """-> packet id, or None = not now."""
        return self._ask(_UNSUBSCRIBE, topic_filter, b"")

    def _ask(self, head, topic_filter, options):
        topic_filter = packet.encoded(topic_filter)
        packet.check_filter(topic_filter)
        outbox = self._outbox
        packet_id = outbox.new_id()
        request = packet.framed(
            head, pack(">H", packet_id) + packet.string(topic_filter) + options
        )
        outbox.check_size(len(request))
        if not outbox.has_room(len(request)):
            self._flush()
        if not self.connected or not outbox.put(request):
            return None
        if not outbox.asked:
            self._suback_since = ticks_ms()
        outbox.asked.append(packet_id)
        if self._writable:
            self._flush()
        return packet_id

    # -- for the inbox

    def receiver(self):
        """Who gets the next PUBLISH."""
        if not self.connected:
            return _too_early
        return self.on_message or _ignore

    def dropped(self, size_bytes):
        if not self.connected:
            raise MQTTError("PUBLISH before CONNACK")
        self.skipped += 1
        if self.on_skipped:
            self.on_skipped(size_bytes)

    def reply(self, head, buffer, start):
        """A packet from the broker that is no PUBLISH, its length already checked."""
        if not self.connected and head != _CONNACK:
            raise MQTTError("packet 0x%02x before CONNACK" % head)
        if head == _PUBACK and (buffer[start] or buffer[start + 1]):
            self._puback(buffer[start] << 8 | buffer[start + 1])
        elif head == _CONNACK:
            self._connack(buffer[start], buffer[start + 1])
        elif head == _PINGRESP:
            self._ping_later()
        elif not (buffer[start] or buffer[start + 1]):
            raise MQTTError("packet id 0")
        else:
            self._suback(head, buffer[start] << 8 | buffer[start + 1], buffer[start + 2])

    def _puback(self, packet_id):
        outbox = self._outbox
        if not outbox.acknowledge(packet_id):
            self.stray_acks += 1
            return
        if outbox.in_flight:
            self._puback_since = ticks_ms()
        if self.on_delivered:
            self.on_delivered(packet_id)

    def _connack(self, flags, code):
        if self.connected:
            raise MQTTError("second CONNACK")
        if flags > 1 or (code and flags):
            raise MQTTError("bad CONNACK flags")
        if code:
            raise MQTTError(_REFUSALS[code - 1] if code <= 5 else "CONNACK code %d" % code)
        self.connected = True
        self._outbox.sent = 0  # what the last connection left unacknowledged goes out again
        self._puback_since = ticks_ms()
        self._ping_later()
        if self.on_connected:
            self.on_connected(bool(flags))

    def _suback(self, head, packet_id, granted):
        asked = self._outbox.asked
        if packet_id not in asked:
            raise MQTTError("answer to no question")
        asked.remove(packet_id)
        self._suback_since = ticks_ms()
        if head == _SUBACK:
            if granted not in (0, 1, 0x80):
                raise MQTTError("bad SUBACK code 0x%02x" % granted)
            if self.on_subscribed:
                self.on_subscribed(packet_id, granted)
