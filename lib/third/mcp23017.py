"""MCP23017: sixteen digital inputs with pull-ups on an I2C bus.

Source: Microchip data sheet DS20001952, register addresses of table 3-1 (IOCON.BANK = 0).
Both methods raise OSError when the chip does not answer; none tries again by itself.
"""

from errno import EIO

from micropython import const

_IODIRA = const(0x00)
# Where IOCON is with IOCON.BANK = 1; with BANK = 0 that is GPINTENB, which is to be 0 too.
_IOCON_OF_BANK_1 = const(0x05)
_DEFVALA = const(0x06)
_IOCON = const(0x0A)
# IODIRA .. GPPUB: inputs with pull-ups, all else zero.
_SETUP = b"\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff"
_SETUP_BYTES = const(14)
# As many from DEFVALA on end with GPPUA, GPPUB, four of the interrupt logic, GPIOA, GPIOB.


class MCP23017:
    """All pins are inputs; bits 15..8 of a word are port A, bits 7..0 port B."""

    address = 0x20

    def __init__(self, i2c):
        self._i2c = i2c
        self._registers = bytearray(_SETUP_BYTES)

    def start(self):
        """Configure, whatever state the chip is in, and read back. OSError(EIO) on a mismatch."""
        write = self._i2c.writeto_mem
        # Before all else: BANK and SEQOP decide where the bytes of a longer transfer go.
        write(self.address, _IOCON_OF_BANK_1, b"\x00")
        write(self.address, _IOCON, b"\x00")
        write(self.address, _IODIRA, _SETUP)
        self._i2c.readfrom_mem_into(self.address, _IODIRA, self._registers)
        if self._registers != _SETUP:
            raise OSError(EIO)

    def read(self):
        """Levels of the 16 pins, in one transfer.

        The pull-up registers are part of it, so that a chip that lost its power meanwhile,
        whose open inputs float, is noticed: OSError(EIO).
        """
        registers = self._registers
        self._i2c.readfrom_mem_into(self.address, _DEFVALA, registers)
        if registers[6] & registers[7] != 0xFF:
            raise OSError(EIO)
        return registers[12] << 8 | registers[13]
