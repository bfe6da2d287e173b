"""What is on trial is confirmed when it has proved itself, or goes back."""

import time
import unittest

import _sim
import machine
from ota_fakes import content, put_file

from epx import diag, log, loop
from epx.trial import Trial
from loader import sets, verdict


class Reset(BaseException):
    """machine.reset() never returns."""


def reset():
    raise Reset


class Connection:
    def __init__(self):
        self.up = True

    def connected(self):
        return self.up


class Config:
    ready = True
    netreboot = 600
    mqttreboot = 900


class App:
    """As much of an appliance as a trial looks at."""

    def __init__(self):
        self.net = Connection()
        self.mqtt = Connection()
        self.config = Config()
        self.word = "ok"

    def health(self):
        return self.word


class TrialCase(unittest.TestCase):
    running = "b trial a ok"

    def setUp(self):
        machine.reset = reset
        verdict.chosen = "b"
        verdict.trial = True
        put_file("/running.txt", self.running.encode())
        _sim.bench.nvs["loader"] = {"boots": 2}
        self.app = App()
        self.trial = Trial(self.app)

    def tearDown(self):
        verdict.chosen = None
        verdict.trial = False

    def run_until_s(self, uptime_s):
        """Turn the loop until then, for some ms."""
        while loop.uptime_s() < uptime_s:
            loop.step()

    def boots(self):
        return _sim.bench.nvs["loader"]["boots"]

    def text(self, path):
        return str(content(path), "utf-8")

    def said(self, words):
        lines = []
        while log.peek():
            lines.append(log.peek())
            log.drop()
        return words in lines


class TestConfirmed(TrialCase):
    def test_after_two_minutes_and_not_before(self):
        self.assertTrue(self.said("info update: set b on trial"))
        self.run_until_s(119)
        self.assertTrue(verdict.trial)
        self.assertEqual((self.text("/running.txt"), self.boots()), ("b trial a ok", 2))
        self.run_until_s(122)
        self.assertFalse(verdict.trial)
        self.assertEqual((self.text("/running.txt"), self.boots()), ("b confirmed a\n", 0))
        self.assertTrue(self.said("info update: set b confirmed, version ?"))

    def test_later_when_something_is_missing_till_then(self):
        self.app.net.up = False
        self.run_until_s(300)
        self.assertTrue(verdict.trial)
        self.app.net.up = True
        self.run_until_s(303)
        self.assertFalse(verdict.trial)

    def test_it_checks_no_more_afterwards(self):
        self.run_until_s(125)
        before = _sim.device.flash.writes
        self.app.net.up = False
        loop.Task(id, 700000, arg=0)
        end = time.ticks_add(time.ticks_ms(), 800000)
        loop.Task(id, 800000, arg=0)
        while time.ticks_diff(end, time.ticks_ms()) > 0:
            loop.step()
        self.assertEqual(_sim.device.flash.writes, before)

    def test_network_and_broker_lead_to_no_reboot_of_their_own_meanwhile(self):
        config = self.app.config
        self.assertEqual((config.netreboot, config.mqttreboot), (0, 0))
        self.run_until_s(125)
        self.assertEqual((config.netreboot, config.mqttreboot), (600, 900))


class TestTogether(TrialCase):
    def setUp(self):
        put_file("/config.old", b"old")
        super().setUp()

    def test_set_and_config_are_confirmed_together(self):
        self.assertTrue(self.said("info update: set b and config.txt on trial"))
        self.run_until_s(125)
        self.assertEqual(self.text("/running.txt"), "b confirmed a\n")
        self.assertFalse(sets.config_on_trial())
        self.assertTrue(self.said("info update: set b and config.txt confirmed, version ?"))


class TestConfigAlone(TrialCase):
    running = "b confirmed a"

    def setUp(self):
        put_file("/config.old", b"old")
        super().setUp()

    def test_only_the_config_is_confirmed(self):
        self.app.word = "dry"  # its set is not on trial
        before = _sim.device.flash.writes
        self.run_until_s(125)
        self.assertEqual(self.text("/running.txt"), "b confirmed a")
        self.assertEqual(_sim.device.flash.writes, before)
        self.assertFalse(sets.config_on_trial())
        self.assertFalse(verdict.trial)
        self.assertEqual(self.boots(), 0)


class TestWithoutSets(TestConfigAlone):
    running = "x"

    def test_only_the_config_is_confirmed(self):
        self.assertTrue(self.said("info update: config.txt on trial"))
        self.run_until_s(125)
        self.assertEqual(self.text("/running.txt"), "x")
        self.assertFalse(verdict.trial)


class TestFailed(TrialCase):
    def fails_with(self, what):
        self.run_until_s(599)
        with self.assertRaises(Reset):
            self.run_until_s(605)
        self.assertEqual(self.text("/reboot.txt"), "not confirmed within ten minutes: " + what)
        self.assertEqual(self.boots(), verdict.FAILED)
        self.assertEqual(self.text("/running.txt"), "b trial a ok")

    def test_without_network(self):
        self.app.net.up = False
        self.fails_with("no network")

    def test_without_a_broker(self):
        self.app.mqtt.up = False
        self.fails_with("no broker")

    def test_with_a_config_that_is_not_right(self):
        self.app.config.ready = False
        self.fails_with("bad config.txt")

    def test_when_the_appliance_is_not_well(self):
        self.app.word = "dry"
        self.fails_with("dry")

    def test_at_a_fault_of_whatever_part(self):
        def fails():
            raise ValueError("broken")

        diag.start()
        loop.Task(fails, 5000)
        with self.assertRaises(Reset):
            self.run_until_s(10)
        self.assertEqual(self.text("/reboot.txt"), "exception: ValueError broken")
        self.assertEqual(self.boots(), verdict.FAILED)


class TestNoWorseThanBefore(TrialCase):
    running = "b trial a dry"

    def test_what_it_was_before_is_no_reason_to_go_back(self):
        self.app.word = "dry"
        self.run_until_s(125)
        self.assertFalse(verdict.trial)

    def test_nor_is_that_it_is_well_now(self):
        self.run_until_s(125)
        self.assertFalse(verdict.trial)


if __name__ == "__main__":
    unittest.main()
