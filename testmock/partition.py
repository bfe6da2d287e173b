"""esp32.Partition over bench.partitions; a file of its own, because few programs need it."""

import _sim
from micropython import const

_bench = _sim.bench
_map = _bench.partitions

_ENOENT = const(2)
_ESP_ERR_INVALID_ARG = const(-0x102)
_ESP_ERR_INVALID_SIZE = const(-0x104)
_ESP_ERR_NOT_FOUND = const(-0x105)
_ESP_ERR_OTA_VALIDATE_FAILED = const(-0x1503)
_BLOCK_BYTES = const(4096)
_OTADATA = "otadata"


class Partition:
    """One partition of the flash."""

    TYPE_APP = 0
    TYPE_DATA = 1
    BOOT = 0
    RUNNING = 1

    def __init__(self, id, block_size=4096):
        if isinstance(id, int):
            if id not in (Partition.BOOT, Partition.RUNNING):
                raise ValueError
            id = _map.running if id == Partition.RUNNING else _map.boot
        self._row = _map.row(id)
        if self._row is None:
            raise OSError(_ENOENT)
        self._label = id
        self._block_bytes = block_size

    @staticmethod
    def find(type=0, subtype=0xFF, label=None):
        found = []
        for row in _map.table:
            if row[0] == type and subtype in (0xFF, row[1]) and label in (None, row[4]):
                found.append(Partition(row[4]))
        return found

    def info(self):
        kind, subtype, address, size, label = self._row
        return (kind, subtype, address, size, label, False)

    def __repr__(self):
        return "<Partition type=%d, subtype=%d, address=%d, size=%d, label=%s, encrypted=0>" % (
            self._row
        )

    def _check(self, start, size):
        if start < 0 or start > self._row[3]:
            raise OSError(_ESP_ERR_INVALID_ARG)
        if start + size > self._row[3]:
            raise OSError(_ESP_ERR_INVALID_SIZE)

    def readblocks(self, block_num, buf, offset=0):
        start = block_num * self._block_bytes + offset
        size = len(buf)
        self._check(start, size)
        _bench.flash_busy(size, 0, 0)
        at = 0
        while at < size:
            number, begin = divmod(start + at, _BLOCK_BYTES)
            part = _map.block(self._label, number)[begin : begin + size - at]
            buf[at : at + len(part)] = part
            at += len(part)

    def writeblocks(self, block_num, buf, offset=None):
        """Without an offset the blocks are erased first; with one, bits only go from 1 to 0."""
        start = block_num * self._block_bytes + (offset or 0)
        data = bytes(buf)
        self._check(start, len(data))
        how = _bench.flash_change("program", self._label)
        if offset is None:
            self._erase(start, len(data))
        if how == "torn":
            data = data[: len(data) // 2]
        _bench.flash_busy(0, len(data), 0)
        at = 0
        while at < len(data):
            number, begin = divmod(start + at, _BLOCK_BYTES)
            old = _map.block(self._label, number)
            part = data[at : at + _BLOCK_BYTES - begin]
            end = begin + len(part)
            both = bytes([a & b for a, b in zip(part, old[begin:end])])
            _map.change(self._label, number, old[:begin] + both + old[end:])
            at += len(part)
        _bench.flash_changed(how)

    def _erase(self, start, size):
        for number in range(start // _BLOCK_BYTES, (start + size + 4095) // _BLOCK_BYTES):
            _bench.flash_busy(0, 0, 1)
            _map.change(self._label, number, b"\xff" * _BLOCK_BYTES)

    def ioctl(self, op, arg=0):
        if op in (1, 2, 3):  # begin, end, sync
            return 0
        if op == 4:
            return self._row[3] // self._block_bytes
        if op == 5:
            return self._block_bytes
        if op == 6:
            start = arg * self._block_bytes
            self._check(start, self._block_bytes)
            how = _bench.flash_change("erase", self._label)
            if how != "torn":
                self._erase(start, self._block_bytes)
            _bench.flash_changed(how)
            return 0
        return None

    def set_boot(self):
        if self._row[0] != Partition.TYPE_APP:
            raise OSError(_ESP_ERR_INVALID_ARG)
        if _map.checks_images and _map.block(self._label, 0)[0] != 0xE9:
            raise OSError(_ESP_ERR_OTA_VALIDATE_FAILED)
        _need_otadata()
        how = _bench.flash_change("set_boot", self._label)
        if how != "torn":
            _map.choose(self._label)
        _bench.flash_changed(how)

    def get_next_update(self):
        """The slot after this one; a board with one firmware has none."""
        slots = [row[4] for row in _map.table if row[0] == 0 and row[1] >= 0x10]
        if not slots:
            raise OSError(_ENOENT)
        at = slots.index(self._label) + 1 if self._label in slots else 0
        return Partition(slots[at % len(slots)])

    @staticmethod
    def mark_app_valid_cancel_rollback():
        _need_otadata()
        how = _bench.flash_change("keep", _map.running)
        if how != "torn":
            _map.keep()
        _bench.flash_changed(how)


def _need_otadata():
    """Where the choice is kept; a board with one firmware has no such partition."""
    if _map.row(_OTADATA) is None:
        raise OSError(_ESP_ERR_NOT_FOUND)
