"""Somebody at a PC of the house who talks to a device's port for updates, byte by byte.

For stories, on both interpreters. The tool for people is scripts/epxhost/otaclient.py.
"""

import hashlib
import sys
from struct import pack

from testsuite.story import SECONDS, command, sent

KEY = "a secret of 20 signs"
PORT = 1337


def wire(name="otawire"):
    """lib/epx/otawire.py, or another one of the pure modules of updates."""
    if sys.implementation.name == "micropython":
        __import__("epx." + name)  # while a device has power its lib/ can be imported
        return sys.modules["epx." + name]
    from epxhost.devicelib import device_module

    return device_module("epx." + name)


def open_port(world):
    """Ask for it by MQTT, and wait until it is there."""
    before = len(sent(world, "OTA"))
    command(world, "OTA", b"open")
    assert world.run_until(lambda: len(sent(world, "OTA")) > before, 20 * SECONDS), "shut"


class _Pc:
    """What the network asks of who connects."""

    def __init__(self, address):
        self._address = address

    def link_is_up(self):
        return True

    def address(self):
        return self._address


class Lost(Exception):
    """The connection is gone."""


class Refused(Exception):
    """reason, words for a person."""


class Caller:
    """One connection. Connects and proves that it has the key."""

    def __init__(self, world, key=KEY, address="192.168.1.50"):
        self._world = world
        self._wire = wire()
        device = world.device
        self.end = world.lan.connect(_Pc(address), (device.address(), PORT), None)
        assert world.run_until(self.end.settled, 20 * SECONDS), "no answer"
        if self.end.state != "open":
            raise Lost
        hello = self._wire.HELLO + b"the PC's own 16B"
        self.send(hello)
        answer = self.read(self._wire.HELLO_BYTES)
        if answer[3] != self._wire.WELCOME:
            raise Lost
        self._keys = wire("otakeys").Keys(key, hello, answer)
        self.send(self._keys.pc_proof)
        assert self.read(self._wire.PROOF_BYTES) == self._keys.device_proof
        kind, body = self.hear()
        assert kind == self._wire.IDENTITY
        lines = str(body, "utf-8").split("\n")
        self.identity = dict([line.split(" ", 1) for line in lines if line])

    # Bytes.

    def send(self, data):
        while data:
            ready = self._world.run_until(self.end.can_send, 60 * SECONDS)
            if not ready or self.end.error:
                raise Lost
            data = data[self.end.send(data) :]

    def read(self, size, limit_ms=60 * SECONDS):
        end = self.end
        self._world.run_until(lambda: len(end.rx) >= size or end.eof or end.error, limit_ms)
        if len(end.rx) < size:
            raise Lost
        return end.receive(size)

    # Records.

    def record(self, kind, body=b""):
        """The next one, as bytes on the wire."""
        return self._keys.from_pc.seal(kind, body)

    def tell(self, kind, body=b""):
        self.send(self.record(kind, body))

    def hear(self, limit_ms=60 * SECONDS):
        """(type, body) of the next record; a refusal is raised."""
        header = self.read(2, limit_ms)
        record = bytearray(header)
        record += self.read(self._wire.record_bytes(header) - 2, limit_ms)
        kind, body = self._keys.from_device.open(memoryview(record))
        body = bytes(body)
        if kind == self._wire.REFUSED:
            raise Refused(wire("otarefusals").REFUSALS[body[0] - 1], str(body[1:], "utf-8"))
        return kind, body

    def done(self, limit_ms=120 * SECONDS):
        """Wait for DONE -> its words."""
        while True:
            kind, body = self.hear(limit_ms)
            if kind == self._wire.DONE:
                return str(body, "utf-8")
            assert kind == self._wire.PROGRESS, kind

    def close(self):
        self.end.close()

    # Firmware.

    def announce_firmware(self, image, size=None, sha256=None, mpy=6):
        body = pack(self._wire.FIRMWARE_BODY, len(image) if size is None else size)
        body += sha256 or hashlib.sha256(image).digest()
        self.tell(self._wire.FIRMWARE, body + pack(">H", mpy))
        return self.done()

    def send_data(self, data):
        most = self._wire.MOST_BODY
        for at in range(0, len(data), most):
            self.tell(self._wire.DATA, data[at : at + most])

    def send_firmware(self, image, **options):
        """All of it -> what the device says in the end."""
        self.announce_firmware(image, **options)
        self.send_data(image)
        return self.done()
