"""Recordings of the radio: our own text, and what Wi-Fi sniffers write (pcap).

Text has a packet in each line: ms, channel, source, destination, bytes, the last three in hex; a
line that begins with # is a comment. The log of the simulator's ether holds the same.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from struct import unpack_from
from typing import NamedTuple

from epxhost.errors import ToolError

_MAC_BYTES = 6
# pcap (draft-ietf-opsawg-pcap): magic numbers of files with microseconds and with nanoseconds.
_MAGIC = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1_000_000}
_PCAPNG = b"\x0a\x0d\x0d\x0a"
_FILE_HEADER_BYTES = 24
_RECORD_HEADER_BYTES = 16
_IEEE802_11 = 105
_RADIOTAP = 127
# IEEE 802.11: header of a management frame, first byte of an action frame.
_HEADER_BYTES = 24
_ACTION = 0xD0
_VENDOR_SPECIFIC = 127
_VENDOR_ELEMENT = 221
_RANDOM_BYTES = 4
# ESP-IDF, ESP-NOW, "Frame Format": organization, type.
_ESPRESSIF = b"\x18\xfe\x34"
_ESP_NOW = 4
_ELEMENT_HEADER_BYTES = 5
# radiotap.org: (size, alignment) of the fields before the channel, in the order of their bits.
_BEFORE_CHANNEL = ((8, 8), (1, 1), (1, 1))
_CHANNEL_BIT = 3
_MORE_FIELDS = 1 << 31
_MHZ_OF_CHANNEL_0 = 2407
_CHANNEL_14_MHZ = 2484


class Frame(NamedTuple):
    """A packet on the air. channel 0: nobody knows."""

    ms: float
    channel: int
    source: bytes
    destination: bytes
    data: bytes

    def line(self) -> str:
        return (
            f"{self.ms:.0f} {self.channel} {self.source.hex()} {self.destination.hex()} "
            f"{self.data.hex() or '-'}"
        )


def read(path: Path) -> list[Frame]:
    """Of a file; ToolError says which line is wrong."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror}") from None
    if data[:4] == _PCAPNG:
        raise ToolError(f"{path}: want pcap, not pcapng: `editcap -F pcap {path.name} NEW.pcap`")
    if _byte_order(data):
        return list(_of_pcap(data, path))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ToolError(f"{path}: neither a recording of entool nor pcap") from None
    return [
        _of_line(line, f"{path}, line {number}")
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.startswith("#")
    ]


def _of_line(line: str, where: str) -> Frame:
    words = line.split()
    try:
        ms, channel, source, destination, data = words
        frame = Frame(
            float(ms),
            int(channel),
            bytes.fromhex(source),
            bytes.fromhex(destination),
            b"" if data == "-" else bytes.fromhex(data),
        )
    except ValueError:
        raise ToolError(f"{where}: want ms, channel, source, destination, bytes") from None
    if {len(frame.source), len(frame.destination)} != {_MAC_BYTES}:
        raise ToolError(f"{where}: want addresses of 12 hex digits")
    return frame


def write(path: Path, frames: Iterable[Frame]) -> None:
    lines = ["# ms channel source destination bytes", *(frame.line() for frame in frames)]
    try:
        path.write_text("\n".join(lines) + "\n")
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror}") from None


def _byte_order(data: bytes) -> str:
    """Of a pcap file; "" if it is none."""
    for order in "<>":
        if len(data) >= _FILE_HEADER_BYTES and unpack_from(order + "I", data)[0] in _MAGIC:
            return order
    return ""


def _of_pcap(data: bytes, path: Path) -> Iterator[Frame]:
    order = _byte_order(data)
    per_ms = _MAGIC[unpack_from(order + "I", data)[0]]
    kind = unpack_from(order + "I", data, 20)[0] & 0xFFFF
    if kind not in (_IEEE802_11, _RADIOTAP):
        raise ToolError(
            f"{path}: want frames of 802.11 (link type 105 or 127), not of type {kind}"
        )
    position = _FILE_HEADER_BYTES
    begin_ms = None
    while position + _RECORD_HEADER_BYTES <= len(data):
        seconds, fraction, size = unpack_from(order + "III", data, position)
        position += _RECORD_HEADER_BYTES
        record = data[position : position + size]
        position += size
        ms = seconds * 1000 + fraction / per_ms
        begin_ms = ms if begin_ms is None else begin_ms
        channel, frame = (0, record) if kind == _IEEE802_11 else _without_radiotap(record)
        packet = esp_now_data(frame)
        if packet is not None:
            # 802.11, 9.3.3.2: address 1 is the receiver, address 2 the sender.
            yield Frame(ms - begin_ms, channel, frame[10:16], frame[4:10], packet)


def _without_radiotap(record: bytes) -> tuple[int, bytes]:
    """(channel, frame)"""
    if len(record) < 8:
        return 0, b""
    length, present = unpack_from("<HI", record, 2)
    position = 8
    more = present
    while more & _MORE_FIELDS and position + 4 <= len(record):
        more = unpack_from("<I", record, position)[0]
        position += 4
    channel = 0
    if present & 1 << _CHANNEL_BIT:
        for bit, (size, alignment) in enumerate(_BEFORE_CHANNEL):
            if present & 1 << bit:
                position += -position % alignment + size
        position += position % 2
        if position + 2 <= len(record):
            mhz = unpack_from("<H", record, position)[0]
            channel = 14 if mhz == _CHANNEL_14_MHZ else (mhz - _MHZ_OF_CHANNEL_0) // 5
    return channel, record[length:]


def esp_now_data(frame: bytes) -> bytes | None:
    """What an action frame of ESP-NOW carries; None if it is another frame."""
    element = _HEADER_BYTES + 1 + len(_ESPRESSIF) + _RANDOM_BYTES
    if len(frame) < element + 2 + _ELEMENT_HEADER_BYTES or frame[0] != _ACTION:
        return None
    if frame[_HEADER_BYTES] != _VENDOR_SPECIFIC:
        return None
    if frame[_HEADER_BYTES + 1 : _HEADER_BYTES + 4] != _ESPRESSIF:
        return None
    number, length = frame[element : element + 2]
    content = frame[element + 2 : element + 2 + length]
    if number != _VENDOR_ELEMENT or content[:4] != _ESPRESSIF + bytes((_ESP_NOW,)):
        return None
    return content[_ELEMENT_HEADER_BYTES:] if len(content) == length else None
