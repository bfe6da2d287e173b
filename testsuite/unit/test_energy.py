"""The mains meter's total and readings, its keys and its topics."""

import unittest

import _sim
from machine import UART

from energy import service, settings
from energy.sensor import Meter, Readings, Total
from epx import log, loop
from epx.config import Config
from epx.nvram import Nvram
from testmock.models.pzem004t import PZEM004T as Model
from third.pzem004t import PZEM004T

BENCH = _sim.bench
SECONDS = 1000
HOUR_S = 3600


def run_for(ms):
    """Let ms pass; what is due at their end still runs."""
    done = []
    loop.Task(done.append, ms, arg=1)
    while not done:
        loop.step()


def log_lines():
    lines = []
    while log.peek():
        lines.append(log.peek())
        log.drop()
    return lines


class TestTotal(unittest.TestCase):
    def setUp(self):
        self.total = Total()

    def feed(self, count, times=5, pause_s=1):
        for _ in range(times):
            BENCH.clock.spend_us(pause_s * 1000000)
            self.total.feed(count)
        self.total.save()
        return self.total.wh

    def again(self):
        """After a power cut."""
        self.total = Total()

    def test_is_unknown_before_the_first_reading_of_all_is_believed(self):
        self.assertIsNone(self.total.wh)
        self.assertIsNone(self.feed(700, 4))
        self.assertEqual(self.feed(700, 1), 700)

    def test_follows_the_counter(self):
        self.feed(700)
        self.assertEqual(self.feed(718, 1), 718)
        self.assertEqual(self.feed(718 + 3600 * 8, 1, HOUR_S), 718 + 3600 * 8)

    def test_more_than_the_meter_can_count_is_not_believed_at_once(self):
        self.feed(700)
        self.assertEqual(self.feed(719, 1), 700)
        self.assertEqual(self.feed(702, 1), 702)

    def test_glitches_of_any_kind_do_not_add_up(self):
        self.feed(700)
        for wrong in (0, 100, 9000, 699, 50, 8000000):
            for count in (wrong, 700, wrong, wrong, wrong, wrong, 700):
                self.feed(count, 1)
        self.assertEqual(self.total.wh, 700)
        self.assertEqual(log_lines(), [])

    def test_readings_that_do_not_agree_are_never_believed(self):
        self.feed(700)
        for i in range(40):
            self.feed(5000 * (i % 7), 1)
        self.assertEqual(self.total.wh, 700)

    def test_a_reset_while_somebody_looks_loses_nothing(self):
        self.feed(700)
        self.assertEqual(self.feed(3), 703)
        self.assertEqual(self.feed(5, 1), 705)
        self.assertEqual(len(log_lines()), 1)
        self.again()
        self.assertEqual(self.total.wh, 705)
        self.assertEqual(self.feed(6), 706)

    def test_a_reset_while_nobody_looks_loses_what_was_not_seen(self):
        self.feed(700)
        self.again()
        self.assertEqual(self.feed(3), 700)
        self.assertEqual(self.feed(4, 1), 701)

    def test_what_was_counted_while_nobody_looked_is_believed(self):
        self.feed(700)
        self.again()
        self.assertEqual(self.feed(50000), 50000)
        self.assertEqual(log_lines(), [])

    def test_another_meter_adds_nothing_that_cannot_be(self):
        self.feed(700)
        self.assertEqual(self.feed(500000), 700)
        self.assertEqual(self.feed(500001, 1), 701)
        self.again()
        self.assertEqual(self.feed(500002), 702)

    def test_resets_again_and_again(self):
        wh = self.feed(700)
        for _ in range(20):
            self.feed(0)
            wh += 7
            self.assertEqual(self.feed(7, 1), wh)
            self.again()
            self.assertEqual(self.feed(7), wh)

    def test_is_written_only_when_it_changed(self):
        self.feed(700)
        before = BENCH.nvs_writes
        self.feed(700, 100)
        self.assertEqual(BENCH.nvs_writes, before)
        self.feed(701, 1)
        self.assertEqual(BENCH.nvs_writes, before + 1)

    def test_ends_at_what_the_nvram_takes(self):
        Nvram("energy").set_int("offset", 0x7FFFFFF0)
        self.again()
        self.assertEqual(self.feed(700), 0x7FFFFFFF)
        self.assertEqual(self.feed(701, 1), 0x7FFFFFFF)
        self.assertEqual(self.feed(0), 0x7FFFFFFF)
        self.again()
        self.assertEqual(self.feed(9), 0x7FFFFFFF)

    def test_never_less_than_stored_whatever_the_counter_does(self):
        told = 0
        state = 12345
        for step in range(400):
            state = (state * 1103515245 + 12345) & 0x7FFFFFFF
            if state % 5 == 0:
                self.again()
            wh = self.feed((state >> 8) % (20 if step & 1 else 100000), 1 + state % 7)
            if wh is not None:
                self.assertTrue(wh >= told, (step, wh, told))
                told = wh
        self.assertTrue(told > 0)


class TestReadings(unittest.TestCase):
    def test_means_in_their_units(self):
        readings = Readings()
        readings.update((4400, 8000, 20, 1000, 199, 17600), 2)
        found = [readings.v, readings.a, readings.w, readings.hz, readings.pf, readings.va]
        self.assertEqual(found, [220.0, 4.0, 1.0, 50.0, 0.995, 880.0])

    def test_of_nothing_nothing_is_known(self):
        readings = Readings()
        readings.update((1, 1, 1, 1, 1, 1), 1)
        readings.update((), 0)
        self.assertEqual([readings.v, readings.va], [None, None])


class Settings:
    alarm = None


class TestMeter(unittest.TestCase):
    def setUp(self):
        self.model = BENCH.uart(2, Model(BENCH.clock.now_us))
        self.meter = Meter(Settings(), PZEM004T(UART(2, 9600)))

    def test_is_well_once_there_are_values(self):
        self.assertEqual(self.meter.health(), "malfunction0")
        run_for(30 * SECONDS)
        self.assertEqual(self.meter.health(), "ok")
        self.model.present = False
        run_for(5 * SECONDS)
        self.assertEqual(self.meter.health(), "malfunction4")
        self.assertEqual(self.meter.malfunction(), 4)

    def test_nothing_is_known_before_the_end_of_a_minute(self):
        run_for(59 * SECONDS)
        self.assertIsNone(self.meter.minute.v)
        self.assertIsNone(self.meter.minute.wh)
        run_for(2 * SECONDS)
        self.assertEqual(self.meter.minute.v, 220.0)
        self.assertEqual(self.meter.minute.a_max, 4.0)
        self.assertTrue(self.meter.minute.wh >= 0)

    def test_an_alarm_needs_a_threshold(self):
        run_for(30 * SECONDS)
        self.assertIsNone(self.meter.alarm())

    def test_the_ticker_forgets_what_it_showed(self):
        run_for(30 * SECONDS)
        self.meter.ticker(True)
        run_for(2 * SECONDS)
        self.assertEqual(self.meter.now.va, 880.0)
        self.meter.ticker(False)
        run_for(2 * SECONDS)
        self.assertIsNone(self.meter.now.va)

    def test_two_wrong_answers_are_survived_the_third_is_not(self):
        run_for(30 * SECONDS)
        self.model.flips = 2
        run_for(5 * SECONDS)
        self.assertEqual(self.meter.malfunction(), 0)
        self.model.flips = 3
        run_for(5 * SECONDS)
        self.assertEqual(self.meter.malfunction(), 4)


class TestTables(unittest.TestCase):
    def test_topics_are_those_of_existing_installations_and_some_more(self):
        rows = service.MINUTE + service.NOW + service.METER
        self.assertEqual(
            [(row.topic, getattr(row, "digits", None)) for row in rows],
            [
                ("V", 1),
                ("Vmin", 1),
                ("Vmax", 1),
                ("A", 2),
                ("Amax", 2),
                ("W", 1),
                ("VA", 1),
                ("Hz", 1),
                ("PF", 2),
                ("Wh", 0),
                ("Vnow", 1),
                ("Anow", 2),
                ("Wnow", 1),
                ("VAnow", 1),
                ("Alarm", 0),
                ("Malfunction", 0),
                ("Ticker", None),
            ],
        )

    def test_the_alarm_is_within_what_the_meter_measures(self):
        for line, problems in (("alarm 1", 0), ("alarm 25000", 0), ("alarm 0", 1), ("alarm x", 1)):
            found = Config((), settings.KEYS, (line,)).problems
            self.assertEqual(len(found), problems, line)
        config = Config((), settings.KEYS, ())
        self.assertEqual((config.alarm, config.problems), (None, []))


if __name__ == "__main__":
    unittest.main()
