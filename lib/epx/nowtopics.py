"""Rows of what devices tell each other by radio: a topic and a value, as with MQTT."""

from epx.textfmt import decimal


class Tell:
    """What a device sends.

    value   attribute of the source, or a method of it
    digits  decimals of a number; None: text as it is
    """

    def __init__(self, topic, value, digits=None):
        self.topic = topic
        self.value = value
        self.digits = digits

    def payload(self, source):
        """Bytes to send, None if the value is unknown."""
        value = getattr(source, self.value)
        if callable(value):
            value = value()
        if value is not None and self.digits is not None:
            value = decimal(value, self.digits)
        return None if value is None else ("%s\n%s" % (self.topic, value)).encode()


class Hear:
    """What a device wants to hear: parse(bytes) gives what command, a method, receives.

    parse raises ValueError saying what it wants; see epx.payloads.
    """

    def __init__(self, topic, command, parse):
        self.topic = topic
        self.command = command
        self.parse = parse


def split(payload):
    """(topic, value) of a payload, bytes both; ValueError if it has no line for each."""
    topic, line, value = bytes(payload).partition(b"\n")
    if not line or not topic:
        raise ValueError("want a topic and a value, each in a line")
    return topic, value
