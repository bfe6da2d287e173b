"""Thermometers without the framework around them: smoothing, settings, order on the bus."""

import unittest
from errno import EIO, ENODEV

import _sim

from epx import loop
from termo.sensor import Kalman, Probe, Thermometers
from termo.settings import KEYS, offsets

CLOCK = _sim.bench.clock
# Readings every 5 s, what becomes of them, and the variance: from the facts.
VECTORS = (
    (21, 21, 0.249377),
    (21.5, 21.25227, 0.126136),
    (21, 21.16538, 0.086106),
    (22, 21.38867, 0.066884),
)


def run_for(ms):
    """Until then; what may be late is not later than that."""
    end_us = CLOCK.now_us() + ms * 1000
    loop.Task(int, ms)
    while CLOCK.now_us() < end_us:
        loop.step()


def rom(number):
    return bytes((0x28, number, 0, 0, 0, 0, 0, 0))


class TestKalman(unittest.TestCase):
    def test_the_vectors(self):
        kalman = Kalman()
        for reading, value, variance in VECTORS:
            kalman.feed(reading, 5000)
            self.assertAlmostEqual(kalman.value, value, 5)
            self.assertAlmostEqual(kalman.variance, variance, 5)

    def test_the_steady_gain_and_deviation(self):
        kalman = Kalman()
        for _ in range(200):
            kalman.feed(20, 5000)
        before = kalman.value
        self.assertAlmostEqual(kalman.variance**0.5, 0.183, 3)
        kalman.feed(21, 5000)
        self.assertAlmostEqual(kalman.value - before, 0.1343, 4)

    def test_after_a_pause_a_reading_counts_more(self):
        gains = []
        for pause_ms in (5000, 50000):
            kalman = Kalman()
            for _ in range(100):
                kalman.feed(20, 5000)
            kalman.feed(21, pause_ms)
            gains.append(kalman.value - 20)
        self.assertTrue(gains[1] > 1.8 * gains[0])


class TestProbe(unittest.TestCase):
    def test_tells_what_exceeds_its_uncertainty(self):
        probe = Probe(rom(1), None)
        self.assertIsNone(probe.value)
        for _ in range(100):
            probe.feed(21)
            CLOCK.spend_us(5000000)
        for _ in range(100):
            probe.feed(21.17)
            CLOCK.spend_us(5000000)
        self.assertEqual(probe.value, 21)
        for _ in range(100):
            probe.feed(21.25)
            CLOCK.spend_us(5000000)
        self.assertTrue(21.18 < probe.value <= 21.25)

    def test_an_offset_belongs_to_a_number(self):
        probe = Probe(rom(0xAB), {"28ab000000000000": -1.5})
        probe.feed(20)
        self.assertEqual(probe.value, 18.5)

    def test_is_unknown_a_minute_after_the_last_reading(self):
        probe = Probe(rom(1), None)
        probe.look()
        probe.feed(21)
        CLOCK.spend_us(59000000)
        probe.look()
        self.assertEqual(probe.value, 21)
        CLOCK.spend_us(1000000)
        probe.look()
        self.assertIsNone(probe.value)
        probe.feed(25)  # not smoothed with what was before
        self.assertEqual(probe.value, 25)


class Bus:
    """Stands in for the driver; notes who was asked for what, and when."""

    def __init__(self, *roms):
        self.present = list(roms)
        self.calls = []
        self.dead = self.grounded = False
        self.readings = {}

    def _note(self, what):
        self.calls.append((CLOCK.now_us() // 1000, what))
        if self.dead:
            raise OSError(ENODEV)

    def search(self):
        self.rest = list(self.present)

    def find(self):
        if self.grounded:
            raise OSError(EIO)
        return self.rest.pop(0) if self.rest else None

    def set_up(self, rom):
        self._note("set up %d" % rom[1])

    def start(self):
        self._note("start")

    def read(self, rom):
        self._note("read %d" % rom[1])
        reading = self.readings.get(rom[1], 20)
        if isinstance(reading, OSError):
            raise reading
        return reading


class TestThermometers(unittest.TestCase):
    def make(self, *roms):
        self.bus = Bus(*roms)
        self.found = []
        self.all = Thermometers(self.bus, None, self.found.append)

    def cycle(self, ms=5000):
        self.bus.calls.clear()
        run_for(ms)
        return [what for _, what in self.bus.calls]

    def test_a_cycle(self):
        self.make(rom(1), rom(2))
        self.assertEqual(self.all.health(), "unsure")
        words = self.cycle(4900)
        self.assertEqual(words, ["set up 1", "set up 2", "start", "read 1", "read 2"])
        self.assertEqual(self.all.health(), "ok")
        self.assertEqual(self.cycle(), ["start", "read 1", "read 2"])
        self.assertEqual(
            [probe.name for probe in self.found], ["2801" + "00" * 6, "2802" + "00" * 6]
        )

    def test_eight_are_read_after_the_conversion_one_per_turn(self):
        self.make(*[rom(i) for i in range(10)])
        run_for(4900)
        starts = [ms for ms, what in self.bus.calls if what == "start"]
        reads = [(ms, what) for ms, what in self.bus.calls if "read" in what]
        self.assertEqual(len(reads), 8)
        self.assertTrue(all(ms - starts[0] >= 750 for ms, _ in reads))
        self.assertEqual(len({ms for ms, _ in reads}), 8)
        self.assertEqual(len(self.found), 8)

    def test_a_late_conversion_is_waited_for(self):
        self.make(rom(1))
        self.bus.find = self.slow_find
        run_for(4900)
        started_ms = next(ms for ms, what in self.bus.calls if what == "start")
        read_ms = next(ms for ms, what in self.bus.calls if what == "read 1")
        self.assertEqual(read_ms - started_ms, 750)

    def slow_find(self):
        CLOCK.spend_us(300000)
        return Bus.find(self.bus)

    def test_a_loop_that_was_held_up_goes_on(self):
        self.make(rom(1), rom(2))
        for i in range(40):
            run_for(1000 + 370 * i)
            CLOCK.spend_us(7000000)
        self.bus.readings[1] = 30
        self.cycle()
        self.assertEqual(self.cycle(), ["start", "read 1", "read 2"])
        self.assertEqual(self.all.malfunction, 0)

    def test_malfunctions(self):
        self.make()
        run_for(5100)
        self.assertEqual(self.all.health(), "malfunction1")
        self.bus.present = [rom(1), rom(2), b"\x01\x07" + bytes(6)]
        run_for(7500)
        self.assertEqual(self.all.malfunction, 0)
        self.assertEqual(len(self.found), 2)
        self.bus.readings = {1: OSError(ENODEV)}
        run_for(10000)
        self.assertEqual(self.all.malfunction, 0)
        self.bus.readings[2] = OSError(EIO)
        run_for(10000)
        self.assertEqual(self.all.malfunction, 15)
        self.bus.dead = True
        run_for(10000)
        self.assertEqual(self.all.malfunction, 2)
        self.bus.dead = False
        self.bus.grounded = True
        self.bus.readings = {1: None}
        run_for(5000)
        self.assertEqual(self.all.health(), "ok")

    def test_who_lost_its_supply_is_set_up_before_the_next_cycle(self):
        self.make(rom(1), rom(2))
        self.cycle(4900)
        self.bus.readings[2] = None
        self.cycle()
        self.bus.readings[2] = 33
        self.assertEqual(self.cycle(), ["set up 2", "start", "read 1", "read 2"])
        self.assertTrue(self.found[1].value > 26)

    def test_is_searched_every_thirty_seconds_and_at_each_cycle_while_nobody_is_there(self):
        self.make()
        searches = []
        self.bus.search = lambda: (searches.append(CLOCK.now_us()), Bus.search(self.bus))
        run_for(20500)
        self.assertEqual(len(searches), 5)
        self.bus.present = [rom(1)]
        searches.clear()
        run_for(120000)
        self.assertEqual(len(searches), 4)


class TestSettings(unittest.TestCase):
    def test_offsets_by_number(self):
        self.assertEqual(KEYS[0].default, None)
        wanted = {"28ff641e0f16033c": -0.5, "28aa02b31d130245": 10.0}
        self.assertEqual(offsets("28FF641E0F16033C:-0.5, 28aa02b31d130245 : 10"), wanted)

    def test_what_is_wrong(self):
        number = "28ff641e0f16033c"
        for words in (
            "",
            number,
            number + ":",
            number + ":hot",
            number + ":11",
            number + ":-11",
            number + ":nan",
            number[:15] + ":1",
            number[:15] + "g:1",
            number + ":1," + number + ":2",
            number + ":1,",
        ):
            with self.assertRaises(ValueError) as caught:
                offsets(words)
            self.assertIn("16 hex digits", caught.exception.args[0])


if __name__ == "__main__":
    unittest.main()
