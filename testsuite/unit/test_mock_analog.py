"""Voltages of the simulated bench, as machine.ADC tells them."""

import unittest

import _sim
from machine import ADC, Pin

from testmock.models.analogsensor import AnalogSensor

BENCH = _sim.bench


class TestAdc(unittest.TestCase):
    def setUp(self):
        self.sensor = BENCH.analog(34, AnalogSensor(1.2))
        self.adc = ADC(Pin(34), atten=ADC.ATTN_11DB)

    def test_says_the_voltage_in_whole_millivolts(self):
        self.assertEqual(self.adc.read_uv(), 1200000)
        self.sensor.volts = 0.7304
        self.assertEqual(self.adc.read_uv(), 730000)

    def test_tells_nothing_outside_of_the_range_of_its_attenuation(self):
        for volts, told_uv, told_u16 in ((0, 150000, 0), (3.3, 2450000, 65535)):
            self.sensor.volts = volts
            self.assertEqual(self.adc.read_uv(), told_uv)
            self.assertEqual(self.adc.read_u16(), told_u16)
        self.adc.init(atten=ADC.ATTN_0DB)
        self.assertEqual(self.adc.read_uv(), 950000)

    def test_a_pin_with_nothing_on_it_has_no_voltage(self):
        self.assertEqual(ADC(35, atten=ADC.ATTN_11DB).read_u16(), 0)

    def test_pins_and_attenuations_that_there_are(self):
        for pin in (5, 21):
            with self.assertRaises(ValueError):
                ADC(Pin(pin))
        with self.assertRaises(ValueError):
            ADC(Pin(34), atten=4)

    def test_half_of_the_pins_belong_to_the_radio_while_it_is_on(self):
        adc = ADC(Pin(25))
        self.assertEqual(adc.read_uv(), 100000)
        BENCH.wifi.activate(True)
        with self.assertRaises(OSError):
            adc.read_uv()
        self.adc.read_uv()


if __name__ == "__main__":
    unittest.main()
