"""MQTT 3.1.1 packets as bytes, for the simulated broker (OASIS MQTT 3.1.1, chapters 2 and 3)."""

CONNECT = 1
CONNACK = 2
PUBLISH = 3
PUBACK = 4
SUBSCRIBE = 8
SUBACK = 9
UNSUBSCRIBE = 10
UNSUBACK = 11
PINGREQ = 12
PINGRESP = 13
DISCONNECT = 14

# Bits of the first byte that a client must send with each packet (table 2.2).
_FLAGS = {CONNECT: 0, PUBACK: 0, SUBSCRIBE: 2, UNSUBSCRIBE: 2, PINGREQ: 0, DISCONNECT: 0}


class WireError(Exception):
    """The client broke the protocol."""


def packet(first_byte, body):
    size = len(body)
    header = bytearray([first_byte])
    while True:
        digit = size & 0x7F
        size >>= 7
        header.append(digit | 0x80 if size else digit)
        if not size:
            return bytes(header) + body


def field(data):
    """A length-prefixed string or binary field."""
    return len(data).to_bytes(2, "big") + data


def publish(topic, payload, retain, qos, dup, packet_id):
    body = field(topic)
    if qos:
        body += packet_id.to_bytes(2, "big")
    first_byte = PUBLISH << 4 | (8 if dup else 0) | qos << 1 | (1 if retain else 0)
    return packet(first_byte, body + payload)


def take_packet(buffer):
    """(first byte, body, bytes used) of the packet at the start of buffer; None if incomplete."""
    if len(buffer) < 2:
        return None
    size = 0
    at = 1
    while True:
        if at >= len(buffer):
            return None
        if at > 4:
            raise WireError("remaining length of more than four bytes")
        size |= (buffer[at] & 0x7F) << (7 * (at - 1))
        at += 1
        if not buffer[at - 1] & 0x80:
            break
    if len(buffer) < at + size:
        return None
    kind = buffer[0] >> 4
    if kind != PUBLISH and buffer[0] & 15 != _FLAGS.get(kind, -1):
        raise WireError("unexpected packet type or flags 0x%02x" % buffer[0])
    return buffer[0], bytes(buffer[at : at + size]), at + size


class Reader:
    """Takes fields from the front of a packet's body."""

    def __init__(self, body):
        self._body = body
        self._at = 0

    def bytes(self, n):
        if self._at + n > len(self._body):
            raise WireError("packet too short")
        self._at += n
        return self._body[self._at - n : self._at]

    def byte(self):
        return self.bytes(1)[0]

    def u16(self):
        return int.from_bytes(self.bytes(2), "big")

    def field(self):
        return self.bytes(self.u16())

    def more(self):
        return self._at < len(self._body)

    def rest(self):
        return self.bytes(len(self._body) - self._at)


def matches(topic_filter, topic):
    """Does a filter with + and # select a topic? (4.7)"""
    levels = topic.split("/")
    wanted = topic_filter.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for i, want in enumerate(wanted):
        if want == "#":
            return True
        if i >= len(levels) or (want not in ("+", levels[i])):
            return False
    return len(levels) == len(wanted)
