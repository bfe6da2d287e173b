"""What waits to be published: newest values, queued events, log lines. All of it bounded."""

from collections import deque

from micropython import const

from epx import log

_MOST_EVENTS = const(16)


class Outbox:
    """A state topic waits at most once and goes out with its newest value; events wait in line."""

    lost_events = 0

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
            log.warn("%s: too many events wait, the oldest is lost", topic)
        self.events.append((topic, payload))
        self._wake()

    def drain(self, client, on_fault):
        """Give client what it takes; on_fault(pub, error) hears of what the appliance raised."""
        events = self.events
        while events:
            if not _publish(client, *events[0], 1):
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
            if not _publish(client, self._log_topic, line.encode(), 0):
                return
            log.drop()
            line = log.peek()


def _publish(client, topic, payload, qos):
    try:
        return client.publish(topic, payload, False, qos) is not None
    except ValueError as error:  # it never fits
        log.error("%s: %s", topic, error)
        return True
