"""A new MicroPython image, written into the firmware partition that does not run.

The running firmware stays as it is. The new one runs from the next reset on, and every reset after
that returns to the old one until somebody keeps it: docs/firmware-update.md.
"""

import gc
import hashlib
import sys
from struct import unpack_from
from time import ticks_diff, ticks_ms

from esp32 import Partition
from micropython import const

from epx import otawire
from epx.otafiles import read_head
from epx.otawire import Refusal, fields
from loader import sets, verdict

ANY_MPY = const(0xFFFF)  # as the version of .mpy files: somebody insists

_BLOCK_BYTES = const(4096)  # what flash erases at once
_ERASE_BLOCK = const(6)  # ioctl of a block device
_STEP_MS = const(20)  # of reading back; the block that is under way then comes on top
_STEP_BLOCKS = const(16)

# ESP-IDF, esp_app_format.h: the header of an image, that of its first segment, the descriptor.
_IMAGE_MAGIC = const(0xE9)
_HEADER_BYTES = const(24)
_SEGMENT_BYTES = const(8)
_MOST_SEGMENTS = const(16)
_DESCRIPTOR_AT = const(32)
_DESCRIPTOR_MAGIC = b"\x32\x54\xcd\xab"
_HEAD_BYTES = const(288)  # all three

# ESP-IDF, esp_flash_partitions.h: one entry in each of the two sectors of otadata.
_OTADATA = const(0)  # the partition's subtype
_STATE_AT = const(24)
_PENDING = b"\x01\0\0\0"

_CHIPS = {0: "ESP32", 2: "ESP32-S2", 5: "ESP32-C3", 9: "ESP32-S3", 12: "ESP32-C2", 13: "ESP32-C6"}
_TAKE_APP_BIN = "take the smaller file whose name ends in .app-bin or .app.bin"


def obey(session, kind, body):
    """FIRMWARE, KEEP."""
    if kind == otawire.KEEP:
        from epx import firmware

        session.tell(otawire.DONE, firmware.keep().encode())
        return
    (size,) = fields(otawire.FIRMWARE_BODY, body, 34)
    session.sink = Firmware(size, bytes(body[4:36]), int.from_bytes(body[36:38], "big"))
    session.tell(otawire.DONE)


def target():
    """The partition for a new firmware. Refusal: there is none."""
    running = Partition(Partition.RUNNING)
    try:
        partition = running.get_next_update()
    except OSError:
        partition = None
    # The IDF returns the running one if it is the only one for updates.
    if partition is None or partition.info()[2] == running.info()[2]:
        raise Refusal(
            "no firmware update",
            "the partition table does not have support for firmware OTA: one app partition",
        )
    return partition


def on_trial():
    """Does a firmware run that the next reset takes back?"""
    entry = bytearray(_STATE_AT + 4)
    for otadata in Partition.find(Partition.TYPE_DATA, _OTADATA):
        for sector in range(2):
            otadata.readblocks(sector, entry)
            if entry[_STATE_AT:] == _PENDING:
                return True
    return False


def _chip(head):
    """The chip that an image is for, from its header."""
    return unpack_from("<H", head, 12)[0]


def _chip_name(number):
    return _CHIPS.get(number) or "chip %d" % number


def _loads(mpy):
    """Would a firmware with this version of .mpy files find a set that it can load?"""
    if mpy == ANY_MPY or not verdict.chosen:  # the rescue program is source
        return True
    if mpy and mpy == getattr(sys.implementation, "_mpy", 0) & 0xFF:
        return True
    chosen = verdict.chosen
    running = sets.read()
    # The set that runs, that which is committed for the next boot, that which is staged.
    lists = [chosen + "/set.txt", sets.other(chosen) + "/new/list"]
    if running:
        lists.append(running.name + "/set.txt")
    for path in lists:
        needed = read_head("/" + path).get("mpy")
        if needed == "0" or (mpy and needed == str(mpy)):
            return True
    return False


class Firmware:
    """One transfer: construct, write() until it is complete, then run finish() to its end.

    A transfer that was broken off begins anew: nothing refers to what is half written.
    """

    answer = otawire.DONE
    complete = False
    received_bytes = 0
    _given_up = False

    def __init__(self, size, sha256, mpy):
        """mpy: the version of .mpy files that it loads, 0: unknown, ANY_MPY: load or not."""
        self._partition = target()
        room = self._partition.info()[3]
        if size > room:
            raise Refusal("too large", "it has %d bytes, there is room for %d" % (size, room))
        if size < _HEAD_BYTES:
            raise Refusal("bad firmware image", "%d bytes cannot be a firmware" % size)
        if on_trial():
            raise Refusal(
                "on trial",
                "the running firmware is not kept yet, and the other one is its way back: "
                "send keepversion, or reboot",
            )
        if not _loads(mpy):
            raise Refusal(
                "wrong mpy version",
                "with this firmware the compiled files here would not load: stage the source",
            )
        self._size = size
        self._sha256 = bytes(sha256)
        gc.collect()
        self._view = memoryview(bytearray(_BLOCK_BYTES))
        self._fill = 0  # bytes of the block that comes next
        self._block = 0
        self._erased = False  # is its place in flash?
        self._checked = False

    def write(self, data):
        """The next bytes, of any length.

        What is as short as a record of the session costs one erasure or one programming of a
        block (typically 45 ms and 11 ms), never both: the place is prepared while a block fills,
        and what remains in the end is left to finish().
        """
        size = len(data)
        if self._given_up or self.received_bytes + size > self._size:
            raise Refusal("out of order", "more bytes than were announced")
        self._given_up = True  # unless it ends well
        at = 0
        wrote = False
        while at < size:
            count = min(_BLOCK_BYTES - self._fill, size - at)
            self._view[self._fill : self._fill + count] = data[at : at + count]
            self._fill += count
            at += count
            if not self._checked and self._fill >= _HEAD_BYTES:
                self._check_head()
            if self._fill == _BLOCK_BYTES:
                self._write_block()
                wrote = True
        if self._checked and self._fill and not wrote:
            self._erase()
        self.received_bytes += size
        self.complete = self.received_bytes == self._size
        self._given_up = False

    def sync(self):
        """Nothing is gone on with."""

    def _erase(self):
        if not self._erased:
            try:
                self._partition.ioctl(_ERASE_BLOCK, self._block)
            except OSError as error:
                raise Refusal("file system", "flash, block %d: %s" % (self._block, error))
            self._erased = True

    def _write_block(self):
        self._erase()
        try:
            self._partition.writeblocks(self._block, self._view[: self._fill], 0)
        except OSError as error:
            raise Refusal("file system", "flash, block %d: %s" % (self._block, error))
        self._block += 1
        self._fill = 0
        self._erased = False

    def _check_head(self):
        """Is this a firmware for this chip? Nothing has been erased until that is known."""
        head = self._view
        if head[0] == 0xFF:
            raise Refusal("bad firmware image", "a copy of a whole flash: " + _TAKE_APP_BIN)
        if head[0] != _IMAGE_MAGIC:
            raise Refusal("bad firmware image", "not a firmware of an ESP32")
        own = bytearray(_HEADER_BYTES)
        Partition(Partition.RUNNING).readblocks(0, own)
        if _chip(head) != _chip(own):
            words = "it is for %s, this board has %s"
            words = words % (_chip_name(_chip(head)), _chip_name(_chip(own)))
            raise Refusal("bad firmware image", words)
        # A bootloader is an image, too: a file that begins with one is for a cable.
        if head[_DESCRIPTOR_AT : _DESCRIPTOR_AT + 4] != _DESCRIPTOR_MAGIC:
            raise Refusal("bad firmware image", "it begins with a bootloader: " + _TAKE_APP_BIN)
        if not 0 < head[1] <= _MOST_SEGMENTS:
            raise Refusal("bad firmware image", "%d segments" % head[1])
        self._checked = True

    def finish(self):
        """Job: read all back, compare, and let the new firmware run from the next reset on.

        A step takes 20 ms, and a block more. The last one takes longer: the IDF checks the image
        once more before it selects it.
        """
        if not self.complete:
            raise Refusal("out of order", "the firmware is not complete")
        if self._fill:
            self._erase()
            yield
            self._write_block()
            yield
        digest = hashlib.sha256()
        left = self._size
        block = 0
        while left:
            begun = ticks_ms()
            end = block + _STEP_BLOCKS
            while left and block < end and ticks_diff(ticks_ms(), begun) < _STEP_MS:
                view = self._view[: min(left, _BLOCK_BYTES)]
                self._read(block, view)
                digest.update(view)
                left -= len(view)
                block += 1
            yield
        if digest.digest() != self._sha256:
            raise Refusal("corrupt", "the flash does not hold what the PC announced")
        self._check_segments()
        yield
        try:
            self._partition.set_boot()
        except OSError as error:
            raise Refusal("bad firmware image", "the boot loader would not run it: %s" % error)
        return b"written and checked: it runs from the next reboot on, until keepversion on trial"

    def _read(self, block, view, offset=0):
        try:
            self._partition.readblocks(block, view, offset)
        except OSError as error:
            raise Refusal("file system", "flash, block %d: %s" % (block, error))

    def _check_segments(self):
        """Do all segments, the checksum and the hash after them lie within the image?"""
        view = self._view[:_HEADER_BYTES]
        self._read(0, view)
        segments = view[1]
        hashed = view[23]
        at = _HEADER_BYTES
        view = self._view[:_SEGMENT_BYTES]
        for _ in range(segments):
            if at + _SEGMENT_BYTES > self._size:
                at = self._size
                break
            self._read(at // _BLOCK_BYTES, view, at % _BLOCK_BYTES)
            at += _SEGMENT_BYTES + unpack_from("<I", view, 4)[0]
        at = (at + 16) & ~15  # the checksum is the last byte of 16
        if at + (32 if hashed else 0) > self._size:
            raise Refusal("bad firmware image", "it is cut off")

    def close(self):
        """Never mind: what is written is never run."""
        self._given_up = True
        self._view = None
