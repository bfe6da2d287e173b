"""SSD1306: a 128x64 pixel display on an I2C bus, sent page by page.

Source: Solomon Systech data sheet rev 1.5: control bytes chapter 8.1.5, commands chapter 9
and 10, start-up with the charge pump page 62. A page is 128 columns of eight rows, 135 bytes
on the wire: 3.1 ms at 400 kHz, where a whole frame would take 25 ms.
"""

from framebuf import MONO_VLSB, FrameBuffer
from micropython import const

_PAGES = const(8)
_HEADER_BYTES = const(7)
_STRIDE = const(135)
_TRANSFERS = const(10)  # set-up, pages, light
_ALL = const(0x3FF)

# 80h: one command byte follows. Page, column 0 (low, high); 40h: pixels to the end.
_HEADER = b"\x80\xb0\x80\x00\x80\x10\x40"


class SSD1306:
    """Draw into frame, note in dirty where, then send(), as the caller has time.

    dirty has a bit for each transfer that is due, the lowest one first: bit 0 sets the chip up,
    bits 1 to 8 send the pages, from the top, bit 9 lights the display. -1 is all of them: after
    a loss of power the chip is dark until its last page has been sent, else it shows its old
    pages.

    Each page is stored with its addressing commands in front of its pixels, so that it goes
    out in one transfer, from where it lies: nothing is copied or allocated.
    """

    address = 0x3C
    dirty = -1

    def __init__(self, i2c):
        self._i2c = i2c
        memory = memoryview(bytearray(_PAGES * _STRIDE + _HEADER_BYTES))
        self.frame = FrameBuffer(memory[_HEADER_BYTES:], 128, 64, MONO_VLSB, _STRIDE)
        self._transfers = [
            b"\x00"  # Control byte: nothing but commands follows.
            b"\xd5\x80"  # Clock: divide by 1, middle frequency.
            b"\xa8\x3f"  # 64 rows
            b"\xd3\x00\x40"  # No offset, RAM row 0 on top.
            b"\x8d\x14"  # Charge pump on: the module has no 7.5 V supply.
            b"\x20\x02"  # Page addressing.
            b"\xa1\xc8"  # Columns and rows mirrored: upright on the usual module.
            b"\xda\x12"  # Rows wired alternately, as on all 128x64 glass.
            b"\x81\xcf"  # Contrast
            b"\xd9\xf1\xdb\x40"  # Pre-charge and deselect level for the charge pump.
            b"\xa4\xa6"  # Show the RAM, not inverted.
        ]
        for at in range(0, _PAGES * _STRIDE, _STRIDE):
            page = memory[at : at + _STRIDE]
            page[:_HEADER_BYTES] = _HEADER
            page[1] += len(self._transfers) - 1
            self._transfers.append(page)
        self._transfers.append(b"\x00\xaf")

    def send(self):
        """The first transfer that is due, if any. OSError: the chip does not answer; still due."""
        dirty = self.dirty & _ALL
        for i in range(_TRANSFERS):
            if dirty >> i & 1:
                self._i2c.writeto(self.address, self._transfers[i])
                self.dirty = dirty & ~(1 << i)
                return
