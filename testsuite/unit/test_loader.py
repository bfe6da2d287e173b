"""The loader: safe outputs, which set runs, and what is done when a program fails."""

import os
import sys
import time
import unittest

import _sim
import machine
from ota_fakes import content, put_file

from loader import sets, start, verdict

POWER_ON, HARD_RESET, WATCHDOG = 1, 2, 3
SET = "profile tank\nversion 1\nmpy 0\n"
WORDS = "exception: ValueError broken"


class Reset(BaseException):
    """machine.reset() never returns."""


def reset():
    raise Reset


class LoaderCase(unittest.TestCase):
    def setUp(self):
        self.cause = HARD_RESET
        self.watchdogs = []
        self.imported = []
        self.import_error = None
        machine.reset = reset
        machine.reset_cause = lambda: self.cause
        machine.WDT = self.watchdog
        start.__import__ = self.load
        self.nvs = _sim.bench.nvs
        self.pins = _sim.bench.output
        self.path = list(sys.path)

    def tearDown(self):
        sys.path[:] = self.path
        verdict.chosen = None
        verdict.trial = False

    def load(self, name):
        self.imported.append((name, list(sys.path)))
        if self.import_error:
            raise self.import_error

    def watchdog(self, timeout):
        self.watchdogs.append(timeout)

    def write(self, path, words):
        put_file(path, words.encode())

    def read(self, path):
        found = content(path)
        return None if found is None else str(found, "utf-8")

    def running(self, words):
        self.write("/running.txt", words + "\n")

    def boots(self, count=None):
        if count is not None:
            self.nvs["loader"] = {"boots": count}
        return self.nvs.get("loader", {}).get("boots")

    def boot(self, cause=HARD_RESET):
        """(chosen, trial) after a boot for this cause."""
        self.cause = cause
        verdict.chosen = None
        verdict.trial = False
        sys.path[:] = self.path
        start.boot()
        return verdict.chosen, verdict.trial


class TestPins(LoaderCase):
    def pins_after(self, text, *numbers):
        self.write("/pins.txt", text)
        self.boot()
        return [self.pins(number) for number in numbers]

    def test_each_line_drives_one_output(self):
        self.assertEqual(self.pins_after("4 0\n5 1\n", 4, 5, 6), [0, 1, None])

    def test_what_was_on_when_the_power_went_is_on_again(self):
        self.nvs["switch"] = {"on": 1, "off": 0}
        text = "4 0 switch on\n5 0 switch off\n12 1 switch on\n13 1 switch never\n14 0 no on\n"
        self.assertEqual(self.pins_after(text, 4, 5, 12, 13, 14), [1, 0, 0, 1, 0])

    def test_a_line_that_is_nonsense_does_not_keep_the_others_from_being_set(self):
        text = "four 0\n\n4\n4 0 switch\n5 high\n99 1\n12 1 switch " + "k" * 30 + "\n13 1\n"
        self.assertEqual(self.pins_after(text, 4, 5, 12, 13), [None, None, 1, 1])

    def test_without_the_file_nothing_is_driven(self):
        self.assertEqual(self.boot(), (None, False))
        self.assertEqual(self.pins(4), None)

    def test_what_is_no_text_does_not_keep_the_set_from_running(self):
        put_file("/pins.txt", b"4 1\n\xff\xfe\n5 1\n")
        self.running("a confirmed")
        self.assertEqual(self.boot(), ("a", False))

    def test_they_come_first_whatever_follows(self):
        self.write("/pins.txt", "4 1\n")
        self.running("b trial a ok")
        self.write("/b/boot.py", "")
        self.import_error = ValueError("broken")
        with self.assertRaises(Reset):
            self.boot()
        self.assertEqual(self.pins(4), 1)


class TestChoice(LoaderCase):
    def test_the_confirmed_set_runs(self):
        self.running("b confirmed")
        self.assertEqual(self.boot(POWER_ON), ("b", False))
        self.assertEqual(sys.path, ["/b", "/b/lib"] + self.path)
        self.assertEqual((self.watchdogs, self.imported), ([], []))
        self.assertEqual(self.boots(), 1)

    def test_boot_py_of_the_set_is_imported_from_there(self):
        self.running("a confirmed")
        self.write("/a/boot.py", "")
        self.boot()
        self.assertEqual(self.imported, [("boot", ["/a", "/a/lib"] + self.path)])

    def test_without_running_txt_a_whole_set_runs(self):
        self.assertEqual(self.boot(), (None, False))
        self.write("/b/set.txt", SET)
        self.assertEqual(self.boot(), ("b", False))
        self.write("/a/set.txt", SET)
        self.assertEqual(self.boot(), ("a", False))

    def test_a_torn_running_txt_is_as_none(self):
        self.write("/b/set.txt", SET)
        for words in (b"", b"\xff\xff\xff", b"x confirmed", b"aa", b"\n"):
            put_file("/running.txt", words)
            self.boots(0)
            self.assertEqual(self.boot(), ("b", False))

    def test_half_of_its_words_never_mean_a_trial_that_cannot_go_back(self):
        for words in ("b", "b trial", "b trial b", "b trial x ok", "b tri"):
            self.running(words)
            self.boots(0)
            self.assertEqual(self.boot(), ("b", False), words)

    def test_without_any_set_the_rescue_program_finds_its_own_modules(self):
        self.assertEqual(self.boot(), (None, False))
        self.assertEqual(sys.path, ["/loader/lib"] + self.path)
        self.assertEqual(start.program(), "loader.rescue")
        self.assertEqual(self.boots(), None)

    def test_the_modules_of_the_loader_are_forgotten(self):
        package = sys.modules["loader"]
        kept = [(leaf, sys.modules["loader." + leaf]) for leaf in ("start", "sets")]
        self.running("a confirmed")
        self.boot()
        try:
            self.assertEqual(start.program(), "main")
            for leaf, _ in kept:
                self.assertFalse("loader." + leaf in sys.modules)
                self.assertFalse(hasattr(package, leaf))
            self.assertEqual(start.program(), "main")
        finally:
            for leaf, module in kept:
                sys.modules["loader." + leaf] = module
                setattr(package, leaf, module)


class TestConfirmed(LoaderCase):
    """Three crashes lead to the set before, three more to rescue; the power counts for nothing."""

    def setUp(self):
        super().setUp()
        self.running("b confirmed a")
        self.write("/reboot.txt", WORDS)

    def test_three_crashes_lead_to_the_set_before(self):
        for _ in range(3):
            self.assertEqual(self.boot(), ("b", False))
        self.assertEqual(self.boot(), ("a", False))
        self.assertEqual(self.read("/running.txt"), "a confirmed\n")
        self.assertEqual(self.boots(), 1)
        words = "set b failed three times, now set a runs: " + WORDS
        self.assertEqual(self.read("/reboot.txt"), words)

    def test_and_three_more_to_rescue(self):
        for _ in range(6):
            self.boot()
        for _ in range(3):
            self.assertEqual(self.boot(), (None, False))
            self.assertEqual(self.boots(), 3)
        self.assertTrue(self.read("/reboot.txt").startswith("no set runs: "))

    def test_a_hang_counts_like_a_crash(self):
        for _ in range(3):
            self.boot(WATCHDOG)
        self.boot(WATCHDOG)
        words = "set b failed three times, now set a runs: it hung"
        self.assertEqual(self.read("/reboot.txt"), words)

    def test_power_cuts_never_count(self):
        for _ in range(20):
            self.assertEqual(self.boot(POWER_ON), ("b", False))
        self.assertEqual(self.boots(), 1)

    def test_a_power_cut_takes_back_no_more_than_its_own_boot(self):
        self.boots(2)
        self.boot(POWER_ON)
        self.assertEqual(self.boots(), 2)
        self.boots(4)
        self.assertEqual(self.boot(POWER_ON), ("a", False))

    def test_an_orderly_reboot_begins_anew(self):
        for _ in range(20):
            self.boots(0)
            self.assertEqual(self.boot(), ("b", False))

    def test_the_words_about_it_are_unknown_if_nobody_left_any(self):
        os.remove("/reboot.txt")
        self.boots(3)
        self.boot()
        self.assertTrue(self.read("/reboot.txt").endswith(": unknown"))

    def test_words_that_are_no_text_are_unknown_too(self):
        put_file("/reboot.txt", b"\xff\xfe")
        self.boots(3)
        self.boot()
        self.assertTrue(self.read("/reboot.txt").endswith(": unknown"))

    def test_words_that_cannot_be_written_do_not_keep_rescue_from_running(self):
        self.running("b confirmed")
        self.boots(3)
        os.remove("/reboot.txt")
        os.mkdir("/reboot.txt")
        self.assertEqual(self.boot(), (None, False))


class TestTrial(LoaderCase):
    def setUp(self):
        super().setUp()
        self.running("b trial a dry")
        self.write("/reboot.txt", WORDS)

    def back(self, why):
        words = "update failed, back to set a: " + why
        self.assertEqual((verdict.chosen, verdict.trial), ("a", False))
        self.assertEqual(self.read("/running.txt"), "a confirmed\n")
        self.assertEqual(self.read("/reboot.txt"), words)
        self.assertEqual(self.boots(), 1)

    def test_it_boots_under_a_watchdog(self):
        self.assertEqual(self.boot(), ("b", True))
        self.assertEqual(self.watchdogs, [60000])
        self.assertEqual(self.boots(), 1)

    def test_the_watchdog_runs_before_the_first_import(self):
        self.write("/b/boot.py", "")
        seen = []
        start.__import__ = lambda name: seen.append(list(self.watchdogs))
        self.boot()
        self.assertEqual(seen, [[60000]])

    def test_a_crash_goes_back(self):
        self.boots(verdict.FAILED)
        self.boot()
        self.back(WORDS)

    def test_a_hang_goes_back(self):
        self.boots(1)
        self.boot(WATCHDOG)
        self.back("it hung")

    def test_a_hang_of_the_program_before_does_not(self):
        self.boots(0)
        self.assertEqual(self.boot(WATCHDOG), ("b", True))

    def test_three_boots_without_a_confirmation_go_back(self):
        for cause in (HARD_RESET, POWER_ON, HARD_RESET):
            self.assertEqual(self.boot(cause), ("b", True))
        self.boot(POWER_ON)
        self.back("not confirmed in three boots")

    def test_a_hang_in_the_third_boot_is_a_hang(self):
        self.boots(3)
        self.boot(WATCHDOG)
        self.back("it hung")

    def test_sets_knows_what_was_said_of_the_health(self):
        running = sets.read()
        self.assertEqual((running.trial, running.previous, running.health), (True, "a", "dry"))
        self.running("b trial a")
        self.assertEqual(sets.read().health, "ok")


class TestConfigTrial(LoaderCase):
    def setUp(self):
        super().setUp()
        self.running("b confirmed a")
        self.write("/config.txt", "new")
        self.write("/config.old", "old")
        self.write("/reboot.txt", "not confirmed within ten minutes: no broker")

    def test_a_new_config_is_a_trial(self):
        self.assertEqual(self.boot(), ("b", True))
        self.assertEqual(self.watchdogs, [60000])

    def test_it_goes_back_alone(self):
        self.boots(verdict.FAILED)
        self.assertEqual(self.boot(), ("b", False))
        self.assertEqual(self.read("/config.txt"), "old")
        self.assertEqual(self.read("/config.old"), None)
        self.assertEqual(self.read("/running.txt"), "b confirmed a\n")
        words = "new config.txt failed, back to the old one: not confirmed within ten minutes"
        self.assertEqual(self.read("/reboot.txt"), words + ": no broker")

    def test_it_goes_back_together_with_the_set(self):
        self.running("b trial a ok")
        self.boots(3)
        self.assertEqual(self.boot(), ("a", False))
        self.assertEqual(self.read("/config.txt"), "old")
        words = "update failed, back to set a, new config.txt failed, back to the old one: "
        self.assertEqual(self.read("/reboot.txt"), words + "not confirmed in three boots")

    def test_without_a_set_it_goes_back_too(self):
        os.remove("/running.txt")
        self.boots(3)
        self.assertEqual(self.boot(), (None, False))
        self.assertEqual(self.read("/config.txt"), "old")


class TestCrashed(LoaderCase):
    def crash(self, error=None):
        try:
            raise error or ValueError("broken")
        except Exception as caught:
            with self.assertRaises(Reset):
                start.crashed(caught)

    def test_the_traceback_is_kept(self):
        verdict.chosen = "a"
        self.crash()
        text = self.read("/exception.txt")
        self.assertTrue(text.startswith("Traceback") and "ValueError: broken" in text, text)
        self.assertEqual(self.read("/reboot.txt"), WORDS)
        self.assertEqual(self.boots(), None)

    def test_of_a_long_one_the_end(self):
        verdict.chosen = "a"
        self.crash(ValueError("x" * 3000 + "end"))
        text = self.read("/exception.txt")
        self.assertEqual(len(text), 2000)
        self.assertTrue(text.strip().endswith("end"))

    def test_the_same_words_are_not_written_again(self):
        verdict.chosen = "a"
        error = ValueError("broken")
        for _ in range(2):
            with self.assertRaises(Reset):
                start.crashed(error)
        before = _sim.device.flash.writes
        with self.assertRaises(Reset):
            start.crashed(error)
        self.assertEqual(_sim.device.flash.writes, before)

    def test_a_trial_has_failed(self):
        verdict.chosen = "b"
        verdict.trial = True
        self.crash()
        self.assertEqual(self.boots(), verdict.FAILED)

    def test_the_rescue_program_waits_before_it_starts_again(self):
        before = time.ticks_ms()
        self.crash()
        self.assertEqual(time.ticks_diff(time.ticks_ms(), before), 60000)

    def test_without_memory_it_starts_again_nevertheless(self):
        verdict.chosen = "a"

        class Full:
            def StringIO(self):
                raise MemoryError

        whole, start.io = start.io, Full()
        try:
            self.crash()
        finally:
            start.io = whole

    def test_a_boot_py_that_fails_is_a_crash(self):
        self.running("b trial a ok")
        self.write("/b/boot.py", "")
        self.import_error = SyntaxError("invalid syntax")
        with self.assertRaises(Reset):
            self.boot()
        self.assertEqual(self.read("/reboot.txt"), "exception: SyntaxError invalid syntax")
        self.assertEqual(self.boots(), verdict.FAILED)

    def test_somebody_at_the_bench_begins_anew(self):
        self.boots(2)
        start.interrupted()
        self.assertEqual(self.boots(), 0)
        writes = _sim.bench.nvs_writes
        start.interrupted()
        self.assertEqual(_sim.bench.nvs_writes, writes)


class TestSets(LoaderCase):
    def test_words_are_replaced_as_a_whole(self):
        sets.confirm("a")
        self.assertEqual(self.read("/running.txt"), "a confirmed\n")
        sets.confirm("b", "a")
        self.assertEqual(self.read("/running.txt"), "b confirmed a\n")
        sets.start_trial("a", "dry")
        self.assertEqual(self.read("/running.txt"), "a trial b dry\n")
        self.assertEqual(self.read("/running.txt.new"), None)

    def test_what_is_about_to_change_can_neither_run_next_nor_take_over(self):
        for words, chosen in (("a confirmed b", "a"), ("b trial a ok", "a"), ("b confirmed", "a")):
            self.running(words)
            verdict.chosen = chosen
            sets.forget_other()
            self.assertEqual(self.read("/running.txt"), "a confirmed\n", words)
        before = _sim.device.flash.writes
        sets.forget_other()
        self.assertEqual(_sim.device.flash.writes, before)

    def test_in_rescue_the_set_that_was_to_run_is_kept(self):
        self.running("b confirmed a")
        sets.forget_other()
        self.assertEqual(self.read("/running.txt"), "b confirmed\n")
        os.remove("/running.txt")
        sets.forget_other()
        self.assertEqual(self.read("/running.txt"), None)

    def accept(self, words):
        self.write("/config.txt.new", words)
        for _ in sets.start_config_trial("/config.txt.new"):
            pass

    def test_the_last_good_config_is_kept_until_one_is_confirmed(self):
        self.write("/config.txt", "first " * 200)
        self.accept("second")
        self.accept("third")
        self.assertEqual(self.read("/config.txt"), "third")
        self.assertEqual(self.read("/config.old"), "first " * 200)
        self.assertEqual(self.read("/config.txt.new"), None)
        self.assertTrue(sets.config_on_trial())
        for _ in range(2):
            sets.confirm_config()
            self.assertFalse(sets.config_on_trial())
        self.assertEqual(self.read("/config.txt"), "third")

    def test_the_first_config_of_all_is_not_on_trial(self):
        self.accept("first")
        self.assertEqual(self.read("/config.txt"), "first")
        self.assertFalse(sets.config_on_trial())

    def test_without_a_trial_there_is_nothing_to_go_back_to(self):
        self.running("a confirmed b")
        self.assertEqual(sets.go_back(), None)
        os.remove("/running.txt")
        self.assertEqual(sets.go_back(), None)


if __name__ == "__main__":
    unittest.main()
