"""The driver of the hygrometer, against a model of the chip on a bus that takes time."""

import errno
import unittest

from chipcase import BENCH, ChipCase
from machine import I2C

from testmock.models.hdc1080 import HDC1080 as Model
from third.hdc1080 import HDC1080


class Case(ChipCase):
    def setUp(self):
        self.model = BENCH.i2c(0, 0x40, Model(BENCH.clock.now_us))
        self.bus = I2C(0)
        self.chip = HDC1080(self.bus)

    def measure(self, wait_us=20000):
        return ChipCase.measure(self, wait_us)


class TestDriver(Case):
    def test_measures_to_its_resolution(self):
        self.chip.start()
        for celsius, humidity in ((21.5, 82), (-39.9, 0), (0, 50), (-7.3, 99.5), (124.9, 3)):
            self.model.celsius = celsius
            self.model.humidity = humidity
            found = self.measure()
            self.assertTrue(abs(found[0] - celsius) <= 165 / 32768, found)
            self.assertTrue(abs(found[1] - humidity) <= 100 / 32768, found)

    def test_words_and_values_of_the_data_sheets_formulas(self):
        self.chip.start()
        for words, values in (
            (b"\x66\x66\x80\x00", (0x6664 * 165 / 65536 - 40, 50)),
            (b"\x00\x04\x00\x00", (4 * 165 / 65536 - 40, 0)),
            (b"\x80\x00\xff\xfc", (42.5, 65532 * 100 / 65536)),
        ):
            self.model.stuck = bytes((words[0], words[1] & 0xFC, words[2], words[3]))
            found = self.measure()
            self.assertAlmostEqual(found[0], values[0], 4)
            self.assertAlmostEqual(found[1], values[1], 4)

    def test_does_not_answer_before_it_is_done(self):
        self.chip.start()
        self.expect_error(errno.ENODEV, self.measure, 12500)
        BENCH.clock.spend_us(1000)
        self.assertAlmostEqual(self.chip.read()[0], 21.5, 1)

    def test_start_sets_it_up_whatever_came_before(self):
        self.bus.writeto_mem(0x40, 2, b"\x27\x00")
        self.chip.start()
        self.assertEqual(self.model.configuration, 0x1000)
        self.assertAlmostEqual(self.measure()[1], 82, 1)

    def test_a_low_supply_is_no_error(self):
        self.model.low_supply = True
        self.chip.start()

    def test_another_chip_at_its_address_is_an_error(self):
        self.model.ids = {}
        self.expect_error(errno.EIO, self.chip.start)

    def test_a_chip_that_keeps_another_setting_is_an_error(self):
        class Forgetful(Model):
            def i2c_write(self, data):
                Model.i2c_write(self, data)
                self.configuration = 0

        BENCH.i2c(0, 0x40, Forgetful(BENCH.clock.now_us))
        self.expect_error(errno.EIO, self.chip.start)

    def test_an_absent_chip_raises(self):
        self.model.present = False
        for call in (self.chip.start, self.chip.trigger, self.chip.read):
            self.expect_error(errno.ENODEV, call)

    def test_what_no_conversion_gives_is_an_error(self):
        self.chip.start()
        for words in (b"\xff\xff\xff\xff", b"\x66\x66\xff\xff", b"\x66\x64\x80\x01", bytes(4)):
            self.model.stuck = words
            self.expect_error(errno.EIO, self.measure)

    def test_a_chip_that_lost_its_power_meanwhile_is_noticed(self):
        self.chip.start()
        self.chip.trigger()
        self.model.power_on()
        BENCH.clock.spend_us(20000)
        self.expect_error(errno.EIO, self.chip.read)
        # Nothing is to be set up again: the setting is that of a power-on.
        self.assertAlmostEqual(self.measure()[0], 21.5, 1)

    def test_the_turns_are_short(self):
        for call in (self.chip.start, self.chip.trigger):
            began_us = BENCH.clock.now_us()
            call()
            self.assertTrue(BENCH.clock.now_us() - began_us < 1000)


class TestModel(Case):
    def read_after(self, pointer, n, wait_us=20000):
        self.bus.writeto(0x40, bytes((pointer,)))
        BENCH.clock.spend_us(wait_us)
        return self.bus.readfrom(0x40, n)

    def test_one_value_alone_and_the_coarser_resolutions(self):
        for high, bits, after_us in ((0x00, 14, 6500), (0x01, 11, 3850), (0x02, 8, 2500)):
            self.bus.writeto_mem(0x40, 2, bytes((high, 0)))
            word = int.from_bytes(self.read_after(1, 2, after_us), "big")
            self.assertEqual(word, int(0.82 * (1 << bits) + 0.5) << 16 - bits)
        self.bus.writeto_mem(0x40, 2, b"\x04\x00")
        word = int.from_bytes(self.read_after(0, 2, 3650), "big")
        self.assertEqual(word, int(61.5 / 165 * 2048 + 0.5) << 5)

    def test_what_is_beyond_its_range_is_the_end_of_it(self):
        self.model.celsius = -50
        self.model.humidity = 120
        self.assertEqual(self.read_after(0, 5), b"\x00\x00\xff\xfc\xff")

    def test_a_reset_undoes_the_setting(self):
        self.bus.writeto_mem(0x40, 2, b"\x26\x00")
        self.assertEqual(self.bus.readfrom_mem(0x40, 2, 2), b"\x26\x00")
        self.bus.writeto_mem(0x40, 2, b"\x80\x00")
        self.assertEqual(self.bus.readfrom_mem(0x40, 2, 2), b"\x10\x00")

    def test_tells_who_it_is(self):
        self.assertEqual(self.bus.readfrom_mem(0x40, 0xFE, 2), b"\x54\x49")
        self.assertEqual(self.bus.readfrom_mem(0x40, 0xFF, 2), b"\x10\x50")


if __name__ == "__main__":
    unittest.main()
