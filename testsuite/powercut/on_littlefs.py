"""Power cuts on real littlefs, in real MicroPython:

    micropython -X heapsize=8m testsuite/powercut/on_littlefs.py ROOT CABLE [--scenario NAME]
        [--point K] [--how HOW] [--every N --from M]

The flash is a block device in memory that remembers each write and erasure. One run of a scenario
gives all states in which a cut can leave the flash: of each state the device must boot into the
old or the new set, whole, and the same must succeed then. Loader, updates and trial are the
device's own code; somebody calls through memory, and the clock moves when the loop waits.

CABLE is a file with what scripts/cpall does to a board: see epxhost/powercut.py.
"""

import sys

ROOT = sys.argv[1]

import vfs  # noqa: E402

vfs.umount("/")
vfs.mount(vfs.VfsPosix(ROOT), "/host")
PATH = ["/host/lib", "/host/testsuite/unit", "/host/testsuite/powercut"]
sys.path[:] = PATH

import gc  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
from binascii import a2b_base64, hexlify  # noqa: E402
from hashlib import sha256  # noqa: E402
from io import StringIO  # noqa: E402

_BLOCK_BYTES = 4096
_BLOCKS = 96
_POWER_ON, _HARD_RESET = 1, 2
_LONGEST_MS = 3600 * 1000


class Reset(BaseException):
    """machine.reset() never returns."""


class Lost(Exception):
    """The device is lost, or a mix."""


class Flash:
    """A block device as an ESP32 has it, and the key-value store beside it."""

    def __init__(self, image=None, nvram=None):
        self.image = image or bytearray(b"\xff" * (_BLOCKS * _BLOCK_BYTES))
        self.nvram = nvram or {}
        self.log = None  # (start, bytes) of each change, or (key, number) of the key-value store

    def readblocks(self, block, buffer, offset=0):
        start = block * _BLOCK_BYTES + offset
        buffer[:] = memoryview(self.image)[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        self._change(block * _BLOCK_BYTES + offset, bytes(buffer))

    def ioctl(self, request, argument):
        if request == 4:
            return _BLOCKS
        if request == 5:
            return _BLOCK_BYTES
        if request == 6:
            self._change(argument * _BLOCK_BYTES, b"\xff" * _BLOCK_BYTES)
        return 0

    def _change(self, start, data):
        if self.log is not None:
            self.log.append((start, data))
        self.image[start : start + len(data)] = data

    def keep(self, key, number):
        if self.nvram.get(key) != number:
            if self.log is not None:
                self.log.append((key, number))
            self.nvram[key] = number

    def apply(self, change, torn=False):
        where, what = change
        if isinstance(where, str):
            if not torn:
                self.nvram[where] = what
        else:
            if torn:
                what = what[: len(what) // 2]
            self.image[where : where + len(what)] = what

    def copy(self):
        return Flash(bytearray(self.image), dict(self.nvram))


# What a board has built in, as far as this program needs it.


class Module:
    """Stands in sys.modules for a module."""

    def __init__(self, **names):
        for name, value in names.items():
            setattr(self, name, value)


class Board:
    """The processor: clock, reset, and whose flash it is."""

    flash = None
    cause = _POWER_ON
    now_ms = 0

    def reset(self):
        raise Reset

    def sleep_ms(self, ms):
        self.now_ms += ms


board = Board()
_TICKS = 1 << 30


class Nvs:
    def __init__(self, namespace):
        self._space = namespace + "/"

    def get_i32(self, key):
        value = board.flash.nvram.get(self._space + key)
        if value is None:
            raise OSError(-0x1102)
        return value

    def set_i32(self, key, value):
        board.flash.keep(self._space + key, value)

    def commit(self):
        pass


class Pin:
    OUT = 3

    def __init__(self, number, mode, value):
        pass


class Poller:
    def __init__(self):
        self.streams = {}

    def register(self, stream, events):
        self.streams[id(stream)] = (stream, events)

    modify = register

    def unregister(self, stream):
        self.streams.pop(id(stream), None)

    def ipoll(self, timeout_ms=-1, flags=0):
        found = []
        for stream, events in self.streams.values():
            now = stream._events() & (events | 56)
            if now:
                found.append((stream, now))
        if not found:
            board.now_ms += timeout_ms if timeout_ms >= 0 else 1000
        return found


class Socket:
    """The listener, whom nobody calls: callers are admitted by hand."""

    def _events(self):
        return 0

    def _do(self, *arguments):
        pass

    setblocking = setsockopt = bind = listen = close = _do


def _stand_in():
    modules = sys.modules
    modules["time"] = Module(
        ticks_ms=lambda: board.now_ms % _TICKS,
        ticks_diff=lambda a, b: (a - b + _TICKS // 2) % _TICKS - _TICKS // 2,
        ticks_add=lambda a, b: (a + b) % _TICKS,
        sleep_ms=board.sleep_ms,
        sleep=lambda s: board.sleep_ms(s * 1000),
    )
    modules["select"] = Module(poll=Poller, POLLIN=1, POLLOUT=4, POLLERR=8, POLLHUP=16)
    modules["socket"] = Module(
        socket=Socket,
        SOL_SOCKET=1,
        SO_REUSEADDR=2,
        getaddrinfo=lambda host, port: ((2, 1, 0, "", (host, port)),),
    )
    modules["machine"] = Module(
        reset=board.reset,
        reset_cause=lambda: board.cause,
        unique_id=lambda: b"\x24\x0a\xc4\0\0\1",
        WDT=lambda id=0, timeout=5000: None,
        Pin=Pin,
        PWRON_RESET=1,
        HARD_RESET=2,
        WDT_RESET=3,
    )
    modules["esp32"] = Module(NVS=Nvs)


_stand_in()

import ota_fakes  # noqa: E402
import toyset  # noqa: E402

from epx import diag, log, loop, otawire  # noqa: E402
from epx.trial import Trial  # noqa: E402
from loader import sets, start, verdict  # noqa: E402

_START_PATH = ["", ".frozen", "/lib"]


class Connection:
    """Network or broker, as well as config.txt lets them be."""

    def __init__(self, good):
        self._good = good

    def connected(self):
        return self._good


class App(ota_fakes.App):
    """The appliance, as far as updates and trials see it."""

    profile = toyset.PROFILE

    def __init__(self):
        super().__init__()
        config = ota_fakes.content("/config.txt")
        if config not in CONFIGS:
            raise Lost("config.txt is neither the old nor the new one")
        good = config != toyset.BAD_CONFIG.encode()
        self.config.ready = True
        self.config.netreboot = self.config.mqttreboot = 600
        self.net.connected = Connection(good).connected
        self.mqtt.connected = Connection(good).connected
        self.good = good


CONFIGS = [text.encode() for text in (toyset.OLD_CONFIG, toyset.GOOD_CONFIG, toyset.BAD_CONFIG)]


class Device:
    """Boots from a flash; app: what runs."""

    def __init__(self, flash):
        self.flash = board.flash = flash
        self.app = None
        board.cause = _POWER_ON

    def mount(self):
        vfs.mount(vfs.VfsLfs2(self.flash), "/")
        os.chdir("/")

    def power_off(self):
        _forget_tasks()
        os.chdir("/host")
        vfs.umount("/")

    # Boots.

    def boot(self):
        """As often as it takes, until a program runs."""
        for _ in range(8):
            _forget_tasks()
            verdict.chosen = None
            verdict.trial = False
            sys.path[:] = _START_PATH
            try:
                start.boot()
                self._main()
                return
            except Reset:
                board.cause = _HARD_RESET
            finally:
                sys.path[:] = PATH
                sys.modules.pop("boot", None)
        raise Lost("it boots and boots: %s" % ota_fakes.content("/reboot.txt"))

    def _main(self):
        """main.py of the chosen set: crashes, or imports its modules and is an App."""
        if not verdict.chosen:
            raise Lost("the rescue program runs: %s" % ota_fakes.content("/reboot.txt"))
        with open("/%s/main.py" % verdict.chosen) as file:
            text = file.read()
        try:
            if "Appliance" not in text:
                exec(text, {})
            one, two = _import_fresh("toy.one"), _import_fresh("toy.two")
            if one.VERSION != two.VERSION or "== %d" % one.VERSION not in text:
                raise ValueError("a mix of versions")
        except Exception as error:
            start.crashed(error)
        self.app = App()
        if verdict.trial:
            Trial(self.app)
        else:
            loop.Task(diag.ended_well, 60000)

    def run_until(self, condition, limit_ms=_LONGEST_MS):
        """Let the program run; it may reset itself."""
        end_ms = board.now_ms + limit_ms
        while not condition():
            if board.now_ms > end_ms:
                raise Lost("it does not come to that")
            try:
                loop.step()
            except Reset:
                board.cause = _HARD_RESET
                self.boot()
        return True

    def settle(self):
        self.run_until(lambda: self.app.good and not verdict.trial)

    # What its owner does.

    def reboot(self):
        board.cause = _HARD_RESET
        try:
            diag.reboot("Received MQTT reboot cmd")
        except Reset:
            self.boot()

    def call(self):
        self.app.open()
        return ota_fakes.connect(self.app)

    def hang_up(self, caller):
        caller.sock.eof = True
        caller.turn(2)

    def update(self, files, version):
        caller = self.call()
        answer = caller.list(files, version, toyset_flags, profile=toyset.PROFILE)
        body = _wanted(answer, otawire.NEEDED)
        if body[0]:
            names = sorted(files)
            needed = [name for i, name in enumerate(names) if body[1 + i // 8] & 0x80 >> i % 8]
            self._send(caller, b"".join([files[name] for name in needed]), needed)
            _wanted(caller.ask(otawire.COMMIT), otawire.DONE)
        self.hang_up(caller)
        self.reboot()

    def _send(self, caller, raw, needed):
        if needed:
            packed = ota_fakes.stored(raw)
            body = _wanted(caller.bundle(packed, len(raw)), otawire.RESUME)
            at = int.from_bytes(body[:4], "big")
            if body[4:36] != sha256(packed[:at]).digest():
                mark = sha256(packed).digest()
                _wanted(
                    caller.bundle(packed, len(raw), mark, 11 | otawire.FROM_START),
                    otawire.RESUME,
                )
                at = 0
            answer = caller.data(packed[at:], 1000) if at < len(packed) else caller.last()
        else:
            answer = caller.last()
        _wanted(answer, otawire.STAGED)

    def send_files(self, files):
        caller = self.call()
        body = _wanted(caller.list(files, 0, 0, profile=toyset.PROFILE), otawire.NEEDED)
        if body[0]:
            names = sorted(files)
            needed = [name for i, name in enumerate(names) if body[1 + i // 8] & 0x80 >> i % 8]
            self._send(caller, b"".join([files[name] for name in needed]), needed)
        self.hang_up(caller)
        _forget_tasks()

    def commit(self):
        done = []
        self.app.open().commit(lambda result, refusal: done.append(refusal))
        self.run_until(lambda: done)
        if done[0]:
            raise Lost("not committed: %s" % (done[0].args,))

    def put(self, path, data):
        caller = self.call()
        _wanted(caller.put(path, data), otawire.DONE)
        self.hang_up(caller)
        self.reboot()

    # The judgement.

    def check(self, *wanted):
        """Does one of these sets run, whole?"""
        name = verdict.chosen
        found = ota_fakes.tree("/" + name)
        listed = found.pop("set.txt", b"")
        for path in list(found):
            if path.startswith("new/"):
                del found[path]
        if found not in wanted:
            raise Lost("set %s is neither the old nor the new one: %s" % (name, sorted(found)))
        lines = [line for line in str(listed, "utf-8").split("\n") if len(line.split()) == 3]
        entries = []
        for path in found:
            digest = str(hexlify(sha256(found[path]).digest()), "ascii")
            entries.append("%s %d %s" % (digest, len(found[path]), path))
        if sorted(lines) != sorted(entries):
            raise Lost("set %s does not fit its list" % name)


toyset_flags = otawire.FULL | otawire.DOWNGRADE


def _wanted(answer, kind):
    if answer[0] != kind:
        raise Lost("the device answers %s" % (ota_fakes.refused(answer),))
    return answer[1]


def _import_fresh(name):
    for old in list(sys.modules):
        if old.split(".")[0] == "toy":
            del sys.modules[old]
    __import__(name)
    return sys.modules[name]


def _forget_tasks():
    """As after a reset."""
    del loop._heap[:]
    for poll in list(loop._polls):
        poll.cancel()
    loop._cancelled = 0
    loop._now = loop._epochs = 0
    loop._ticks = board.now_ms % _TICKS
    while log.peek():
        log.drop()


# The scenarios.


class Update:
    """A whole update; the other set is empty."""

    old = toyset.files(1)
    new = toyset.files(2)
    config = toyset.OLD_CONFIG

    def prepare(self):
        ota_fakes.put_file("/config.txt", toyset.OLD_CONFIG.encode())
        ota_fakes.install("a", self.old, 1, toyset.PROFILE)
        sets.confirm("a")

    def happen(self, device):
        device.update(self.new, 2)
        device.settle()

    def judge(self, device):
        device.settle()
        device.check(self.old, self.new)
        self.happen(device)
        device.check(self.new)


class RepeatedUpdate(Update):
    """The other set is full of an older version."""

    def prepare(self):
        super().prepare()
        ota_fakes.install("b", toyset.files(0), 0, toyset.PROFILE)
        sets.confirm("a", "b")


class SingleFiles(Update):
    """Several sessions with single files, then a commit."""

    new = toyset.after_changes(2)

    def happen(self, device):
        if "lib/toy/only_1.py" in ota_fakes.tree("/" + verdict.chosen):
            for step in toyset.changed(2):
                device.send_files(step)
            device.commit()
            device.reboot()
        device.settle()


class Rollback(Update):
    """A program on trial crashes, and the device goes back."""

    new = toyset.files(3)

    def prepare(self):
        super().prepare()
        ota_fakes.install("b", toyset.crashing(2), 2, toyset.PROFILE)
        sets.start_trial("b", "ok")

    def happen(self, device):
        device.settle()
        device.run_until(lambda: device.flash.nvram["loader/boots"] == 0)

    def judge(self, device):
        device.settle()
        device.check(self.old)
        device.update(self.new, 3)
        device.settle()
        device.check(self.new)


class Confirmation(Rollback):
    """A new set proves itself, and is confirmed."""

    def prepare(self):
        super().prepare()
        ota_fakes.install("b", toyset.files(2), 2, toyset.PROFILE)

    def judge(self, device):
        device.settle()
        device.check(toyset.files(2))
        device.update(self.new, 3)
        device.settle()
        device.check(self.new)


class NewConfig(Update):
    """A new config.txt is accepted and confirmed."""

    sent = toyset.GOOD_CONFIG.encode()

    def happen(self, device):
        device.put("/config.txt", self.sent)
        device.settle()

    def judge(self, device):
        device.settle()
        device.check(self.old)
        device.put("/config.txt", toyset.GOOD_CONFIG.encode())
        device.settle()
        if ota_fakes.content("/config.txt") != toyset.GOOD_CONFIG.encode():
            raise Lost("the new config.txt is not there")


class BadConfig(NewConfig):
    """A new config.txt leads nowhere, and the device goes back."""

    sent = toyset.BAD_CONFIG.encode()


class Cable(RepeatedUpdate):
    """scripts/cpall installs over a set that runs; what it does comes from a file."""

    steps = ()

    def happen(self, device):
        if "only_2.py" in os.listdir("/%s/lib/toy" % verdict.chosen):
            return
        _forget_tasks()
        for step in self.steps:
            getattr(self, "_" + step[0])(*step[1:])
        board.cause = _HARD_RESET
        device.boot()

    def _folder(self, path):
        if not sets.exists(path):
            os.mkdir(path)

    def _put(self, path, text):
        with open(path + ".new", "wb") as file:
            data = a2b_base64(text)
            for at in range(0, len(data), 168):  # as much as comes in one statement
                file.write(data[at : at + 168])
        os.rename(path + ".new", path)

    def _copy(self, source, path):
        with open(source, "rb") as old, open(path + ".new", "wb") as new:
            while True:
                piece = old.read(512)
                if not piece:
                    break
                new.write(piece)
        os.rename(path + ".new", path)

    def _remove(self, path):
        if sets.exists(path):
            os.remove(path)

    def _remove_folder(self, path):
        if sets.exists(path):
            os.rmdir(path)


SCENARIOS = (
    ("cable", Cable),
    ("update", Update),
    ("repeated-update", RepeatedUpdate),
    ("single-files", SingleFiles),
    ("rollback", Rollback),
    ("new-config", NewConfig),
    ("bad-config", BadConfig),
    ("confirmation", Confirmation),
)


def prepared(scenario):
    """The flash before it happens."""
    flash = Flash()
    vfs.VfsLfs2.mkfs(flash)
    device = Device(flash)
    device.mount()
    scenario.prepare()
    device.power_off()
    return flash


def record(scenario, flash):
    """All changes of the flash while it happens."""
    device = Device(flash.copy())
    device.mount()
    device.flash.log = []
    device.boot()
    scenario.happen(device)
    device.power_off()
    return device.flash.log


def words_about(scenario, flash):
    """What becomes of a device with this flash: None, or what is wrong."""
    device = Device(flash)
    mounted = False
    try:
        device.mount()
        mounted = True
        device.boot()
        scenario.judge(device)
    except Exception as error:
        text = StringIO()
        sys.print_exception(error, text)
        return text.getvalue()
    finally:
        if mounted:
            device.power_off()
    return None


class Choice:
    """The command line: which points."""

    def __init__(self, arguments):
        self.scenario = self.point = self.how = None
        self.every, self.first = 1, 0
        self.number = 0
        while arguments:
            name = arguments.pop(0)
            value = arguments.pop(0)
            if name in ("--point", "--every", "--from"):
                value = int(value)
            setattr(self, {"--from": "first"}.get(name, name[2:]), value)

    def takes(self, point, how):
        self.number += 1
        if self.point:
            return point == self.point and self.how in (None, how)
        return self.number % self.every == self.first


def run(name, scenario, choice):
    """Print a line of JSON for each brick, and one in the end."""
    before = prepared(scenario)
    log = record(scenario, before)
    flash = before.copy()
    tried = bricks = 0
    for point in range(1, len(log) + 1):
        for how in ("before", "torn"):  # after it is as before the next one
            if choice.takes(point, how):
                state = flash.copy()
                if how == "torn":
                    state.apply(log[point - 1], True)
                tried += 1
                problem = words_about(scenario, state)
                if problem:
                    bricks += 1
                    say(scenario=name, point=point, how=how, problem=problem)
                gc.collect()
        flash.apply(log[point - 1])
    say(scenario=name, changes=len(log), points=tried, bricks=bricks)


def say(**what):
    _print(json.dumps(what))


def main(arguments):
    with open("/host/" + arguments[0]) as file:
        Cable.steps = json.load(file)
    choice = Choice(arguments[1:])
    for name, kind in SCENARIOS:
        if choice.scenario in (None, name):
            run(name, kind(), choice)


import builtins  # noqa: E402

_print = builtins.print
if "--show" in sys.argv:
    sys.argv.remove("--show")
else:
    builtins.print = lambda *words, **options: None
main(sys.argv[2:])
