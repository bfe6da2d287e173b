"""pytest: scenarios get a world, unit tests run inside a simulated device.

A scenario is testsuite/<name>/script.py with flavor and config.txt beside it. A unit test is
plain unittest; each test has a bare device of its own, so that time is virtual, the modules of
lib/ are fresh, and the same file runs on MicroPython (see run_upy.py).
"""

import faulthandler
import os
import pathlib
import sys
import unittest

import pytest

ROOT = pathlib.Path(__file__).parents[1]
for folder in (ROOT, ROOT / "scripts"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from testmock.simworld.scene import end_world, make_world  # noqa: E402

UNIT = ROOT / "testsuite" / "unit"
# A program that loops for ever without asking for the time would hang the suite.
HANG_LIMIT_S = 240


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, default=int(os.environ.get("EPX_SEED", "1")))
    parser.addoption("--show", action="store_true", help="print what happens in a scenario")


def pytest_configure(config):
    # Later, file descriptor 2 belongs to pytest's capture.
    config.epx_stderr = os.fdopen(os.dup(sys.__stderr__.fileno()), "w")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    faulthandler.dump_traceback_later(HANG_LIMIT_S, exit=True, file=item.config.epx_stderr)
    yield
    faulthandler.cancel_dump_traceback_later()


def scenario_text(folder, name):
    path = folder / name
    return path.read_text() if path.exists() else None


def show(ms, who, what):
    print(f"{ms / 1000:10.3f} {who:8} {what}")


@pytest.fixture
def world(request):
    """A world with one device (no power yet), made from flavor and config.txt of the scenario."""
    folder = request.path.parent
    flavor = (scenario_text(folder, "flavor") or "").strip() or None
    world = make_world(
        flavor, scenario_text(folder, "config.txt"), request.config.getoption("--seed")
    )
    request.node.epx_world = world
    if request.config.getoption("--show"):
        world.watchers.append(show)
    yield world
    crash = world.device.crash
    expected = world.device.expect_crash
    end_world(world)
    assert crash is None or expected, f"the program ended at {crash[0]} ms:\n{crash[1]}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    world = getattr(item, "epx_world", None)
    if world and report.failed:
        now_ms = world.now_ms()
        console = world.device.console(since_ms=now_ms - 60_000)
        report.sections.append(("world", f"seed {world.seed}, at {now_ms / 1000:.3f} s"))
        report.sections.append(("the device's last minute", console))


def pytest_pycollect_makemodule(module_path, parent):
    if module_path.parent == UNIT:
        return UnitFile.from_parent(parent, path=module_path)
    return None


class UnitFile(pytest.File):
    """The TestCases of one file, found by loading it into a simulated device."""

    def collect(self):
        with UnitDevice(self.path.stem) as device:
            found = []
            for name, kind in sorted(vars(device.module).items()):
                if isinstance(kind, type) and issubclass(kind, unittest.TestCase):
                    found += [(name, method) for method in dir(kind) if method.startswith("test")]
        for kind, method in found:
            yield UnitItem.from_parent(self, name=f"{kind}::{method}", kind=kind, method=method)


class UnitDevice:
    """A world with a bare device that has loaded a test file."""

    def __init__(self, name):
        self.world = make_world(None, None)
        self._name = name
        self.module = None

    def __enter__(self):
        device = self.world.device
        device.extra_paths = ("testsuite/unit",)
        device.powered = True
        program = device.prepare()
        try:
            self.module = device.run(lambda: program.load(self._name))
        except BaseException:
            end_world(self.world)
            raise
        return self

    def __exit__(self, *error):
        end_world(self.world)

    def run(self, target):
        return self.world.device.run(target)


class UnitItem(pytest.Item):
    """One test method, run as the program of a device of its own."""

    def __init__(self, *, kind, method, **kwargs):
        super().__init__(**kwargs)
        self._kind = kind
        self._method = method

    def runtest(self):
        with UnitDevice(self.path.stem) as device:
            self.epx_world = device.world
            result = _Result()
            case = getattr(device.module, self._kind)(self._method)
            device.run(lambda: case.run(result))
        if result.error:
            raise result.error
        if result.reason is not None:
            pytest.skip(result.reason)

    def reportinfo(self):
        return self.path, None, self.name


class _Result(unittest.TestResult):
    """Keeps the first exception itself, so that pytest shows it as its own."""

    error = None
    reason = None

    def addError(self, test, err):
        self.error = self.error or err[1]

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.error = self.error or err[1]

    def addSkip(self, test, reason):
        self.reason = reason
