"""The driver of the port expander, against a model of the chip's registers."""

import errno
import unittest

from testmock.models.mcp23017 import MCP23017 as Model
from third.mcp23017 import MCP23017

_IODIRA, _IOCON, _GPPUA, _GPIOA, _OLATA = 0x00, 0x0A, 0x0C, 0x12, 0x14


class Bus:
    """What the driver uses of machine.I2C, with one chip at 0x20."""

    def __init__(self, model):
        self._model = model

    def _chip(self, address):
        if address != 0x20 or not self._model.present:
            raise OSError(errno.ENODEV)
        return self._model

    def writeto_mem(self, address, register, data):
        self._chip(address).i2c_write(bytes((register,)) + bytes(data))

    def readfrom_mem_into(self, address, register, data):
        self._chip(address).i2c_write(bytes((register,)))
        data[:] = self._model.i2c_read(len(data))


class TestDriver(unittest.TestCase):
    def setUp(self):
        self.model = Model()
        self.chip = MCP23017(Bus(self.model))

    def test_reads_port_a_as_the_high_byte(self):
        self.chip.start()
        self.model.inputs = 0x12FB
        self.assertEqual(self.chip.read(), 0x12FB)

    def test_start_undoes_what_a_fault_left_in_the_registers(self):
        self.model.inputs = 0x5678
        for control in (0x80, 0xA0, 0x20, 0x3A):
            self.model.i2c_write(bytes((_IOCON, control)))
            self.model.i2c_write(bytes((_IODIRA, 0x00, 0x00, 0xFF)))
            self.chip.start()
            self.assertEqual(self.chip.read(), 0x5678)
            self.assertEqual(self.model.outputs(), {})

    def test_a_chip_that_keeps_other_registers_than_written_is_an_error(self):
        class Forgetful(Model):
            def _write(self, kind, port, value):
                pass

        with self.assertRaises(OSError) as caught:
            MCP23017(Bus(Forgetful())).start()
        self.assertEqual(caught.exception.args[0], errno.EIO)

    def test_a_chip_that_lost_its_power_is_noticed_at_the_next_reading(self):
        self.chip.start()
        self.model.power_on()
        with self.assertRaises(OSError) as caught:
            self.chip.read()
        self.assertEqual(caught.exception.args[0], errno.EIO)
        self.chip.start()
        self.assertEqual(self.chip.read(), 0)

    def test_an_absent_chip_raises(self):
        self.model.present = False
        self.assertRaises(OSError, self.chip.start)
        self.assertRaises(OSError, self.chip.read)

    def test_a_reading_takes_one_transfer(self):
        self.chip.start()
        before = self.model.transfers
        self.chip.read()
        self.assertEqual(self.model.transfers - before, 2)  # address and data of one transfer


class TestModel(unittest.TestCase):
    def setUp(self):
        self.model = Model()

    def read(self, register, n):
        self.model.i2c_write(bytes((register,)))
        return self.model.i2c_read(n)

    def test_outputs_are_driven_and_can_be_read_back(self):
        self.model.i2c_write(bytes((_IODIRA, 0x0F)))
        self.model.i2c_write(bytes((_GPIOA, 0xA5)))
        self.assertEqual(self.read(_OLATA, 1), b"\xa5")
        self.assertEqual(self.read(_GPIOA, 1), b"\xa0")
        outputs = self.model.outputs()
        self.assertEqual([outputs[bit] for bit in sorted(outputs)], [0, 1, 0, 1])

    def test_an_open_input_without_pull_up_is_not_trusted_to_be_high(self):
        self.model.inputs = 0xFFFF
        self.model.i2c_write(bytes((_GPPUA, 0x0F, 0xF0)))
        self.assertEqual(self.read(_GPIOA, 2), b"\x0f\xf0")

    def test_the_address_pointer_wraps_after_the_last_register(self):
        self.assertEqual(self.read(0x15, 3), b"\x00\xff\xff")

    def test_in_byte_mode_the_pointer_toggles_between_the_ports(self):
        self.model.i2c_write(bytes((_IOCON, 0x20)))
        self.model.i2c_write(bytes((_GPPUA, 0xFF, 0xFF)))
        self.model.inputs = 0x1234
        self.assertEqual(self.read(_GPIOA, 4), b"\x12\x34\x12\x34")

    def test_in_byte_mode_with_banks_the_pointer_stays(self):
        self.model.i2c_write(bytes((_IOCON, 0xA0)))
        self.model.i2c_write(bytes((0x06, 0xFF)))
        self.model.inputs = 0x7700
        self.assertEqual(self.read(0x09, 3), b"\x77\x77\x77")

    def test_with_banks_the_ports_lie_apart(self):
        self.model.i2c_write(bytes((_IOCON, 0x80)))
        self.model.i2c_write(bytes((0x16, 0xFF)))
        self.model.inputs = 0x0042
        self.assertEqual(self.read(0x19, 3), b"\x42\x00\xff")
        self.assertEqual(self.read(0x0B, 1), b"\x00")

    def test_polarity_inverts_inputs(self):
        self.model.i2c_write(bytes((0x02, 0x0F)))
        self.assertEqual(self.read(_GPIOA, 1), b"\x0f")

    def test_flags_of_the_interrupt_logic_cannot_be_written(self):
        self.model.i2c_write(bytes((0x0E, 0xFF, 0xFF, 0xFF, 0xFF)))
        self.assertEqual(self.read(0x0E, 4), bytes(4))


if __name__ == "__main__":
    unittest.main()
