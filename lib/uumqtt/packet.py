"""MQTT 3.1.1 on the byte level: what the client's parts and the blocking client share.

Sections named in comments are those of the OASIS standard mqtt-v3.1.1-os.
"""

from struct import pack

from micropython import const

# First byte of a packet: type and flags, sections 2.2.1 and 2.2.2.
CONNECT = const(0x10)
CONNACK = const(0x20)
PUBLISH = const(0x30)
PUBACK = const(0x40)
SUBSCRIBE = const(0x82)
SUBACK = const(0x90)
UNSUBSCRIBE = const(0xA2)
UNSUBACK = const(0xB0)
PINGREQ = const(0xC0)
PINGRESP = const(0xD0)
DISCONNECT = const(0xE0)

# What a broker may send besides PUBLISH, and how long it must be. SUBACK answers one filter.
REPLY_SIZES = {CONNACK: 2, PUBACK: 2, SUBACK: 3, UNSUBACK: 2, PINGRESP: 0}

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
    """The link, or what came over it, is bad; `reason` says how."""

    @property
    def reason(self):
        return self.args[0]


def refusal(code):
    """Text for the return code of a CONNACK."""
    if 1 <= code <= len(_REFUSALS):
        return _REFUSALS[code - 1]
    return "CONNACK code %d" % code


def encoded(text):
    """str or bytes-like -> bytes."""
    if isinstance(text, bytes):
        return text
    return text.encode() if isinstance(text, str) else bytes(text)


def framed(head, body):
    """Fixed header and body as one packet (section 2.2)."""
    size = len(body)
    header = bytearray((head,))
    while size > 127:
        header.append(size & 127 | 128)
        size >>= 7
    header.append(size)
    return header + body


def string(text):
    """A text or binary field with its length in front (section 1.5.3)."""
    text = encoded(text)
    return pack(">H", len(text)) + text


def id_and(packet_id, text):
    """How the bodies of SUBSCRIBE and UNSUBSCRIBE begin."""
    return pack(">H", packet_id) + string(text)


def connect_packet(client_id, keepalive_s, clean, user, password, will):
    """Section 3.1; `will` is None or topic, payload, retain, qos."""
    flags = 2 if clean else 0
    body = string(client_id)
    if will:
        topic, payload, retain, qos = will
        flags |= 4 | qos << 3 | (32 if retain else 0)
        body += string(topic) + string(payload)
    if user is not None:
        flags |= 128
        body += string(user)
        if password is not None:
            flags |= 64
            body += string(password)
    return framed(CONNECT, pack(">H4sBBH", 4, b"MQTT", 4, flags, keepalive_s) + body)


def topic_problem(text, start, end):
    """Why text[start:end] is no topic name (sections 1.5.3, 4.7.1, 4.7.3), or None."""
    if not 0 < end - start <= 0xFFFF:
        return "topic is empty or too long"
    while start < end:
        byte = text[start]
        start += 1
        if byte in (0x23, 0x2B):
            return "wildcard in topic"
        if not byte:
            return "NUL in topic"
        if byte > 0x7F:
            start = _sequence_end(text, start, end)
            if not start:
                return "topic is not UTF-8"
    return None


def check_topic(topic):
    """ValueError when the bytes `topic` are no topic name."""
    problem = topic_problem(topic, 0, len(topic))
    if problem:
        raise ValueError(problem)


def filter_problem(text):
    """Why the bytes `text` are no topic filter (section 4.7.1), or None."""
    levels = text.split(b"/")
    last = len(levels) - 1
    for number, level in enumerate(levels):
        if level == b"+" or (level == b"#" and number == last):
            continue
        if level:
            problem = topic_problem(level, 0, len(level))
            if problem:
                return problem
    return None if 0 < len(text) <= 0xFFFF else "filter is empty or too long"


def _sequence_end(text, position, end):
    """Position behind the UTF-8 sequence whose first byte is at position - 1, or 0 (RFC 3629)."""
    lead = text[position - 1]
    if not 0xC2 <= lead <= 0xF4:
        return 0
    stop = position + (1 if lead < 0xE0 else 2 if lead < 0xF0 else 3)
    if stop > end:
        return 0
    second = text[position]
    # Overlong forms, surrogates, beyond U+10FFFF.
    if (
        (lead == 0xE0 and second < 0xA0)
        or (lead == 0xED and second > 0x9F)
        or (lead == 0xF0 and second < 0x90)
        or (lead == 0xF4 and second > 0x8F)
    ):
        return 0
    while position < stop:
        if text[position] & 0xC0 != 0x80:
            return 0
        position += 1
    return stop
