"""mqtt_commands_per_second: a flood of commands through the whole framework, 32-bit build."""

import socket
import threading

from onmicropython import number

_COUNT = 200_000
_RUNS = 5


def measure(toolchain) -> dict[str, float]:
    micropython = toolchain.micropython32()
    if not micropython:
        return {}
    rates = sorted(_rate(micropython) for _ in range(_RUNS))
    return {"mqtt_commands_per_second": rates[_RUNS // 2]}


def _rate(micropython: list[str]) -> float:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_flood, args=(server,), daemon=True).start()
        return number(micropython, "commands.py", server.getsockname()[1], _COUNT, heap="128k")


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
