"""The same client for a device's prompt and for small programs: each call waits, with a deadline.

    from uumqtt.blocking import BlockingClient
    client = BlockingClient("bench")
    client.connect("192.168.1.2")
    client.publish("greeting", "hello", qos=1)

OSError (MQTTError is one) means that the connection is over; connect() begins a new one.
"""

import select
import socket
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from uumqtt.client import Client
from uumqtt.connection import MQTTError

_TURN_MS = const(1000)


class BlockingClient(Client):
    """Client whose calls wait for the broker, except inside a callback, where nothing waits."""

    _poller = None
    _waiting = False
    _session_present = False
    _granted = 0
    _handler = None
    _count = 0  # messages since check_msg() or wait_msg() began

    def connect(self, host, port=1883, timeout_s=20, tls_context=None):
        """-> whether the broker still had a session of this client."""
        address = socket.getaddrinfo(host, port)[0][-1]
        self.on_connected = self._note_connected
        self.on_subscribed = self._note_granted
        self.open(address, tls_context, host if tls_context else None)
        self._poller = select.poll()
        self._poller.register(self.stream, self.events())
        self._wait(self._is_connected, timeout_s)
        return self._session_present

    def publish(self, topic, payload, retain=False, qos=0, timeout_s=5):
        """Until the broker has it (QoS 1, -> packet id), or until it is on its way (QoS 0, -> 0).

        A deadline that passes closes the connection; a QoS 1 message is sent again on the next.
        """
        self._check_open()
        packet_id = super().publish(topic, payload, retain, qos)
        if self._waiting:
            return packet_id
        end_ms = ticks_add(ticks_ms(), int(timeout_s * 1000))
        while packet_id is None:
            self._turn(end_ms)
            packet_id = super().publish(topic, payload, retain, qos)
        while packet_id in self.in_flight if packet_id else self._end:
            self._turn(end_ms)
        return packet_id

    def subscribe(self, topic_filter, qos=1, timeout_s=5):
        """-> granted QoS; MQTTError if the broker refuses, and the connection stays."""
        packet_id = self._ask_and_wait(super().subscribe, (topic_filter, qos), timeout_s)
        if self._waiting:
            return packet_id
        if self._granted > 1:
            raise MQTTError("subscription refused")
        return self._granted

    def unsubscribe(self, topic_filter, timeout_s=5):
        """Until the broker has confirmed it."""
        self._ask_and_wait(super().unsubscribe, (topic_filter,), timeout_s)

    def check_msg(self):
        """Handle what has come, without waiting -> number of messages."""
        self._check_open()
        self._count = 0
        self._turn(None)
        return self._count

    def wait_msg(self, timeout_s=None):
        """Wait for a message (None: for ever) -> whether one came. Keeps the connection alive."""
        self._check_open()
        self._count = 0
        end_ms = None if timeout_s is None else ticks_add(ticks_ms(), int(timeout_s * 1000))
        while not self._count:
            wait_ms = _TURN_MS if end_ms is None else ticks_diff(end_ms, ticks_ms())
            if wait_ms <= 0:
                return False
            self._serve(min(wait_ms, _TURN_MS))
        return True

    @property
    def on_message(self):
        """What is set hears of messages, through what is read, which counts them."""
        return self._count_message

    @on_message.setter
    def on_message(self, handler):
        self._handler = handler

    def _count_message(self, topic, payload, retain, dup, packet_id):
        self._count += 1
        if self._handler:
            self._handler(topic, payload, retain, dup, packet_id)

    def _note_connected(self, session_present):
        self._session_present = session_present

    def _note_granted(self, _, granted):
        self._granted = granted

    def _is_connected(self):
        return self.connected

    def _is_answered(self):
        return not self._asked

    def _check_open(self):
        if not self.stream:
            raise MQTTError("not connected")

    def _ask_and_wait(self, ask, arguments, timeout_s):
        self._check_open()
        self._granted = 0
        packet_id = ask(*arguments)
        if not self._waiting:
            if packet_id is None:
                self._wait(self._nothing_waits, timeout_s)
                packet_id = ask(*arguments)
            self._wait(self._is_answered, timeout_s)
        return packet_id

    def _nothing_waits(self):
        return not self._end

    def _wait(self, condition, timeout_s):
        end_ms = ticks_add(ticks_ms(), int(timeout_s * 1000))
        while not condition():
            self._turn(end_ms)

    def _turn(self, end_ms):
        """Serve the connection once; end_ms None: without waiting."""
        wait_ms = 0 if end_ms is None else ticks_diff(end_ms, ticks_ms())
        if end_ms is not None and wait_ms <= 0:
            self.close()
            raise MQTTError("no answer in time")
        self._serve(min(wait_ms, _TURN_MS))

    def _serve(self, wait_ms):
        self._check_open()
        self._waiting = True
        try:
            stream = self.stream
            self._poller.modify(stream, self.events())
            for _, events in self._poller.ipoll(min(wait_ms, self.tick())):
                self.ready(events)
        except OSError:
            self.close()
            raise
        finally:
            self._waiting = False
