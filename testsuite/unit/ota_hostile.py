"""Hostile callers of the port of updates: bytes decide what they do; all is checked afterwards.

A run of bytes is one example: what a caller sends, how it is cut into pieces, how it ends. The
bytes come from hypothesis (testsuite/fuzz) or from noise(), so the same examples run on both
interpreters.
"""

import hashlib
import time
from struct import pack

import _sim
import ota_fakes
from ota_fakes import App, Caller, entry, install, put_file, stored

from epx import (
    diag,
    log,
    loop,
    otafiles,
    otakeys,
    otaowner,
    otapaths,
    otarefusals,
    otastage,
    otawire,
    remote,
)
from loader import sets, verdict

OLD = {"boot.py": b"", "main.py": b"old main", "lib/epx/loop.py": b"loop " * 300}
NEW = {"boot.py": b"", "main.py": b"new main", "lib/epx/loop.py": b"new loop " * 200, "x/y": b"1"}
OTHER = {"main.py": b"older main", "lib/gone.py": b"gone"}
ROOT = {
    "/boot.py": b"door",
    "/main.py": b"door",
    "/loader/start.py": b"start",
    "/loader/lib/epx/net.py": b"net",
    "/pins.txt": b"4 0\n",
    "/reboot.txt": b"words",
    "/config.txt": b"ssid old\nname B\xfcro\n",
    "/pair.txt": b"old pair",
    "/certs/ca.der": b"old certificate",
}
MOST_UNSENT = 4096
ROOMY = 2 << 20
CROWDED = 100 * 1024  # bytes of a flash that is nearly full


class Source:
    """Decisions out of bytes; when they are used up every one is the first possible."""

    def __init__(self, data):
        self._data = data
        self._at = 0

    def more(self):
        return self._at < len(self._data)

    def byte(self):
        if self._at >= len(self._data):
            return 0
        self._at += 1
        return self._data[self._at - 1]

    def below(self, count):
        if count <= 256:
            return self.byte() % count
        return (self.byte() << 8 | self.byte()) % count

    def chance(self, one_in):
        """True in one of so many cases, and not by default."""
        return self.byte() % one_in == one_in - 1

    def pick(self, rows):
        return rows[self.below(len(rows))]

    def take(self, count):
        """Bytes as they come; short strings are repeated to make long ones."""
        seed = bytes(self._data[self._at : self._at + min(count, 24)]) or b"\0"
        self._at += min(count, 24)
        return (seed * (count // len(seed) + 1))[:count]


def noise(number, count=160):
    """The bytes of example number, without a pattern."""
    out = b""
    block = b"hostile %d" % number
    while len(out) < count:
        block = hashlib.sha256(block).digest()
        out += block
    return out[: count // 2 + out[0] * count // 512]


class _Stats:
    def __init__(self):
        self.counts = {"connlost": 1, "mqttlost": 2}

    def save(self):
        pass


class Scene:
    """A device whose port stays open for one example after the other; run() is one of them."""

    def __init__(self):
        self.kinds = {
            "stranger": self._stranger,
            "tampered": self._tampered,
            "insider": self._insider,
            "commander": self._commander,
        }
        self.examples = 0
        self._reboots = self._turns = 0
        diag.reboot = self._reboot
        self.flash = _sim.device.flash
        for path, data in ROOT.items():
            put_file(path, data)
        install("a", OLD)
        sets.confirm("a")
        self._alone = self.flash.snapshot()
        install("b", OTHER)
        sets.confirm("a", "b")
        self._both = self.flash.snapshot()
        sets._write("a", "trial", "b", "ok")
        put_file("/b/new/list", b"profile tank\nversion 3\nmpy 0\n")
        self._trial = self.flash.snapshot()
        self._place(self._alone)
        self.app = App()
        self.app.stats = _Stats()
        self.ota = self.app.open()
        self._idle_polls = len(loop._polls)
        self._idle_tasks = len(loop._heap) - loop._cancelled

    def _reboot(self, reason, failed=False):
        self._reboots += 1

    def _place(self, saved):
        verdict.chosen = "a"
        verdict.trial = saved is self._trial
        self.flash.restore(saved)
        self.flash.capacity_bytes = ROOMY
        self.flash.before_operation = None

    def run(self, kind, data):
        """One example; raises if anything is not as it should be."""
        self.examples += 1
        source = Source(data)
        saved = (self._alone, self._both, self._alone, self._both, self._trial)[source.below(5)]
        self._place(saved)
        self.on_trial = saved is self._trial
        manner = source.below(5)
        commit = source.chance(4)
        self.ota.stage = otastage.Stage(self.app.profile, self.ota._buffer)
        self.before = dict(self.flash.files)
        self._socks = []
        self.kinds[kind](source)
        self._end(manner)
        self._check_rest()
        self.flash.before_operation = None
        self.flash.capacity_bytes = ROOMY
        self._honest(commit)

    # Callers.

    def _call(self, source, peer="192.168.1.66"):
        caller = Caller(self.app, peer=peer)
        sock = caller.sock
        if source.chance(8):
            sock.room = source.below(3000)
        self._socks.append(sock)
        return caller

    def turn(self):
        self._turns += 1
        if not self._turns % 256:
            time.sleep_ms(1)  # the clock of the world has to move now and then
        loop.step()
        if len(loop._heap) - loop._cancelled > self._idle_tasks + 2:
            raise AssertionError("more and more tasks")
        for link in (self.ota.session, self.ota._turned_away):
            if link and len(link._unsent) > MOST_UNSENT:
                raise AssertionError("%d bytes wait to be sent" % len(link._unsent))

    def settle(self, sock, most=3000):
        """Until the device has read all, or does not want more."""
        while (sock.rx or self.ota.busy()) and not sock.closed:
            self.turn()
            most -= 1
            if not most:
                raise AssertionError("the device does not read, nor close")

    def feed(self, source, sock, data):
        """data in pieces, at a pace that source decides."""
        style = source.below(4)
        at = 0
        while at < len(data) and not sock.closed:
            count = (len(data), 1 + source.below(40), 1 + source.below(900), 1)[style]
            if style == 3 and at > 60:
                count = len(data)
            sock.rx += data[at : at + count]
            at += count
            if source.chance(3):
                self.turn()
            else:
                self.settle(sock)

    def _end(self, manner):
        """Each caller goes away in his own manner."""
        for sock in self._socks:
            if manner == 1:
                sock.error = 104
            elif manner == 2 and self.examples % 8 == 0:  # says nothing; takes a minute to notice
                self._wait(65)
            elif manner == 3:
                self.settle(sock)
            if not sock.closed:
                sock.eof = True
                sock.room = 1 << 20
                self.settle(sock)
        most = 3000
        while self.ota.busy() or self.ota.session or self.ota._turned_away:
            self.turn()
            most -= 1
            if not most:
                raise AssertionError("a conversation does not end")

    def _wait(self, seconds):
        end_ms = time.ticks_add(time.ticks_ms(), seconds * 1000)
        while time.ticks_diff(end_ms, time.ticks_ms()) > 0:
            self.turn()

    # What must hold afterwards, whoever called.

    def _check_rest(self):
        for sock in self._socks:
            same(sock.closed, True, "closed")
        same(len(loop._polls), self._idle_polls, "polled streams")
        most = 20
        while len(loop._heap) - loop._cancelled > self._idle_tasks and most:
            self.turn()  # a reboot is due in half a second
            most -= 1
        same(len(loop._heap) - loop._cancelled, self._idle_tasks, "tasks")
        same(len(self.ota._buffer), otawire.MOST_RECORD, "buffer")
        same(self.flash.writers, 0, "files open for writing")
        same(diag.faults, 0, "faults")
        if len(log._ring) > 24 or len(self.ota.stage.needed) > 29:
            raise AssertionError("something grows")
        while log.peek():
            log.drop()
        self.app.mqtt.outbox.told.clear()

    def changed(self):
        """Paths that are not what they were."""
        after = self.flash.files
        found = [path for path in self.before if after.get(path) != self.before[path]]
        return found + [path for path in after if path not in self.before]

    def _honest(self, commit):
        """The next one with the key gets what he wants."""
        if self.on_trial:
            sets.confirm("a", "b")
        while True:
            caller = Caller(self.app)
            status = caller.greet()
            if status != otawire.LOCKED:
                break
            self._wait(1 + int.from_bytes(caller.answer[4:6], "big"))
        same(status, otawire.WELCOME, "status")
        same(caller.prove(), True, "proof")
        same(caller.identity["profile"], "tank", "profile")
        answer = self._update(caller)
        if ota_fakes.refused(answer) == "corrupt":
            # Somebody had sent all of the bundle, but as something else.
            answer = self._update(caller)
        same(answer[0], otawire.STAGED, "staged")
        if commit:
            same(caller.ask(otawire.COMMIT)[0], otawire.DONE, "commit")
            same(self.flash.files["/running.txt"], b"b trial a ok\n", "running.txt")
            self._check_set("b", NEW)
        caller.sock.eof = True
        self.settle(caller.sock)
        self.turn()
        same(caller.sock.closed, True, "closed")

    def _update(self, caller):
        """Send NEW as the tools do -> the last answer."""
        kind, body = caller.list(NEW)
        same(kind, otawire.NEEDED, "needed")
        paths = sorted(NEW)
        needed = [path for i, path in enumerate(paths) if body[1 + i // 8] & 0x80 >> i % 8]
        if not needed:
            return caller.last()
        raw = b"".join([NEW[path] for path in needed])
        packed = stored(raw)
        kind, body = caller.bundle(packed, len(raw))
        same(kind, otawire.RESUME, "resume")
        at = int.from_bytes(body[:4], "big")
        if at == len(packed):
            return caller.last()
        if body[4:] != hashlib.sha256(packed[:at]).digest():
            # What lies there under this name is something else.
            kind, body = caller.bundle(packed, len(raw), None, 11 | otawire.FROM_START)
            same((kind, body[:4]), (otawire.RESUME, bytes(4)), "resume")
            at = 0
        return caller.data(packed[at:])

    def _check_set(self, name, files):
        """Set name has files (None: what its list says) and nothing else."""
        folder = "/%s/" % name
        found = {}
        for path in self.flash.files:
            if path.startswith(folder) and not path.startswith(folder + "new/"):
                found[path[len(folder) :]] = self.flash.files[path]
        del found["set.txt"]
        if files is None:
            files = {}
            for path, size, sha256 in otafiles.read_files(folder + "set.txt"):
                same(hashlib.sha256(found[path]).digest(), sha256, path)
                same(len(found[path]), size, path)
                files[path] = found[path]
        same(found, files, "set " + name)

    # One who has no key.

    def _stranger(self, source):
        for _ in range(1 + source.below(3)):
            caller = self._call(source)
            sock = caller.sock
            step = source.below(5)
            hello = otawire.HELLO + source.take(16)
            if step == 0:
                data = source.take(1 + source.below(200))
            elif step == 1:
                data = bytearray(hello + source.take(source.below(80)))
                data[source.below(6)] ^= 1 << source.below(8)
            elif step == 2:
                data = hello + source.take(source.below(300))
            elif step == 3:
                data = hello[: source.below(20)]
            else:
                caller = Caller(self.app, "another sixteen letters", "192.168.1.67")
                self._socks[-1] = sock = caller.sock
                data = b""
                if caller.greet(source.take(16)) == otawire.WELCOME:
                    proof = (caller._keys.pc_proof, caller._keys.device_proof, caller.answer)
                    data = source.pick(proof) + source.take(source.below(100))
                    data += caller._keys.from_pc.seal(otawire.REMOVE, b"/pair.txt")
            self.feed(source, sock, bytes(data))
            if len(sock.tx) > otawire.HELLO_BYTES or sock.tx[:3] not in (b"", b"epx"):
                raise AssertionError("a stranger was told %r" % sock.tx)
            if source.chance(2) and not sock.closed:
                sock.eof = True
                self.settle(sock)
        same(self.changed(), [], "files")

    # One who changes what an honest one sends.

    def _tampered(self, source):
        caller = self._call(source)
        caller.sock.room = 1 << 20
        if source.chance(16):
            hello = bytearray(otawire.HELLO + bytes(16))
            hello[source.below(20)] ^= 1 << source.below(8)
            caller.sock.rx += hello
            answer = caller.take(otawire.HELLO_BYTES) or bytes(otawire.HELLO_BYTES)
            keys = otakeys.Keys(ota_fakes.KEY, otawire.HELLO + bytes(16), answer)
        elif caller.greet(source.take(16)) == otawire.WELCOME:
            keys = caller._keys
        else:
            return
        messages, effects = self._recording(keys)
        sent = self._mutations(source, messages)
        self.feed(source, caller.sock, sent)
        intact = _intact(messages, sent)
        self._check_answers(caller.sock, keys.from_device)
        for path in self.changed():
            if path.startswith("/b/new/"):
                least = 1
            elif path.startswith("/b/"):
                least = effects["/running.txt"]
            else:
                least = effects[path[: -len(".new")] if path.endswith(".new") else path]
            same(intact >= least or path == "/pair.txt.new", True, path)

    def _check_answers(self, sock, channel):
        """Of changed records none is obeyed so far that its content is judged."""
        at = otawire.PROOF_BYTES
        while at + otawire.HEADER_BYTES < len(sock.tx):
            end = at + otawire.record_bytes(sock.tx[at : at + otawire.HEADER_BYTES])
            kind, body = channel.open(memoryview(sock.tx[at:end]))
            if kind == otawire.REFUSED:
                name = otarefusals.REFUSALS[body[0] - 1]
                same(name in ("out of order", "nothing staged", "on trial"), True, name)
            at = end

    def _recording(self, keys):
        """The messages of an honest session, and which one changes what."""
        seal = keys.from_pc.seal
        names = sorted(NEW)
        raw = b"".join([NEW[path] for path in names if NEW[path]])
        packed = stored(raw)
        begin = pack(otawire.LIST_BEGIN_BODY, otawire.FULL, 2, 0, len(NEW), len(raw)) + b"tank"
        bundle = pack(otawire.BUNDLE_BODY, len(packed), len(raw), 11)
        bundle += hashlib.sha256(packed).digest()
        messages = [keys.pc_proof, seal(otawire.LIST_BEGIN, begin)]
        messages.append(seal(otawire.LIST, b"".join([entry(path, NEW[path]) for path in names])))
        messages.append(seal(otawire.LIST_END))
        messages.append(seal(otawire.BUNDLE, bundle))
        for at in range(0, len(packed), 800):
            messages.append(seal(otawire.DATA, packed[at : at + 800]))
        data = b"new pair"
        put = pack(otawire.PUT_BODY, len(data)) + hashlib.sha256(data).digest() + b"/pair.txt"
        messages.append(seal(otawire.PUT, put))
        messages.append(seal(otawire.DATA, data))
        effects = {"/pair.txt": len(messages)}
        messages.append(seal(otawire.REMOVE, b"/certs/ca.der"))
        effects["/certs/ca.der"] = len(messages)
        messages.append(seal(otawire.COMMIT))
        effects["/running.txt"] = len(messages)
        return messages, effects

    def _mutations(self, source, messages):
        messages = list(messages)
        count = len(messages)
        for _ in range(source.below(4)):
            at = source.below(len(messages))
            what = source.below(9)
            if what < 2:
                changed = bytearray(messages[at] or b"\0")
                changed[source.below(len(changed))] ^= 1 << source.below(8)
                messages[at] = bytes(changed)
            elif what == 2:
                messages[at] = messages[at][: source.below(len(messages[at]) or 1)]
            elif what == 3:
                messages.insert(source.below(count), messages[at])
            elif what == 4:
                other = source.below(len(messages))
                messages[at], messages[other] = messages[other], messages[at]
            elif what == 5:
                size = source.pick((0, 1, 15, 16, 32, 1024, 1040, 32768, 65520, 65535))
                messages[at] = pack(">H", size) + messages[at][2:]
            elif what == 6:
                messages.insert(at, source.take(source.below(70)))
            elif what == 7:
                stranger = otakeys.Keys("another sixteen letters", bytes(20), bytes(20))
                messages.insert(at, stranger.from_pc.seal(source.byte(), b"/pair.txt"))
            else:
                del messages[max(at, 1) :]
        return b"".join(messages)

    # One who has the key and no sense.

    def _insider(self, source):
        if source.chance(6):
            self.flash.capacity_bytes = source.pick((CROWDED, 60 << 10, 40 << 10))
        elif source.chance(6) and not self.on_trial:  # a trial that cannot be read is none
            self._break_flash(source.below(120))
        caller = Caller(self.app)
        self._socks.append(caller.sock)
        if caller.greet() != otawire.WELCOME or not caller.prove():
            raise AssertionError("no session")
        if source.chance(4):  # does not read what it is told
            caller.sock.room = source.pick((0, 20, 700))
        acts = Acts(source, caller._keys.from_pc)
        most = 24
        while source.more() and most and not caller.sock.closed:
            most -= 1
            acts.act()
            stream = b"".join(acts.out)
            acts.out = []
            self.feed(source, caller.sock, stream)
        if source.chance(4):
            self.settle(caller.sock)
        self.flash.before_operation = None
        for path in self.changed():
            self._check_change(path, acts)
        if self.flash.files["/running.txt"] == b"b trial a ok\n":
            self._check_set("b", None)

    def _break_flash(self, number):
        """One operation fails, and all after it for a while."""
        left = [number, 1 + number % 5]

        def fail(name, path):
            left[0] -= 1
            if left[0] < 0 and left[1]:
                left[1] -= 1
                raise OSError(5)

        self.flash.before_operation = fail

    def _check_change(self, path, acts):
        """May this file have changed?"""
        if path.startswith("/b/new/"):
            same(self.on_trial, False, path)
        elif path.startswith("/b/"):
            same(acts.commits and not self.on_trial, True, path)
        elif path == "/running.txt":
            same(acts.commits > 0, True, path)
            known = (b"a confirmed\n", b"b trial a ok\n", self.before[path])
            same(self.flash.files[path] in known, True, path)
        elif path in ("/running.txt.new", "/config.old.new"):
            pass  # before the rename the flash failed
        elif path == "/config.old":
            same(self.flash.files[path], ROOT["/config.txt"], path)
        else:
            name = path[: -len(".new")] if path.endswith(".new") else path
            same(otaowner.root_path_problem(name), None, path)
            same(name in acts.touched, True, path)
            if name is path and path in self.flash.files:
                found = hashlib.sha256(self.flash.files[path]).digest()
                same(found in acts.touched[path], True, path)

    # One at the broker.

    def _commander(self, source):
        session = None
        if source.chance(3):
            session = self._call(source)
            session.greet()
            if session._keys:
                session.sock.rx += session._keys.pc_proof
        for path in ("/a/set.txt", "/b/set.txt", "/exception.txt", "/b/new/list"):
            if source.chance(6) and not self.on_trial:
                self.flash.load(path, source.take(source.below(200)))
        self.before = dict(self.flash.files)
        commits = 0
        for _ in range(1 + source.below(6)):
            payload = self._payload(source)
            commits += payload.strip() == b"commit"
            remote.obey(self.app, payload)
            if source.chance(2):
                self.turn()
        while self.ota.busy():
            self.turn()
        for path in self.changed():
            gone = path in ("/reboot.txt", "/exception.txt") and path not in self.flash.files
            other = path.startswith("/b/") or path == "/running.txt"
            same(gone or (other and commits and not self.on_trial), True, path)
        same(self.ota.session is None or session is not None, True, "session")
        # What stood in the lists is not what the next one is about.
        self.flash.restore(self._trial if self.on_trial else self._both)
        self.ota.stage = otastage.Stage(self.app.profile, self.ota._buffer)

    def _payload(self, source):
        commands = sorted(remote._COMMANDS)
        word = source.pick(commands).encode()
        manner = source.below(5)
        if manner == 1:
            return source.take(source.below(120))
        if manner == 2:
            return word + source.take(source.below(20))
        if manner == 3:
            word = bytearray(word)
            word[source.below(len(word))] ^= 1 << source.below(8)
            return bytes(word)
        if manner == 4:
            return b" %s \r\n" % word
        return word


def _intact(messages, sent):
    """How many messages arrive as they were; nothing that comes later may have an effect."""
    whole = b"".join(messages)
    at = 0
    while at < len(whole) and sent[at : at + 1] == whole[at : at + 1]:
        at += 1
    count = 0
    while count < len(messages) and at >= len(messages[count]):
        at -= len(messages[count])
        count += 1
    return count


def same(found, wanted, what):
    if found != wanted:
        raise AssertionError("%s: %s instead of %s" % (what, found, wanted))


PATHS = (
    "main.py", "lib/epx/loop.py", "x/y", "boot.py", "lib/new.py", "x", "x/y/z", "new/x", "set.txt",
    "set.txt/x", "new",  "../x", "a/../../config.txt", "/boot.py", "", "x" * 81, "q" * 80, "$x",
    "1/2/3/4/5/6/7/8/9/0", "1/2/3/4/5/6/7/8/9/0/1", "a b", "a\nb", "\u00e4",
)  # fmt: skip
ROOT_PATHS = (
    "/pair.txt", "/config.txt", "/certs/ca.der", "/data/1/2/3", "/new file", "/pair.txt/x",
    "/config.txt/x", "/config.old", "/config.old/x", "/running.txt", "/running.txt/x", "/boot.py",
    "/a/main.py", "/b/new/list", "/a", "/b/x", "/loader/start.py", "/pins.txt", "/lib/x",
    "pair.txt", "running.txt", "loader/x", "xconfig.txt", "/../a/main.py",
    "/x/../../a/main.py", "//a/x", "/", "", "/x.mpy", "/reboot.txt", "/exception.txt",
    "/certs", "/data", "/" + "y" * 80, "/config.txt.new",
)  # fmt: skip
PROFILES = (b"tank", b"", b"pump", b"tank\nversion 9", b"\xff\xfe", b"t" * 300, b"tank x")
DATA = (b"", b"x", b"new main", b"ssid new\n", b"z" * 3000, bytes(range(256)) * 9)


class Acts:
    """Makes records, sense and nonsense, and remembers what they may do."""

    def __init__(self, source, channel):
        self._source = source
        self._channel = channel
        self.out = []
        self.commits = 0
        self.touched = {}  # path -> hashes of what was announced
        self._listed = []  # contents that the last list named
        self._acts = (
            self._list,
            self._bundle,
            self._put,
            self._path,
            self._short,
            self._update,
            self._typed,
            self._firmware,
            self._any,
            self._malformed,
            self._flood,
            self._whole,
        )

    def act(self):
        self._source.pick(self._acts)()

    def _say(self, kind, body=b""):
        self.out.append(self._channel.seal(kind, body[: otawire.MOST_BODY]))
        if kind == otawire.COMMIT:
            self.commits += 1

    def _list(self):
        """A list with up to one mistake per part."""
        source = self._source
        good = source.chance(2)
        flags = source.pick((1, 0) if good else (1, 0, 3, 4, 5, 255))
        count = source.below(6)
        self._listed = []
        rows = []
        for _ in range(count):
            path = source.pick(PATHS if source.chance(12) else PATHS[: 7 if good else 12])
            data = source.pick(DATA)
            row = bytearray(otapaths.pack_entry(path, len(data), hashlib.sha256(data).digest()))
            self._listed.append(data)
            if source.chance(8) and not good:
                row[source.below(len(row))] ^= 1 << source.below(8)
            if source.chance(8):
                row[-36:-32] = source.pick((b"\xff\xff\xff\xff", b"\0\1\0\0", b"\x7f\0\0\0"))
            rows.append(bytes(row))
        if not source.chance(12):
            self._list_begin([flags, 2, 0, count, sum([len(data) for data in self._listed])], good)
        if source.chance(2):
            for row in rows:
                self._say(otawire.LIST, row)
        else:
            self._say(otawire.LIST, b"".join(rows)[: -source.below(40) or 4000])
        if not source.chance(8):
            self._say(otawire.LIST_END)

    def _list_begin(self, fields, good):
        source = self._source
        profile = b"tank"
        wrong = 9 if good else source.below(6)
        if wrong == 0:
            fields[1] = source.pick((1, 0, 0xFFFFFFFF))
        elif wrong == 1:
            fields[2] = source.pick((77, 1, 65535))
        elif wrong == 2:
            fields[3] = source.pick((fields[3] + 1, 0, 33, 200, 201, 65535))
        elif wrong == 3:
            fields[4] = source.pick((0, 1 << 31, 0xFFFFFFFF))
        elif wrong == 4:
            profile = source.pick(PROFILES)
        self._say(otawire.LIST_BEGIN, pack(otawire.LIST_BEGIN_BODY, *fields) + profile)

    def _bundle(self, raw=None):
        source = self._source
        if raw is None:
            raw = b"".join(self._listed)
        packed = stored(raw)
        wrong = source.below(12)
        if wrong == 1:
            packed = source.take(1 + source.below(2000))
        elif wrong == 2:
            packed = packed[: source.below(len(packed))]
        elif wrong == 3:
            packed += source.take(20)
        elif wrong == 4:
            packed = bytearray(packed)
            packed[source.below(len(packed))] ^= 1 << source.below(8)
            packed = bytes(packed)
        mark = hashlib.sha256(packed).digest()
        fields = [len(packed), len(raw), 11]
        if wrong == 5:
            fields[0] = source.pick((len(packed) + 9, len(packed) // 2, 0, 1, 0xFFFFFFFF))
        elif wrong == 6:
            fields[1] = source.pick((0, 1, 0xFFFFFFFF))
        elif wrong == 7:
            fields[2] = source.pick((0, 8, 9, 12, 13, 15, 139, 255))
        elif wrong == 8:
            mark = source.take(32)
        self._say(otawire.BUNDLE, pack(otawire.BUNDLE_BODY, *fields) + mark)
        self._data(packed)

    def _data(self, data):
        source = self._source
        piece = source.pick((700, 1021, 100))
        for at in range(0, len(data), piece):
            if not source.chance(20):
                self._say(otawire.DATA, data[at : at + piece])

    def _update(self):
        """A good one, so that something is there to be spoilt."""
        names = sorted(NEW)
        raw = b"".join([NEW[path] for path in names if NEW[path]])
        begin = pack(otawire.LIST_BEGIN_BODY, otawire.FULL, 2, 0, len(NEW), len(raw)) + b"tank"
        self._say(otawire.LIST_BEGIN, begin)
        self._say(otawire.LIST, b"".join([entry(path, NEW[path]) for path in names]))
        self._say(otawire.LIST_END)
        self._bundle(raw)

    def _put(self):
        source = self._source
        path = source.pick(ROOT_PATHS[:4] if source.chance(2) else ROOT_PATHS)
        data = source.pick(DATA)
        mark = hashlib.sha256(data).digest()
        if source.chance(4):
            mark = source.take(32)
        size = len(data)
        if source.chance(4):
            size = source.pick((size + 1, 0, size // 2, 0xFFFFFFFF))
        self.touched.setdefault(path, []).append(mark)
        self._say(otawire.PUT, pack(otawire.PUT_BODY, size) + mark + path.encode())
        if not source.chance(8):
            self._data(data)

    def _path(self):
        source = self._source
        path = source.pick(ROOT_PATHS + PATHS)
        kind = source.pick((otawire.REMOVE, otawire.HASH))
        if kind == otawire.REMOVE:
            self.touched.setdefault(path, [])
        self._say(kind, source.take(source.below(60)) if source.chance(8) else path.encode())

    def _short(self):
        kinds = (otawire.COMMIT, otawire.REBOOT, otawire.KEEP, otawire.LIST_END, otawire.DATA)
        self._say(self._source.pick(kinds), self._source.take(self._source.below(5)))

    def _typed(self):
        """A type that there is, a body that makes no sense."""
        kind = 1 + self._source.below(12)
        size = self._source.pick((0, 1, 12, 13, 36, 41, 60, 300, 1021))
        self._say(kind, self._source.take(size))

    def _flood(self):
        """One record again and again; what is answered fills what the device may keep."""
        kind = self._source.pick((otawire.HASH, 99, otawire.DATA, otawire.REBOOT))
        body = self._source.pick((b"main.py", b"/" + b"y" * 300, b""))
        for _ in range(20 + self._source.below(180)):
            self._say(kind, body)

    def _whole(self):
        self._list()
        self._bundle()
        self._say(otawire.COMMIT)

    def _firmware(self):
        source = self._source
        size = source.pick((0, 287, 288, 5000, 1 << 20, 0xFFFFFFFF))
        body = pack(otawire.FIRMWARE_BODY, size) + source.take(32) + source.take(source.below(4))
        self._say(otawire.FIRMWARE, body)
        self._data(source.take(source.below(600)))

    def _any(self):
        self._say(self._source.byte(), self._source.take(self._source.below(2046)))

    def _malformed(self):
        """Not a record, or one that only somebody with the key can make wrong."""
        source = self._source
        if not source.chance(2):
            return
        if source.chance(2):
            self.out.append(source.take(source.below(60)))
            return
        channel = self._channel
        plain = source.take(16 * (1 + source.below(4)))
        ciphertext = channel._cipher().encrypt(plain)
        header = pack(">H", len(ciphertext))
        self.out.append(header + ciphertext + channel._tag(header, ciphertext))
        channel._count += 1
        # What it says is known only now: 2 bytes of length, then the type.
        if plain[2] == otawire.COMMIT:
            self.commits += 1
