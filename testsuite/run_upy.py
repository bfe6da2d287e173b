"""Runs unit tests and single-device scenarios on MicroPython:

    micropython -X heapsize=16m testsuite/run_upy.py [-v] [--show] [--seed N] [-k TEXT] FILE...

FILE is testsuite/unit/test_<module>.py or testsuite/<scenario>/script.py.
"""

import sys

_HERE = __file__[: __file__.rindex("/")] if "/" in __file__ else "."
_ROOT = _HERE[: -len("/testsuite")] if _HERE.endswith("/testsuite") else _HERE + "/.."
sys.path.insert(0, _ROOT)
sys.path.insert(1, _HERE + "/upy")

import gc  # noqa: E402
import unittest  # noqa: E402

from testmock.simworld.device import format_exception  # noqa: E402
from testmock.simworld.scene import end_world, make_world  # noqa: E402

_FIRST_PATH = list(sys.path)
_LAST_MINUTE_MS = 60_000


class Tally:
    """Counts, and says what happened."""

    def __init__(self):
        self.verbose = self.show = False
        self.passed = self.failed = self.skipped = 0

    def passes(self, name):
        self.passed += 1
        if self.verbose:
            print("passed ", name)

    def skips(self, name, reason):
        self.skipped += 1
        print("skipped", name, "-", reason)

    def fails(self, name, error, world):
        self.failed += 1
        print("FAILED ", name)
        print(format_exception(error))
        print("seed %d, at %.3f s" % (world.seed, world.now_ms() / 1000))
        print(world.device.console(since_ms=world.now_ms() - _LAST_MINUTE_MS))


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return None


def split(path):
    """(folder, module name) of a source file."""
    folder, _, leaf = path.rpartition("/")
    return folder or ".", leaf[: -len(".py")]


def load(path):
    folder, name = split(path)
    sys.path[:] = _FIRST_PATH
    sys.path.insert(0, folder)
    module = __import__(name)
    del sys.modules[name]
    return module


def run_unit_test(path, test, tally):
    """Run one test, or find all if test is None: [(class, method)]."""
    _, name = split(path)
    world = make_world(None, None)
    device = world.device
    device.extra_paths = ("testsuite/unit",)
    device.powered = True
    try:
        program = device.prepare()
        module = device.run(lambda: program.load(name))
        if test is None:
            return unittest.tests_of(module.__dict__)
        device.run(lambda: unittest.run_test(getattr(module, test[0]), test[1]))
        tally.passes(title(path, test))
    except unittest.SkipTest as reason:
        tally.skips(title(path, test), reason)
    except Exception as error:
        tally.fails(title(path, test), error, world)
    finally:
        end_world(world)
    return []


# While a device runs, print() is the device's.
_host_print = print


def show(ms, who, what):
    _host_print("%10.3f %-8s %s" % (ms / 1000, who, what))


def run_scenario(path, name, story, seed, tally):
    folder, _ = split(path)
    flavor = read(folder + "/flavor")
    world = make_world(flavor.strip() if flavor else None, read(folder + "/config.txt"), seed)
    if tally.show:
        print(title(path, (name,)))
        world.watchers.append(show)
    try:
        try:
            story(world)
            device = world.device
            if device.crash and not device.expect_crash:
                raise AssertionError("the program ended: %s" % device.crash[1])
        finally:
            end_world(world)
        tally.passes(title(path, (name,)))
    except Exception as error:
        tally.fails(title(path, (name,)), error, world)


def title(path, test):
    return path + "::" + "::".join(test or ("?",))


class Options:
    """The command line."""

    def __init__(self, arguments, tally):
        self.seed = 1
        self.wanted = ""
        self.files = []
        while arguments:
            argument = arguments.pop(0)
            if argument == "-v":
                tally.verbose = True
            elif argument == "--show":
                tally.show = True
            elif argument == "--seed":
                self.seed = int(arguments.pop(0))
            elif argument == "-k":
                self.wanted = arguments.pop(0)
            else:
                self.files.append(argument)


def run_file(path, options, tally):
    if path.endswith("/script.py"):
        stories = load(path).__dict__
        for name in sorted(stories):
            if name.startswith("test_") and options.wanted in name:
                run_scenario(path, name, stories[name], options.seed, tally)
                gc.collect()
    else:
        for test in run_unit_test(path, None, tally):
            if options.wanted in "::".join(test):
                run_unit_test(path, test, tally)
        gc.collect()


def main(arguments):
    tally = Tally()
    options = Options(arguments, tally)
    for path in options.files:
        run_file(path, options, tally)
    print("%d passed, %d failed, %d skipped" % (tally.passed, tally.failed, tally.skipped))
    return 1 if tally.failed else 0


sys.exit(main(sys.argv[1:]))
