"""Last words, faults and what a device says about itself."""

import unittest

import fakes


class Owner:
    def __init__(self, core):
        self.core = core


def failing(word="broken"):
    raise ValueError(word)


def starving():
    raise MemoryError


class DiagCase(unittest.TestCase):
    def setUp(self):
        self.world = fakes.World()
        self.loop, self.log, self.diag = self.world.load("epx.loop", "epx.log", "epx.diag")

    def file(self, name):
        data = self.world.files.get(name)
        return data if data is None else data.decode()

    def said(self, words):
        return [line for line in self.world.console if words in line]


class TestReboot(DiagCase):
    def test_the_reason_stands_in_reboot_txt(self):
        with self.assertRaises(fakes.Reset):
            self.diag.reboot("Received MQTT reboot cmd")
        self.assertEqual(self.file("reboot.txt"), "Received MQTT reboot cmd")
        self.assertEqual(self.said("reboot"), ["error reboot: Received MQTT reboot cmd"])

    def test_the_same_reason_is_not_written_again(self):
        for reason, writes in (("a", 1), ("a", 1), ("b", 2)):
            with self.assertRaises(fakes.Reset):
                self.diag.reboot(reason)
            self.assertEqual(self.world.file_writes.count("reboot.txt"), writes)

    def test_what_must_be_saved_is_saved_before(self):
        saved = []
        self.diag.before_reboot.append(lambda: saved.append(self.file("reboot.txt")))
        self.diag.before_reboot.append(failing)
        self.diag.before_reboot.append(lambda: saved.append("too"))
        with self.assertRaises(fakes.Reset):
            self.diag.reboot("x")
        self.assertEqual(saved, [None, "too"])
        self.assertEqual(len(self.said("before reboot: broken")), 1)

    def test_a_full_flash_does_not_keep_it_from_rebooting(self):
        self.world.files_full = True
        with self.assertRaises(fakes.Reset):
            self.diag.reboot("x")
        self.assertEqual(len(self.said("reboot.txt")), 1)


class TestWhatTheLoaderHears(DiagCase):
    """Of boots, in its own namespace of the NVRAM."""

    def setUp(self):
        super().setUp()
        self.verdict = self.diag.verdict
        self.world.nvram["loader"] = {"boots": 1}

    def boots_after(self, trial, failed):
        self.verdict.trial = trial
        with self.assertRaises(fakes.Reset):
            self.diag.reboot("x", failed)
        return self.world.nvram["loader"]["boots"]

    def test_an_orderly_reboot_is_no_failed_boot(self):
        self.assertEqual(self.boots_after(trial=False, failed=False), 0)

    def test_a_reboot_after_a_fault_is_one(self):
        self.assertEqual(self.boots_after(trial=False, failed=True), 1)

    def test_a_fault_in_a_trial_ends_it(self):
        self.assertEqual(self.boots_after(trial=True, failed=True), self.verdict.FAILED)

    def test_an_orderly_reboot_in_a_trial_counts_as_one_of_its_boots(self):
        self.assertEqual(self.boots_after(trial=True, failed=False), 1)

    def test_in_a_trial_every_fault_ends_it(self):
        self.verdict.trial = True
        with self.assertRaises(fakes.Reset):
            self.diag.handle_fault(Owner(False), ValueError("broken"))
        self.assertEqual(self.world.nvram["loader"]["boots"], self.verdict.FAILED)

    def test_no_memory_in_the_end_is_a_fault(self):
        for _ in range(2):
            self.diag.handle_fault(Owner(False), MemoryError())
        with self.assertRaises(fakes.Reset):
            self.diag.handle_fault(Owner(False), MemoryError())
        self.assertEqual(self.world.nvram["loader"]["boots"], 1)

    def test_what_callbacks_have_to_say_is_added_to_the_reason(self):
        self.diag.before_reboot.append(lambda: "net down")
        with self.assertRaises(fakes.Reset):
            self.diag.reboot("x")
        self.assertEqual(self.file("reboot.txt"), "x, net down")

    def test_a_full_nvram_does_not_keep_it_from_rebooting(self):
        self.world.nvram_full = True
        self.assertEqual(self.boots_after(trial=False, failed=False), 1)


class TestLastWords(DiagCase):
    def test_what_was_never_written_is_none(self):
        self.assertIsNone(self.diag.last_words("reboot.txt"))

    def test_what_is_no_text_is_none(self):
        self.world.files["reboot.txt"] = b"\xff\xfe\xfd"
        self.assertIsNone(self.diag.last_words("reboot.txt"))

    def test_what_was_kept_is_read(self):
        self.diag.keep("reboot.txt", "häuser")
        self.assertEqual(self.diag.last_words("reboot.txt"), "häuser")


class TestFaults(DiagCase):
    def setUp(self):
        super().setUp()
        self.diag.start()

    def test_a_fault_of_the_appliance_is_logged_and_counted_and_survived(self):
        self.loop.Task(failing, 0)
        self.loop.step()
        self.assertEqual(self.diag.faults, 1)
        self.assertEqual(len(self.said("ValueError: broken")), 1)
        self.assertEqual(len(self.said("Traceback")), 1)
        self.assertIsNone(self.file("exception.txt"))

    def test_a_fault_of_the_framework_leaves_its_traceback_and_reboots(self):
        self.loop.Task(failing, 0, core=True)
        with self.assertRaises(fakes.Reset):
            self.loop.step()
        self.assertIn("ValueError: broken", self.file("exception.txt"))
        self.assertIn("Traceback", self.file("exception.txt"))
        self.assertEqual(self.file("reboot.txt"), "exception: ValueError broken")

    def test_a_long_traceback_keeps_its_end(self):
        error = ValueError("x" * 3000 + "end")
        words = self.diag.traceback(error)
        self.assertEqual(len(words), 2000)
        self.assertEqual(words.strip()[-3:], "end")
        self.diag.keep("exception.txt", words)
        self.diag.keep("exception.txt", words)
        self.assertEqual(self.world.file_writes, ["exception.txt"])

    def test_no_fault_is_logged_for_ever(self):
        before = len(self.world.console)
        self.diag.handle_fault(Owner(False), ValueError("\n".join(["line"] * 50)))
        self.assertLessEqual(len(self.world.console) - before, 6)


class TestMemory(DiagCase):
    def starve(self, core=False):
        return self.diag.handle_fault(Owner(core), MemoryError())

    def test_running_out_of_memory_is_survived_once_even_by_the_framework(self):
        collections = self.world.collections
        self.assertTrue(self.starve(core=True))
        self.assertEqual(self.world.collections, collections + 1)
        self.assertEqual(self.said("memory"), ["error out of memory, collected"])
        self.assertEqual(self.diag.faults, 0)

    def test_the_third_time_within_ten_minutes_reboots(self):
        self.starve()
        self.starve()
        with self.assertRaises(fakes.Reset):
            self.starve()
        self.assertEqual(self.file("reboot.txt"), "out of memory")

    def test_now_and_then_is_no_reason_to_reboot(self):
        self.loop.Task(id, 60000, 60000, arg=0)
        for _ in range(20):
            self.starve()
            self.starve()
            self.world.run(self.loop, 11 * 60000)
        self.assertIsNone(self.file("reboot.txt"))

    def test_a_fault_without_memory_to_tell_it(self):
        def no_memory(error):
            raise MemoryError

        self.diag.traceback = no_memory
        self.diag.handle_fault(Owner(False), ValueError("x"))
        self.assertEqual(len(self.said("out of memory")), 1)
        with self.assertRaises(fakes.Reset):
            self.diag.core_fault(ValueError("x"))
        self.assertEqual(self.file("reboot.txt"), "exception, and no memory to tell which")


class TestAbout(DiagCase):
    def test_the_cause_of_the_reset_has_a_name(self):
        for cause, name in (
            (1, "power-on"),
            (2, "hard reset"),
            (3, "watchdog"),
            (4, "deep sleep"),
            (5, "soft reset"),
            (9, "cause 9"),
        ):
            self.world.cause = cause
            self.diag.start()
            self.assertEqual(self.world.console[-1], "info reset by " + name)

    def test_a_boot_says_version_and_how_it_came_about(self):
        self.world.cause = 3
        self.world.files["reboot.txt"] = b"out of memory"
        self.diag.start()
        lines = self.world.console
        self.assertIn("epx " + self.diag.VERSION, lines[0])
        self.assertEqual(lines[-1], "info reset by watchdog, last reboot: out of memory")

    def test_a_first_boot_has_no_last_reboot(self):
        self.diag.start()
        self.assertEqual(self.world.console[-1], "info reset by power-on")

    def test_garbage_is_collected_every_minute(self):
        self.diag.start()
        before = self.world.collections
        self.world.run(self.loop, 600000)
        self.assertIn(self.world.collections - before, (9, 10))


if __name__ == "__main__":
    unittest.main()
