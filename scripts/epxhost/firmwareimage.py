"""What a file with MicroPython's firmware says about itself, checked before a device is asked.

Layout: esp_app_format.h of the ESP-IDF. The device checks again what it is sent.
"""

import hashlib
import re
from struct import error as StructError
from struct import unpack_from
from typing import NamedTuple

from epxhost.errors import ToolError

_IMAGE_MAGIC = 0xE9
_HEADER_BYTES = 24
_MOST_SEGMENTS = 16
_DESCRIPTOR_AT = 32  # after the headers of the image and of its first segment
_DESCRIPTOR_MAGIC = 0xABCD5432
_TEXT_BYTES = 32
_PARTITION_TABLE_MAGIC = b"\xaa\x50"
# Where a partition table lies in a file that is flashed from the bootloader's address on.
_PARTITION_TABLES_AT = (0x6000, 0x7000, 0x8000)
_HASH_BYTES = 32
# Any version of .mpy files: the person takes the responsibility.
ANY_MPY = 0xFFFF
# First version of MicroPython that reads this version of .mpy files, newest first.
_MPY_SINCE = (((1, 19), 6), ((1, 12), 5))

CHIPS = {
    0: "ESP32",
    2: "ESP32-S2",
    5: "ESP32-C3",
    9: "ESP32-S3",
    12: "ESP32-C2",
    13: "ESP32-C6",
    16: "ESP32-H2",
    18: "ESP32-P4",
    23: "ESP32-C5",
}


class FirmwareImage(NamedTuple):
    """project, version: of the application descriptor; mpy: of the .mpy files it reads, 0: not
    known."""

    data: bytes
    chip: str
    project: str
    version: str
    mpy: int


def parse(data: bytes, name: str) -> FirmwareImage:
    """ToolError if it is not one whole application image."""
    take = "take the file whose name ends in .app.bin (or .app-bin) of the same release"
    if not data:
        raise ToolError(f"{name} is empty: download it again")
    if data[0] == 0xFF or _has_partition_table(data):
        raise ToolError(
            f"{name} is a whole flashable image, with bootloader and partition table: {take}"
        )
    if data[0] != _IMAGE_MAGIC:
        raise ToolError(f"{name} is no firmware of an ESP32 (first byte {data[0]:#04x}): {take}")
    try:
        magic = unpack_from("<I", data, _DESCRIPTOR_AT)[0]
        chip = unpack_from("<H", data, 12)[0]
        if magic != _DESCRIPTOR_MAGIC:
            raise ToolError(f"{name} holds no application, perhaps a bootloader: {take}")
        version = _text(data, _DESCRIPTOR_AT + 16)
        project = _text(data, _DESCRIPTOR_AT + 48)
        _check_whole(data, name)
    except StructError:
        raise ToolError(f"{name} is cut off: download it again") from None
    return FirmwareImage(data, CHIPS.get(chip, f"chip {chip}"), project, version, _mpy(version))


def _has_partition_table(data: bytes) -> bool:
    # An application may have these two bytes there by chance; then its descriptor tells.
    if data[_DESCRIPTOR_AT : _DESCRIPTOR_AT + 4] == _DESCRIPTOR_MAGIC.to_bytes(4, "little"):
        return False
    return any(data[at : at + 2] == _PARTITION_TABLE_MAGIC for at in _PARTITION_TABLES_AT)


def _text(data: bytes, at: int) -> str:
    found = data[at : at + _TEXT_BYTES].split(b"\0")[0].decode("utf-8", "replace")
    return found if found.isprintable() else ""


def _check_whole(data: bytes, name: str) -> None:
    """Walk through the segments to the checksum, and the hash after it if there is one."""
    segments, hashed = data[1], data[23]
    if not 0 < segments <= _MOST_SEGMENTS:
        raise ToolError(f"{name} is damaged ({segments} segments): download it again")
    at = _HEADER_BYTES
    for _ in range(segments):
        at += 8 + unpack_from("<I", data, at + 4)[0]
    at = (at + 16) & ~15  # the checksum is the last byte of 16
    end = at + (_HASH_BYTES if hashed else 0)
    if end > len(data):
        raise ToolError(f"{name} is cut off: {len(data)} bytes of {end}; download it again")
    if hashed and hashlib.sha256(data[:at]).digest() != data[at:end]:
        raise ToolError(f"{name} is damaged, its own hash does not fit: download it again")


def _mpy(version: str) -> int:
    found = re.match(r"v?(\d+)\.(\d+)", version)
    if found:
        number = (int(found[1]), int(found[2]))
        for since, mpy in _MPY_SINCE:
            if number >= since:
                return mpy
    return 0
