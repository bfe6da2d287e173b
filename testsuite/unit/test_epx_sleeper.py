"""A device on a battery: how a wake ends, what a failure costs, and when it has a network."""

import sys
import unittest

import _sim
import machine
from ota_fakes import content, put_file

from epx import diag, log, loop, rtcmemory, sleeper
from loader import verdict

CONFIG = "ssid house\nmqttbroker 1.2.3.4\nmqttname Scale\notakey sixteen letters and more\n"
MINUTES = 60000
HOUR = 3600000
POWER_ON, HARD_RESET, WATCHDOG, DEEP_SLEEP = 1, 2, 3, 4


class Reset(BaseException):
    """machine.reset() never returns."""


class Slept(BaseException):
    """Nor does machine.deepsleep()."""


def reset():
    raise Reset


def deepsleep(ms):
    raise Slept(ms)


class Session:
    """Of somebody who calls."""

    def __init__(self, proved):
        self.proved = proved


class Port:
    """As much of epx.ota.Ota as a wake looks at."""

    session = None
    job = False

    def busy(self):
        return self.job


def no_keys():
    return ()


def one_key():
    from epx.config import Key, integer

    return (Key("weight", integer(1, 9)),)


class SleeperCase(unittest.TestCase):
    cause = DEEP_SLEEP
    config = CONFIG

    def setUp(self):
        self.armed = []  # (uptime in s, limit in ms)
        machine.reset = reset
        machine.deepsleep = deepsleep
        machine.reset_cause = lambda: self.cause
        machine.WDT = self.watchdog
        put_file("/config.txt", self.config.encode())
        self.boots(1)
        self.sleeper = None
        self.work = self.nothing
        self.answers = []  # of update()
        self.keys = no_keys

    def tearDown(self):
        verdict.chosen = None
        verdict.trial = False

    def watchdog(self, timeout):
        self.armed.append((loop.uptime_s(), timeout))
        return self

    def feed(self):
        pass

    def nothing(self):
        pass

    def build(self, made):
        self.sleeper = made
        loop.Task(self.work, 2000)

    def sleeps(self):
        self.sleeper.sleep()

    def updates(self):
        self.answers.append(self.sleeper.update())

    def fails(self, error):
        def work():
            raise error

        self.work = work

    def boots(self, count=None):
        if count is not None:
            _sim.bench.nvs["loader"] = {"boots": count}
        return _sim.bench.nvs["loader"]["boots"]

    def wake(self, build=None, **times):
        """How a wake ends -> ms that it sleeps."""
        for task in list(loop._heap):  # of the wake before
            task[6].cancel()
        sleeper.startup = sys.modules.get("epx.startup") or __import__("epx.startup").startup
        try:
            sleeper.start("scale", self.keys, build or self.build, **times)
        except Slept as end:
            return end.args[0]

    def said(self, words):
        lines = []
        while log.peek():
            lines.append(log.peek())
            log.drop()
        return any(words in line for line in lines)

    def text(self, path):
        found = content(path)
        return None if found is None else str(found, "utf-8")


class TestWork(SleeperCase):
    def test_it_works_and_sleeps_for_an_hour(self):
        self.work = self.sleeps
        self.assertEqual(self.wake(), HOUR)
        self.assertEqual(self.boots(), 0)
        self.assertEqual(self.sleeper.config.mqttname, "Scale")
        self.assertTrue(self.said("info reset by deep sleep"))
        self.assertEqual(loop.uptime_s(), 2)

    def test_nothing_of_a_network_is_loaded(self):
        self.work = self.sleeps
        self.wake()
        for name in ("net", "mqtt", "topics", "ota", "appliance", "updatewake", "fsm"):
            self.assertNotIn("epx." + name, sys.modules)

    def test_periods_of_its_own(self):
        self.work = self.sleeps
        self.assertEqual(self.wake(period_ms=7 * MINUTES), 7 * MINUTES)
        self.work = lambda: self.sleeper.sleep(3000)
        self.assertEqual(self.wake(period_ms=7 * MINUTES), 3000)

    def test_who_does_not_sleep_is_put_to_sleep(self):
        self.assertEqual(self.wake(), HOUR)
        self.assertEqual((loop.uptime_s(), self.boots()), (300, 0))
        self.assertTrue(self.said("error awake for too long"))

    def test_after_a_time_of_its_own(self):
        self.wake(awake_ms=30000)
        self.assertEqual(loop.uptime_s(), 30)

    def test_what_must_survive_is_saved(self):
        saved = []
        diag.before_reboot.append(lambda: saved.append(loop.uptime_s()))
        self.work = self.sleeps
        self.wake()
        self.assertEqual(saved, [2])

    def test_a_minute_is_no_good_end_yet(self):
        def look():
            seen.append(self.boots())

        seen = []
        self.work = lambda: loop.Task(look, 100000)
        self.wake()
        self.assertEqual(seen, [1])

    def test_settings_that_are_not_right_leave_five_minutes_at_the_bench(self):
        put_file("/config.txt", b"")
        self.keys = one_key
        self.assertEqual(self.wake(), HOUR)
        self.assertEqual((self.sleeper, loop.uptime_s()), (None, 300))


class TestWatchdog(SleeperCase):
    def test_it_is_armed_after_a_second(self):
        self.wake()
        self.assertEqual(self.armed, [(1, 15000)])


class TestWatchdogAfterReset(TestWatchdog):
    cause = HARD_RESET


class TestWatchdogAtPowerOn(SleeperCase):
    cause = POWER_ON

    def test_it_leaves_ten_seconds_to_somebody_at_the_serial_port(self):
        self.wake()
        self.assertEqual(self.armed, [(10, 15000)])


class TestFailure(SleeperCase):
    def test_a_task_that_fails_ends_it_with_a_rest(self):
        self.fails(ValueError("no weight"))
        self.assertEqual(self.wake(), 5 * MINUTES)
        self.assertEqual(self.text("/reboot.txt"), "exception: ValueError no weight")
        self.assertIn("ValueError: no weight", self.text("/exception.txt"))
        self.assertEqual(self.boots(), 1)  # the loader goes on counting

    def test_so_does_what_it_is_built_from(self):
        def build(_):
            raise OSError("no chip")

        self.assertEqual(self.wake(build), 5 * MINUTES)
        self.assertEqual(self.text("/reboot.txt"), "exception: OSError no chip")
        self.assertEqual(self.boots(), 1)

    def test_so_does_a_start_that_fails(self):
        machine.WDT = None
        self.assertEqual(self.wake(), 5 * MINUTES)

    def test_so_does_want_of_memory(self):
        self.fails(MemoryError())
        self.assertEqual(self.wake(), 5 * MINUTES)

    def test_each_one_in_a_row_makes_the_rest_longer(self):
        self.fails(ValueError("no weight"))
        rests = [self.wake() // MINUTES for _ in range(12)]
        self.assertEqual(rests, [5, 10, 20, 40] + 8 * [60])

    def test_a_sleep_in_good_order_ends_the_row(self):
        self.fails(ValueError("no weight"))
        self.wake()
        self.wake()
        self.work = self.sleeps
        self.assertEqual(self.wake(), HOUR)
        self.fails(ValueError("no weight"))
        self.assertEqual(self.wake(), 5 * MINUTES)

    def test_a_clock_memory_without_room_makes_no_difference(self):
        for number in range(8):
            rtcmemory.write("full%d" % number, bytes(248))
        self.fails(ValueError("no weight"))
        self.assertEqual([self.wake(), self.wake()], [5 * MINUTES, 5 * MINUTES])
        self.assertTrue(self.said("error rtc memory: buffer too long"))

    def test_an_orderly_reboot_is_none(self):
        self.work = lambda: diag.reboot("paired")
        with self.assertRaises(Reset):
            self.wake()
        self.assertEqual(self.boots(), 0)


class TestInterrupted(SleeperCase):
    """Whoever sits at the serial port stops it with Ctrl-C: that must reach the prompt."""

    cause = POWER_ON

    def stops(self):
        raise KeyboardInterrupt

    def interrupted(self, build=None):
        with self.assertRaises(KeyboardInterrupt):
            self.wake(build)
        self.assertIsNone(self.text("/exception.txt"))
        self.assertIsNone(self.text("/reboot.txt"))

    def test_at_work(self):
        self.work = self.stops
        self.interrupted()

    def test_while_its_objects_are_made(self):
        self.interrupted(lambda _: self.stops())

    def test_on_trial(self):
        verdict.chosen = "b"
        verdict.trial = True
        put_file("/running.txt", b"b trial a ok")
        self.work = self.stops
        self.interrupted()
        self.assertEqual(self.text("/running.txt"), "b trial a ok")

    def test_while_it_has_a_network(self):
        from epx import updatewake

        rtcmemory.write("update", b"\x03")
        updatewake.Appliance.run = lambda app, build: loop.run()
        loop.Task(self.stops, 2000)
        with self.assertRaises(KeyboardInterrupt):
            sleeper.start("scale", self.keys, self.build)


class TestHung(SleeperCase):
    cause = WATCHDOG

    def test_it_rests_at_once_and_that_boot_does_not_count(self):
        self.boots(2)
        self.assertEqual(self.wake(), 5 * MINUTES)
        self.assertEqual((self.boots(), self.sleeper), (1, None))
        self.assertEqual(self.wake(), 10 * MINUTES)
        self.assertEqual(self.boots(), 0)
        self.wake()
        self.assertEqual(self.boots(), 0)


class TestTrial(SleeperCase):
    def setUp(self):
        super().setUp()
        verdict.chosen = "b"
        verdict.trial = True
        put_file("/running.txt", b"b trial a ok")

    def test_a_reading_that_arrived_confirms_it(self):
        def work():
            self.sleeper.reading_confirmed()
            self.sleeper.reading_confirmed()
            self.sleeper.sleep()

        self.work = work
        self.assertEqual(self.wake(), HOUR)
        self.assertEqual((self.text("/running.txt"), self.boots()), ("b confirmed a\n", 0))
        self.assertFalse(verdict.trial)
        self.assertTrue(self.said("info update: set b confirmed, version ?"))

    def test_without_one_its_boots_are_counted(self):
        self.work = self.sleeps
        self.assertEqual(self.wake(), HOUR)
        self.assertEqual((self.text("/running.txt"), self.boots()), ("b trial a ok", 1))

    def test_one_that_is_awake_for_too_long_is_counted_too(self):
        self.assertEqual(self.wake(), HOUR)
        self.assertEqual(self.boots(), 1)

    def test_one_that_fails_goes_back_at_once(self):
        self.fails(ValueError("no weight"))
        with self.assertRaises(Reset):
            self.wake()
        self.assertEqual(self.boots(), verdict.FAILED)

    def confirms(self, *health):
        """With the work of one wake -> what reading_confirmed() says."""
        said = []

        def work():
            said.append(self.sleeper.reading_confirmed(*health))
            self.sleeper.sleep()

        self.work = work
        self.wake()
        return said[0]

    def test_it_is_said_once_that_a_trial_has_ended(self):
        self.assertTrue(self.confirms())
        self.assertFalse(self.confirms())

    def test_one_that_is_ill_is_not_confirmed(self):
        self.assertFalse(self.confirms("malfunction4"))
        self.assertEqual((self.text("/running.txt"), self.boots()), ("b trial a ok", 1))
        self.assertTrue(self.said("error update: not confirmed: malfunction4"))

    def test_as_ill_as_before_is_well_enough(self):
        put_file("/running.txt", b"b trial a malfunction4")
        self.assertFalse(self.confirms("malfunction1"))
        self.assertTrue(self.confirms("malfunction4"))

    def test_new_settings_have_to_bring_it_to_its_central_that_is_all(self):
        put_file("/running.txt", b"b confirmed a")
        put_file("/config.old", b"")
        self.assertTrue(self.confirms("malfunction4"))
        self.assertIsNone(self.text("/config.old"))

    def test_who_never_sleeps_has_thirty_minutes(self):
        began_s = loop.uptime_s()
        with self.assertRaises(Reset):
            self.wake(awake_ms=0)
        self.assertEqual(loop.uptime_s() - began_s, 1800)
        self.assertEqual(self.text("/reboot.txt"), "not confirmed within 30 minutes")
        self.assertEqual(self.boots(), verdict.FAILED)

    def test_who_never_sleeps_and_is_confirmed_goes_on(self):
        def work():
            self.sleeper.reading_confirmed()
            loop.Task(self.sleeps, 2 * HOUR)

        self.work = work
        self.assertEqual(self.wake(awake_ms=0), HOUR)

    def test_it_takes_no_further_update(self):
        self.work = self.updates
        self.wake()
        self.assertEqual(self.answers, [False])

    def test_its_wake_has_no_network_though_an_update_was_wanted(self):
        rtcmemory.write("update", b"\x03")
        self.wake()
        self.assertNotIn("epx.appliance", sys.modules)
        self.assertIsNone(rtcmemory.read("update"))


class TestCanUpdate(SleeperCase):
    def without(self, name, value=None):
        class Config:
            ssid = "house"
            mqttbroker = "1.2.3.4"
            mqttname = "Scale"
            otakey = "sixteen letters and more"

        setattr(Config, name, value)
        return sleeper.can_update(Config)

    def test_it_takes_a_network_a_broker_a_name_and_a_key(self):
        self.assertTrue(self.without("password"))
        self.assertTrue(self.without("ssid", "(wired)"))
        self.assertFalse(self.without("ssid"))
        self.assertFalse(self.without("ssid", "(none)"))
        self.assertFalse(self.without("mqttbroker"))
        self.assertFalse(self.without("mqttname"))
        self.assertFalse(self.without("otakey"))

    def test_who_cannot_says_so_and_goes_on(self):
        put_file("/config.txt", b"ssid house\n")
        self.work = self.updates
        self.assertEqual(self.wake(), HOUR)
        self.assertEqual(self.answers, [False])

    def test_nor_can_one_that_cannot_remember_it(self):
        for number in range(8):
            rtcmemory.write("full%d" % number, bytes(248))
        self.work = self.updates
        self.wake()
        self.assertEqual(self.answers, [False])


class TestUpdate(SleeperCase):
    cause = HARD_RESET

    def setUp(self):
        super().setUp()
        self.work = self.updates
        with self.assertRaises(Reset):
            self.wake()
        self.sleeper = None
        diag.after_failure = None  # as in the boot that begins now

    def test_the_reset_is_an_orderly_one(self):
        self.assertEqual(self.text("/reboot.txt"), "for an update")
        self.assertEqual((self.boots(), rtcmemory.read("update")), (0, b"\x03"))

    def test_the_next_boot_has_a_network_for_fifteen_minutes(self):
        began_s = loop.uptime_s()
        self.assertEqual(self.wake(), HOUR)
        self.assertIn("epx.mqtt", sys.modules)
        self.assertIsNone(self.sleeper)
        self.assertTrue(900 <= loop.uptime_s() - began_s <= 915)
        self.assertIsNone(rtcmemory.read("update"))
        self.assertIsNone(self.text("/exception.txt"))

    def until_it_sleeps(self, *changes):
        """Seconds with a port for updates to which this happens: (s, attribute, value)."""
        from epx import updatewake

        def run():
            for s, name, value in changes:
                loop.Task(lambda row: setattr(ota, row[0], row[1]), s * 1000, arg=(name, value))
            loop.run()

        updatewake.Appliance.ota = ota = Port()
        began_s = loop.uptime_s()
        self.assertEqual(self.wake_with(run), HOUR)
        return loop.uptime_s() - began_s

    def wake_with(self, run):
        from epx import updatewake

        updatewake.Appliance.run = lambda app, build: run()
        return self.wake()

    def test_who_never_sleeps_restarts_after_that(self):
        with self.assertRaises(Reset):
            self.wake(awake_ms=0)
        self.assertEqual(self.text("/reboot.txt"), "nobody has come with an update")
        self.assertEqual((self.boots(), rtcmemory.read("update")), (0, None))

    def health_in_the_next_boot(self, *health):
        """What an update over the air is told, after update() with that."""
        found = []
        self.work = lambda: self.sleeper.update(*health)
        rtcmemory.write("update", None)
        diag.after_failure = None
        with self.assertRaises(Reset):
            self.wake()
        from epx import updatewake

        def run(app, _):
            found.append(app.health())
            raise Reset

        updatewake.Appliance.run = run
        with self.assertRaises(Reset):
            self.wake()
        return found[0]

    def test_what_ails_it_is_known_there(self):
        self.assertEqual(self.health_in_the_next_boot("malfunction4"), "malfunction4")
        self.assertEqual(self.health_in_the_next_boot(), "ok")

    def test_somebody_with_the_key_makes_it_longer(self):
        seconds = self.until_it_sleeps((500, "session", Session(True)), (600, "session", None))
        self.assertTrue(1490 <= seconds <= 1515, seconds)

    def test_so_does_work_on_an_update(self):
        seconds = self.until_it_sleeps((500, "job", True), (600, "job", False))
        self.assertTrue(1490 <= seconds <= 1515, seconds)

    def test_a_stranger_does_not(self):
        seconds = self.until_it_sleeps((500, "session", Session(False)))
        self.assertTrue(900 <= seconds <= 915, seconds)

    def test_three_boots_have_a_network_and_no_more(self):
        """An update of the firmware resets in between; a fault that comes back must not last."""
        boots = []

        def run():
            boots.append(self.boots())
            raise Reset

        for _ in range(3):
            with self.assertRaises(Reset):
                self.wake_with(run)
        self.assertEqual(len(boots), 3)
        self.assertIsNone(rtcmemory.read("update"))
        self.work = self.sleeps
        self.assertEqual(self.wake(), HOUR)
        self.assertEqual(len(boots), 3)


if __name__ == "__main__":
    unittest.main()
