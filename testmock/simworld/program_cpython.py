"""The program of a simulated device on CPython: private modules from profile, lib/ and mocks.

Nothing global is patched, so that several devices live in one process.
"""

import builtins
import importlib
import pathlib
import sys
import traceback
import types

ROOT = pathlib.Path(__file__).parents[2]

# Modules that mean the same on the host and on the device.
_HOST_MODULES = frozenset(
    "array binascii collections hashlib heapq io json math re struct unittest cmath".split()
)
# What mocks are made from, and no device has.
_FOR_MOCKS = frozenset(("cryptography", "zlib"))
VIRTUAL = (ROOT / "testmock" / "virtual", ROOT / "testmock" / "cpython", ROOT / "testmock")

# Source files do not change while tests run: compile each once.
_compiled = {}
_found = {}


def _compile(path):
    code = _compiled.get(path)
    if code is None:
        code = compile(path.read_text(encoding="utf-8"), str(path), "exec")
        _compiled[path] = code
    return code


class Program:
    """The modules of one boot.

    Of the device it needs flash.open, write_console, bench, profile and extra_paths.
    """

    def __init__(self, device, mock_folders=VIRTUAL):
        self._device = device
        self._mock_folders = mock_folders
        folders = [ROOT / folder for folder in device.extra_paths]
        if device.profile:
            folders.append(ROOT / "profiles" / device.profile)
        folders.append(ROOT / "lib")
        self._own = tuple(folders)
        self._folders = self._own + mock_folders
        sim = types.SimpleNamespace(
            device=device,
            bench=device.bench,
            host_sys=sys,
            format_exception=format_exception,
            import_module=importlib.import_module,
            load=self._load_from_folders,
        )
        self.modules = {"_sim": sim}
        mine = {"__import__": self._import, "open": device.flash.open, "print": self._print}
        self._builtins = dict(vars(builtins), **mine)
        self._mock_builtins = dict(vars(builtins), __import__=self._import_for_mock)
        self._ended = False

    def run_file(self, name):
        """Execute boot.py or main.py, if the profile has it."""
        if self._find(name)[0]:
            self._load(name)

    def find(self, name):
        return self.modules.get(name)

    def load(self, name):
        return self._load(name)

    def close(self):
        self._ended = True
        self.modules = {}

    def _print(self, *args, sep=" ", end="\n", file=None):
        text = sep.join([str(arg) for arg in args]) + end
        if file is None:
            self._device.write_console(text)
        else:
            file.write(text)

    def _import(self, name, globals=None, locals=None, fromlist=(), level=0):
        return self._import_by(self._load, name, globals, fromlist, level)

    def _import_for_mock(self, name, globals=None, locals=None, fromlist=(), level=0):
        if name.partition(".")[0] in _FOR_MOCKS:
            return builtins.__import__(name, globals, locals, fromlist, level)
        return self._import_by(self._load_from_folders, name, globals, fromlist, level)

    def _import_by(self, load, name, globals, fromlist, level):
        if level:
            package = globals["__package__"].split(".")
            name = ".".join(package[: len(package) - level + 1] + ([name] if name else []))
        module = self.modules.get(name) or load(name)
        if not fromlist:
            return self.modules[name.partition(".")[0]] if "." in name else module
        for item in fromlist:
            if item != "*" and not hasattr(module, item) and hasattr(module, "__path__"):
                load(name + "." + item)
        return module

    def _load(self, name):
        return self._load_from_folders(name)

    def _load_from_folders(self, name):
        module = self.modules.get(name)
        if module is not None:
            return module
        parent, _, leaf = name.rpartition(".")
        if parent:
            self._load_from_folders(parent)
        source, mock = self._find(name)
        if source is None:
            if name.partition(".")[0] not in _HOST_MODULES and not name.startswith("testmock"):
                raise ImportError(f"no module named '{name}'")
            module = importlib.import_module(name)
        else:
            module = self._execute(name, source, mock)
        self.modules[name] = module
        if parent and source is not None:
            setattr(self.modules[parent], leaf, module)
        return module

    def _execute(self, name, source, mock):
        module = types.ModuleType(name)
        is_package = source.name == "__init__.py"
        module.__file__ = str(source)
        module.__package__ = name if is_package else name.rpartition(".")[0]
        if is_package:
            module.__path__ = [str(source.parent)]
        module.__builtins__ = self._mock_builtins if mock else self._builtins
        self.modules[name] = module
        try:
            exec(_compile(source), module.__dict__)
        except BaseException:
            self.modules.pop(name, None)
            raise
        if name == "machine" and not self._device.bench.has_counter:
            del module.Counter
        self._imported(name, module)
        return module

    def _imported(self, name, module):
        after_import = getattr(self._device, "after_import", None)
        if after_import:
            after_import(name, module)

    def _find(self, name):
        key = (self._folders, name)
        if key not in _found:
            _found[key] = self._search(name)
        return _found[key]

    def _search(self, name):
        relative = name.replace(".", "/")
        for folder in self._folders:
            mock = folder in self._mock_folders
            for path in (folder / relative / "__init__.py", folder / (relative + ".py")):
                if path.exists():
                    return path, mock
        return None, False


def format_exception(error):
    """As MicroPython prints it: only frames of the device's own files."""
    lines = ["Traceback (most recent call last):"]
    for frame, line in traceback.walk_tb(error.__traceback__):
        name = _shown_name(frame)
        if name:
            lines.append(f'  File "{name}", line {line}, in {frame.f_code.co_name}')
    text = str(error)
    if isinstance(error, OSError) and error.args and isinstance(error.args[0], int):
        text = f"[Errno {error.args[0]}]"
    lines.append(type(error).__name__ + (": " + text if text else ""))
    return "\n".join(lines) + "\n"


def _shown_name(frame):
    """The device's name of the file that a frame is in; None if it is the simulator's."""
    names = frame.f_globals
    own = names.get("__in_flash__") or names.get("__file__", "")
    if own and names.get("__loader__") is None and not own.startswith(str(ROOT)):
        return own  # in flash, under whatever name it was compiled
    for folder in ("lib", "profiles", "testsuite"):
        start = str(ROOT / folder)
        if frame.f_code.co_filename.startswith(start):
            return frame.f_code.co_filename[len(start) + 1 :]
    return None


def load_stage(device):
    """Hang the profile's simulated hardware on the device."""
    if device.profile:
        path = ROOT / "profiles" / device.profile / "stage.py"
        if path.exists():
            names = {"__name__": "stage", "__file__": str(path)}
            exec(_compile(path), names)
            names["stage"](device.bench)
