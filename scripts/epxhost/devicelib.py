"""The only door from the PC tools into lib/, and only to its pure modules."""

import ast
import functools
import importlib
import importlib.util
import re
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

from epxhost.door import ROOT
from epxhost.errors import ToolError

# What may be imported on a PC: no time, no machine, no sockets, only tables and pure functions.
PURE_MODULES = (
    "epx.clock",
    "epx.compare",
    "epx.config",
    "epx.keyed",
    "epx.nowpair",
    "epx.nowsettings",
    "epx.nowtopics",
    "epx.nowwire",
    "epx.otakeys",
    "epx.otaowner",
    "epx.otapaths",
    "epx.otarefusals",
    "epx.otawire",
    "epx.payloads",
    "epx.textfmt",
    "epx.topics",
    "epx.x25519",
)
_PURE_OF_PROFILE = re.compile(r"[a-z]\w*\.(settings|service|boards)")


def device_module(name: str) -> ModuleType:
    """The module of lib/ with this dotted name, if the PC may use it."""
    if name not in PURE_MODULES and not _PURE_OF_PROFILE.fullmatch(name):
        raise ToolError(f"{name} is for devices only; the PC may use {', '.join(PURE_MODULES)}")
    # What MicroPython's own module gives the pure ones, const(), costs nothing to stand in for.
    sys.modules.setdefault("micropython", SimpleNamespace(const=lambda value: value))
    if name.startswith(("epx.ota", "epx.now")):
        _stand_in("cryptolib")
    folder = str(ROOT / "lib")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


def device_constant(name: str, constant: str) -> Any:
    """A constant of a module that only devices can import, from its text."""
    found = _constants(name)
    if constant not in found:
        raise ToolError(f"{name} has no constant {constant}")
    return found[constant]


@functools.cache
def _constants(name: str) -> dict[str, Any]:
    path = ROOT / "lib" / (name.replace(".", "/") + ".py")
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value
            if isinstance(value, ast.Call) and getattr(value.func, "id", "") == "const":
                value = value.args[0]
            try:
                found[node.targets[0].id] = ast.literal_eval(value)
            except ValueError:
                continue  # it is computed
    return found


def _stand_in(name: str) -> None:
    """MicroPython's module of this name, as the simulator has it for CPython."""
    if name not in sys.modules:
        path = ROOT / "testmock" / "cpython" / f"{name}.py"
        specification = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        sys.modules[name] = module


def profiles() -> list[str]:
    """Names of all profiles: folders below profiles/ that have a main.py."""
    return sorted(path.parent.name for path in (ROOT / "profiles").glob("*/main.py"))
