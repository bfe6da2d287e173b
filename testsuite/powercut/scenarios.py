"""What may happen to a device while its power goes: whole devices, booting from simulated flash.

Each scenario prepares a device, then something changes its flash. The power is cut at one of these
changes; the device gets it back, and must come up in the old or the new state, whole; then the
same must succeed.
"""

import hashlib
from unittest import mock

from epxhost import boardfiles
from epxhost.boardsets import Installer
from epxhost.fileset import FileSet
from epxhost.otaclient import OtaClient
from testmock.simworld import installed
from testmock.simworld.pc import Pc
from testmock.simworld.scene import end_world, make_world
from testmock.simworld.world import Stopped
from testsuite.powercut import toyset as toy
from testsuite.story import HOURS, MINUTES, SECONDS, command, is_online, sent

_TORN_UPDATE = "neither the old nor the new state"


class Lost(AssertionError):
    """The device is lost, or a mix."""


class Scenario:
    """prepare() and happen() are the scenario; finish() does the same again, or what comes next.

    old, new: what the set that runs may be, {path: content}; configs: what config.txt may be.
    """

    old = toy.files(1)
    new = toy.files(2)
    configs = (toy.OLD_CONFIG,)
    # Was there a second cut, while judge() ran? Then what finish() does may be done already.
    twice = False

    def __init__(self, seed=1):
        self.world = world = make_world(None, toy.OLD_CONFIG, seed)
        self.device = world.device
        self.flash = world.device.flash
        self.pc = Pc(world)
        self.prepare()

    def close(self):
        end_world(self.world)

    def prepare(self):
        install(self.flash, self.old)

    def words(self, error):
        """What is wrong, and what the device said before."""
        console = self.device.console(since_ms=self.world.now_ms() - 2 * MINUTES)
        return "%s\n%s: %s" % (console, type(error).__name__, error)

    # The device and the computer of its owner.

    def power_on(self):
        self.device.power_on()
        self.until(lambda: is_online(self.world), 1 * MINUTES, "online")

    def until(self, condition, limit_ms, what):
        """Let time pass; the end of the power ends the scenario."""
        device = self.device
        reached = self.world.run_until(lambda: not device.powered or condition(), limit_ms)
        if not device.powered:
            raise Stopped
        if not reached:
            raise Lost("not %s after %d s" % (what, limit_ms // 1000))

    def session(self, action):
        """action(client) in one session with the device."""
        world = self.world
        before = len(sent(world, "OTA"))
        command(world, "OTA", b"open")
        self.until(lambda: len(sent(world, "OTA")) > before, 20 * SECONDS, "open for updates")
        job = self.pc.run(self._talk, action)
        self.until(lambda: job.done, 10 * MINUTES, "done with the session")
        if job.error:
            raise job.error

    def _talk(self, action):
        client = OtaClient(self.pc.connect(self.device.address(), 1337), toy.KEY)
        try:
            client.open()
            action(client)
        finally:
            client.close()

    def reboot(self):
        """By MQTT; then wait until the device is back."""
        count = len(self.device.resets)
        command(self.world, "OTA", b"reboot")
        self.until(lambda: len(self.device.resets) > count, 1 * MINUTES, "rebooting")
        self.until(lambda: is_online(self.world), 1 * MINUTES, "online")

    def update(self, files, version):
        """A whole update, up to the first boot of the new set."""
        wanted = FileSet(toy.PROFILE, version, 0, files)

        def action(client):
            if client.send_set(wanted, downgrade=True).differs:
                client.commit()

        self.session(action)
        self.reboot()

    def running(self):
        """Words of running.txt."""
        return (self.flash.text("/running.txt") or "").split()

    def on_trial(self):
        return "trial" in self.running() or self.flash.content("/config.old") is not None

    def settle(self, limit_ms=1 * HOURS):
        """Wait until the device is online and nothing is on trial."""
        self.until(
            lambda: is_online(self.world) and not self.on_trial(), limit_ms, "online and settled"
        )

    # The judgement.

    def check(self, *wanted):
        """Does a whole set run, one of those wanted? And is config.txt whole?"""
        words = self.running()
        if words[:1] not in (["a"], ["b"]):
            raise Lost("running.txt says %s" % words)
        name = words[0]
        found = set_of(self.flash, name)
        if found not in wanted:
            raise Lost("set %s: %s, %s" % (name, _TORN_UPDATE, sorted(found)))
        problems = installed.set_problems(self.flash, name)
        if problems:
            raise Lost("set %s: %s" % (name, problems))
        module = self.device.module("toy.one")
        if module is None or module.__file__ != "/%s/lib/toy/one.py" % name:
            raise Lost("%s runs, not set %s" % (module and module.__file__, name))
        if self.flash.text("/config.txt") not in self.configs:
            raise Lost("config.txt: " + _TORN_UPDATE)

    def judge(self):
        """The power is back: which state is it? Then the same again succeeds."""
        self.device.power_on()
        self.settle()
        self.check_after_cut()
        self.finish()
        self.settle()
        self.check_finished()

    def check_after_cut(self):
        self.check(self.old, self.new)

    def finish(self):
        self.happen_again()

    def check_finished(self):
        self.check(self.new)

    def happen(self):
        self.power_on()
        self.happen_again()


def set_of(flash, name):
    """{path: content} of set "a" or "b" without its list and what is staged."""
    start = "/%s/" % name
    return {
        path[len(start) :]: flash.files[path]
        for path in flash.files
        if path.startswith(start)
        and not path.startswith(start + "new/")
        and path != start + "set.txt"
    }


def install(flash, files, version=1, name="a"):
    """Loader and one confirmed set."""
    tree = installed.device_tree(toy.PROFILE, version, name, files)
    for path in tree:
        flash.load(path, tree[path])


def add_set(flash, files, version, name="b"):
    tree = installed.set_tree(toy.PROFILE, name, version, files)
    for path in tree:
        flash.load(path, tree[path])


class Update(Scenario):
    """A whole update by scripts/ota; the other set is empty."""

    def happen_again(self):
        self.update(self.new, 2)


class RepeatedUpdate(Update):
    """The other set is full of an older version."""

    def prepare(self):
        super().prepare()
        add_set(self.flash, toy.files(0), 0)
        installed.run_set(self.flash, "a confirmed b")


class SingleFiles(Scenario):
    """Several runs of scripts/otatool, a commit and a reboot by MQTT."""

    new = toy.after_changes(2)

    def happen_again(self):
        if set_of(self.flash, self.running()[0]) == self.new:
            return
        for step in toy.changed(2):
            self.session(lambda client, step=step: client.send_files(step))
        command(self.world, "OTA", b"commit")
        self.until(self.on_trial, 1 * MINUTES, "committed")
        self.reboot()


class Rollback(Scenario):
    """A program on trial crashes, and the device goes back."""

    bad = toy.crashing(2)
    new = toy.files(3)

    def prepare(self):
        super().prepare()
        add_set(self.flash, self.bad, 2)
        installed.run_set(self.flash, "b trial a ok")

    def happen(self):
        self.device.power_on()
        self.settle()
        self.until(
            lambda: self.device.nvram["loader"]["boots"] == 0, 2 * MINUTES, "done with its boots"
        )

    def check_after_cut(self):
        self.check(self.old, self.new if self.twice else self.old)

    def finish(self):
        self.update(self.new, 3)


class RollbackOfHang(Rollback):
    """A program on trial hangs, and the watchdog bites."""

    bad = toy.hanging(2)


class RollbackOfBoth(Rollback):
    """A program and a config.txt are on trial; the program crashes, and both go back."""

    configs = (toy.OLD_CONFIG, toy.GOOD_CONFIG)

    def prepare(self):
        super().prepare()
        self.flash.load("/config.old", toy.OLD_CONFIG)
        self.flash.load("/config.txt", toy.GOOD_CONFIG)


class LeadOn(Rollback):
    """A confirmed set crashes three times, and the one before takes over."""

    def prepare(self):
        super().prepare()
        installed.run_set(self.flash, "b confirmed a")


class FromRescue(Update):
    """No set runs, and an update comes to the rescue program."""

    old = toy.crashing(1)

    def happen(self):
        self.power_on()
        self.happen_again()

    def check_after_cut(self):
        if not self.device.module("loader.rescue"):
            self.check(self.new)


class OwnFile(Scenario):
    """One of the owner's files comes over the air instead of the one that is there."""

    new = Scenario.old
    contents = (b"old pairing\n", b"new pairing\n" * 100)

    def prepare(self):
        super().prepare()
        self.flash.load("/pair.txt", self.contents[0])

    def happen_again(self):
        self.session(lambda client: client.put("/pair.txt", self.contents[1]))

    def check(self, *wanted):
        super().check(*wanted)
        if self.flash.content("/pair.txt") not in self.contents:
            raise Lost("pair.txt: " + _TORN_UPDATE)


class Confirmation(Scenario):
    """A new set proves itself, and is confirmed."""

    new = toy.files(3)

    def prepare(self):
        super().prepare()
        add_set(self.flash, toy.files(2), 2)
        installed.run_set(self.flash, "b trial a ok")

    def happen(self):
        self.power_on()
        self.settle()

    def check_after_cut(self):
        there = toy.files(2)
        self.check(there, self.new if self.twice else there)

    def finish(self):
        self.update(self.new, 3)


class NewConfig(Scenario):
    """A new config.txt comes over the air, and is confirmed."""

    new = Scenario.old
    sent_config = toy.GOOD_CONFIG
    configs = (toy.OLD_CONFIG, toy.GOOD_CONFIG)

    def happen(self):
        self.power_on()
        self.put(self.sent_config)
        self.settle()

    def put(self, text):
        self.session(lambda client: client.put("/config.txt", text.encode()))
        count = len(self.device.resets)
        command(self.world, "OTA", b"reboot")
        self.until(lambda: len(self.device.resets) > count, 1 * MINUTES, "rebooting")

    def finish(self):
        self.put(toy.GOOD_CONFIG)

    def check_finished(self):
        self.configs = (toy.GOOD_CONFIG,)
        self.check(self.old)


class BadConfig(NewConfig):
    """A new config.txt leads nowhere, and the device goes back to the old one."""

    sent_config = toy.BAD_CONFIG

    def check_after_cut(self):
        if not self.twice:
            self.configs = (toy.OLD_CONFIG,)
        self.check(self.old)


class Cable(Scenario):
    """scripts/cpall installs over a set that runs."""

    rescue = installed.loader_files()

    def prepare(self):
        super().prepare()
        add_set(self.flash, toy.files(0), 0)
        installed.run_set(self.flash, "a confirmed b")

    def happen(self):
        board = BoardOf(self.device)
        board.forget_failed_boots()
        wanted = FileSet(toy.PROFILE, 2, 0, self.new)
        # Drawing its bars takes longer than all the rest.
        with mock.patch.object(boardfiles, "_progress", Silence):
            Installer(board, wanted, "4 0\n", self.rescue, force=True).run()
        return board.steps

    def finish(self):
        self.device.power_cut()
        self.happen()
        self.device.power_on()


def whole(files):
    """A set that brings the framework along, as real ones do: /loader changes under it."""
    found = {path: installed.read(path) for path in installed.rescue_paths()}
    found.update(files)
    found["boot.py"] = b""
    return found


class CableNewLoader(Cable):
    """The same, and the loader itself is replaced."""

    old = whole(toy.files(1))
    new = whole(toy.files(2))
    rescue = dict(installed.loader_files())
    for path in rescue:
        if path.startswith("/loader/") and path.count("/") == 2:
            rescue[path] += b"# newer\n"
    rescue["/loader/more.py"] = b""
    del path


class CableFirst(Cable):
    """The first installation with file sets, over a program that lies at the root."""

    old = whole(toy.files(1))
    new = whole(toy.files(2))

    def prepare(self):
        for path, content in self.flat().items():
            self.flash.load(path, content)

    def flat(self):
        tree = {"/" + path: content for path, content in self.old.items()}
        tree["/boot.py"] = b"# This file is executed on every boot\n"
        # The framework of that time knew no loader; that of today asks its package.
        for path, text in tree.items():
            tree[path] = text.replace(b"from loader import", b"from before import")
        tree["/lib/before/__init__.py"] = b""
        for leaf in ("verdict", "sets"):
            text = installed.read("lib/loader/%s.py" % leaf)
            tree["/lib/before/%s.py" % leaf] = text.replace(b"from loader", b"from before")
        return tree

    def check(self, *wanted):
        module = self.device.module("toy.one")
        if self.old in wanted and module and module.__file__ in ("/lib/toy/one.py",):
            for path, content in self.flat().items():
                if self.flash.content(path) != content:
                    raise Lost("%s: %s" % (path, _TORN_UPDATE))
        else:
            super().check(*wanted)


class Silence:
    """Instead of the bars of rich."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def add_task(self, *words, **options):
        return 0

    update = print = add_task

    @property
    def console(self):
        return self


class BoardOf:
    """The flash of a device at its prompt, changed as epxhost.serialport has it changed.

    steps: what was done, (what, path, ...).
    """

    def __init__(self, device):
        self.steps = []
        self._device = device
        self._flash = device.flash

    def sha256(self, path):
        content = self._flash.content(path)
        return "-" if content is None else hashlib.sha256(content).hexdigest()

    def hashes(self, folder):
        found = {}
        start = folder + "/"
        for path in self._flash.files:
            if path.startswith(start):
                found[path] = self.sha256(path)
        for path in self._flash.folders:
            if path.startswith(start):
                found[path + "/"] = ""
        return found

    def read(self, path):
        return self._flash.content(path)

    def make_folder(self, path):
        self.steps.append(("folder", path))
        if not self._flash.kind(path):
            self._flash.mkdir(path)

    def remove(self, path):
        if not self._flash.kind(path):
            return False
        self.steps.append(("remove", path))
        self._flash.remove(path)
        return True

    def remove_folder(self, path):
        self.steps.append(("remove_folder", path))
        if self._flash.kind(path):
            self._flash.rmdir(path)

    def copy_file(self, source, path, digest):
        self.steps.append(("copy", source, path))
        self._put(path, self._flash.content(source), digest)

    def write_file(self, path, data, digest, sent):
        sent(len(data))
        self.steps.append(("put", path, data))
        self._put(path, data, digest)

    def _put(self, path, data, digest):
        file = self._flash.open(path + ".new", "wb")
        file.write(data)
        file.close()
        assert self.sha256(path + ".new") == digest
        self._flash.rename(path + ".new", path)

    def forget_failed_boots(self):
        values = self._device.bench.nvs.setdefault("loader", {})
        if values.get("boots"):
            how = self._flash.point("nvs", "boots")
            values["boots"] = 0
            if how:
                self._flash.cut()


SCENARIOS = {
    "cable-first": CableFirst,
    "cable": Cable,
    "cable-loader": CableNewLoader,
    "update": Update,
    "repeated-update": RepeatedUpdate,
    "single-files": SingleFiles,
    "rollback": Rollback,
    "rollback-hang": RollbackOfHang,
    "rollback-both": RollbackOfBoth,
    "lead-on": LeadOn,
    "from-rescue": FromRescue,
    "own-file": OwnFile,
    "new-config": NewConfig,
    "bad-config": BadConfig,
    "confirmation": Confirmation,
}


# Those that testsuite/powercut/on_littlefs.py has, too.
ON_LITTLEFS = (
    "cable",
    "update",
    "repeated-update",
    "single-files",
    "rollback",
    "new-config",
    "bad-config",
    "confirmation",
)


def steps_of_cable():
    """What scripts/cpall does in the scenario cable."""
    scenario = Cable()
    try:
        return scenario.happen()
    finally:
        scenario.close()


def count_points(name, seed):
    """How many changes of the flash the scenario makes, and what is wrong, when nothing cuts it
    off."""
    scenario = SCENARIOS[name](seed)
    try:
        scenario.happen()
        return scenario.flash.cut_points, None
    except Exception as error:
        return 0, scenario.words(error)
    finally:
        scenario.close()


def state_after_cut(name, point, how, seed):
    """Flash and NVRAM as the power cut leaves them."""
    scenario = SCENARIOS[name](seed)
    try:
        scenario.flash.cut_at(point, how)
        try:
            scenario.happen()
        except Stopped:
            return scenario.device.snapshot()
        raise AssertionError("%s has no change %d" % (name, point))
    finally:
        scenario.close()


def state_after_second_cut(name, state, point, how, seed):
    """And as a second one leaves them, while the device recovers; None if it has fewer changes."""
    scenario = SCENARIOS[name](seed)
    try:
        scenario.device.restore(state)
        scenario.twice = True
        scenario.flash.cut_points = 0
        scenario.flash.cut_at(point, how)
        try:
            scenario.judge()
        except Stopped:
            return scenario.device.snapshot()
        except Lost:
            pass  # is found without a second cut, too
        return None
    finally:
        scenario.close()


def problem_of(name, state, seed, twice=False):
    """What becomes of a device in this state: None if all is well, else what is wrong."""
    scenario = SCENARIOS[name](seed)
    scenario.twice = twice
    try:
        scenario.device.restore(state)
        scenario.judge()
    except Exception as error:
        return scenario.words(error)
    finally:
        scenario.close()
    return None


def key_of(state):
    """Equal for equal states."""
    (files, folders), values, _ = state
    return (
        tuple(sorted(files.items())),
        tuple(sorted(folders)),
        tuple(sorted((name, tuple(sorted(values[name].items()))) for name in values)),
    )
