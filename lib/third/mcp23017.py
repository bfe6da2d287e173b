"""MCP23017: sixteen digital inputs with pull-ups on an I2C bus.

Source: Microchip data sheet DS20001952, register addresses of table 3-1 (IOCON.BANK = 0).
Every method raises OSError when the chip does not answer; none tries again by itself.
"""

from errno import EIO

from micropython import const

# Where IOCON is with IOCON.BANK = 1; with BANK = 0 that is GPINTENB, which is to be 0 too.
_IOCON_OF_BANK_1 = const(0x05)
_IOCON = const(0x0A)
_IODIRA = const(0x00)
_GPPUA = const(0x0C)
_SETUP_BYTES = const(14)  # IODIRA .. GPPUB
_GPPU_TO_GPIO_BYTES = const(8)  # GPPUA .. GPIOB


class MCP23017:
    """All pins are inputs; bits 15..8 of a word are port A, bits 7..0 port B."""

    def __init__(self, i2c, address=0x20):
        self._i2c = i2c
        self._address = address
        self._byte = bytearray(1)
        self._setup = bytearray(_SETUP_BYTES)
        self._setup[0] = self._setup[1] = 0xFF  # IODIR: inputs; all other registers zero.
        self._check = bytearray(_SETUP_BYTES)
        self._sample = bytearray(_GPPU_TO_GPIO_BYTES)

    def start(self, pull_ups=0xFFFF):
        """Configure, whatever state the chip is in, and read back. OSError(EIO) on a mismatch."""
        setup = self._setup
        setup[_GPPUA] = pull_ups >> 8
        setup[_GPPUA + 1] = pull_ups & 0xFF
        # Before all else: BANK and SEQOP decide where the bytes of a longer transfer go.
        self.write_register(_IOCON_OF_BANK_1, 0)
        self.write_register(_IOCON, 0)
        self._i2c.writeto_mem(self._address, _IODIRA, setup)
        self._i2c.readfrom_mem_into(self._address, _IODIRA, self._check)
        if self._check != setup:
            raise OSError(EIO)

    def read(self):
        """Levels of the 16 pins, in one transfer.

        The transfer begins at the pull-up registers, so that a chip that lost its power
        meanwhile, whose open inputs float, is noticed: OSError(EIO).
        """
        sample = self._sample
        self._i2c.readfrom_mem_into(self._address, _GPPUA, sample)
        if sample[0] != self._setup[_GPPUA] or sample[1] != self._setup[_GPPUA + 1]:
            raise OSError(EIO)
        return sample[6] << 8 | sample[7]

    def read_register(self, register):
        """One register, as a number from 0 to 255."""
        self._i2c.readfrom_mem_into(self._address, register, self._byte)
        return self._byte[0]

    def write_register(self, register, value):
        self._byte[0] = value
        self._i2c.writeto_mem(self._address, register, self._byte)
