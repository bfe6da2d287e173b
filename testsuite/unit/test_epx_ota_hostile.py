"""epx.ota, against those who mean no good: 350 callers, the same ones on every run.

testsuite/fuzz sends many more, found by hypothesis. What these and a reading of the code have
found stands below as tests of its own.
"""

import time
import unittest

import _sim
from ota_fakes import App, Caller, connect, content, install, put_file, refused, stored
from ota_hostile import Scene, noise

from epx import diag, loop, otawire, remote
from loader import sets, verdict


class Hostile(unittest.TestCase):
    def _run(self, kind, count):
        scene = Scene()
        for number in range(count):
            try:
                scene.run(kind, noise(number))
            except Exception:
                print("example %d of %s" % (number, kind))
                raise

    def test_a_hundred_without_the_key(self):
        self._run("stranger", 100)

    def test_a_hundred_who_change_what_is_sent(self):
        self._run("tampered", 100)

    def test_a_hundred_with_the_key_who_send_nonsense(self):
        self._run("insider", 100)

    def test_fifty_at_the_broker(self):
        self._run("commander", 50)


class Found(unittest.TestCase):
    def setUp(self):
        verdict.chosen = "a"
        install("a", {"main.py": b"old"})
        sets.confirm("a")
        self.app = App()
        self.app.open()

    def test_a_refusal_is_no_longer_than_a_record(self):
        caller = connect(self.app)
        for kind in (otawire.HASH, otawire.REMOVE):
            answer = caller.ask(kind, b"y" * otawire.MOST_BODY)
            self.assertEqual(refused(answer), "path not allowed")
            self.assertTrue(len(answer[1]) < 500)

    def test_a_path_of_the_root_begins_with_a_slash(self):
        caller = connect(self.app)
        for path in (b"running.txt", b"xconfig.txt", b"loader/x", b"main.txt"):
            self.assertEqual(refused(caller.ask(otawire.REMOVE, path)), "path not allowed")
        self.assertEqual(refused(caller.put("config.txt", b"")), "path not allowed")
        self.assertEqual(content("/running.txt"), b"a confirmed\n")

    def test_no_folder_takes_the_place_of_a_file_that_is_not_there(self):
        caller = connect(self.app)
        for path in ("/config.old/x", "/config.txt/x", "/exception.txt/x", "/config.txt.new/x"):
            self.assertEqual(refused(caller.put(path, b"")), "path not allowed")
        self.assertFalse(sets.config_on_trial())

    def test_one_file_after_the_other_and_none_stays_open(self):
        caller = connect(self.app)
        for name in ("/one", "/two", "/one"):
            begin = (9).to_bytes(4, "big") + bytes(32) + name.encode()
            caller.say(otawire.PUT, begin)
            caller.say(otawire.DATA, b"half")
            caller.turn(6)
        self.assertEqual(_sim.device.flash.writers, 1)
        caller.sock.eof = True
        caller.turn(6)
        self.assertEqual(_sim.device.flash.writers, 0)
        for name in ("/one", "/two"):
            self.assertEqual(content(name), None)
            self.assertEqual(content(name + ".new"), None)

    def test_no_commit_over_the_set_to_go_back_to(self):
        install("b", {"main.py": b"good"})
        put_file("/b/new/list", b"profile tank\nversion 3\nmpy 0\n")
        sets._write("a", "trial", "b", "ok")
        verdict.trial = True
        self.assertEqual(refused(connect(self.app).ask(otawire.COMMIT)), "on trial")
        self.app.ota.session.close(None)
        remote.obey(self.app, b"commit")
        while self.app.ota.busy():
            loop.step()
        self.assertEqual(content("/b/main.py"), b"good")
        self.assertEqual(content("/running.txt"), b"a trial b ok\n")

    def test_a_profile_is_one_word(self):
        self.app.ota.stage.profile = None  # as in the rescue program without a set
        for name in ("tank\nversion 9", "../x", "", "tank x", "a/b"):
            caller = connect(self.app)
            self.assertEqual(refused(caller.list({"x": b"1"}, profile=name)), "wrong profile")
            caller.sock.eof = True
            caller.turn(5)

    def test_single_files_do_not_add_up_for_ever(self):
        answers = []
        for number in range(12):
            caller = connect(self.app)
            files = {"f%d/%d" % (number, i): b"" for i in range(32)}
            answer = caller.list(files, flags=0)
            if answer[0] == otawire.NEEDED:
                answer = caller.bundle(stored(b""), 0)
                answer = caller.data(stored(b"")) if answer[0] == otawire.RESUME else answer
            answers.append(refused(answer))
            caller.sock.eof = True
            caller.turn(5)
        self.assertEqual(answers[0], (otawire.STAGED, b""))
        self.assertEqual(answers[-1], "too large")

    def test_the_lock_out_ends_growing_at_a_minute(self):
        for number in range(10):
            caller = Caller(self.app, "another sixteen letters")
            caller.greet()
            self.assertFalse(caller.prove())
            locked = Caller(self.app)
            self.assertEqual(locked.greet(), otawire.LOCKED)
            wait_s = int.from_bytes(locked.answer[4:6], "big")
            self.assertEqual(wait_s, min(1 << number, 64))
            self._wait(wait_s + 1)
        connect(self.app)

    def test_one_reboot_is_enough(self):
        reasons = []
        diag.reboot = reasons.append
        caller = connect(self.app)
        for _ in range(50):
            self.assertEqual(caller.ask(otawire.REBOOT)[0], otawire.DONE)
        self._wait(1)
        self.assertEqual(reasons, ["update tool of 192.168.1.5"])

    def test_a_full_flash_ends_no_session(self):
        flash = _sim.device.flash
        caller = connect(self.app)
        raw = bytes(range(256)) * 40
        files = {"main.py": raw}
        self.assertEqual(caller.list(files)[0], otawire.NEEDED)
        self.assertEqual(caller.bundle(stored(raw), len(raw))[0], otawire.RESUME)
        flash.capacity_bytes = flash.used_bytes()
        self.assertEqual(refused(caller.data(stored(raw))), "file system")
        caller.sock.eof = True
        caller.turn(5)
        flash.capacity_bytes = 2 << 20
        caller = connect(self.app)
        self.assertEqual(caller.list(files)[0], otawire.NEEDED)
        body = caller.bundle(stored(raw), len(raw))[1]
        at = int.from_bytes(body[:4], "big")
        self.assertEqual(caller.data(stored(raw)[at:])[0], otawire.STAGED)

    def test_a_list_that_says_nothing_is_no_fault(self):
        put_file("/b/set.txt", b"\n")
        remote.obey(self.app, b"getversion")

    def test_who_waits_for_long_work_is_not_silent(self):
        caller = connect(self.app)

        def work():
            end_ms = time.ticks_add(time.ticks_ms(), 90000)
            while time.ticks_diff(end_ms, time.ticks_ms()) > 0:
                time.sleep_ms(100)
                yield

        self.app.ota.stage.hash_file = lambda path: work()
        caller.ask(otawire.HASH, b"main.py")
        self._wait(5)
        self.assertFalse(caller.sock.closed)

    def _wait(self, seconds):
        end_ms = time.ticks_add(time.ticks_ms(), seconds * 1000)
        while time.ticks_diff(end_ms, time.ticks_ms()) > 0:
            loop.step()


if __name__ == "__main__":
    unittest.main()
