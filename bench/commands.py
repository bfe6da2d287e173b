"""mqtt_commands_per_second: a flood of commands through the whole framework, 32-bit build."""

import os
import socket
import subprocess
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_COUNT = 200_000
_LIMIT_S = 120
_RUNS = 5


def measure(toolchain) -> dict[str, float]:
    micropython = toolchain.micropython32()
    if not micropython:
        return {}
    rates = sorted(_run(micropython) for _ in range(_RUNS))
    return {"mqtt_commands_per_second": rates[_RUNS // 2]}


def _run(micropython: list[str]) -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_flood, args=(server,), daemon=True).start()
        port = server.getsockname()[1]
        done = subprocess.run(
            [
                *micropython,
                "-X",
                "heapsize=128k",
                "bench/device/commands.py",
                str(port),
                str(_COUNT),
            ],
            cwd=ROOT,
            # The hardware that epx.mqtt touches (its chip id, its reset) is a mock.
            env={**os.environ, "MICROPYPATH": f"{ROOT}/lib:{ROOT}/bench/device/hardware"},
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return int(done.stdout.split()[-1])


def _flood(server: socket.socket) -> None:
    """A broker that says what it must and then sends commands as fast as they are taken."""
    connection, _ = server.accept()
    with connection:
        connection.recv(1024)
        connection.sendall(b"\x20\x02\x00\x00")
        subscribe = connection.recv(1024)
        connection.sendall(b"\x90\x03" + subscribe[2:4] + b"\x01")
        topic = b"cmnd/Bench/Light"
        packets = b""
        for number in range(1000):
            payload = b"on" if number % 2 else b"off"
            body = len(topic).to_bytes(2, "big") + topic + payload
            packets += bytes((0x30, len(body))) + body
        threading.Thread(target=_drain, args=(connection,), daemon=True).start()
        try:
            for _ in range(_COUNT // 1000):
                connection.sendall(packets)
            _drain(connection)
        except OSError:
            pass  # the device has counted enough and is gone


def _drain(connection: socket.socket) -> None:
    """What the device says is of no interest, but has to be taken."""
    try:
        while connection.recv(4096):
            pass
    except OSError:
        pass
