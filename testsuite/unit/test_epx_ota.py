"""epx.ota: the port and the whole conversation, from the first byte to the commit."""

import hashlib
import os
import unittest

import ota_fakes
from ota_fakes import App, Caller, connect, content, install, refused, stored, tree

from epx import log, loop, otawire
from loader import sets, verdict

OLD = {"boot.py": b"", "main.py": b"old main", "lib/epx/loop.py": b"loop " * 500}
NEW = {"boot.py": b"", "main.py": b"new main", "lib/epx/loop.py": OLD["lib/epx/loop.py"]}
NEW["lib/tank/sensor.py"] = b"sensor " * 3000


def update(caller, files, version=2):
    """Send a whole set as the PC does; the answer to the last data."""
    kind, body = caller.list(files, version)
    assert kind == otawire.NEEDED, refused((kind, body))
    assert body[0] & 1
    needed = [path for i, path in enumerate(sorted(files)) if body[1 + i // 8] & 0x80 >> i % 8]
    if needed:
        raw = b"".join([files[path] for path in needed])
        packed = stored(raw)
        kind, body = caller.bundle(packed, len(raw))
        assert kind == otawire.RESUME, refused((kind, body))
        return caller.data(packed[int.from_bytes(body[:4], "big") :]), needed
    return caller.last(), needed


class Case(unittest.TestCase):
    def setUp(self):
        verdict.chosen = "a"
        verdict.trial = False
        install("a", OLD)
        sets.confirm("a")
        self.app = App()
        self.app.open()


class Update(Case):
    def test_a_whole_set_is_sent_committed_and_switched_to(self):
        caller = connect(self.app)
        answer, needed = update(caller, NEW)
        self.assertEqual(answer[0], otawire.STAGED)
        self.assertEqual(needed, ["lib/tank/sensor.py", "main.py"])
        self.assertEqual(content("/a/main.py"), b"old main")
        self.assertEqual(caller.ask(otawire.COMMIT)[0], otawire.DONE)
        found = tree("/b")
        found.pop("set.txt")
        self.assertEqual(found, NEW)
        self.assertEqual(content("/running.txt"), b"b trial a ok\n")
        running = tree("/a")
        running.pop("set.txt")
        self.assertEqual(running, OLD)

    def test_identity(self):
        identity = connect(self.app).identity
        self.assertEqual(identity["profile"], "tank")
        self.assertEqual(identity["version"], "1")
        self.assertEqual(identity["set"], "a")
        self.assertEqual(identity["staged"], "0")

    def test_nothing_differs(self):
        kind, body = connect(self.app).list(OLD, 1)
        self.assertEqual((kind, body), (otawire.NEEDED, b"\0\0"))

    def test_who_asks_in_short_hears_the_same(self):
        mark = hashlib.sha256(content("/a/set.txt")).digest()
        caller = connect(self.app)
        self.assertEqual(caller.ask(otawire.SAME, mark), (otawire.NEEDED, b"\0"))
        self.assertEqual(caller.ask(otawire.SAME, bytes(32)), (otawire.NEEDED, b"\1"))
        verdict.trial = True
        self.assertEqual(caller.ask(otawire.SAME, mark), (otawire.NEEDED, b"\1"))
        verdict.trial = False
        ota_fakes.put_file("/a/main.py", b"odd main")  # of the same length
        self.assertEqual(caller.ask(otawire.SAME, mark), (otawire.NEEDED, b"\1"))
        self.assertEqual(refused(caller.ask(otawire.SAME, mark[1:])), "bad message")

    def test_broken_off_only_what_is_missing_comes_again(self):
        caller = connect(self.app)
        raw = NEW["lib/tank/sensor.py"] + NEW["main.py"]
        packed = stored(raw)
        caller.list(NEW)
        self.assertEqual(caller.bundle(packed, len(raw))[1][:4], b"\0\0\0\0")
        for at in range(0, 14000, 700):
            caller.say(otawire.DATA, packed[at : at + 700])
        caller.turn(200)
        caller.leave()
        caller = connect(self.app)
        caller.list(NEW)
        kind, body = caller.bundle(packed, len(raw))
        self.assertEqual(kind, otawire.RESUME)
        self.assertEqual(int.from_bytes(body[:4], "big"), 14000)
        self.assertEqual(body[4:], hashlib.sha256(packed[:14000]).digest())
        self.assertEqual(caller.data(packed[14000:])[0], otawire.STAGED)
        # And once more: all is there.
        caller.leave()
        caller = connect(self.app)
        (kind, _), needed = update(caller, NEW)
        self.assertEqual((kind, needed), (otawire.STAGED, []))

    def test_a_file_that_is_not_what_the_list_says_is_asked_for_again(self):
        caller = connect(self.app)
        raw = b"X" + NEW["lib/tank/sensor.py"][1:] + NEW["main.py"]
        caller.list(NEW)
        caller.bundle(stored(raw), len(raw))
        self.assertEqual(refused(caller.data(stored(raw))), "corrupt")
        self.assertEqual(update(caller, NEW)[0][0], otawire.STAGED)

    def test_garbage_instead_of_a_bundle(self):
        caller = connect(self.app)
        caller.list(NEW)
        caller.bundle(b"\xff" * 3000, 21008)
        self.assertEqual(refused(caller.data(b"\xff" * 3000)), "corrupt")
        self.assertEqual(sets.read().name, "a")

    def test_single_files_gather_until_the_commit(self):
        for path, data in (("main.py", b"changed"), ("data/x.txt", b"12"), ("boot.py", None)):
            caller = connect(self.app)
            kind, _ = caller.list({path: data}, flags=0)
            self.assertEqual(kind, otawire.NEEDED)
            if data:
                caller.bundle(stored(data), len(data))
                kind, _ = caller.data(stored(data))
            else:
                kind, _ = caller.last()
            self.assertEqual(kind, otawire.STAGED)
            caller.leave()
        caller = connect(self.app)
        self.assertEqual(caller.identity["staged"], "1")
        self.assertEqual(caller.ask(otawire.COMMIT)[0], otawire.DONE)
        found = tree("/b")
        del found["set.txt"]
        wanted = dict(OLD)
        wanted.update({"main.py": b"changed", "data/x.txt": b"12"})
        del wanted["boot.py"]
        self.assertEqual(found, wanted)

    def test_what_stood_in_the_other_set_goes(self):
        install("b", {"main.py": b"ancient", "lib/epx": b"a file here", "lib2/x/y": b"z"})
        os.mkdir("/b/boot.py")
        caller = connect(self.app)
        self.assertEqual(update(caller, NEW)[0][0], otawire.STAGED)
        self.assertEqual(caller.ask(otawire.COMMIT)[0], otawire.DONE)
        found = tree("/b")
        del found["set.txt"]
        self.assertEqual(found, NEW)

    def test_the_running_set_has_been_changed_by_hand(self):
        ota_fakes.put_file("/a/boot.py", b"edited")
        caller = connect(self.app)
        caller.list({"main.py": b"changed"}, flags=0)
        caller.bundle(stored(b"changed"), 7)
        self.assertEqual(caller.data(stored(b"changed"))[0], otawire.STAGED)
        self.assertEqual(refused(caller.ask(otawire.COMMIT)), "corrupt")
        self.assertEqual(sets.read().name, "a")


class Refusals(Case):
    def test_before_any_data(self):
        rows = (
            ({"profile": "pump"}, "wrong profile"),
            ({"version": 0}, "lower version"),
            ({"mpy": 77}, "wrong mpy version"),
            ({"files": {"../x": b""}}, "path not allowed"),
            ({"files": {"a//b": b""}}, "path not allowed"),
            ({"files": {"/boot.py": b""}}, "path not allowed"),
            ({"files": {"new/x": b""}}, "path not allowed"),
            ({"files": {"x" * 81: b""}}, "path not allowed"),
            ({"files": {"set.txt": b""}}, "path not allowed"),
        )
        for options, name in rows:
            files = options.pop("files", NEW)
            caller = connect(self.app)
            self.assertEqual(refused(caller.list(files, **options)), name)
            caller.leave()
        self.assertEqual(content("/b/main.py"), None)

    def test_a_lower_version_that_is_meant(self):
        caller = connect(self.app)
        flags = otawire.FULL | otawire.DOWNGRADE
        self.assertEqual(caller.list(NEW, version=0, flags=flags)[0], otawire.NEEDED)

    def test_too_large(self):
        caller = connect(self.app)
        body = ota_fakes.pack(otawire.LIST_BEGIN_BODY, 1, 2, 0, 1, 1 << 30) + b"tank"
        caller.say(otawire.LIST_BEGIN, body)
        self.assertEqual(refused(caller.hear()), "too large")

    def test_out_of_order(self):
        caller = connect(self.app)
        self.assertEqual(refused(caller.ask(otawire.DATA, b"x")), "out of order")
        self.assertEqual(refused(caller.ask(otawire.LIST_END)), "out of order")
        self.assertEqual(refused(caller.bundle(b"x", 1)), "out of order")
        self.assertEqual(refused(caller.ask(otawire.COMMIT)), "nothing staged")
        self.assertEqual(refused(caller.ask(77)), "bad message")
        self.assertEqual(refused(caller.ask(otawire.BUNDLE, b"x")), "bad message")
        self.assertEqual(refused(caller.ask(otawire.LIST_BEGIN, b"x")), "bad message")

    def test_while_the_running_set_is_on_trial(self):
        install("b", OLD)
        verdict.chosen = "b"
        verdict.trial = True
        sets.start_trial("b", "ok")
        self.app.ota.close()
        self.app.open()
        self.assertEqual(refused(connect(self.app).list(NEW)), "on trial")


class RootFiles(Case):
    def test_put_hash_remove(self):
        caller = connect(self.app)
        self.assertEqual(caller.put("/certs/ca.der", b"certificate")[0], otawire.DONE)
        self.assertEqual(content("/certs/ca.der"), b"certificate")
        kind, body = caller.ask(otawire.HASH, b"/certs/ca.der")
        self.assertEqual(kind, otawire.HASHED)
        self.assertEqual(body, b"\0\0\0\x0b" + hashlib.sha256(b"certificate").digest())
        for _ in range(2):
            self.assertEqual(caller.ask(otawire.REMOVE, b"/certs/ca.der")[0], otawire.DONE)
        self.assertEqual(content("/certs/ca.der"), None)
        self.assertEqual(caller.ask(otawire.HASH, b"/certs/ca.der")[1], bytes(36))
        self.assertEqual(caller.put("/empty", b"")[0], otawire.DONE)
        self.assertEqual(content("/empty"), b"")
        body = caller.ask(otawire.HASH, b"main.py")[1]
        self.assertEqual(body[4:], hashlib.sha256(b"old main").digest())

    def test_reserved(self):
        caller = connect(self.app)
        for path in ("/boot.py", "/loader/start.py", "/a/main.py", "/running.txt", "/pins.txt",
                     "/lib/x", "/config.old", "/x.new", "/../x", "/x.mpy"):  # fmt: skip
            self.assertEqual(refused(caller.put(path, b"")), "path not allowed")
            self.assertEqual(
                refused(caller.ask(otawire.REMOVE, path.encode())), "path not allowed"
            )
            self.assertEqual(refused(caller.ask(otawire.HASH, path.encode())), "path not allowed")
        self.assertEqual(refused(caller.ask(otawire.REMOVE, b"/config.txt")), "path not allowed")

    def test_another_content_than_announced(self):
        caller = connect(self.app)
        ota_fakes.put_file("/pair.txt", b"old")
        self.assertEqual(refused(caller.put("/pair.txt", b"new", bytes(32))), "corrupt")
        self.assertEqual(content("/pair.txt"), b"old")
        self.assertEqual(content("/pair.txt.new"), None)

    def test_config_is_checked_and_on_trial(self):
        ota_fakes.put_file("/config.txt", b"ssid old\n")
        caller = connect(self.app)
        self.app.problems = ["config.txt: line 1: no"]
        self.assertEqual(refused(caller.put("/config.txt", b"nonsense")), "bad config")
        self.assertEqual(content("/config.txt"), b"ssid old\n")
        self.app.problems = []
        self.assertEqual(caller.put("/config.txt", b"ssid new\n")[0], otawire.DONE)
        self.assertEqual(content("/config.txt"), b"ssid new\n")
        self.assertEqual(content("/config.old"), b"ssid old\n")
        # A second one before the first is confirmed keeps the good one.
        self.assertEqual(caller.put("/config.txt", b"ssid newer\n")[0], otawire.DONE)
        self.assertEqual(content("/config.old"), b"ssid old\n")


class Strangers(Case):
    def test_a_wrong_key_waits_longer_each_time(self):
        for wait_s in (1, 2, 4):
            caller = Caller(self.app, "another sixteen letters")
            self.assertEqual(caller.greet(), otawire.WELCOME)
            self.assertFalse(caller.prove())
            self.assertTrue(caller.sock.closed)
            locked = Caller(self.app)
            self.assertEqual(locked.greet(), otawire.LOCKED)
            self.assertEqual(locked.answer[4:6], bytes((0, wait_s)))
            self.wait(wait_s * 1000 + 1000)
        connect(self.app)

    def wait(self, ms):
        import time

        end_ms = time.ticks_add(time.ticks_ms(), ms)
        while time.ticks_diff(end_ms, time.ticks_ms()) > 0:
            loop.step()

    def test_a_second_caller_is_told_who_holds_it(self):
        connect(self.app)
        second = Caller(self.app, peer="192.168.1.6")
        self.assertEqual(second.greet(), otawire.BUSY)
        self.assertEqual(second.answer[4:].rstrip(b"\0"), b"192.168.1.5")
        self.assertTrue(second.sock.closed)

    def test_who_says_nothing_is_dropped(self):
        caller = Caller(self.app)
        self.wait(12000)
        self.assertTrue(caller.sock.closed)
        caller = connect(self.app)
        self.wait(55000)
        self.assertFalse(caller.sock.closed)
        self.wait(8000)
        self.assertTrue(caller.sock.closed)

    def test_nothing_of_a_record_may_change(self):
        for at in (0, 1, 2, 9, 17, 18, 25, 33):
            caller = connect(self.app)
            record = bytearray(caller._keys.from_pc.seal(otawire.REMOVE, b"/pair.txt"))
            record[at] ^= 0x10
            ota_fakes.put_file("/pair.txt", b"old")
            caller.sock.rx += record
            caller.turn(3)
            caller.leave()
            self.assertTrue(caller.sock.closed)
            self.assertEqual(content("/pair.txt"), b"old")

    def test_a_replayed_session_gets_nowhere(self):
        caller = connect(self.app)
        record = caller._keys.from_pc.seal(otawire.REMOVE, b"/pair.txt")
        proof = caller._keys.pc_proof
        ota_fakes.put_file("/pair.txt", b"old")
        caller.sock.rx += record + record
        caller.turn(5)
        self.assertEqual(content("/pair.txt"), None)
        self.assertTrue(caller.sock.closed)  # the second copy is not the next record
        ota_fakes.put_file("/pair.txt", b"old")
        thief = Caller(self.app)
        thief.greet()
        thief.sock.rx += proof + record
        thief.turn(5)
        self.assertTrue(thief.sock.closed)
        self.assertEqual(content("/pair.txt"), b"old")

    def test_another_protocol(self):
        caller = Caller(self.app)
        caller.sock.rx += b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        caller.turn(3)
        self.assertTrue(caller.sock.closed)
        self.assertEqual(bytes(caller.sock.tx), b"")


class Port(Case):
    def test_closes_after_ten_idle_minutes(self):
        Strangers.wait(self, 590000)
        self.assertTrue(self.app.ota)
        Strangers.wait(self, 20000)
        self.assertFalse(self.app.ota)
        lines = []
        while log.peek():
            lines.append(log.peek())
            log.drop()
        self.assertTrue("info OTA: closed, ten minutes without use" in lines)

    def test_says_where_it_is(self):
        Strangers.wait(self, 31000)
        told = self.app.mqtt.outbox.told
        self.assertEqual(len(told), 4)
        topic, words = told[-1]
        self.assertEqual(topic, "stat/Tank/OTA")
        self.assertTrue("netstatus connected addr 192.168.1.7 mac" in words)
        self.assertTrue("flavor tank count 4 state idle" in words)


if __name__ == "__main__":
    unittest.main()
