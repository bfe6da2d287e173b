"""Updates over the air: what a whole h2o costs in bytes, time and memory.

The device is h2o, installed, on the 32-bit build of MicroPython with the heap of an ESP32 (its
hardware's mocks have their own), at a real broker; the PC's side is the client of scripts/ota,
from the first byte to the commit, the compressed bundle being made before. A full update: the
other set is empty, and each file differs from the one that runs.

ota_full_wire_ratio     bytes of the TCP connection, both ways, counted by a proxy, divided by
ota_mpy_wire_ratio      those of the set's files, source or .mpy.
ota_noop_bytes          the same bytes when nothing differs.
ota_connections         that the proxy has seen in a full update.
ota_full_seconds_ratio  seconds of a full update, divided by those of device/ota_straight.py for
                        the same files and bundle; taken in turns, medians.
ota_full_rtt20_seconds  the same through a proxy that delivers each byte 10 ms later.
ota_code_bytes          heap of the modules that are loaded for an update, from .mpy, when they
                        take most: some come and go.
ota_ram_bytes           heap at the worst moment of an update, more than before it, without those
                        modules: what is alive after a collection, in each turn of the loop and
                        before each cipher and hash.
ota_longest_turn_ms     longest turn of the loop in an update; median of some.
"""

import asyncio
import contextlib
import functools
import hashlib
import queue
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Self, TextIO

import ram

from epxhost import fileset, otaclient
from epxhost.appliance_process import compiled_tree, install_folder
from epxhost.door import ROOT
from epxhost.errors import ToolError
from epxhost.fileset import FileSet
from epxhost.localbroker import HOST, LocalBroker, free_port
from epxhost.mqttclient import DeviceAtBroker, Server

_DEVICE = ROOT / "bench" / "device"
_HEAP_BYTES = 100 * 1024
_ENOUGH_BYTES = 1024 * 1024
_KEY = "sixteen letters and more"
_LIMIT_S = 30.0
_RUNS = 15
_TURN_RUNS = 5
_RTT_RUNS = 3
_RTT_S = 0.020
_wire = otaclient.wire
_keys = otaclient.keys_of


def measure(toolchain) -> dict[str, float]:
    micropython = toolchain.micropython32()
    if not micropython or not toolchain.mosquitto():
        return {}
    source, compiled = (fileset.from_repository("h2o", mpy) for mpy in (False, True))
    # The time of the device is measured, not that of zlib.
    otaclient.deflate = functools.cache(otaclient.deflate)
    with LocalBroker(need_mosquitto=True) as broker:
        with Device("time", micropython, broker) as device, Straight(micropython) as straight:
            device.open()
            results = _wire_figures(device, source, compiled)
            results.update(_seconds(device, straight, source))
        results["ota_longest_turn_ms"] = _longest_turn_ms(micropython, broker, source)
        results.update(_heap(micropython, broker, source, compiled))
    return results


def _wire_figures(device: "Device", source: FileSet, compiled: FileSet) -> dict[str, float]:
    with Proxy(device.port) as proxy:

        def counted(files: FileSet) -> int:
            proxy.bytes = proxy.connections = 0
            device.update(files, proxy.port)
            return proxy.bytes

        return {
            "ota_noop_bytes": counted(device.running),
            "ota_mpy_wire_ratio": counted(compiled) / compiled.size(),
            "ota_full_wire_ratio": counted(source) / source.size(),
            "ota_connections": proxy.connections,
        }


def _seconds(device: "Device", straight: "Straight", source: FileSet) -> dict[str, float]:
    ours, theirs = [], []
    for _ in range(_RUNS):
        ours.append(device.update(source, device.port))
        theirs.append(straight.send(source))
    with Proxy(device.port, _RTT_S / 2) as proxy:
        far = [device.update(source, proxy.port) for _ in range(_RTT_RUNS)]
    return {
        "ota_full_seconds_ratio": statistics.median(ours) / statistics.median(theirs),
        "ota_full_rtt20_seconds": statistics.median(far),
    }


def _longest_turn_ms(micropython: list[str], broker: LocalBroker, source: FileSet) -> float:
    with Device("turns", micropython, broker) as device:
        device.open()
        turns_us = []
        for _ in range(_TURN_RUNS):
            device.tell("begin", "begun")
            device.update(source, device.port)
            turns_us.append(device.measured()[""])
    return statistics.median(turns_us) / 1000


def _heap(
    micropython: list[str], broker: LocalBroker, source: FileSet, compiled: FileSet
) -> dict[str, float]:
    with Device("heap", micropython, broker) as device:
        sizes = {}
        for name in ram.later_modules("h2o"):
            sizes[name] = int(device.tell(name, "imported").split()[1])
    with Device("heap", micropython, broker) as device:
        device.tell("begin", "begun")
        device.open()
        device.update(source, device.port)
        device.update(compiled, device.port)
        states = device.measured()
    code = {words: sum(sizes.get(name, 0) for name in words.split()) for words in states}
    return {
        "ota_code_bytes": max(code.values()),
        "ota_ram_bytes": max(states[words] - code[words] for words in states),
    }


class Process:
    """A program of bench/device/ on the 32-bit build; its lines wait to be read."""

    def __init__(self, micropython: list[str], script: str, *arguments: str) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="epx-bench-")
        self.folder = Path(self._temporary.name) / "flash"
        self.folder.mkdir()
        self.port = free_port()
        self._command = [*micropython, "-X", "", str(_DEVICE / script), *arguments]
        self._command += map(str, (self.folder, compiled_tree("h2o"), self.port))

    def start(self, heap_bytes: int) -> None:
        self._command[self._command.index("-X") + 1] = f"heapsize={heap_bytes}"
        self._console: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )
        threading.Thread(
            target=self._read, args=(self._process.stdout, self._lines), daemon=True
        ).start()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def __exit__(self, *error: object) -> None:
        self.kill()
        self._temporary.cleanup()

    @staticmethod
    def _read(stream: TextIO, lines: queue.Queue) -> None:
        for line in stream:
            if not line.startswith("#!"):  # what the display would show
                lines.put(line.rstrip())
        lines.put(None)

    def tell(self, line: str, answer: str) -> str:
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.wait_for(answer)

    def wait_for(self, text: str) -> str:
        """The next line with this text in it."""
        end = time.monotonic() + _LIMIT_S
        while True:
            try:
                line = self._lines.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise ToolError("\n".join([f"'{text}' does not come", *self._console[-40:]]))
            self._console.append(line)
            if text in line:
                return line


class Device(Process):
    """h2o, installed and connected."""

    def __init__(self, what: str, micropython: list[str], broker: LocalBroker) -> None:
        super().__init__(micropython, "ota_appliance.py", what)
        self._name = what
        self._broker = broker
        install_folder(self.folder, "h2o", compiled=True)
        self.running = self._make_every_file_differ()
        example = (ROOT / "profiles/h2o/config.txt.example").read_text()
        text = re.sub(r"^(mqttbroker|mqttname) .*$", "", example, flags=re.M)
        text += f"\nmqttbroker {HOST}\nmqttport {broker.port}\nmqttname {what}\notakey {_KEY}\n"
        (self.folder / "config.txt").write_text(text)

    def _make_every_file_differ(self) -> FileSet:
        """The running set, in which no file is like one of the repository's."""
        base = fileset.from_repository("h2o", compiled=True)
        files = {
            # What comes after the code of a .mpy file is not read.
            path: data + (b"\0" if path.endswith(".mpy") else b"# other\n")
            for path, data in base.files.items()
        }
        changed = base._replace(files=files)
        for path, data in files.items():
            (self.folder / "a" / path).write_bytes(data)
        (self.folder / "a" / fileset.LIST).write_text(changed.text())
        return changed

    def __enter__(self) -> Self:
        self.start(_ENOUGH_BYTES)
        if self._name != "heap":
            taken = int(self.wait_for("taken").split()[-1])
            self.kill()
            self.start(_HEAP_BYTES + taken)
        self.wait_for("mqtt: connected")
        return self

    def open(self) -> None:
        with DeviceAtBroker(self._name, Server(HOST, self._broker.port)) as at_broker:
            at_broker.wait_for(lambda message: message.text == "online", _LIMIT_S)
            at_broker.command("open")
        self.wait_for("OTA: netstatus")

    def update(self, files: FileSet, port: int) -> float:
        """Seconds of a full update, after which the device is what it was before."""
        begun = time.perf_counter()
        with socket.create_connection((HOST, port)) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = otaclient.OtaClient(sock, _KEY)
            client.open()
            sent = client.send_set(files)
            if sent.differs:
                client.commit()
            seconds = time.perf_counter() - begun
        self.wait_for("ended")
        if sent.differs:
            assert len(sent.needed) == len(files.files), "not every file differs"
            shutil.rmtree(self.folder / "b")
            (self.folder / "running.txt").write_text("a confirmed\n")
        return seconds

    def measured(self) -> dict[str, int]:
        """What the device has measured since it was told to begin: see its program."""
        self.tell("tell", "told")
        lines = [line.split() for line in self._console if line.startswith("measured")]
        return {" ".join(names): int(number) for _, number, *names in lines}


class Straight(Process):
    """The peer."""

    def __init__(self, micropython: list[str]) -> None:
        super().__init__(micropython, "ota_straight.py")

    def __enter__(self) -> Self:
        self.start(_HEAP_BYTES)
        self.wait_for("ready")
        return self

    def send(self, files: FileSet) -> float:
        """Seconds for the same files, compressed in this time as the client does."""
        names = {path: f"/{n}" for n, path in enumerate(sorted(files.files))}
        begun = time.perf_counter()
        with socket.create_connection((HOST, self.port)) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            hello = _wire.HELLO + bytes(_wire.NONCE_BYTES)
            sock.sendall(hello)
            stream = sock.makefile("rb")
            keys = _keys.Keys(_KEY, hello, stream.read(_wire.HELLO_BYTES))
            sock.sendall(keys.pc_proof)
            assert stream.read(_wire.PROOF_BYTES) == keys.device_proof
            listed = [f"{name} {len(files.files[path])}" for path, name in names.items()]
            bundle = otaclient.deflate(b"".join([files.files[path] for path in names]))
            records = [keys.from_pc.seal(_wire.LIST, " ".join(listed).encode())]
            for at in range(0, len(bundle), _wire.MOST_BODY):
                piece = bundle[at : at + _wire.MOST_BODY]
                records.append(keys.from_pc.seal(_wire.DATA, piece))
            sock.sendall(b"".join(records))
            header = stream.read(_wire.HEADER_BYTES)
            record = bytearray(header + stream.read(_wire.record_bytes(header) - len(header)))
            body = bytes(keys.from_device.open(memoryview(record))[1])
            seconds = time.perf_counter() - begun
        hashes = [hashlib.sha256(files.files[path]).digest() for path in names]
        assert body == hashlib.sha256(b"".join(hashes)).digest()
        return seconds


class Proxy:
    """Hands on what comes at its port, delay_s later, and counts: bytes, connections."""

    def __init__(self, port: int, delay_s: float = 0) -> None:
        self.port = 0
        self.bytes = 0
        self.connections = 0
        self._target = port
        self._delay_s = delay_s
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self._run, daemon=True).start()
        self._ready.wait(_LIMIT_S)
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, HOST, 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()

    async def _serve(self, reader, writer) -> None:
        self.connections += 1
        # The hand-shake of TCP takes a round trip, too.
        await asyncio.sleep(2 * self._delay_s)
        onward = await asyncio.open_connection(HOST, self._target)
        await asyncio.gather(self._pass(reader, onward[1]), self._pass(onward[0], writer))

    async def _pass(self, reader, writer) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                self.bytes += len(data)
                self._later(writer.write, data)
        self._later(writer.close)

    def _later(self, function, *arguments) -> None:
        if self._delay_s:
            self._loop.call_later(self._delay_s, function, *arguments)
        else:
            function(*arguments)


if __name__ == "__main__":
    from epxhost import toolchain

    for name, value in measure(toolchain).items():
        print(f"{name:24} {value:.3f}")
