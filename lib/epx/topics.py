"""What an appliance publishes and obeys, declared as tables of Pub and Sub rows.

And what waits to be published: newest values, queued events, log lines. All of it bounded.
"""

from collections import deque

from micropython import const

from epx import log
from epx.textfmt import decimal

_BEAT_MS = const(1000)
_AFTER_FAULT_MS = const(60000)
_UNKNOWN = b"None"  # what Home Assistant reads as unknown
_MOST_EVENTS = const(16)


class Pub:
    """One published topic.

    value     attribute or method of the source; None and NaN mean unknown
    digits    decimals of a number; None: text as it is
    every_ms  how often it is looked at, in whole seconds
    on        or: look when the source announces this name
    refresh_ms  how often it is sent even if it did not change
    retain    the broker keeps the last value
    idle      every value but this one is sent at each look
    sent      method of the source to call once a value has gone out, with QoS 1
    event     each announcement is a message of its own: queued, QoS 1, never repeated
    """

    # In the class, since an attribute of a row takes RAM for each row.
    every_ms = 0
    on = None
    refresh_ms = 0
    retain = False
    idle = None
    sent = None
    event = False

    def __init__(self, topic, value, digits=None, **options):
        self.topic = topic
        self.value = value
        self.digits = digits
        for name in options:
            if not hasattr(Pub, name):
                raise ValueError("%s: no option %s" % (topic, name))
            setattr(self, name, options[name])
        if self.every_ms % _BEAT_MS or self.refresh_ms % _BEAT_MS or (self.event and not self.on):
            raise ValueError("%s: want whole seconds; an event wants on" % topic)

    def payload(self, value):
        """Bytes to publish, None if the value is unknown."""
        if value is not None and self.digits is not None:
            value = decimal(value, self.digits)
        if value is None or value != value:
            return None
        return value if isinstance(value, bytes) else str(value).encode()


class Sub:
    """One obeyed topic: parse(payload) gives what command, a method of the source, receives.

    parse raises ValueError saying what it wants; see epx.payloads. Empty payloads are dropped.
    """

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
    pending = False  # waits in the outbox
    _value = None  # as read last
    _payload = None  # as sent last
    _look_in = 0
    _refresh_in = 0

    def __init__(self, row, source, topic, outbox):
        self.row = row
        self.topic = topic
        self._source = source
        self._outbox = outbox
        if row.refresh_ms:
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
                if self._payload is _UNKNOWN:  # which is said once
                    self._refresh_in = row.refresh_ms
                else:
                    self.refresh()
        if row.every_ms:
            self._look_in -= _BEAT_MS
            if self._look_in <= 0:
                self._look_in = row.every_ms
                self.look()

    def look(self):
        """Send the value if it is worth it."""
        row = self.row
        value = self._read()
        if row.event:
            self._outbox.post_event(self.topic, row.payload(value) or _UNKNOWN)
            return
        idle = row.idle
        if value == self._value and (idle is None or value == idle):
            return
        payload = row.payload(value)
        self._value = value
        if payload == self._payload or (payload is None and self._payload == _UNKNOWN):
            if idle is None or payload is None or payload == row.payload(idle):
                return
        self._outbox.post(self)

    def refresh(self):
        """Send the value though it did not change. One never known is not sent, nor an event."""
        row = self.row
        self._refresh_in = row.refresh_ms
        if not row.event and (self._payload is not None or row.payload(self._read())):
            self._outbox.post(self)

    def failed(self):
        """Reading the source raised: leave it alone for a while."""
        self._look_in = _AFTER_FAULT_MS
        self._refresh_in = max(self._refresh_in, _AFTER_FAULT_MS)

    def send(self, client):
        """Publish the newest value. False if client does not take it now."""
        row = self.row
        self._value = value = self._read()
        payload = row.payload(value)
        if payload is None and self._payload is not None:
            payload = _UNKNOWN
        if payload is not None:
            # What is told as sent must arrive: it will not be said again.
            if client.publish(self.topic, payload, row.retain, 1 if row.sent else 0) is None:
                return False
            self._payload = payload
            if row.sent:
                getattr(self._source, row.sent)()
        self._refresh_in = row.refresh_ms
        return True


class Outbox:
    """A state topic waits at most once and goes out with its newest value; events wait in line."""

    lost_events = 0
    greeting = None  # (topic, payload, retain, qos): goes before all else

    def __init__(self, wake, log_topic):
        self._wake = wake
        self._log_topic = log_topic
        self._states = []
        self.events = deque((), _MOST_EVENTS)  # noqa: RUF037 MicroPython wants both

    def post(self, pub):
        if not pub.pending:
            pub.pending = True
            self._states.append(pub)
            self._wake()

    def post_event(self, topic, payload):
        if len(self.events) >= _MOST_EVENTS:  # the oldest one makes room
            self.lost_events += 1
            log.warn("%s: too many events, the oldest is lost", topic)
        self.events.append((topic, payload))
        self._wake()

    def drain(self, client, on_fault):
        """Give client what it takes; on_fault(pub, error) hears of what the appliance raised."""
        client.gather(True)  # a radio likes one segment better than ten
        try:
            if self.greeting:
                if not _publish(client, *self.greeting):
                    return
                self.greeting = None
            events = self.events
            while events:
                if not _publish(client, *events[0], False, 1):
                    return
                events.popleft()
            states = self._states
            while states:
                pub = states[0]
                try:
                    if not pub.send(client):
                        return
                except Exception as error:
                    on_fault(pub, error)
                pub.pending = False
                states.pop(0)
            line = log.peek()
            while line:
                if not _publish(client, self._log_topic, line.encode(), False, 0):
                    return
                log.drop()
                line = log.peek()
        finally:
            client.gather(False)


def _publish(client, topic, payload, retain, qos):
    try:
        return client.publish(topic, payload, retain, qos) is not None
    except ValueError as error:  # it never fits
        log.error("%s: %s", topic, error)
        return True
