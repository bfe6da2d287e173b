"""SSD1306: a 128x64 pixel display on an I2C bus, sent page by page.

Source: Solomon Systech data sheet rev 1.5: control bytes chapter 8.1.5, commands chapter 9
and 10, start-up with the charge pump page 62. A page is 128 columns of eight rows, 135 bytes
on the wire: 3.1 ms at 400 kHz, where a whole frame would take 25 ms.
Every method that sends raises OSError when the chip does not answer; none tries again.
"""

from framebuf import MONO_VLSB, FrameBuffer
from micropython import const

WIDTH = 128
HEIGHT = 64
PAGES = 8
_HEADER_BYTES = const(7)
_STRIDE = const(135)

_COMMANDS = b"\x00"  # Control byte: nothing but commands follows.
_START = _COMMANDS + (
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


class _Index:
    """Gives the slice object that an index expression makes, to make it only once."""

    def __getitem__(self, index):
        return index


_ALL = _Index()[:]


class SSD1306:
    """Draw into `frame`, then send what changed: one page per call, as the caller has time.

    Each page is stored with its addressing commands in front of its pixels, so that it goes
    out in one transfer, from where it lies: nothing is copied or allocated.
    """

    def __init__(self, i2c, address=0x3C):
        self._i2c = i2c
        self._address = address
        self._command = bytearray(3)
        memory = memoryview(bytearray(PAGES * _STRIDE + _HEADER_BYTES))
        shadow = memoryview(bytearray(PAGES * _STRIDE))
        self.frame = FrameBuffer(memory[_HEADER_BYTES:], WIDTH, HEIGHT, MONO_VLSB, _STRIDE)
        self._pages = [memory[at : at + _STRIDE] for at in range(0, PAGES * _STRIDE, _STRIDE)]
        self._shown = [shadow[at : at + _STRIDE] for at in range(0, PAGES * _STRIDE, _STRIDE)]
        self._unknown = 0xFF  # A bit for each page of which we do not know what the chip holds.
        for number, page in enumerate(self._pages):
            # 80h: one command byte follows. Page, column 0 (low, high); 40h: pixels to the end.
            page[:_HEADER_BYTES] = bytes((0x80, 0xB0 | number, 0x80, 0x00, 0x80, 0x10, 0x40))

    def start(self):
        """Set the chip up; every page counts as changed. Send the pages, then on().

        After a loss of power the chip is dark until then, else it shows its old pages.
        """
        self._unknown = 0xFF
        self._i2c.writeto(self._address, _START)

    def next_dirty(self):
        """The first page that differs from what the chip shows, or -1."""
        unknown = self._unknown
        for page in range(PAGES):
            if unknown >> page & 1 or self._pages[page] != self._shown[page]:
                return page
        return -1

    def show_page(self, page):
        """Send page (0 .. 7, eight rows each)."""
        self._unknown |= 1 << page
        self._i2c.writeto(self._address, self._pages[page])
        self._shown[page][_ALL] = self._pages[page]
        self._unknown &= ~(1 << page)

    def on(self, lit=True):
        self._send(0xAF if lit else 0xAE)

    def invert(self, inverse=True):
        self._send(0xA7 if inverse else 0xA6)

    def contrast(self, level):
        """level: 0 .. 255; also a dark display can be read in the dark."""
        self._send(0x81, level)

    def _send(self, command, parameter=0xE3):
        # E3h does nothing: a command without parameter is sent with it.
        self._command[1] = command
        self._command[2] = parameter
        self._i2c.writeto(self._address, self._command)
