"""An SSD1306 display as a command decoder and 1024 bytes of RAM behind an I2C bus.

Models (data sheet rev 1.5, chapters 8.1.5, 9 and 10): control bytes, commands that arrive in
pieces, the three addressing modes, orientation, start line, inverse, all-on, display on and
off, charge pump. Not the scroll engine: its commands are taken and ignored.
"""

# Parameter bytes that follow a command; commands absent here have none.
_PARAMETERS = {
    0x20: 1,
    0x21: 2,
    0x22: 2,
    0x26: 6,
    0x27: 6,
    0x29: 5,
    0x2A: 5,
    0x81: 1,
    0x8D: 1,
    0xA3: 2,
    0xA8: 1,
    0xD3: 1,
    0xD5: 1,
    0xD9: 1,
    0xDA: 1,
    0xDB: 1,
}
_KNOWN_SINGLE = (0x2E, 0x2F, 0xA0, 0xA1, 0xA4, 0xA5, 0xA6, 0xA7, 0xAE, 0xAF, 0xC0, 0xC8, 0xE3)
_HORIZONTAL, _VERTICAL, _PAGE = 0, 1, 2


class SSD1306:
    """ram holds what was written; picture() and rows() tell what a person would see.

    The glass is mounted as on the usual module: upright with commands A1h and C8h.
    data_bytes counts what went into the RAM, bad lists bytes that are no command.
    """

    def __init__(self, width=128, height=64):
        self.width = width
        self.height = height
        self.present = True
        self.failing = False
        self.data_bytes = 0
        self.bad = []
        self.power_on()

    def power_on(self):
        """Lose and regain the supply; real RAM then holds noise, here a stripe pattern."""
        self.ram = bytearray(b"\xaa\x55" * (self.width * self.height // 16))
        self.is_on = self.inverse = self.all_on = self.charge_pump = False
        self.contrast = 0x7F
        self.multiplex = 64
        self.offset = self.start_line = 0
        self.remapped_columns = self.remapped_rows = False
        self._mode = _PAGE
        self._column_range = (0, self.width - 1)
        self._page_range = (0, self.height // 8 - 1)
        self._column = self._page = 0
        self._command = None
        self._parameters = []

    def i2c_write(self, data):
        at = 0
        while at < len(data):
            control = data[at]
            if control & 0x80:
                part = data[at + 1 : at + 2]
                at += 2
            else:
                part = data[at + 1 :]
                at = len(data)
            if control & 0x40:
                self._write_ram(part)
            else:
                for byte in part:
                    self._decode(byte)

    def i2c_read(self, n):
        """Status register: bit 6 set while the display is off."""
        return bytes((0 if self.is_on else 0x40,)) * n

    def is_lit(self):
        return self.is_on and self.charge_pump

    def picture(self):
        """What is to be seen: a byte per column and eight rows, bit 0 on top, page by page."""
        if not self.is_lit():
            return bytes(len(self.ram))
        plain = self.remapped_columns and self.remapped_rows and self.multiplex == self.height
        if not plain or self.start_line or self.offset or self.all_on:
            return self._turned_picture()
        return bytes(b ^ 0xFF for b in self.ram) if self.inverse else bytes(self.ram)

    def rows(self):
        """The picture as text: one line per row, # for a lit pixel."""
        picture = self.picture()
        lines = []
        for y in range(self.height):
            page = (y >> 3) * self.width
            bit = 1 << (y & 7)
            columns = range(page, page + self.width)
            lines.append("".join("#" if picture[i] & bit else "." for i in columns))
        return lines

    def _turned_picture(self):
        seen = bytearray(len(self.ram))
        for y in range(self.multiplex):
            row = y if self.remapped_rows else self.multiplex - 1 - y
            source = (row + self.start_line + self.offset) % self.height
            for x in range(self.width):
                column = x if self.remapped_columns else self.width - 1 - x
                bit = self.ram[(source >> 3) * self.width + column] >> (source & 7) & 1
                if self.all_on or bit != self.inverse:
                    seen[(y >> 3) * self.width + x] |= 1 << (y & 7)
        return bytes(seen)

    def _decode(self, byte):
        if self._command is None:
            if byte in _PARAMETERS:
                self._command = byte
                self._parameters = []
            else:
                self._single(byte)
            return
        self._parameters.append(byte)
        if len(self._parameters) == _PARAMETERS[self._command]:
            command, self._command = self._command, None
            self._long(command, self._parameters)

    def _single(self, byte):
        if byte < 0x10:
            self._column = self._column & 0x70 | byte
        elif byte < 0x20:
            self._column = (byte & 7) << 4 | self._column & 0x0F
        elif 0x40 <= byte < 0x80:
            self.start_line = byte & 0x3F
        elif 0xB0 <= byte < 0xB8:
            self._page = byte & 7
        elif byte not in _KNOWN_SINGLE:
            self.bad.append(byte)
        else:
            self._switch(byte)

    def _switch(self, byte):
        on = bool(byte & 1)
        if byte >> 1 == 0xA0 >> 1:
            self.remapped_columns = on
        elif byte >> 1 == 0xA4 >> 1:
            self.all_on = on
        elif byte >> 1 == 0xA6 >> 1:
            self.inverse = on
        elif byte >> 1 == 0xAE >> 1:
            self.is_on = on
        elif byte in (0xC0, 0xC8):
            self.remapped_rows = byte == 0xC8

    def _long(self, command, p):
        if command == 0x20:
            self._mode = p[0] & 3
        elif command == 0x21:
            self._column_range = (p[0] & 0x7F, p[1] & 0x7F)
            self._column = self._column_range[0]
        elif command == 0x22:
            self._page_range = (p[0] & 7, p[1] & 7)
            self._page = self._page_range[0]
        elif command == 0x81:
            self.contrast = p[0]
        elif command == 0x8D:
            self.charge_pump = bool(p[0] & 4)
        elif command == 0xA8:
            self.multiplex = (p[0] & 0x3F) + 1
        elif command == 0xD3:
            self.offset = p[0] & 0x3F

    def _write_ram(self, data):
        self.data_bytes += len(data)
        at = self._page * self.width + self._column
        if self._mode == _PAGE and self._column + len(data) <= self.width:
            self.ram[at : at + len(data)] = data
            self._column = (self._column + len(data)) % self.width
            return
        for byte in data:
            self.ram[self._page * self.width + self._column] = byte
            self._advance()

    def _advance(self):
        if self._mode == _PAGE:
            self._column = (self._column + 1) % self.width
        elif self._mode == _VERTICAL:
            self._page = self._next(self._page, self._page_range)
            if self._page == self._page_range[0]:
                self._column = self._next(self._column, self._column_range)
        else:
            self._column = self._next(self._column, self._column_range)
            if self._column == self._column_range[0]:
                self._page = self._next(self._page, self._page_range)

    @staticmethod
    def _next(value, span):
        return span[0] if value == span[1] else value + 1
