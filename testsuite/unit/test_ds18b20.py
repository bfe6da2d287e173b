"""The driver of the thermometers, bit by bit, against a model of the chip."""

import errno
import unittest

import _sim
from machine import Pin
from onewire import OneWire

from testmock.models.ds18b20 import DS18B20 as Model
from testmock.models.onewire import OneWireBus, OneWireDevice, crc8
from third.ds18b20 import CONVERSION_MS, DS18B20

BENCH = _sim.bench
# Temperature and what the chip holds then: table 1 of the data sheet.
TABLE = (
    (125, 0x07D0),
    (85, 0x0550),
    (25.0625, 0x0191),
    (10.125, 0x00A2),
    (0.5, 0x0008),
    (0, 0x0000),
    (-0.5, 0xFFF8),
    (-10.125, 0xFF5E),
    (-25.0625, 0xFE6F),
    (-55, 0xFC90),
)


def now_us():
    return BENCH.clock.now_us()


class Scripted(OneWireDevice):
    """Says what a test puts into its scratchpad."""

    data = bytes(9)

    def command(self, byte):
        if byte == 0xBE:
            self.send(self.data)


def scratchpad(value, setting=0x7F):
    data = bytes((value & 0xFF, value >> 8, 0x45, 0x50, setting, 0xFF, 0x0C, 0x10))
    return data + bytes((crc8(data),))


class TestDriver(unittest.TestCase):
    def setUp(self):
        self.models = [Model(now_us, serial, 20 + serial) for serial in (1, 2, 3)]
        self.bus = BENCH.onewire(14, OneWireBus(*self.models))
        self.chip = DS18B20(OneWire(Pin(14)))

    def found(self):
        numbers = []
        self.chip.search()
        rom = self.chip.find()
        while rom is not None:
            numbers.append(rom)
            rom = self.chip.find()
        return numbers

    def measure(self):
        self.chip.start()
        BENCH.clock.spend_us(CONVERSION_MS * 1000)

    def read(self, model):
        return self.chip.read(model.rom)

    def expect_error(self, number, call, *arguments):
        with self.assertRaises(OSError) as caught:
            call(*arguments)
        self.assertEqual(caught.exception.args[0], number)

    def test_finds_all_each_once(self):
        self.assertEqual(sorted(self.found()), sorted(model.rom for model in self.models))
        self.bus.devices = [Model(now_us, serial * 0x1F35797, 20) for serial in range(40)]
        self.assertEqual(sorted(self.found()), sorted(m.rom for m in self.bus.devices))
        self.assertIsNone(self.chip.find())
        self.bus.devices = []
        self.assertEqual(self.found(), [])

    def test_what_is_no_thermometer_is_found_too(self):
        self.bus.devices.append(OneWireDevice(0x01, 77))
        self.assertEqual(len(self.found()), 4)

    def test_one_step_of_the_search_takes_fifteen_milliseconds(self):
        began_us = now_us()
        self.chip.find()
        self.assertEqual(now_us() - began_us, 960 + (8 + 3 * 64) * 70)

    def test_who_goes_during_the_search_ends_it(self):
        def gone(bit, write=self.bus.write_bit):
            write(bit)
            if self.models[0]._step == "search":
                self.bus.devices = []

        self.bus.write_bit = gone
        self.assertIsNone(self.chip.find())

    def test_a_wire_on_ground_is_an_error(self):
        self.bus.shorted = True
        self.expect_error(errno.EIO, self.chip.find)
        self.assertIsNone(self.chip.find())
        self.expect_error(errno.EIO, self.chip.read, self.models[0].rom)

    def test_a_number_with_a_wrong_check_is_an_error(self):
        self.models[1].rom = self.models[1].rom[:7] + b"\x00"
        self.bus.devices = [self.models[1]]
        self.expect_error(errno.EIO, self.chip.find)

    def test_reads_what_was_measured(self):
        for model in self.models:
            self.chip.set_up(model.rom)
        self.measure()
        self.assertEqual([self.read(model) for model in self.models], [21, 22, 23])
        self.models[0].celsius = -0.0625
        self.assertEqual(self.read(self.models[0]), 21)
        self.measure()
        self.assertEqual(self.read(self.models[0]), -0.0625)

    def test_the_table_of_the_data_sheet(self):
        device = Scripted(0x28, 5)
        self.bus.devices = [device]
        for celsius, value in TABLE:
            device.data = scratchpad(value)
            self.assertEqual(self.chip.read(device.rom), celsius)
            model = Model(now_us, 6, celsius)
            self.bus.devices = [model]
            self.chip.set_up(model.rom)
            self.measure()
            self.assertEqual(self.read(model), celsius)
            self.bus.devices = [device]

    def test_what_the_chip_cannot_measure_is_an_error(self):
        device = Scripted(0x28, 5)
        self.bus.devices = [device]
        for value in (0x07D1, 0x7FFF, 0x8000, 0xFC8F):
            device.data = scratchpad(value)
            self.expect_error(errno.EIO, self.chip.read, device.rom)
        for setting in (0xFF, 0x00, 0x7E):
            device.data = scratchpad(0x0191, setting)
            self.expect_error(errno.EIO, self.chip.read, device.rom)

    def test_a_wrong_bit_anywhere_is_an_error(self):
        device = Scripted(0x28, 5)
        self.bus.devices = [device]
        good = scratchpad(0x0191)
        for i in range(72):
            data = bytearray(good)
            data[i >> 3] ^= 1 << (i & 7)
            device.data = bytes(data)
            self.expect_error(errno.EIO, self.chip.read, device.rom)

    def test_one_that_was_not_set_up_has_no_reading(self):
        model = self.models[0]
        self.assertIsNone(self.read(model))
        self.measure()
        self.assertIsNone(self.read(model))
        self.chip.set_up(model.rom)
        self.measure()
        self.assertEqual(self.read(model), 21)
        model.power_on()
        self.assertIsNone(self.read(model))
        self.measure()
        self.assertIsNone(self.read(model))

    def test_a_lower_resolution_in_its_eeprom_does_not_count(self):
        model = self.models[0]
        model.eeprom = b"\x4b\x46\x1f"
        model.power_on()
        model.celsius = 21.1875
        self.assertEqual(model.resolution, 9)
        self.chip.set_up(model.rom)
        self.assertEqual(model.resolution, 12)
        self.measure()
        self.assertEqual(self.read(model), 21.1875)

    def test_who_is_absent_does_not_answer(self):
        self.models[0].present = False
        self.expect_error(errno.ENODEV, self.chip.read, self.models[0].rom)
        self.bus.devices = []
        self.expect_error(errno.ENODEV, self.chip.read, self.models[0].rom)
        self.expect_error(errno.ENODEV, self.chip.start)
        self.expect_error(errno.ENODEV, self.chip.set_up, self.models[0].rom)

    def test_times_on_the_wire(self):
        rom = self.models[0].rom
        for call, arguments, slots in (
            (self.chip.start, (), 16),
            (self.chip.set_up, (rom,), 8 * 13),
            (self.chip.read, (rom,), 8 * 19),
        ):
            began_us = now_us()
            call(*arguments)
            self.assertEqual(now_us() - began_us, 960 + 70 * slots)


class TestModel(unittest.TestCase):
    def setUp(self):
        self.model = Model(now_us, 1, 30.7)
        BENCH.onewire(14, OneWireBus(self.model))
        self.wire = OneWire(Pin(14))

    def tell(self, *values):
        self.wire.reset()
        self.wire.writebyte(0xCC)
        self.wire.write(bytes(values))

    def scratchpad(self):
        self.tell(0xBE)
        data = bytearray(9)
        self.wire.readinto(data)
        self.assertEqual(crc8(data), 0)
        return bytes(data[:8])

    def test_at_power_on_it_shows_85_degrees(self):
        self.assertEqual(self.scratchpad(), b"\x50\x05\x4b\x46\x7f\xff\x0c\x10")

    def test_is_busy_while_it_measures_for_a_time_by_resolution(self):
        for setting, us in ((0x1F, 93750), (0x3F, 187500), (0x5F, 375000), (0x7F, 750000)):
            self.tell(0x4E, 1, 2, setting)
            self.tell(0x44)
            began_us = now_us()
            while not self.wire.readbit():
                pass
            self.assertTrue(0 <= now_us() - began_us - us <= 140)
        self.assertEqual(self.model.conversions, 4)

    def test_a_resolution_drops_the_lowest_bits(self):
        for setting, value in ((0x1F, 488), (0x3F, 488), (0x5F, 490), (0x7F, 491)):
            self.tell(0x4E, 1, 2, setting)
            self.tell(0x44)
            BENCH.clock.spend_us(750000)
            data = self.scratchpad()
            self.assertEqual(data[1] << 8 | data[0], value)

    def test_settings_are_lost_unless_copied_and_can_be_recalled(self):
        self.tell(0x4E, 1, 2, 0xFF, 9)
        self.assertEqual(self.scratchpad()[2:5], b"\x01\x02\x7f")
        self.tell(0xB8)
        self.assertEqual(self.scratchpad()[2:5], b"\x4b\x46\x7f")
        self.tell(0x4E, 1, 2, 0x00)
        self.tell(0x48)
        self.model.power_on()
        self.assertEqual(self.scratchpad()[2:5], b"\x01\x02\x1f")
        self.tell(0x77)  # which means nothing
        self.assertEqual(self.scratchpad()[2:5], b"\x01\x02\x1f")


if __name__ == "__main__":
    unittest.main()
