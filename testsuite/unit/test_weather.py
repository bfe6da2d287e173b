"""The weather sensor's modules on the real loop, real drivers and modelled chips."""

import unittest

import _sim
import framebuf
from machine import I2C

from epx import log, loop
from epx.config import Config
from testmock.models.bme280 import BME280 as BarometerModel
from testmock.models.hdc1080 import HDC1080 as HygrometerModel
from testmock.models.ssd1306 import SSD1306 as DisplayModel
from third.bme280 import BME280
from third.hdc1080 import HDC1080
from third.ssd1306 import SSD1306
from weather.actuator import Display, altitude
from weather.sensor import Weather
from weather.service import TOPICS
from weather.settings import KEYS

BENCH = _sim.bench
CLOCK = BENCH.clock
SECONDS = 1000
MINUTES = 60 * SECONDS


def run_for(ms):
    """Until then; what may be late is not later than that."""
    end_us = (CLOCK.now_us() // 1000 + ms) * 1000
    loop.Task(int, ms)
    while CLOCK.now_us() < end_us:
        loop.step()


def log_lines():
    lines = []
    while log.peek():
        lines.append(log.peek())
        log.drop()
    return lines


class Net:
    def address(self):
        return None


class Mqtt:
    def connected(self):
        return False


class Listener:
    """As a BoundPub: counts what is announced to it."""

    def __init__(self, row):
        self.row = row
        self.looks = 0

    def look(self):
        self.looks += 1


class Case(unittest.TestCase):
    def setUp(self):
        self.hygrometer = BENCH.i2c(0, 0x40, HygrometerModel(CLOCK.now_us))
        self.barometer = BENCH.i2c(0, 0x76, BarometerModel(CLOCK.now_us))
        self.screen = BENCH.i2c(0, 0x3C, DisplayModel())
        self.bus = I2C(0)

    def make(self, *lines):
        config = Config((), KEYS, lines)
        self.assertTrue(config.ready, config.problems)
        self.weather = Weather(config, HDC1080(self.bus), BME280(self.bus))

    def values(self):
        weather = self.weather
        found = []
        for row in TOPICS:
            payload = row.payload(getattr(weather, row.value))
            found.append(None if payload is None else payload.decode())
        return found


class TestSettings(unittest.TestCase):
    def problems(self, *lines):
        return Config((), KEYS, lines).problems

    def test_none_is_needed(self):
        self.assertEqual(self.problems(), [])

    def test_an_offset_is_a_number_and_not_a_wild_one(self):
        self.assertEqual(self.problems("temperatureoffset -1.5", "pressureoffset 12"), [])
        self.assertEqual(len(self.problems("temperatureoffset 21")), 1)
        self.assertEqual(len(self.problems("humidityoffset five")), 1)


class TestTopics(unittest.TestCase):
    def test_topics_and_times_are_those_of_existing_installations(self):
        found = [(row.topic, row.digits, row.every_ms, row.refresh_ms) for row in TOPICS]
        names = (("Temperature", 1), ("Humidity", 1), ("Pressure", 1), ("Malfunction", 0))
        self.assertEqual(found, [row + (60000, 1800000) for row in names])


class TestWeather(Case):
    def setUp(self):
        Case.setUp(self)
        self.make()

    def test_nothing_is_known_before_fifteen_seconds(self):
        run_for(14900)
        self.assertEqual(self.values(), [None] * 4)
        self.assertEqual(self.weather.health(), "ok")
        run_for(200)
        self.assertEqual(self.values(), ["21.5", "82.0", "1010.0", "0"])

    def test_is_read_every_five_seconds(self):
        run_for(16 * SECONDS)
        self.hygrometer.celsius = -3
        self.barometer.hectopascals = 950
        run_for(3 * SECONDS)
        self.assertEqual(self.values()[0], "21.5")
        run_for(2 * SECONDS)
        self.assertEqual(self.values(), ["-3.0", "82.0", "950.0", "0"])

    def test_a_single_failure_is_forgiven_a_second_is_not(self):
        run_for(16 * SECONDS)
        self.barometer.failing = True
        run_for(5 * SECONDS)
        self.assertEqual(self.values()[3], "0")
        self.barometer.failing = False
        run_for(5 * SECONDS)
        self.barometer.failing = True
        run_for(5 * SECONDS)
        self.assertEqual(self.values()[3], "0")
        run_for(5 * SECONDS)
        self.assertEqual(self.values(), ["21.5", "82.0", "1010.0", "16"])
        self.assertEqual(self.weather.health(), "malfunction16")
        self.assertEqual(len(log_lines()), 1)

    def test_a_value_is_unknown_a_minute_after_its_last_reading(self):
        run_for(16 * SECONDS)
        self.hygrometer.failing = True
        run_for(54 * SECONDS)
        self.assertEqual(self.values()[:2], ["21.5", "82.0"])
        run_for(6 * SECONDS)
        self.assertEqual(self.values(), [None, None, "1010.0", "12"])

    def test_is_started_again_ten_minutes_after_a_failure(self):
        run_for(16 * SECONDS)
        self.hygrometer.failing = True
        run_for(11 * MINUTES)
        self.assertEqual(self.values(), [None, None, "1010.0", "13"])
        self.hygrometer.failing = False
        run_for(9 * MINUTES)
        self.assertEqual(self.values()[3], "13")
        run_for(1 * MINUTES)
        self.assertEqual(self.values(), ["21.5", "82.0", "1010.0", "0"])
        lines = log_lines()
        self.assertEqual(len(lines), 3)
        self.assertEqual(lines[-1], "info weather: hygrometer works again")

    def test_a_chip_that_starts_and_cannot_be_read_is_no_absent_one(self):
        self.hygrometer.stuck = b"\xff" * 4
        self.barometer.present = False
        run_for(16 * SECONDS)
        self.assertEqual(self.values(), [None, None, None, "14"])

    def test_what_fails_and_what_comes_back_is_announced(self):
        listeners = [Listener(row) for row in TOPICS]
        self.weather.listeners = listeners
        run_for(2 * MINUTES)
        self.assertEqual([listener.looks for listener in listeners], [1] * 4)
        self.barometer.failing = True
        run_for(1 * MINUTES)
        self.barometer.failing = False
        run_for(10 * MINUTES)
        self.assertEqual([listener.looks for listener in listeners], [3] * 4)


class TestOffsets(Case):
    def test_are_added(self):
        self.make("temperatureoffset 0.5", "humidityoffset -2", "pressureoffset 11.5")
        run_for(16 * SECONDS)
        self.assertEqual(self.values(), ["22.0", "80.0", "1021.5", "0"])
        self.hygrometer.failing = True
        run_for(70 * SECONDS)
        self.assertEqual(self.values(), [None, None, "1021.5", "12"])


class TestAltitude(unittest.TestCase):
    def test_the_formula_of_the_facts(self):
        self.assertAlmostEqual(altitude(1013, 15), 0, 6)
        # The standard atmosphere, whose sea level has 1013.25 hPa: 900 hPa are 988 m.
        self.assertTrue(abs(altitude(900, 8.6) - 988) < 8)
        self.assertTrue(-110 < altitude(1026, 15) < -100)


class TestDisplay(Case):
    def setUp(self):
        Case.setUp(self)
        self.make()
        Display(SSD1306(self.bus), self.weather, Net(), Mqtt())

    def expect(self, *lines):
        expected = bytearray(1024)
        frame = framebuf.FrameBuffer(expected, 128, 64, framebuf.MONO_VLSB)
        for i in range(len(lines)):
            frame.text(lines[i], 20, 12 * i)
        if self.screen.picture() != bytes(expected):
            raise AssertionError("unexpected picture:\n" + "\n".join(self.screen.rows()))

    def test_before_the_first_reading_there_is_the_uptime(self):
        run_for(10500)
        self.expect("0:00:00:10", "", "", "", "")

    def test_what_is_measured(self):
        self.hygrometer.celsius = 25
        self.hygrometer.humidity = 80
        self.barometer.hectopascals = 1012
        run_for(61 * SECONDS)
        self.expect("0:00:01:00", "T 25.0 C", "RH 80.0 %", "P 1012.0 hPa", "h 9 m")

    def test_a_stale_value_is_a_question_mark(self):
        run_for(20 * SECONDS)
        self.hygrometer.failing = True
        run_for(70500)
        self.expect("0:00:01:30", "T ? C", "RH ? %", "P 1010.0 hPa", "h ? m")

    def test_is_looked_at_every_five_seconds(self):
        run_for(21 * SECONDS)
        self.screen.data_bytes = 0
        run_for(60 * SECONDS)
        self.assertEqual(self.screen.data_bytes, 12 * 128)


if __name__ == "__main__":
    unittest.main()
