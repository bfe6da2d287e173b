"""Median time from a publication to its return by the own subscription, divided by a raw one.

Arguments: port of the broker, messages.
"""

import gc
import socket
import sys
import time

from polled import Polled

from epx import loop
from uumqtt.client import Client

RUNS = 5
TOPIC = b"bench/round/trip"
PAYLOAD = b"0123456789abcdef" * 4

port, count = [int(text) for text in sys.argv[1:]]
address = socket.getaddrinfo("127.0.0.1", port)[0][-1]
times = [0] * count


def median():
    return sorted(times)[count // 2]


def raw():
    message = b"\x00" + bytes((len(TOPIC),)) + TOPIC + PAYLOAD
    message = b"\x30" + bytes((len(message),)) + message
    answer = bytearray(len(message))
    stream = socket.socket()
    stream.setsockopt(6, 1, 1)  # TCP_NODELAY, as the client has
    stream.connect(address)
    stream.write(b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03raw")
    stream.read(4)
    stream.write(b"\x82" + bytes((len(TOPIC) + 5,)) + b"\x00\x01\x00" + bytes((len(TOPIC),)))
    stream.write(TOPIC + b"\x00")
    stream.read(5)
    for i in range(count):
        start = time.ticks_us()
        stream.write(message)
        stream.readinto(answer)
        times[i] = time.ticks_diff(time.ticks_us(), start)
    stream.close()
    return median()


class Done(Exception):
    """Ends the loop."""


class Echo:
    def __init__(self):
        self.client = Client("ours")
        self.client.on_connected = self._connected
        self.client.on_subscribed = self._send
        self.client.on_message = self._arrived
        self.done = 0
        self.start = 0
        self.polled = Polled(self.client, address)

    def _connected(self, _):
        self.client.subscribe(TOPIC, 0)

    def _send(self, *_):
        self.start = time.ticks_us()
        self.client.publish(TOPIC, PAYLOAD)

    def _arrived(self, topic, payload, retain, dup, packet_id):
        times[self.done] = time.ticks_diff(time.ticks_us(), self.start)
        self.done += 1
        if self.done < count:
            self.start = time.ticks_us()
            self.client.publish(TOPIC, PAYLOAD)
        else:
            raise Done


def ours():
    echo = Echo()
    try:
        loop.run()
    except Done:
        pass
    echo.polled.poll.cancel()
    echo.client.disconnect()
    return median()


ratios = []
for _ in range(RUNS):
    gc.collect()
    limit = raw()
    gc.collect()
    ratios.append(ours() / limit)
print(sorted(ratios)[RUNS // 2])
