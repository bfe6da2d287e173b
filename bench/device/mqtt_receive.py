"""Messages per second that uumqtt receives in epx.loop, divided by those of a raw socket.

Arguments: port of a sender that is faster than both, messages, size of our buffer. The raw socket
reads each message by itself, in a buffer of its size, and looks at nothing.
"""

import socket
import sys
import time

from polled import Polled, print_median_ratio

from epx import loop
from uumqtt.client import Client

port, count, rx_bytes = [int(text) for text in sys.argv[1:]]
address = socket.getaddrinfo("127.0.0.1", port)[0][-1]


def raw():
    stream = socket.socket()
    stream.setsockopt(6, 1, 1)  # TCP_NODELAY, as the client has
    stream.connect(address)
    stream.write(b"\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03raw")
    stream.read(4)
    size = 2 + stream.read(2)[1]
    message = bytearray(size)
    stream.read(size - 2)
    start = time.ticks_us()
    for _ in range(count - 1):
        stream.readinto(message)
    passed = time.ticks_diff(time.ticks_us(), start)
    stream.close()
    return passed


class Receiver:
    def __init__(self):
        self.client = Client("ours", rx_bytes=rx_bytes)
        self.client.on_message = self._count
        self.later = iter(range(count - 1))
        self.polled = Polled(self.client, address)

    def _count(self, topic, payload, retain, dup, packet_id):
        next(self.later)  # the last one ends the loop by StopIteration


def ours():
    receiver = Receiver()
    while not receiver.client.connected:
        loop.step()
    start = time.ticks_us()
    try:
        loop.run()
    except StopIteration:
        pass
    passed = time.ticks_diff(time.ticks_us(), start)
    receiver.polled.poll.cancel()
    receiver.client.close()
    return passed


print_median_ratio(raw, ours)
