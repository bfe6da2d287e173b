"""MQTT 3.1.1 on the byte level: what the client's parts and the blocking client share.

Sections named in comments are those of the OASIS standard mqtt-v3.1.1-os.
"""

from struct import pack


class MQTTError(OSError):
    """The link, or what came over it, is bad; `reason` says how."""

    @property
    def reason(self):
        return self.args[0]


def encoded(text):
    """str or bytes-like -> bytes."""
    if isinstance(text, bytes):
        return text
    return text.encode() if isinstance(text, str) else bytes(text)


def string(text):
    """A text or binary field with its length in front (section 1.5.3)."""
    text = encoded(text)
    return pack(">H", len(text)) + text


def framed(head, body):
    """Fixed header and body as one packet (section 2.2)."""
    size = len(body)
    header = bytearray((head,))
    while size > 127:
        header.append(size & 127 | 128)
        size >>= 7
    header.append(size)
    return header + body


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
    return framed(0x10, pack(">H4sBBH", 4, b"MQTT", 4, flags, keepalive_s) + body)


def check_topic(text, start, end, error):
    """Raise `error` if text[start:end] is no topic name (sections 1.5.3, 4.7.1, 4.7.3)."""
    if not 0 < end - start <= 0xFFFF:
        raise error("topic is empty or too long")
    while start < end:
        byte = text[start]
        start += 1
        if byte in (0x23, 0x2B):
            raise error("wildcard in topic")
        if not byte:
            raise error("NUL in topic")
        if byte > 0x7F:
            start = _sequence_end(text, start, end)
            if not start:
                raise error("topic is not UTF-8")


def check_filter(text):
    """Raise ValueError if the bytes `text` are no topic filter (section 4.7.1)."""
    if not 0 < len(text) <= 0xFFFF:
        raise ValueError("filter is empty or too long")
    levels = text.split(b"/")
    if levels[-1] == b"#":
        levels.pop()
    for level in levels:
        if level and level != b"+":
            check_topic(level, 0, len(level), ValueError)


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
