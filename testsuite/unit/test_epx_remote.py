"""Commands on the topic OTA, and what is said about the firmware."""

import sys
import unittest

import _sim
import esp32
import machine
import ota_fakes
from ota_fakes import App, connect, content, put_file, stored

from epx import diag, log, loop, otawire
from loader import sets, verdict

FILES = {"main.py": b"old main"}


class Reset(BaseException):
    """machine.reset() never returns."""


def reset():
    raise Reset


class Stats:
    def __init__(self):
        self.counts = {"connlost": 3, "mqttlost": 4}
        self.saved = 0

    def save(self):
        self.saved += 1


class RemoteCase(unittest.TestCase):
    def setUp(self):
        machine.reset = reset
        verdict.chosen = "a"
        ota_fakes.install("a", FILES)
        sets.confirm("a")
        self.app = App()
        self.app.stats = Stats()

    def tearDown(self):
        if self.app.ota:
            self.app.ota.close()
        verdict.chosen = None
        verdict.trial = False

    def lines(self):
        lines = []
        while log.peek():
            lines.append(log.peek())
            log.drop()
        return lines

    def obey(self, command):
        """What is said to it, without the level."""
        from epx import remote  # it is forgotten each time

        self.lines()
        remote.obey(self.app, command)
        return [line.split(" ", 1)[1] for line in self.lines()]


class TestCommands(RemoteCase):
    def test_unknown_ones_are_told_which_there_are(self):
        for command in (b"", b"Open", b"test_exception", b"commit now", b"\xff\xfe"):
            (line,) = self.obey(command)
            self.assertEqual(
                line,
                "OTA: unknown command, want one of commit getversion keepversion msg_exception "
                "msg_reboot msg_rm open partitions reboot resetstats stats",
            )

    def test_blanks_around_it_do_no_harm(self):
        self.assertEqual(self.obey(b" stats\n"), ["connlost events net 3 mqtt 4"])

    def test_its_code_is_forgotten(self):
        for command in (b"stats", b"partitions", b"nonsense"):
            self.obey(command)
            self.assertFalse("epx.remote" in sys.modules)
            self.assertFalse("epx.firmware" in sys.modules)

    def test_the_answer_is_given_at_every_level(self):
        for level in ("error", "warn", "info", "debug"):
            log.set_level(level)
            self.assertEqual(self.obey(b"stats"), ["connlost events net 3 mqtt 4"])

    def test_resetstats(self):
        self.assertEqual(self.obey(b"resetstats"), ["connlost events net 0 mqtt 0"])
        self.assertEqual(self.app.stats.saved, 1)

    def test_reboot_is_orderly(self):
        _sim.bench.nvs["loader"] = {"boots": 1}
        with self.assertRaises(Reset):
            self.obey(b"reboot")
        self.assertEqual(content("/reboot.txt"), b"Received MQTT reboot cmd")
        self.assertEqual(_sim.bench.nvs["loader"]["boots"], 0)


class TestOpen(RemoteCase):
    def test_without_a_key_the_port_stays_shut(self):
        for key in (None, ""):
            self.app.config.otakey = key
            lines = self.obey(b"open")
            self.assertEqual(len(lines), 2)
            self.assertTrue(lines[0].startswith("OTA: no otakey in config.txt"))
            self.assertEqual(self.app.ota, None)

    def test_it_opens_and_says_where(self):
        (line,) = self.obey(b"open")
        self.assertTrue(line.startswith("OTA: netstatus connected addr 192.168.1.7 mac "), line)
        self.assertTrue(line.endswith(" flavor tank count 1 state idle"), line)
        self.assertTrue(self.app.ota)

    def test_once_more_it_says_so_once_more(self):
        self.obey(b"open")
        before = self.app.ota
        (line,) = self.obey(b"open")
        self.assertTrue(line.endswith(" count 2 state idle"), line)
        self.assertTrue(self.app.ota is before)


class TestCommit(RemoteCase):
    def turn_until(self, condition):
        for _ in range(3000):
            if condition():
                return
            loop.step()
        self.fail("it does not come to that")

    def stage(self, data):
        caller = connect(self.app)
        caller.list({"main.py": data}, flags=0)
        caller.bundle(stored(data), len(data))
        self.assertEqual(caller.data(stored(data))[0], otawire.STAGED)
        return caller

    def test_while_it_is_shut(self):
        self.assertEqual(self.obey(b"commit"), ["OTA inactive"])

    def test_with_nothing_to_commit(self):
        self.obey(b"open")
        self.assertEqual(self.obey(b"commit"), ["OTA: nop, nothing is staged"])

    def test_while_somebody_is_there(self):
        self.obey(b"open")
        caller = self.stage(b"new main")
        self.assertEqual(self.obey(b"commit"), ["OTA: busy"])
        caller.sock.eof = True
        caller.turn(5)

    def staged(self):
        self.obey(b"open")
        caller = self.stage(b"new main")
        caller.sock.eof = True
        caller.turn(5)

    def test_what_was_staged_becomes_the_next_set(self):
        self.staged()
        self.obey(b"commit")
        self.assertEqual(self.obey(b"commit"), ["OTA: busy"])
        self.turn_until(lambda: not self.app.ota.busy())
        self.assertTrue("info OTA: committed, set b runs after a reboot" in self.lines())
        self.assertEqual(content("/b/main.py"), b"new main")
        self.assertEqual(sets.read().name, "b")

    def test_why_it_was_not(self):
        ota_fakes.install("a", dict(FILES, extra=b"x"))
        self.staged()
        put_file("/a/extra", b"y")
        self.obey(b"commit")
        self.turn_until(lambda: not self.app.ota.busy())
        line = "info OTA: not committed: corrupt: /b/extra is not what the list says"
        self.assertTrue(line in self.lines())
        self.assertEqual(sets.read().name, "a")


class TestVersion(RemoteCase):
    def version(self):
        firmware, *more = self.obey(b"getversion")
        wanted = "tank, epx %s, MicroPython %d.%d.%d" % (
            (diag.VERSION,) + tuple(sys.implementation.version[:3])
        )
        self.assertEqual(firmware, wanted)
        return more

    def test_of_both_sets(self):
        ota_fakes.install("b", FILES, 7)
        self.assertEqual(
            self.version(),
            ["set a runs: tank version 1, mpy 0", "set b: tank version 7, mpy 0"],
        )

    def test_of_one_set_on_trial(self):
        verdict.trial = True
        self.assertEqual(self.version(), ["set a runs on trial: tank version 1, mpy 0"])

    def test_of_a_list_that_is_damaged(self):
        put_file("/a/set.txt", b"profile tank\n")
        self.assertEqual(self.version(), ["set a runs: tank version None, mpy None"])

    def test_without_sets(self):
        verdict.chosen = None
        self.assertEqual(self.version(), [])


class TestMessages(RemoteCase):
    def test_what_was_never_written_is_not_found(self):
        self.assertEqual(self.obey(b"msg_reboot"), ["reboot.txt not found"])
        self.assertEqual(self.obey(b"msg_exception"), ["exception.txt not found"])

    def test_each_line_of_it(self):
        put_file("/reboot.txt", b"out of memory")
        put_file("/exception.txt", b"Traceback\n\nValueError: x\n")
        self.assertEqual(self.obey(b"msg_reboot"), ["reboot.txt: out of memory"])
        self.assertEqual(
            self.obey(b"msg_exception"),
            ["exception.txt: Traceback", "exception.txt: ValueError: x"],
        )

    def test_removed(self):
        put_file("/reboot.txt", b"out of memory")
        for _ in range(2):
            self.assertEqual(self.obey(b"msg_rm"), ["messages removed"])
        self.assertEqual(content("/reboot.txt"), None)


class TestFirmware(RemoteCase):
    def test_partitions(self):
        self.assertEqual(
            self.obey(b"partitions"), ["available partitions ota_0,ota_1, running ota_0"]
        )

    def test_one_partition(self):
        from testmock.flashmap import ONE_FIRMWARE

        _sim.bench.partitions.use(ONE_FIRMWARE)
        self.assertEqual(
            self.obey(b"partitions"),
            [
                "available partitions factory, running factory",
                "partition table does not have support for firmware OTA",
            ],
        )

    def test_kept(self):
        words = ["Currently running firmware is kept."]
        self.assertEqual(self.obey(b"keepversion"), words)

    def test_one_that_has_not_run_yet_is_not_kept(self):
        _sim.bench.partitions.choose("ota_1")
        (line,) = self.obey(b"keepversion")
        self.assertTrue(line.startswith("the new firmware has not run yet"))

    def test_a_boot_loader_that_cannot(self):
        class Partition(esp32.Partition):
            @classmethod
            def mark_app_valid_cancel_rollback(cls):
                raise OSError(-261)

        esp32.Partition = Partition
        self.assertEqual(
            self.obey(b"keepversion"), ["the running firmware cannot be marked: -261"]
        )


if __name__ == "__main__":
    unittest.main()
