"""What waits to be published: newest values, queued events, log lines. All of it bounded."""

from collections import deque

from micropython import const

from epx import log

_MOST_EVENTS = const(16)


class Outbox:
    """A state topic waits at most once and goes out with its newest value; events wait in line."""

    def __init__(self, wake, log_topic):
        self._wake = wake
        self._log_topic = log_topic
        self._states = []
        self._events = deque((), _MOST_EVENTS)
        self.lost_events = 0

    def post(self, bound):
        self._states.append(bound)
        self._wake()

    def post_event(self, topic, payload):
        if len(self._events) >= _MOST_EVENTS:
            self._events.popleft()
            self.lost_events += 1
            log.warn("%s: too many events wait, the oldest is lost", topic)
        self._events.append((topic, payload))
        self._wake()

    def drain(self, client, guarded):
        """Give client what it takes. True if all is out. guarded(f, arg) calls the appliance."""
        while self._events:
            topic, payload = self._events[0]
            if client.publish(topic, payload, False, 1) is None:
                return False
            self._events.popleft()
        self._client = client
        self._blocked = False
        while self._states and not self._blocked:
            bound = self._states[0]
            if not guarded(self._send_state, bound):
                bound.pending = False
            if not self._blocked:
                self._states.pop(0)
        if self._blocked:
            return False
        while log.waiting():
            if client.publish(self._log_topic, log.peek().encode(), False, 0) is None:
                return False
            log.drop()
        return True

    def _send_state(self, bound):
        payload = bound.newest()
        if payload is not None:
            if self._client.publish(bound.topic, payload, bound.retain, 0) is None:
                self._blocked = True
                return
        bound.was_sent(payload)
