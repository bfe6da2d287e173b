"""The driver of the barometer, against a model of the chip on a bus that takes time."""

import errno
import unittest

from chipcase import BENCH, ChipCase
from machine import I2C

from testmock.models.bme280 import BME280 as Model
from testmock.models.bme280 import EXAMPLE
from third.bme280 import BME280

# A chip as they are sold: its calibration differs in every number from the example.
OTHER = (28009, 25654, 50, 39145, -10750, 3024, 5667, -120, -7, 9900, -10230, 4285)


class Case(ChipCase):
    def setUp(self):
        self.hang(EXAMPLE)

    def hang(self, calibration):
        self.model = BENCH.i2c(0, 0x76, Model(BENCH.clock.now_us, calibration))
        self.bus = I2C(0)
        self.chip = BME280(self.bus)

    def measure(self, wait_us=10000):
        return ChipCase.measure(self, wait_us)


class TestDriver(Case):
    def test_the_worked_example_of_the_bmp280s_data_sheet(self):
        """There: 25.08 degrees; 100653.27 Pa with floating point.

        For 64-bit integers it prints 25767236 (of 1/256 Pa), its own formula gives 25767233: the
        difference is the fraction of the fine temperature.
        """
        self.chip.start()
        self.model.raw = (415148, 519888)
        celsius, hectopascals = self.measure()
        self.assertEqual(int(celsius * 5120 + 0.5), 128422)
        self.assertEqual("%.2f" % celsius, "25.08")
        self.assertEqual(int(hectopascals * 25600 + 0.5), 25767233)
        self.assertTrue(abs(hectopascals * 100 - 100653.27) < 0.02)

    def test_agrees_with_the_formulas_for_floating_point(self):
        for calibration in (EXAMPLE, OTHER):
            self.hang(calibration)
            self.chip.start()
            for celsius in (-40, -7.3, 0, 22.5, 84.9):
                for hectopascals in (300.1, 863.2, 987.64, 1013.25, 1099.9):
                    self.model.celsius = celsius
                    self.model.hectopascals = hectopascals
                    found = self.measure()
                    self.assertTrue(abs(found[0] - celsius) < 0.01, found)
                    self.assertTrue(abs(found[1] - hectopascals) < 0.02, found)

    def test_the_pressure_is_compensated_with_its_own_temperature(self):
        self.chip.start()
        self.model.raw = (415148, 519888)
        before = self.measure()[1]
        self.model.raw = (415148, 519888 + 8000)
        self.assertTrue(abs(self.measure()[1] - before) > 0.5)

    def test_a_bmp280_does_as_well(self):
        self.model.id = 0x58
        self.chip.start()
        self.assertAlmostEqual(self.measure()[1], 1010, 1)

    def test_another_chip_at_its_address_is_an_error(self):
        self.model.id = 0x55  # a BMP180
        self.expect_error(errno.EIO, self.chip.start)

    def test_an_absent_chip_raises(self):
        self.model.present = False
        for call in (self.chip.start, self.chip.trigger, self.chip.read):
            self.expect_error(errno.ENODEV, call)

    def test_start_sets_it_up_whatever_came_before(self):
        for register in (0xF2, 0xF4, 0xF5):
            self.bus.writeto_mem(0x76, register, b"\xfc")
        self.chip.start()
        found = [self.model.registers[register] for register in (0xF2, 0xF4, 0xF5)]
        self.assertEqual(found, [0, 0x24, 0])

    def test_while_it_measures_there_is_nothing_to_read(self):
        self.chip.start()
        self.measure()
        self.expect_error(errno.EIO, self.measure, 6000)
        BENCH.clock.spend_us(425)
        self.assertAlmostEqual(self.chip.read()[1], 1010, 1)

    def test_a_chip_that_lost_its_power_meanwhile_is_noticed(self):
        self.chip.start()
        self.chip.trigger()
        self.model.power_on()
        BENCH.clock.spend_us(10000)
        self.expect_error(errno.EIO, self.chip.read)
        # Nothing is to be set up again: each trigger says what is to be measured.
        self.assertAlmostEqual(self.measure()[1], 1010, 1)

    def test_nonsense_is_an_error(self):
        self.chip.start()
        for raw in ((0, 519888), (0xFFFFF, 519888), (415148, 0), (415148, 0xFFFFF)):
            self.model.raw = raw
            self.expect_error(errno.EIO, self.measure)

    def test_a_calibration_of_nothing_is_an_error(self):
        self.hang((0,) * 12)
        self.chip.start()
        self.model.raw = (415148, 519888)
        self.expect_error(errno.EIO, self.measure)

    def test_the_turns_are_short(self):
        for call in (self.chip.start, self.chip.trigger):
            began_us = BENCH.clock.now_us()
            call()
            self.assertTrue(BENCH.clock.now_us() - began_us < 3000)


class TestModel(Case):
    def data(self):
        BENCH.clock.spend_us(120000)
        return self.bus.readfrom_mem(0x76, 0xF7, 8)

    def test_what_is_not_measured_reads_as_skipped(self):
        skipped = b"\x80\x00\x00"
        self.assertEqual(self.data(), skipped * 2 + b"\x80\x00")
        self.model.raw = (415148, 519888)
        self.bus.writeto_mem(0x76, 0xF4, b"\x21")
        self.assertEqual(self.data(), skipped + b"\x7e\xed\x00\x80\x00")
        self.bus.writeto_mem(0x76, 0xF4, b"\x05")
        self.assertEqual(self.data(), b"\x65\x5a\xc0" + skipped + b"\x80\x00")

    def test_more_samples_take_longer(self):
        for control, us in ((0x25, 6425), (0xFD, 75425), (0xB5, 75425), (0x29, 8725)):
            self.bus.writeto_mem(0x76, 0xF4, bytes((control,)))
            BENCH.clock.spend_us(us - 300)
            self.assertEqual(self.bus.readfrom_mem(0x76, 0xF3, 1), b"\x08")
            BENCH.clock.spend_us(300)
            self.assertEqual(self.bus.readfrom_mem(0x76, 0xF3, 1), b"\x00")

    def test_a_reset_and_only_its_own_word_for_it(self):
        self.bus.writeto_mem(0x76, 0xF4, b"\x24")
        self.bus.writeto_mem(0x76, 0xE0, b"\x00")
        self.assertEqual(self.bus.readfrom_mem(0x76, 0xF4, 1), b"\x24")
        self.bus.writeto_mem(0x76, 0xE0, b"\xb6")
        self.assertEqual(self.bus.readfrom_mem(0x76, 0xF4, 1), b"\x00")

    def test_registers_are_written_in_pairs(self):
        self.bus.writeto(0x76, b"\xf2\x01\xf5\xa0\xd0\x11")
        self.assertEqual(self.bus.readfrom_mem(0x76, 0xF2, 4), b"\x01\x00\x00\xa0")
        self.assertEqual(self.bus.readfrom_mem(0x76, 0xD0, 1), b"\x60")


if __name__ == "__main__":
    unittest.main()
