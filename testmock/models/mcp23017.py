"""An MCP23017 port expander as a register file behind an I2C bus.

Models (data sheet DS20001952): both register layouts (IOCON.BANK), the address pointer with
and without IOCON.SEQOP, pull-ups, polarity, direction, power-on reset. No interrupts.
"""

_IODIR, _IPOL, _INTF, _IOCON, _GPPU, _INTCAP, _GPIO, _OLAT = 0, 1, 7, 5, 6, 8, 9, 10
_KINDS = 11  # of registers, each for port A and port B
_BANK = 0x80
_SEQOP = 0x20


class MCP23017:
    """inputs: 16 levels the outside world puts on the pins, port A in the high byte.

    A low level comes from a closed switch to ground, a high one from an open switch and a
    pull-up: without the chip's pull-up an open input floats, which reads as low here.
    """

    def __init__(self, inputs=0):
        self.inputs = inputs
        self.present = True
        self.failing = False
        self.transfers = 0
        self._pointer = 0
        self.power_on()

    def power_on(self):
        """Lose and regain the supply: every register as after reset (table 3-1)."""
        self.registers = bytearray(2 * _KINDS)
        self.registers[0] = self.registers[1] = 0xFF

    def outputs(self):
        """Levels the chip drives: {bit: level} for pins that are outputs, port A from bit 8."""
        driven = {}
        for bit in range(16):
            port = 0 if bit >= 8 else 1
            mask = 1 << (bit & 7)
            if not self._get(_IODIR, port) & mask:
                driven[bit] = 1 if self._get(_OLAT, port) & mask else 0
        return driven

    def i2c_write(self, data):
        self.transfers += 1
        self._pointer = data[0]
        for i in range(1, len(data)):
            place = self._place(self._pointer)
            if place is not None:
                self._write(place[0], place[1], data[i])
            self._advance()

    def i2c_read(self, n):
        self.transfers += 1
        data = bytearray(n)
        for i in range(n):
            place = self._place(self._pointer)
            data[i] = 0 if place is None else self._read(place[0], place[1])
            self._advance()
        return bytes(data)

    def _get(self, kind, port):
        return self.registers[2 * kind + port]

    def _place(self, address):
        """(kind, port) of an address in the layout of the moment; None between the banks."""
        if self._get(_IOCON, 0) & _BANK:
            kind, port = address & 0x0F, address >> 4
        else:
            kind, port = address >> 1, address & 1
        return (kind, port) if kind < _KINDS and port < 2 else None

    def _advance(self):
        control = self._get(_IOCON, 0)
        if control & _SEQOP:
            if not control & _BANK:
                self._pointer ^= 1
        else:
            last = 0x1A if control & _BANK else 2 * _KINDS - 1
            self._pointer = 0 if self._pointer >= last else self._pointer + 1

    def _write(self, kind, port, value):
        if kind == _IOCON:
            self.registers[2 * _IOCON] = self.registers[2 * _IOCON + 1] = value & 0xFE
        elif kind == _GPIO:
            self.registers[2 * _OLAT + port] = value
        elif kind not in (_INTF, _INTCAP):
            self.registers[2 * kind + port] = value

    def _read(self, kind, port):
        if kind != _GPIO:
            return self._get(kind, port)
        direction = self._get(_IODIR, port)
        outside = self.inputs >> 8 if port == 0 else self.inputs
        outside &= self._get(_GPPU, port)
        return (outside ^ self._get(_IPOL, port)) & direction | self._get(_OLAT, port) & (
            ~direction & 0xFF
        )
