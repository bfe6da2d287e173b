"""MicroPython's framebuf for CPython: one-bit frames, eight rows to a byte (MONO_VLSB).

Pixel-identical to the built-in module (testsuite/unit/test_framebuf.py compares both), and
quick: a whole page is one bytes operation, since a simulated day draws 86,400 frames.
"""

from font8x8 import GLYPHS

MONO_VLSB = 0
MVLSB = 0

_SHIFT_DOWN = [bytes((b << s) & 0xFF for b in range(256)) for s in range(8)]
_SHIFT_UP = [bytes(b >> (8 - s) for b in range(256)) for s in range(8)]
_SET = [bytes(b | mask for b in range(256)) for mask in range(256)]
_CLEAR = [bytes(b & ~mask & 0xFF for b in range(256)) for mask in range(256)]


def _or(old: bytes, new: bytes) -> bytes:
    merged = int.from_bytes(old, "little") | int.from_bytes(new, "little")
    return merged.to_bytes(len(old), "little")


def _and_not(old: bytes, new: bytes) -> bytes:
    merged = int.from_bytes(old, "little") & ~int.from_bytes(new, "little")
    return merged.to_bytes(len(old), "little")


class FrameBuffer:
    """Draws into buffer; byte (y // 8) * stride + x holds rows y .. y + 7 of column x."""

    def __init__(self, buffer, width, height, format, stride=None):
        stride = width if stride is None else stride
        if format != MONO_VLSB or width < 1 or height < 1 or stride < width:
            raise ValueError
        view = memoryview(buffer)
        if view.nbytes < (height + 7) // 8 * stride:
            raise ValueError("buffer too small")
        self._view = view
        self._width = width
        self._height = height
        self._stride = stride

    def fill(self, c):
        self.fill_rect(0, 0, self._width, self._height, c)

    def pixel(self, x, y, c=None):
        if 0 <= x < self._width and 0 <= y < self._height:
            at = (y >> 3) * self._stride + x
            if c is None:
                return self._view[at] >> (y & 7) & 1
            bit = 1 << (y & 7)
            self._view[at] = self._view[at] | bit if c else self._view[at] & ~bit
        return None

    def hline(self, x, y, w, c):
        self.fill_rect(x, y, w, 1, c)

    def vline(self, x, y, h, c):
        self.fill_rect(x, y, 1, h, c)

    def rect(self, x, y, w, h, c, f=False):
        if f:
            self.fill_rect(x, y, w, h, c)
        else:
            self.fill_rect(x, y, w, 1, c)
            self.fill_rect(x, y + h - 1, w, 1, c)
            self.fill_rect(x, y, 1, h, c)
            self.fill_rect(x + w - 1, y, 1, h, c)

    def fill_rect(self, x, y, w, h, c):
        left, right = max(x, 0), min(x + w, self._width)
        top, bottom = max(y, 0), min(y + h, self._height)
        if w < 1 or h < 1 or left >= right or top >= bottom:
            return
        for page in range(top >> 3, (bottom + 7) >> 3):
            first, last = max(top - page * 8, 0), min(bottom - page * 8, 8)
            mask = (1 << last) - (1 << first)
            a, b = page * self._stride + left, page * self._stride + right
            if mask == 0xFF:
                self._view[a:b] = (b"\xff" if c else b"\0") * (b - a)
            else:
                table = (_SET if c else _CLEAR)[mask]
                self._view[a:b] = self._view[a:b].tobytes().translate(table)

    def line(self, x1, y1, x2, y2, c):
        """Bresenham, stepping along the longer side from the first point to the second."""
        dx, dy = abs(x2 - x1), abs(y2 - y1)
        sx, sy = (1 if x2 > x1 else -1), (1 if y2 > y1 else -1)
        steep = dy > dx
        if steep:
            x1, y1, dx, dy, sx, sy = y1, x1, dy, dx, sy, sx
        error = 2 * dy - dx
        for _ in range(dx + 1):
            self.pixel(*((y1, x1) if steep else (x1, y1)), c)
            while error >= 0 and dx:
                y1 += sy
                error -= 2 * dx
            x1 += sx
            error += 2 * dy
        if not steep:
            self.pixel(x2, y2, c)

    def text(self, s, x, y, c=1):
        data = s.encode() if isinstance(s, str) else bytes(s)
        if 0 in data:
            data = data[: data.index(0)]
        columns = b"".join([GLYPHS[b] if b < 128 else GLYPHS[127] for b in data])
        if x < 0:
            columns = columns[-x:]
            x = 0
        columns = columns[: max(self._width - x, 0)]
        if not columns or y <= -8 or y >= self._height:
            return
        page, shift = y >> 3, y & 7
        self._merge(page, x, columns.translate(_SHIFT_DOWN[shift]), c)
        if shift:
            self._merge(page + 1, x, columns.translate(_SHIFT_UP[shift]), c)

    def _merge(self, page, x, columns, c):
        rows = self._height - page * 8
        if page < 0 or rows <= 0:
            return
        if rows < 8:
            columns = columns.translate(_CLEAR[0xFF << rows & 0xFF])
        a = page * self._stride + x
        b = a + len(columns)
        self._view[a:b] = (_or if c else _and_not)(self._view[a:b].tobytes(), columns)

    def scroll(self, xstep, ystep):
        """Moves the picture; what is uncovered keeps its pixels, as on a board."""
        width, height = self._width, self._height
        columns = range(width - 1, xstep - 1, -1) if xstep >= 0 else range(width + xstep)
        rows = range(height - 1, ystep - 1, -1) if ystep >= 0 else range(height + ystep)
        for y in rows:
            for x in columns:
                self.pixel(x, y, self.pixel(x - xstep, y - ystep))

    def blit(self, fbuf, x, y, key=-1, palette=None):
        for row in range(max(0, -y), min(fbuf._height, self._height - y)):
            for column in range(max(0, -x), min(fbuf._width, self._width - x)):
                c = fbuf.pixel(column, row)
                if c != key:
                    self.pixel(x + column, y + row, palette.pixel(c, 0) if palette else c)
