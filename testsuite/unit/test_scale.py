"""The scale without its radio, on the real loop with the real driver and a modelled converter."""

import unittest

import _sim
from machine import Pin

from epx import loop
from epx.config import Config
from scale_sensor.sensor import Scale, battery_mv
from scale_sensor.settings import KEYS
from testmock.models.analogsensor import AnalogSensor
from testmock.models.hx711 import HX711 as Model
from third.hx711 import HX711

BENCH = _sim.bench
CLOCK = BENCH.clock


def now_ms():
    return CLOCK.now_us() // 1000


class Case(unittest.TestCase):
    """A scale with the calibration of scenario T31, a 10 and b 20, on which 7 kg lie."""

    def setUp(self):
        self.model = Model(BENCH, 5, 4, mass_kg=7)
        self.done_ms = []

    def start(self, a=10, b=20):
        self.began_ms = now_ms()
        self.scale = Scale(HX711(Pin(5), Pin(4)), a, b, self.done)

    def done(self, _):
        self.done_ms.append(now_ms() - self.began_ms)
        self.was_down = BENCH.output(4)

    def run_for(self, seconds):
        """Until then; the time of the end may be a task's tolerance later."""
        ms = int(seconds * 1000)
        end_ms = now_ms() + ms
        loop.Task(int, ms)
        while now_ms() < end_ms:
            loop.step()

    def expect(self, weight_kg, malfunction, within_s, after_s=0):
        self.run_for(within_s + 5)
        self.assertEqual((self.scale.weight_kg, self.scale.malfunction), (weight_kg, malfunction))
        self.assertEqual(len(self.done_ms), 1)
        self.assertTrue(after_s * 1000 <= self.done_ms[0] <= within_s * 1000, self.done_ms)
        self.assertEqual(self.was_down, 1)

    def console(self):
        return _sim.device.console()


class Watched(HX711):
    """Notes how old each value is when it is read."""

    def __init__(self, model):
        HX711.__init__(self, Pin(5), Pin(4))
        self.ages_us = []
        self.model = model

    def read(self):
        self.ages_us.append((CLOCK.now_us() - self.model._since_us) % 100000)
        return HX711.read(self)


class TestScenario(Case):
    """The six runs of T31, as far as they weigh."""

    def test_weighs(self):
        self.start()
        self.assertEqual(self.scale.health(), "unsure")
        self.run_for(20)
        self.assertEqual((self.scale.weight_kg, self.scale.malfunction), (None, None))
        self.expect(7.0, 0, 22, 21)
        self.assertEqual(self.scale.health(), "ok")
        self.assertTrue(self.model.is_down())
        self.assertNotIn("not off", self.console())

    def test_fails_at_init(self):
        self.model.fault = "init"
        self.start()
        self.expect(None, 1, 6, 5)
        self.assertEqual(self.scale.health(), "malfunction1")

    def test_fails_when_it_is_read(self):
        self.model.fault = "read"
        self.start()
        self.expect(None, 4, 16, 15)
        self.assertTrue(self.model.is_down())

    def test_fails_at_power_off(self):
        self.model.fault = "power_off"
        self.start()
        self.expect(7.0, 0, 22, 21)
        self.assertIn("converter is not off", self.console())

    def test_the_first_window_is_unsteady(self):
        self.start()
        self.model.disturb(1, 22)
        self.expect(7.0, 0, 35, 33)

    def test_drifts_for_ever(self):
        self.start()
        self.model.drift(0.2)
        self.expect(None, 8, 60, 57)


class TestFaults(Case):
    def test_no_converter(self):
        self.model.present = False
        self.start()
        self.expect(None, 1, 6, 5)

    def test_data_on_ground(self):
        self.model.shorted = True
        self.start()
        self.expect(None, 1, 1)
        self.assertNotIn("not off", self.console())

    def test_a_converter_that_falls_silent(self):
        self.start()
        self.run_for(15)
        self.model.fault = "init"
        self.expect(None, 4, 21, 19)

    def test_a_sample_that_fails_is_tried_again(self):
        self.start()
        self.run_for(15)
        for fault in ("shorted", "present"):
            before = getattr(self.model, fault)
            setattr(self.model, fault, not before)
            self.run_for(4)
            setattr(self.model, fault, before)
            self.run_for(2)
        self.expect(7.0, 0, 35, 25)

    def test_one_that_starts_late(self):
        self.model.fault = "init"
        self.start()
        self.run_for(4)
        self.model.fault = ""
        self.expect(7.0, 0, 22, 21)


class TestSamples(Case):
    """A cell with 20,000 per kg and -150,000 when empty."""

    def setUp(self):
        Case.setUp(self)
        self.model.counts_per_kg = 20000
        self.model.zero = -150000

    def start(self, a=20000, b=150000):
        Case.start(self, a, b)

    def samples(self, *kg):
        """The weights that are there for one sample each."""
        self.run_for(9.5)
        for mass_kg in kg:
            self.model.mass_kg = mass_kg
            self.run_for(1)

    def test_noise_is_averaged_and_nothing_is_rounded(self):
        self.model.noise = 400
        self.start()
        self.run_for(25)
        self.assertEqual(self.scale.malfunction, 0)
        self.assertTrue(0 < abs(self.scale.weight_kg - 7) < 0.02, self.scale.weight_kg)
        self.assertNotEqual(round(self.scale.weight_kg * 1000), self.scale.weight_kg * 1000)

    def test_what_is_far_from_the_mean_does_not_count(self):
        self.start()
        self.samples(*(7.0,) * 8 + (7.07,) * 4)
        self.run_for(10)
        # The mean of all is 7.0233: the four are 0.0467 off, and count.
        self.assertAlmostEqual(self.scale.weight_kg, 7 + 0.07 / 3, 4)

    def test_the_limit_itself_is_too_far(self):
        for more_kg, expected_kg in ((0.0749, 7 + 0.0749 / 3), (0.075, 7.0)):
            self.start()
            self.samples(*(7.0,) * 8 + (7.0 + more_kg,) * 4)
            self.run_for(2)
            # 7.075 is 0.050 above the mean of all.
            self.assertAlmostEqual(self.scale.weight_kg, expected_kg, 5)

    def test_seven_that_agree_are_too_few(self):
        self.start()
        self.samples(*(7.0,) * 7 + (7.1, 6.9, 7.1, 6.9, 7.1, 8.0))
        self.assertIsNone(self.scale.malfunction)
        self.run_for(15)
        self.assertAlmostEqual(self.scale.weight_kg, 8.0, 4)

    def test_a_cell_mounted_the_other_way_round(self):
        self.model.counts_per_kg = -20000
        self.start(a=-20000)
        self.expect(7.0, 0, 22, 21)

    def test_large_values_keep_their_precision(self):
        self.model.counts_per_kg = 100000
        self.model.zero = 7000000
        self.start(a=100000, b=-7000000)
        self.model.mass_kg = 13.87654
        self.run_for(25)
        self.assertAlmostEqual(self.scale.weight_kg, 13.87654, 5)

    def test_values_are_read_as_soon_as_they_are_there(self):
        """Whatever the converter's phase: the next conversion would spoil them, 100 ms later."""
        for phase_us in range(0, 100000, 9700):
            driver = Watched(self.model)
            scale = Scale(driver, 20000, 150000, bool)
            self.run_for(1)
            self.model._since_us -= phase_us
            self.run_for(22)
            self.assertAlmostEqual(scale.weight_kg, 7, 5)
            self.assertEqual(len(driver.ages_us), 12)
            self.assertTrue(max(driver.ages_us) < 11000, driver.ages_us)

    def test_the_console_tells_what_calibrates_it(self):
        self.start()
        self.run_for(25)
        self.assertIn("scale: value -10000, spread 0, 12 agree", self.console())

    def test_the_turns_are_short_and_few(self):
        self.start()
        device = _sim.device
        began = device.turns
        self.run_for(30)
        self.assertTrue(device.turns - began < 250, device.turns - began)


class TestBattery(unittest.TestCase):
    def test_the_voltage_behind_the_divider(self):
        for volts, ratio, mv in ((1.55, 2, 3100), (2.1, 2, 4200), (1.234, 1, 1234)):
            BENCH.analog(35, AnalogSensor(volts))
            self.assertEqual(battery_mv(35, ratio), mv)

    def test_what_cannot_be_measured_is_unknown(self):
        self.assertEqual(battery_mv(None, 2), 0)
        self.assertEqual(battery_mv(34, 2), 0)  # nothing is there

    def test_the_scale_hands_it_on(self):
        Model(BENCH, 5, 4)
        scale = Scale(HX711(Pin(5), Pin(4)), 10, 20, bool)
        self.assertEqual(scale.battery_mv, 0)
        scale = Scale(HX711(Pin(5), Pin(4)), 10, 20, int, 3100)
        self.assertEqual(scale.battery_mv, 3100)


class TestSettings(unittest.TestCase):
    def read(self, *lines):
        radio = "espnowpsk bla", "espnowgroup ble"
        return Config((), KEYS, radio + lines)

    def test_calibration_is_needed(self):
        config = self.read("calibration_a -20000.5", "calibration_b 20")
        self.assertTrue(config.ready)
        self.assertEqual((config.calibration_a, config.calibration_b), (-20000.5, 20))
        self.assertEqual((config.batterypin, config.batteryratio), (None, 2))
        for line in ("calibration_a 10", "calibration_b 20"):
            self.assertFalse(self.read(line).ready)

    def test_what_cannot_be(self):
        for line in ("calibration_a 0", "calibration_a 1e9", "calibration_a ten", "batterypin 25"):
            config = self.read("calibration_b 20", line)
            self.assertFalse(config.ready)
            self.assertIn(line.split()[0], " ".join(config.problems))
        self.assertIn("not 0", " ".join(self.read("calibration_a 0").problems))


if __name__ == "__main__":
    unittest.main()
