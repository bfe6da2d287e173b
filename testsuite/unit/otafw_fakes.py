"""Firmware images as ESP-IDF makes them, and partitions that write down what is done to them."""

import hashlib
from struct import pack

ESP32 = 0
ESP32_S3 = 9
BLOCK = 4096


def image(size, chip=ESP32, seed=1, hashed=True, segments=3, content=b""):
    """An application of size bytes (a multiple of 16); content stands in its first segment."""
    out = _header(chip, segments, hashed)
    rest = 48 if hashed else 16  # checksum, and the hash of all
    each = (size - len(out) - rest) // segments // 4 * 4
    for number in range(segments):
        last = number == segments - 1
        length = (size - rest - len(out) if last else each) - 8
        data = noise(length, seed + number)
        if not number:
            data = (_descriptor() + content + data)[:length]
        out += pack("<II", 0x3F400020 + number * 0x10000, length) + data
    out += bytes(15) + b"\x5a"
    if hashed:
        out += hashlib.sha256(out).digest()
    assert len(out) == size, len(out)
    return out


def _header(chip, segments=3, hashed=True):
    first = pack("<BBBBIB3x", 0xE9, segments, 2, 0x20, 0x40081234, 0xEE)
    return first + pack("<HBHH4xB", chip, 0, 0, 399, hashed)


def _descriptor():
    """MicroPython leaves project and version empty."""
    words = pack("<32s32s16s16s32s", b"", b"", b"12:00:00", b"Apr 15 2025", b"v5.4.1")
    return b"\x32\x54\xcd\xab" + bytes(12) + words + bytes(112)


def noise(length, seed):
    """Bytes without a pattern, the same for the same seed."""
    out = b""
    block = b"%d" % seed
    while len(out) < length:
        block = hashlib.sha256(block).digest()
        out += block
    return out[:length]


def whole_flash(app):
    """What micropython.org calls firmware.bin: boot loader, partition table, application."""
    loader = _header(ESP32) + pack("<II", 0x3FFF0030, 4096) + b"\x50" + noise(8191, 7)
    return loader + b"\xff" * (0xF000 - len(loader)) + app


class Flash:
    """The partitions of a board, and what is done to them: ("erase", label, block) and so on."""

    def __init__(self, running=b"", two=True, size=16 * BLOCK):
        self.size = size
        self.labels = ["ota_0", "ota_1"] if two else ["factory"]
        self.content = {label: bytearray(b"\xff" * size) for label in self.labels}
        self.content["otadata"] = bytearray(b"\xff" * 2 * BLOCK)
        self.running = self.boot = self.labels[0]
        self.content[self.running][: len(running)] = running
        self.kept = None
        self.log = []
        self.broken = ()  # operations that raise OSError
        self.rots = -1  # the byte that reads back otherwise

    def note(self, what, label, block):
        self.log.append((what, label, block))
        if what in self.broken:
            raise OSError(-0x104, "ESP_ERR_INVALID_SIZE")


class Partition:
    """esp32.Partition on the board whose flash is set here."""

    BOOT = 0
    RUNNING = 1
    TYPE_APP = 0
    TYPE_DATA = 1
    flash = None

    def __init__(self, which):
        if which == self.BOOT:
            which = self.flash.boot
        self.label = self.flash.running if which == self.RUNNING else which
        self._content = self.flash.content[self.label]

    @staticmethod
    def find(type=0, subtype=0xFF):
        if type == 0:
            return [Partition(label) for label in Partition.flash.labels]
        return [Partition("otadata")] if len(Partition.flash.labels) > 1 else []

    def info(self):
        address = 0x100000 * (1 + sorted(self.flash.content).index(self.label))
        return 0, 16, address, len(self._content), self.label, False

    def get_next_update(self):
        if len(self.flash.labels) < 2:
            raise OSError(2)
        return Partition("ota_1" if self.label == "ota_0" else "ota_0")

    def readblocks(self, block, buffer, offset=0):
        self.flash.note("read", self.label, block)
        at = block * BLOCK + offset
        buffer[:] = self._content[at : at + len(buffer)]
        if at <= self.flash.rots < at + len(buffer):
            buffer[self.flash.rots - at] ^= 1

    def writeblocks(self, block, buffer, offset):
        self.flash.note("write", self.label, block)
        at = block * BLOCK + offset
        assert at + len(buffer) <= len(self._content), "beyond the partition"
        for i in range(len(buffer)):  # programming clears bits, nothing sets them
            self._content[at + i] &= buffer[i]

    def ioctl(self, what, block):
        assert what == 6, "erase"
        self.flash.note("erase", self.label, block)
        self._content[block * BLOCK : (block + 1) * BLOCK] = b"\xff" * BLOCK
        return 0

    def set_boot(self):
        self.flash.note("set_boot", self.label, 0)
        self.flash.boot = self.label

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        """As in esp_ota_ops.c: what is selected is marked, not what runs."""
        cls.flash.note("keep", cls.flash.boot, 0)
        cls.flash.kept = cls.flash.boot
