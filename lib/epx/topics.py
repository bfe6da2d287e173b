"""What an appliance publishes and obeys, declared as tables of Pub and Sub rows."""

from micropython import const

from epx.textfmt import decimal

_BEAT_MS = const(1000)
_AFTER_FAULT_MS = const(60000)
_UNKNOWN = b"None"  # what Home Assistant reads as unknown


class Pub:
    """One published topic.

    value     attribute or method of the source; None and NaN mean unknown
    digits    decimals of a number; None: text as it is
    every_ms  how often it is looked at, in whole seconds
    on        or: look when the source announces this name
    refresh_ms  how often it is sent even if it did not change
    retain    the broker keeps the last value
    idle      every value but this one is sent at each look
    sent      method of the source to call once a value has gone out
    event     each announcement is a message of its own: queued, QoS 1, never repeated
    """

    def __init__(
        self,
        topic,
        value,
        digits=None,
        every_ms=0,
        on=None,
        refresh_ms=0,
        retain=False,
        idle=None,
        sent=None,
        event=False,
    ):
        if every_ms % _BEAT_MS or refresh_ms % _BEAT_MS or (event and not on):
            raise ValueError("%s: want whole seconds; an event wants on" % topic)
        self.topic = topic
        self.value = value
        self.digits = digits
        self.every_ms = every_ms
        self.on = on
        self.refresh_ms = refresh_ms
        self.retain = retain
        self.idle = idle
        self.sent = sent
        self.event = event

    def payload(self, value):
        if value is not None and self.digits is not None:
            value = decimal(value, self.digits)
        if value is None:
            return None
        return value if isinstance(value, bytes) else str(value).encode()


class Sub:
    """One obeyed topic: parse(payload) gives what command, a method of the source, receives."""

    def __init__(self, topic, command, parse):
        self.topic = topic
        self.command = command
        self.parse = parse


class Source:
    """What a table is bound to, if it has something to announce."""

    listeners = ()

    def announce(self, name):
        """Tell the rows with on=name to look now."""
        for listener in self.listeners:
            if listener.row.on == name:
                listener.look()


def full_topic(prefix, name, topic, index=None):
    """stat/<name>/<topic>, with the index inserted where the topic says %d, else before it."""
    if index is not None:
        topic = topic % index if "%" in topic else "%d/%s" % (index, topic)
    return "%s/%s/%s" % (prefix, name, topic)


class BoundPub:
    """A Pub row at work for one source. outbox.post(self) when there is something to send."""

    core = False  # what raises in here is the appliance's own

    def __init__(self, row, source, topic, outbox):
        self.row = row
        self.topic = topic
        self.pending = False
        self.retain = row.retain
        self._source = source
        self._outbox = outbox
        self._value = None  # as read last
        self._payload = None  # as sent last
        self._idle = row.payload(row.idle) if row.idle is not None else None
        self._look_in = 0
        self._refresh_in = row.refresh_ms

    def _read(self):
        value = getattr(self._source, self.row.value)
        return value() if callable(value) else value

    def beat(self):
        """Once per second."""
        row = self.row
        if row.refresh_ms:
            self._refresh_in -= _BEAT_MS
            if self._refresh_in <= 0:
                self.refresh()
        if row.every_ms:
            self._look_in -= _BEAT_MS
            if self._look_in <= 0:
                self._look_in = row.every_ms
                self.look()

    def look(self):
        """Send the value if it is worth it."""
        value = self._read()
        if self.row.event:
            self._outbox.post_event(self.topic, self.row.payload(value) or _UNKNOWN)
            return
        if self.pending:
            return
        if value == self._value and self._idle is None:
            return
        payload = self.row.payload(value)
        self._value = value
        if payload == self._payload or (payload is None and self._payload == _UNKNOWN):
            if self._idle is None or payload is None or payload == self._idle:
                return
        self._post()

    def refresh(self):
        """Send the value though it did not change; one that was never known, or an event, is not."""
        self._refresh_in = self.row.refresh_ms
        if not self.row.event and (self._payload is not None or self.row.payload(self._read())):
            self._post()

    def _post(self):
        if not self.pending:
            self.pending = True
            self._outbox.post(self)

    def newest(self):
        """The payload to send now, or None if there is nothing to say (any more)."""
        self._value = value = self._read()
        payload = self.row.payload(value)
        if payload is None and self._payload is not None:
            payload = _UNKNOWN
        return payload

    def failed(self):
        """Reading the source raised: leave it alone for a while."""
        self.pending = False
        self._look_in = _AFTER_FAULT_MS
        self._refresh_in = max(self._refresh_in, _AFTER_FAULT_MS)

    def was_sent(self, payload):
        self.pending = False
        self._payload = payload
        self._refresh_in = self.row.refresh_ms
        if self.row.sent and payload is not None:
            getattr(self._source, self.row.sent)()


class BoundSub:
    """A Sub row at work for one source: command(parse(payload))."""

    core = False

    def __init__(self, row, source):
        self.parse = row.parse
        self.command = getattr(source, row.command)


def on_off(payload):
    word = payload.strip().lower()
    if word in (b"on", b"1", b"up"):
        return True
    if word in (b"off", b"0", b"down"):
        return False
    raise ValueError("want on or off")


def integer(low, high):
    def parse(payload):
        try:
            value = int(payload)
            if low <= value <= high:
                return value
        except (ValueError, OverflowError):
            pass
        raise ValueError("want an integer from %d to %d" % (low, high))

    return parse


def text(most_bytes):
    def parse(payload):
        try:
            if len(payload) <= most_bytes:
                return str(payload, "utf-8")
        except UnicodeError:
            pass
        raise ValueError("want UTF-8 text of at most %d bytes" % most_bytes)

    return parse


def anything(payload):
    """Any payload but an empty one, which is how a broker's retained message is removed."""
    if not payload:
        raise ValueError("want a payload that is not empty")
    return payload
