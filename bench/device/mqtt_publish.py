"""Publications per second of uumqtt in epx.loop, divided by those of a raw socket.

Arguments: port of the broker, QoS, messages in flight of ours, of the raw socket, messages, and
whether QoS 0 is gathered: then what one turn publishes leaves in one write.
The clock stops when the broker has answered all: PUBACKs, or an end marker sent back to us.
"""

import socket
import sys
import time

from polled import Polled, print_median_ratio

from epx import loop
from uumqtt.client import Client

TOPIC = b"bench/stat/Value"
PAYLOAD = b"0123456789abcdef" * 4
END = b"bench/end"
BURST = 16  # per turn: as many as an appliance has topics

port, qos, window, raw_window, count, gathered = [int(text) for text in sys.argv[1:]]
address = socket.getaddrinfo("127.0.0.1", port)[0][-1]


def field(text):
    return bytes((len(text) >> 8, len(text) & 255)) + text


def packet(head, body):
    assert len(body) < 128
    return bytes((head, len(body))) + body


def raw():
    """A blocking socket with the client's options, prebuilt packets, one write each."""
    stream = socket.socket()
    stream.setsockopt(6, 1, 1)  # TCP_NODELAY
    stream.connect(address)
    stream.write(packet(0x10, field(b"MQTT") + b"\x04\x02\x00\x3c" + field(b"raw")))
    stream.read(4)
    stream.write(packet(0x82, b"\x00\x01" + field(END) + b"\x00"))
    stream.read(5)
    start = time.ticks_us()
    if qos:
        raw_qos_1(stream)
    else:
        message = packet(0x30, field(TOPIC) + PAYLOAD)
        for _ in range(count):
            stream.write(message)
        stream.write(packet(0x30, field(END)))
        stream.read(2 + 2 + len(END))
    passed = time.ticks_diff(time.ticks_us(), start)
    stream.close()
    return passed


def raw_qos_1(stream):
    """Reads that block, which is quicker than to poll first."""
    messages = [
        packet(0x32, field(TOPIC) + bytes((0, i + 1)) + PAYLOAD) for i in range(raw_window)
    ]
    puback = bytearray(4)
    for message in messages:
        stream.write(message)
    for i in range(count - raw_window):
        stream.readinto(puback)
        stream.write(messages[i % raw_window])
    for _ in messages:
        stream.readinto(puback)


class Done(Exception):
    """Ends the loop."""


class Publisher:
    """Publishes as fast as the client takes it, from tasks and callbacks of the loop."""

    def __init__(self):
        self.client = Client("ours", window=window)
        self.client.on_subscribed = self._start
        self.client.on_delivered = self._delivered
        self.client.on_message = self._ended
        self.client.on_connected = self._connected
        self.left = count
        self.acks = count
        self.start = 0
        self.task = None
        self.polled = Polled(self.client, address)

    def _connected(self, _):
        self.client.subscribe(END, 0)

    def _start(self, *_):
        self.start = time.ticks_us()
        if qos:
            for _ in range(window):
                self._next()
        else:
            self.task = loop.Task(self._burst, 0, 0)

    def _next(self):
        self.client.publish(TOPIC, PAYLOAD, False, 1)
        self.left -= 1

    def _delivered(self, _):
        self.acks -= 1
        if self.left:
            self._next()
        elif not self.acks:
            raise Done

    def _burst(self):
        """Publish some per turn: gathered as epx.topics.Outbox does, or one write each."""
        client = self.client
        if gathered:
            client.gather(True)
        for _ in range(min(BURST, self.left)):
            if client.publish(TOPIC, PAYLOAD) is None:
                break
            self.left -= 1
        if not self.left and client.publish(END, b"") is not None:
            self.task.cancel()
        if gathered:
            client.gather(False)
        self.polled.update()

    def _ended(self, *_):
        raise Done


def ours():
    publisher = Publisher()
    try:
        loop.run()
    except Done:
        pass
    passed = time.ticks_diff(time.ticks_us(), publisher.start)
    publisher.polled.poll.cancel()
    publisher.client.disconnect()
    return passed


print_median_ratio(raw, ours)
