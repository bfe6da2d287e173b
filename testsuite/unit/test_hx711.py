"""The driver of the load cell's converter, pulse by pulse, against a model of the chip."""

import errno
import unittest

from chipcase import BENCH, ChipCase
from machine import Pin

import third.hx711 as module
from testmock.models.hx711 import HX711 as Model
from third.hx711 import A_GAIN_64, A_GAIN_128, B_GAIN_32, HX711, SETTLING_MS

DATA, CLOCK = 5, 4
_IRQS = module.disable_irq, module.enable_irq


def wait(ms):
    BENCH.clock.spend_us(int(ms * 1000))


class Interrupts:
    """Stands in for the two functions of machine. What waits while they are off comes at once
    when they are on again, and takes 100 us."""

    def __init__(self):
        self.off = False
        self.guarded = self.bare = 0
        module.disable_irq = self.disable
        module.enable_irq = self.enable
        clock = BENCH.pin(CLOCK)
        self._chip = clock.changed
        clock.changed = self._changed

    def disable(self):
        self.off = True
        return 7

    def enable(self, state):
        assert self.off and state == 7
        self.off = False
        wait(0.1)

    def _changed(self, level):
        if self.off:
            self.guarded += 1
        else:
            self.bare += 1
        self._chip(level)


class Case(ChipCase):
    def setUp(self):
        self.model = Model(BENCH, DATA, CLOCK)
        self.chip = HX711(Pin(DATA), Pin(CLOCK))

    def tearDown(self):
        module.disable_irq, module.enable_irq = _IRQS
        self.assertEqual(self.model.wrong_pulses, 0)

    def start(self, pulses=A_GAIN_128):
        self.chip = HX711(Pin(DATA), Pin(CLOCK), pulses)
        self.chip.power_up()
        wait(SETTLING_MS)

    def give(self, value):
        """The next conversion gives this."""
        self.model.mass_kg = 0
        self.model.zero = value
        self.chip.skip()
        wait(100)


class TestDriver(Case):
    def test_values_of_either_sign(self):
        self.start()
        for value in (0, 1, -1, 2, 0x555555, -0x555556, 0x2AAAAA, 0x7FFFFE, -0x7FFFFF, 0x400000):
            self.give(value)
            self.assertEqual(self.chip.read(), value)

    def test_says_when_there_is_a_value(self):
        self.chip.power_up()
        wait(SETTLING_MS - 1)
        self.assertFalse(self.chip.ready())
        self.expect_error(errno.EAGAIN, self.chip.read)
        wait(1)
        self.assertTrue(self.chip.ready())
        self.assertEqual(self.chip.read(), -20)
        self.assertFalse(self.chip.ready())
        wait(100)
        self.assertTrue(self.chip.ready())
        self.assertEqual(self.model.reads, 1)

    def test_nothing_is_ready_before_it_is_powered_up(self):
        wait(1000)
        self.assertFalse(self.chip.ready())
        self.expect_error(errno.EAGAIN, self.chip.read)

    def test_the_ends_of_the_range_are_errors(self):
        self.start()
        for value in (0x7FFFFF, 0x900000, -0x800000, -0x900000):
            self.give(value)
            self.expect_error(errno.EIO, self.chip.read)
        self.give(100)
        self.assertEqual(self.chip.read(), 100)

    def test_an_absent_chip_is_never_ready(self):
        self.model.present = False
        self.start()
        wait(5000)
        self.assertFalse(self.chip.ready())
        self.expect_error(errno.EAGAIN, self.chip.read)

    def test_data_on_ground_are_an_error(self):
        self.model.shorted = True
        self.expect_error(errno.ENODEV, self.chip.power_up)
        self.assertFalse(self.chip.ready())
        self.model.shorted = False
        self.start()
        self.model.shorted = True
        self.assertTrue(self.chip.ready())
        self.expect_error(errno.ENODEV, self.chip.read)
        self.model.shorted = False
        wait(SETTLING_MS)
        self.assertEqual(self.chip.read(), -20)

    def test_skipping_takes_what_waits_and_nothing_else(self):
        self.start()
        self.chip.skip()
        self.assertEqual(self.model.reads, 1)
        self.chip.skip()
        self.assertEqual(self.model.reads, 1)
        self.chip.power_down()
        self.chip.skip()
        self.assertEqual(self.model.reads, 1)


class TestGains(Case):
    def test_the_first_value_of_another_gain_does_not_count(self):
        for pulses, gain in ((A_GAIN_64, 64), (B_GAIN_32, 32)):
            self.start(pulses)
            self.expect_error(errno.EAGAIN, self.chip.read)
            self.assertEqual(self.model.gain, gain)
            wait(SETTLING_MS - 1)
            self.assertFalse(self.chip.ready())
            wait(1)
            self.chip.read()
            # From now on it is the same gain all the time.
            wait(100)
            self.chip.read()
            self.assertEqual(self.model.gain, gain)

    def test_the_usual_one_counts_from_the_first_value(self):
        self.start()
        self.chip.read()
        self.assertEqual(self.model.gain, 128)
        wait(100)
        self.assertTrue(self.chip.ready())

    def test_powering_up_forgets_the_gain(self):
        self.start(A_GAIN_64)
        self.chip.skip()
        self.chip.power_down()
        wait(1)
        self.chip.power_up()
        self.assertEqual(self.model.gain, 128)
        wait(SETTLING_MS)
        self.expect_error(errno.EAGAIN, self.chip.read)


class TestPower(Case):
    def test_down_and_up_again(self):
        self.start()
        self.chip.read()
        self.chip.power_down()
        self.assertFalse(self.model.is_down())
        wait(1)
        self.assertTrue(self.model.is_down())
        wait(3600000)
        self.assertFalse(self.chip.ready())
        self.assertTrue(self.chip.is_down())
        self.expect_error(errno.EAGAIN, self.chip.read)
        self.start()
        self.assertFalse(self.chip.is_down())
        self.assertEqual(self.chip.read(), -20)

    def test_the_clock_is_high_and_held_while_it_is_down(self):
        held = []

        class Clock:
            OUT = 3

            def init(self, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
                held.append((mode, value, hold))

            def value(self, x=None):
                held.append(x)

        chip = HX711(Pin(DATA), Clock())
        chip.power_up()
        chip.power_down()
        self.assertEqual(held, [(3, 1, False), 0, (3, 1, True)])

    def test_one_that_does_not_go_down_is_noticed(self):
        self.start()
        self.chip.read()
        self.model.fault = "power_off"
        self.chip.power_down()
        wait(SETTLING_MS)
        self.assertFalse(self.chip.is_down())

    def test_powering_up_ends_what_a_reset_has_left_half_read(self):
        self.start()
        clock = Pin(CLOCK)
        for _ in range(11):
            clock(1)
            clock(0)
        self.start()
        self.assertEqual(self.chip.read(), -20)


class TestPulses(Case):
    def test_interrupts_wait_until_a_pulse_is_over(self):
        self.start()
        interrupts = Interrupts()
        resets = self.model.resets
        self.assertEqual(self.chip.read(), -20)
        self.assertEqual((interrupts.guarded, interrupts.bare), (50, 0))
        self.assertEqual(self.model.resets, resets)

    def test_interrupts_within_a_pulse_would_switch_the_chip_off(self):
        """That is what they wait for: the model notices."""
        self.start()
        resets = self.model.resets
        chip = BENCH.pin(CLOCK).changed

        def interrupted(level):
            chip(level)
            wait(0.1)

        BENCH.pin(CLOCK).changed = interrupted
        self.chip.skip()
        self.assertEqual(self.model.resets, resets + 25)

    def test_a_value_takes_25_readings_of_the_data(self):
        self.start()
        began_us = BENCH.clock.now_us()
        self.chip.read()
        # One more to see whether it is ready.
        self.assertEqual(BENCH.clock.now_us() - began_us, 26 * BENCH.pin_read_us)


class TestModel(Case):
    def test_a_conversion_that_ends_meanwhile_spoils_the_value(self):
        self.start()
        wait(99.95)
        self.assertNotEqual(self.chip.read(), -20)
        self.assertEqual(self.model.torn, 1)
        wait(100)
        self.assertEqual(self.chip.read(), -20)

    def test_pulses_for_nothing_are_counted(self):
        self.start()
        self.chip.read()
        clock = Pin(CLOCK)
        for _ in range(4):
            clock(1)
            clock(0)
        self.assertEqual(self.model.wrong_pulses, 2)
        self.model.wrong_pulses = 0

    def test_80_values_per_second(self):
        self.model = Model(BENCH, DATA, CLOCK, rate_hz=80)
        self.chip.power_up()
        wait(49)
        self.assertFalse(self.chip.ready())
        wait(1)
        self.chip.read()
        wait(12.5)
        self.assertTrue(self.chip.ready())

    def test_what_lies_on_it_drifts_and_is_disturbed(self):
        model = self.model
        model.counts_per_kg, model.zero = 1000, 0
        self.start()
        model.mass_kg = "2.5"  # as the commands in real time set it
        self.assertEqual(self.chip.read(), 2500)
        model.drift(0.5)
        wait(1000)
        self.chip.skip()
        wait(100)
        self.assertTrue(3000 < self.chip.read() <= 3050)
        model.drift(0)
        model.disturb(0.1, 1)
        found = []
        for _ in range(8):
            wait(100)
            found.append(self.chip.read())
        self.assertTrue(2400 <= min(found) < 2490 and 2510 < max(found) <= 2600, found)
        wait(1000)
        self.chip.skip()
        wait(100)
        self.assertEqual(self.chip.read(), 2500)

    def test_noise_is_the_same_each_time(self):
        runs = []
        for _ in range(2):
            self.model = Model(BENCH, DATA, CLOCK, zero=0)
            self.model.noise = 30
            self.start()
            found = []
            for _ in range(20):
                found.append(self.chip.read())
                wait(100)
            runs.append(found)
        self.assertEqual(runs[0], runs[1])
        self.assertTrue(-30 <= min(runs[0]) < -10 and 10 < max(runs[0]) <= 30)

    def test_losing_its_supply_resets_it(self):
        self.start()
        self.chip.read()
        self.model.power_on()
        wait(SETTLING_MS - 1)
        self.assertFalse(self.chip.ready())

    def test_input_b_is_not_connected(self):
        self.model.mass_kg = 1000
        self.start(B_GAIN_32)
        self.chip.skip()
        wait(SETTLING_MS)
        self.assertEqual(self.chip.read(), -20)


if __name__ == "__main__":
    unittest.main()
