"""The program of a simulated device on MicroPython: the interpreter's own import, other modules.

sys.modules and three builtins are patched, so only one device at a time can live in a process.
"""

import builtins
import io
import os
import sys

_MOCKS = ("time", "select", "socket", "_thread", "os", "random", "sys")
_HARDWARE = ("machine", "network", "esp32")
_host_print = print
_host_open = open
_host_modules = sys.modules
_host_path = sys.path
_host_sys = sys

ROOT = __file__[: __file__.rindex("testmock/")] or "./"


class _Sim:
    """What the mocks import as _sim."""


class Program:
    """The modules of one boot."""

    def __init__(self, device):
        self._device = device
        self._before = list(_host_modules)
        sim = _Sim()
        sim.device = device
        sim.bench = device.bench
        sim.host_sys = _host_sys
        sim.format_exception = format_exception
        sim.load = self.load
        self.modules = _host_modules
        self._paths = [ROOT + folder for folder in device.extra_paths]
        if device.profile:
            self._paths.append(ROOT + "profiles/" + device.profile)
        self._paths += [ROOT + "lib", ROOT + "testmock"]
        _host_path[:] = self._paths
        _host_path.insert(0, ROOT[:-1] or ".")
        device._program = self
        _host_modules["_sim"] = sim
        mocks = []
        for name in _MOCKS:
            __import__("testmock.virtual." + name)
            mocks.append((name, _host_modules["testmock.virtual." + name]))
        for name in _HARDWARE:
            __import__("testmock." + name)
            mocks.append((name, _host_modules["testmock." + name]))
        for name, module in mocks:
            _host_modules[name] = module
        if not device.bench.has_counter:
            del _host_modules["machine"].Counter
        builtins.print = self._print
        builtins.open = self._open

    def run_file(self, name):
        folder = ROOT + "profiles/" + self._device.profile + "/"
        try:
            _host_open(folder + name + ".py").close()
        except OSError:
            return
        self.load(name)

    def find(self, name):
        return _host_modules.get(name)

    def load(self, name):
        __import__(name)
        return _host_modules[name]

    def close(self):
        for name in list(_host_modules):
            if name not in self._before:
                del _host_modules[name]
        builtins.print = _host_print
        builtins.open = _host_open

    def _mine(self):
        fiber = self._device.world.current
        return fiber is not None and fiber.owner is self._device

    def _print(self, *args, sep=" ", end="\n", file=None):
        if not self._mine():
            _host_print(*args, sep=sep, end=end)
            return
        text = sep.join([str(arg) for arg in args]) + end
        if file is None:
            self._device.write_console(text)
        else:
            file.write(text)

    def _open(self, name, mode="r", *unused):
        if not self._mine():
            return _host_open(name, mode)
        return self._device.flash.open(name, mode)


def format_exception(error):
    text = io.StringIO()
    _host_sys.print_exception(error, text)
    return text.getvalue()


def load_stage(device):
    """Hang the profile's simulated hardware on the device."""
    if device.profile:
        path = ROOT + "profiles/" + device.profile + "/stage.py"
        try:
            os.stat(path)
        except OSError:
            return
        with _host_open(path) as file:
            source = file.read()
        if ROOT not in _host_path:
            _host_path.insert(0, ROOT[:-1] or ".")
        names = {"__name__": "stage"}
        exec(source, names)
        names["stage"](device.bench)
