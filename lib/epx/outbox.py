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
        self._events = deque((), _MOST_EVENTS)  # noqa: RUF037 MicroPython wants both

    def post(self, bound):
        if not bound.pending:
            bound.pending = True
            self._states.append(bound)
            self._wake()

    def post_event(self, topic, payload):
        if len(self._events) >= _MOST_EVENTS:
            self._events.popleft()
            self.lost_events += 1
            log.warn("%s: too many events wait, the oldest is lost", topic)
        self._events.append((topic, payload))
        self._wake()

    def waiting_events(self):
        return len(self._events)

    def drain(self, client, on_fault):
        """Give client what it takes; on_fault(bound, error) hears of what the appliance raised."""
        events = self._events
        while events:
            topic, payload = events[0]
            try:
                if client.publish(topic, payload, False, 1) is None:
                    return
            except ValueError as error:  # larger than the client's buffer
                log.error("%s: %s", topic, error)
            events.popleft()
        states = self._states
        while states:
            bound = states[0]
            try:
                if not bound.send(client):
                    return
            except Exception as error:
                on_fault(bound, error)
            bound.pending = False
            states.pop(0)
        line = log.peek()
        while line:
            if client.publish(self._log_topic, line.encode()) is None:
                return
            log.drop()
            line = log.peek()
