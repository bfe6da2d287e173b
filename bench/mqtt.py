"""Measures uumqtt on real MicroPython against a raw socket: the mqtt_* rows of the bench table."""

import contextlib
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_DEVICE = ROOT / "bench" / "device"
_HEAP = ("-X", "heapsize=256k")
_LIMIT_S = 120
_TOPIC = b"cmnd/H2OControl/Level"
_PAYLOADS = 8
_BLOCK_MESSAGES = 800


def measure(toolchain: Any) -> dict[str, float]:
    """Ratios by name; what cannot be measured here is missing.

    toolchain has micropython64 and mosquitto: lists of str (how to start them) or None, or
    functions that return such.
    """
    micropython = _command(toolchain.micropython64)
    mosquitto = _command(toolchain.mosquitto)
    results: dict[str, float] = {}
    if not micropython:
        return results
    with _sender(count := 200_000) as port:
        results["mqtt_recv_ratio"] = _run(micropython, "mqtt_receive.py", port, count)
    if mosquitto:
        with broker(mosquitto) as port:
            publish = ("mqtt_publish.py", port)
            results["mqtt_pub0_ratio"] = _run(micropython, *publish, 0, 1, 1, 60_000)
            results["mqtt_pub1_ratio"] = _run(micropython, *publish, 1, 1, 1, 6_000)
            results["mqtt_pub1_window_ratio"] = _run(micropython, *publish, 1, 8, 20, 30_000)
            results["mqtt_rtt_ratio"] = _run(micropython, "mqtt_round_trip.py", port, 3_000)
    return results


def _command(value: Any) -> list[str] | None:
    return value() if callable(value) else value


def _run(micropython: list[str], script: str, *arguments: int) -> float:
    """The last line that a device-side script prints."""
    done = subprocess.run(
        [*micropython, *_HEAP, str(_DEVICE / script), *map(str, arguments)],
        env={**os.environ, "MICROPYPATH": str(ROOT / "lib")},
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stdout}{done.stderr}")
    return float(done.stdout.split()[-1])


@contextlib.contextmanager
def broker(mosquitto: list[str]) -> Iterator[int]:
    """A Mosquitto of our own on a free port of the loopback interface -> the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "mosquitto.conf")
        settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        process = subprocess.Popen(
            [*mosquitto, "-c", str(settings)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError("mosquitto does not start")


@contextlib.contextmanager
def _sender(count: int) -> Iterator[int]:
    """A listener that answers CONNECT and then sends `count` messages as fast as it can."""
    block = b"".join(_message(i) for i in range(_BLOCK_MESSAGES))
    message_bytes = len(block) // _BLOCK_MESSAGES
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.recv(1000)
                        connection.sendall(b"\x20\x02\x00\x00")
                        for _ in range(count // _BLOCK_MESSAGES):
                            connection.sendall(block)
                        connection.sendall(block[: count % _BLOCK_MESSAGES * message_bytes])
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
    sys.path.insert(0, str(ROOT / "scripts"))
    from epxhost import toolchain

    for name, value in measure(toolchain).items():
        print(f"{name:24} {value:.3f}")
