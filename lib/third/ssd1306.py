"""SSD1306: a 128x64 pixel display on an I2C bus, drawn and sent page by page.

Source: Solomon Systech data sheet rev 1.5: control bytes chapter 8.1.5, commands chapter 9
and 10, start-up with the charge pump page 62. A page is 128 columns of eight rows, 135 bytes
on the wire: 3.1 ms at 400 kHz, where a whole frame would take 25 ms (and 1 KB of RAM).
"""

from framebuf import MONO_VLSB, FrameBuffer
from micropython import const

_LIGHT = const(9)  # the last transfer
_ALL = const(0x3FF)

_SETUP = (
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
)
_HEADER_BYTES = const(7)


class SSD1306:
    """Note in dirty what has changed, then send(), as the caller has time.

    dirty has a bit for each transfer that is due, the lowest one first: bit 0 sets the chip up,
    bits 1 to 8 send the pages, from the top, bit 9 lights the display. -1 is all of them: after
    a loss of power the chip is dark until its last page has been sent, else it shows its old
    pages.

    There is RAM for one page only, with its addressing commands in front of its pixels, so that
    it goes out in one transfer.
    """

    address = 0x3C
    dirty = -1

    def __init__(self, i2c):
        self._i2c = i2c
        # 80h: one command byte follows. Page, column 0 (low, high); 40h: pixels to the end.
        self._page = bytearray(b"\x80\xb0\x80\x00\x80\x10\x40" + bytes(128))
        self._frame = FrameBuffer(memoryview(self._page)[_HEADER_BYTES:], 128, 8, MONO_VLSB)

    def send(self, draw):
        """The first transfer that is due, if any. OSError: the chip does not answer; still due.

        draw(frame, top) draws the rows top .. top + 7 of the picture into the rows 0 .. 7 of
        frame, which is empty and cuts off what lies outside.
        """
        dirty = self.dirty & _ALL
        if not dirty:
            return
        number = 0
        while not dirty >> number & 1:
            number += 1
        data = _SETUP
        if number == _LIGHT:
            data = b"\x00\xaf"
        elif number:
            self._frame.fill(0)
            draw(self._frame, 8 * number - 8)
            data = self._page
            data[1] = 0xAF + number
        self._i2c.writeto(self.address, data)
        self.dirty = dirty & ~(1 << number)
