"""Measures uumqtt on real MicroPython against a raw socket: the mqtt_* rows of the bench table.

Both run in one process, one after the other, median of five; both set TCP_NODELAY. Ours is the
client in epx.loop, polled; raw is a blocking socket, which is quicker than one that is polled.

mqtt_pub0_ratio         bursts of 16 in a turn of the loop, which leave in one write, as those of
                        an appliance do (epx.topics.Outbox); raw: a write for each prebuilt
                        packet. Until the broker has sent back what came last.
mqtt_pub0_single_ratio  the same, but each message is a write of its own.
mqtt_pub1_ratio         publish(), PUBACK, the next one; raw: a write of a prebuilt packet, a read
                        of four bytes into a buffer.
mqtt_pub1_window_ratio  a window of 8; raw: the same with 20 in flight, a read for each PUBACK.
mqtt_recv_ratio         callbacks with topic and payload, rx_bytes=2048; raw: a read per message
                        into a buffer of its size, nothing looked at.
mqtt_recv_small_buffer_ratio  the same with the default of rx_bytes, 1024.
mqtt_rtt_ratio          median from publish() to on_message of the own subscription; raw: a write
                        of a prebuilt packet, a read of the message into a buffer of its size.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

from onmicropython import number

from epxhost.localbroker import LocalBroker

_TOPIC = b"cmnd/H2OControl/Level"
_PAYLOADS = 8
_BLOCK_MESSAGES = 800
_RECEIVED = 200_000


def measure(toolchain: Any) -> dict[str, float]:
    """Ratios by name; what cannot be measured here is missing.

    toolchain has micropython64 and mosquitto: lists of str (how to start them) or None, or
    functions that return such.
    """
    micropython = _command(toolchain.micropython64)
    results: dict[str, float] = {}
    if not micropython:
        return results
    for name, rx_bytes in (("mqtt_recv_ratio", 2048), ("mqtt_recv_small_buffer_ratio", 1024)):
        with _sender() as port:
            results[name] = number(micropython, "mqtt_receive.py", port, _RECEIVED, rx_bytes)
    if _command(toolchain.mosquitto):
        with LocalBroker(need_mosquitto=True) as broker:
            for name, script, *numbers in (
                ("mqtt_pub0_ratio", "mqtt_publish.py", 0, 1, 1, 60_000, 1),
                ("mqtt_pub0_single_ratio", "mqtt_publish.py", 0, 1, 1, 60_000, 0),
                ("mqtt_pub1_ratio", "mqtt_publish.py", 1, 1, 1, 6_000, 0),
                ("mqtt_pub1_window_ratio", "mqtt_publish.py", 1, 8, 20, 30_000, 0),
                ("mqtt_rtt_ratio", "mqtt_round_trip.py", 3_000),
            ):
                results[name] = number(micropython, script, broker.port, *numbers)
    return results


def _command(value: Any) -> list[str] | None:
    return value() if callable(value) else value


@contextlib.contextmanager
def _sender() -> Iterator[int]:
    """A listener that answers CONNECT and then sends messages as fast as it can -> its port."""
    block = b"".join(_message(i) for i in range(_BLOCK_MESSAGES))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.recv(1000)
                        connection.sendall(b"\x20\x02\x00\x00")
                        for _ in range(_RECEIVED // _BLOCK_MESSAGES):
                            connection.sendall(block)
                        connection.recv(1)  # until the reader has closed

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


def _message(number: int) -> bytes:
    """A QoS 0 PUBLISH with a payload of 64 bytes, one of a few."""
    payload = (b"%d" % (number % _PAYLOADS)).ljust(64, b".")
    body = struct.pack(">H", len(_TOPIC)) + _TOPIC + payload
    return struct.pack("BB", 0x30, len(body)) + body


if __name__ == "__main__":
    from epxhost import toolchain

    for name, value in measure(toolchain).items():
        print(f"{name:24} {value:.3f}")
