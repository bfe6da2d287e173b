"""What the generated pages are made of, read from the sources: tables, comments, pins."""

import ast
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

from epxhost.devicelib import device_module
from epxhost.door import ROOT
from epxhost.errors import ToolError

# What a row of a table may name.
_ROW_CONSTANTS = {"bytes": bytes}
# Classes of machine that take pins, and what the bus is called.
_BUSES = {"I2C": "I2C bus", "UART": "UART"}


class Row(NamedTuple):
    """One Key, Pub, Sub, Tell or Hear row, with the comment that stands above it."""

    value: Any
    comment: str


class Part(NamedTuple):
    """Something that stage.py hangs on a bus or a pin; where: "I2C bus 0", "UART 2", "GPIO 14"."""

    name: str
    about: str
    where: str
    address: int | None
    role: str


class Wire(NamedTuple):
    """A pin that main.py uses: the role is the argument it is given as."""

    pin: int
    role: str
    user: str


class Source:
    """One file: its tree, and the comments that the tree lacks."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._text = (ROOT / path).read_text(encoding="utf-8")
        self.tree = ast.parse(self._text, path)
        self._lines = self._text.splitlines()

    def docstring(self) -> str:
        return one_line(ast.get_docstring(self.tree) or "")

    def comment_above(self, line: int) -> str:
        """The lines of comment directly above a line (counted from 1), as one."""
        found = []
        for text in reversed(self._lines[: line - 1]):
            if not text.strip().startswith("#"):
                break
            found.insert(0, text.strip().lstrip("# "))
        return " ".join(found)

    def rows(self, kinds: tuple[str, ...]) -> Iterator[tuple[ast.Call, str]]:
        """The calls that are rows of a table of this module, or such a row with a name of its own,
        with their comments."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign):
                for row in _elements(node.value):
                    if isinstance(row, ast.Call) and getattr(row.func, "id", "") in kinds:
                        yield row, self.comment_above(row.lineno)

    def constants_below(self, words: str) -> list[tuple[int, str]]:
        """(value, name in words) of the const() lines under the comment that contains words."""
        found = []
        for node in self.tree.body:
            above = self.comment_above(node.lineno)
            match node:
                case ast.Assign(
                    targets=[ast.Name(id=name)],
                    value=ast.Call(args=[ast.Constant(value=int(value))]),
                ) if found or words in above:
                    if found and self._lines[node.lineno - 2].strip() == "":
                        break
                    found.append((value, name.strip("_").lower().replace("_", " ")))
                case _ if found:
                    break
        return found


def one_line(text: str) -> str:
    return " ".join(text.split())


def first_sentence(text: str) -> str:
    return one_line(text).partition(". ")[0].rstrip(".")


def _elements(table: ast.expr) -> list[ast.expr]:
    """Of a tuple, or of some that are added."""
    match table:
        case ast.Tuple(elts=elements):
            return elements
        case ast.BinOp(left=left, right=right):
            return _elements(left) + _elements(right)
    return [table]


def key_rows(module: str) -> list[Row]:
    """The Key rows of epx.config or of a profile's settings."""
    comments = _key_comments(module)
    loaded = device_module(module)
    table = getattr(loaded, "COMMON", None) or loaded.KEYS
    return [Row(key, comments.get(key.name, "")) for key in table]


def _key_comments(module: str) -> dict[str, str]:
    """Key -> comment, of the rows of a module and of those that it imports."""
    path = f"lib/{module.replace('.', '/')}.py"
    found: dict[str, str] = {}
    if (ROOT / path).exists():
        source = Source(path)
        for node in source.tree.body:
            if isinstance(node, ast.ImportFrom) and node.module:
                found |= _key_comments(node.module)
        found |= {row.args[0].value: comment for row, comment in source.rows(("Key",))}
    return found


def topic_rows(
    path: str, module: ModuleType | None = None, kinds: tuple[str, ...] = ("Pub", "Sub")
) -> list[Row]:
    """Rows of a file (by radio: Tell, Hear), built from its text: it may be for devices only."""
    names: dict[str, Any] = dict(_ROW_CONSTANTS)
    for imported in ("epx.clock", "epx.payloads", "epx.topics"):
        names |= vars(device_module(imported))
    names |= vars(module) if module else {}
    found = []
    for row, comment in Source(path).rows(kinds):
        code = compile(ast.Expression(row), path, "eval")
        found.append(Row(eval(code, names), comment))
    return found


def wires(profile: str) -> list[Wire]:
    """The pins that main.py constructs, in its order."""
    tree = Source(f"profiles/{profile}/main.py").tree
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        user = getattr(node.func, "id", getattr(node.func, "attr", ""))
        match node.args:
            case [ast.Constant(value=int(number)), *_]:
                user = f"{_BUSES.get(user, user)} {number}"
        given = [("", arg) for arg in node.args]
        given += [(keyword.arg or "", keyword.value) for keyword in node.keywords]
        for role, value in given:
            match value:
                case ast.Call(func=ast.Name(id="Pin"), args=[ast.Constant(value=int(pin)), *_]):
                    found.append(Wire(pin, role.upper(), user))
    return found


def safe_levels(profile: str) -> dict[int, str]:
    """What SAFE_PINS says of outputs: pin, and its level before the program sets it."""
    rows = []
    if (ROOT / f"lib/{profile}/settings.py").exists():
        rows = getattr(device_module(f"{profile}.settings"), "SAFE_PINS", ())
    return {row[0]: f"an output, {'high' if row[1] else 'low'} at the start" for row in rows}


def parts(profile: str) -> list[Part]:
    """What stage.py hangs on the simulated board."""
    path = ROOT / "profiles" / profile / "stage.py"
    if not path.exists():
        return []
    spec = importlib.util.spec_from_file_location(f"stage_of_{profile}", path)
    if not spec or not spec.loader:
        raise ToolError(f"profiles/{profile}/stage.py cannot be loaded")
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))  # for the testmock of the models
    stage = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stage)
    bench = _RecordingBench()
    stage.stage(bench)
    return bench.found


class _RecordingBench:
    """Takes what stage.py hangs on it and remembers where."""

    def __init__(self) -> None:
        self.found: list[Part] = []
        self.parts: dict[str, object] = {}
        self.clock = SimpleNamespace(now_us=lambda: 0)
        self.late_us = 0

    def __getattr__(self, name: str) -> Callable[..., None]:
        """What else a stage may do there hangs nothing on it."""
        return lambda *_args, **_options: None

    def i2c(self, bus: int, address: int, model: object) -> None:
        self._add(model, f"I2C bus {bus}", address)

    def uart(self, number: int, model: object) -> None:
        self._add(model, f"UART {number}")

    def counter(self, pin: int, model: object) -> None:
        self._add(model, f"GPIO {pin}", role="pulses")

    def signal(self, pin: int, model: object) -> None:
        self._add(model, f"GPIO {pin}", role="pulses")

    def analog(self, pin: int, model: object) -> object:
        self._add(model, f"GPIO {pin}", role="a voltage")
        return model

    def onewire(self, pin: int, bus: Any) -> None:
        """Of several equal ones on the wire, one."""
        for model in {type(device).__name__: device for device in bus.devices}.values():
            self._add(model, f"GPIO {pin}", role="data of the 1-Wire bus, 4.7 kΩ to 3V3")

    def pin(self, number: int) -> SimpleNamespace:
        return SimpleNamespace(number=number)

    def _add(self, model: object, where: str, address: int | None = None, role: str = "") -> None:
        """The docstring of its driver, `NAME: what it is.`, tells what a chip is for."""
        name = type(model).__name__
        driver = Path("lib/third", type(model).__module__.rpartition(".")[2] + ".py")
        about = ""
        if (ROOT / driver).exists():
            about = first_sentence(Source(str(driver)).docstring()).removeprefix(f"{name}: ")
        self.found.append(Part(name, about, where, address, role))


def state_tables() -> Iterator[tuple[str, str, dict[str, tuple[str, ...]]]]:
    """(file, its docstring, states and where they lead) of every table of states in lib/."""
    for path in sorted((ROOT / "lib").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        source = Source(name)
        for node in source.tree.body:
            match node:
                case ast.Assign(
                    targets=[ast.Name(id="_STATES" | "STATES")], value=ast.Dict() as table
                ):
                    yield name, source.docstring(), ast.literal_eval(table)


def example_values(profile: str) -> dict[str, tuple[str, bool]]:
    """key -> (value, a comment stands above its block) of config.txt.example."""
    text = (ROOT / "profiles" / profile / "config.txt.example").read_text(encoding="utf-8")
    found = {}
    commented = False
    for line in text.splitlines():
        if not line.strip():
            commented = False
        elif line.startswith("#"):
            commented = True
        else:
            key, _, value = line.partition(" ")
            found[key] = (value, commented)
    return found
