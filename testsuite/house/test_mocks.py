"""Mocks do not lie: what they offer exists on a board, with these arguments and these values.

Checked against the stubs made from an ESP32's firmware (micropython-esp32-stubs).
"""

import ast
import pathlib
import sysconfig

import pytest

ROOT = pathlib.Path(__file__).parents[2]
STUBS = pathlib.Path(sysconfig.get_path("purelib"))

MOCKS = {
    "machine": ("testmock/machine.py", "testmock/machine_rare.py", "testmock/analog.py"),
    "network": ("testmock/network.py", "testmock/wired.py"),
    "esp32": ("testmock/esp32.py", "testmock/partition.py", "testmock/rmtrx.py"),
    "espnow": ("testmock/espnow.py",),
    "onewire": ("testmock/onewire.py",),
    "socket": ("testmock/virtual/socket.py",),
    "select": ("testmock/virtual/select.py",),
    "time": ("testmock/virtual/time.py",),
    "_thread": ("testmock/virtual/_thread.py",),
    "micropython": ("testmock/cpython/micropython.py",),
    "gc": ("testmock/cpython/gc.py",),
    "framebuf": ("testmock/cpython/framebuf.py",),
    "errno": ("testmock/cpython/errno.py",),
    "random": ("testmock/virtual/random.py",),
    "cryptolib": ("testmock/cpython/cryptolib.py",),
    "deflate": ("testmock/cpython/deflate.py",),
    "uctypes": ("testmock/cpython/uctypes.py",),
}

# What the stubs lack, and where it is documented or from where it was read.
SOURCES = {
    "network.LAN(mdc)": "docs, quick reference for the ESP32, section Wired Networking",
    "network.LAN(mdio)": "the same",
    "network.LAN(power)": "the same",
    "network.LAN(reset)": "the same",
    "network.LAN(ref_clk)": "the same",
    "machine.Pin(hold)": "docs, quick reference for the ESP32, section Pins and GPIO",
    "machine.Pin.init(hold)": "the same",
    "esp32.RMTRX": "a mock of what no firmware of MicroPython has yet: its pull request 18454",
    "espnow.MAX_DATA_LEN": "250 in firmwares with ESP-NOW version 1, such as 1.25",
    "socket.socket.recv_into": "ports/esp32/modsocket.c has recv_into since 1.22",
    "socket.socket.write(n)": "every stream: write(buf, max_len), py/stream.c; tried on unix",
}


class Names(ast.NodeVisitor):
    """Public names of a source: {dotted name: value of a constant, or list of argument lists}."""

    def __init__(self):
        self.found = {}
        self.bases = {}
        self._inside = []

    def _add(self, name, value):
        if not name.startswith("_") or name in ("__init__", "__call__"):
            full = ".".join([*self._inside, name]).removesuffix(".__init__")
            if isinstance(value, list) and isinstance(self.found.get(full), list):
                self.found[full] += value
            elif value is not None or full not in self.found:
                self.found[full] = value

    def visit_ClassDef(self, node):
        if not node.name.startswith("_"):
            self._add(node.name, None)
            self.bases[node.name] = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
            self._inside.append(node.name)
            self.generic_visit(node)
            self._inside.pop()

    def visit_FunctionDef(self, node):
        self._add(node.name, [node.args])

    def visit_AnnAssign(self, node):
        if isinstance(node.target, ast.Name):
            self._add(node.target.id, constant(node.value))

    def visit_Assign(self, node):
        for target in node.targets:
            if isinstance(target, ast.Name):
                self._add(target.id, constant(node.value))

    def visit_If(self, node):
        self.generic_visit(node)


def constant(node):
    return node.value if isinstance(node, ast.Constant) else None


def names_in(*paths):
    names = Names()
    for path in paths:
        names.visit(ast.parse(path.read_text(encoding="utf-8")))
    for kind, bases in names.bases.items():
        for base in bases:
            for name in list(names.found):
                if name.startswith(base + "."):
                    names.found.setdefault(kind + name[len(base) :], names.found[name])
    return names.found


def arguments(args):
    """Names that a call may use as keywords, positional ones included."""
    return {a.arg for a in args.posonlyargs + args.args + args.kwonlyargs} - {"self", "cls"}


def count(args):
    """(fewest, most) positional arguments, self not counted."""
    named = [a.arg for a in args.posonlyargs + args.args if a.arg not in ("self", "cls")]
    return len(named) - min(len(named), len(args.defaults)), len(named)


def test_what_mocks_offer_exists_on_a_board():
    problems = []
    used = set()
    for module, paths in MOCKS.items():
        stub = STUBS / f"{module}.pyi"
        if not stub.exists():
            stub = STUBS / "stdlib" / f"{module}.pyi"
        assert stub.exists(), f"no stub of {module}: is micropython-esp32-stubs installed?"
        board = names_in(stub)
        for problem in differences(module, names_in(*(ROOT / path for path in paths)), board):
            if problem[0] in SOURCES:
                used.add(problem[0])
            else:
                problems.append(": ".join(problem))
    assert not problems, "\n".join(problems)
    assert set(SOURCES) == used, f"not needed any more: {set(SOURCES) - used}"


def differences(module, mock, board):
    for name, value in mock.items():
        full = f"{module}.{name}"
        if full.rpartition(".")[0] in SOURCES:
            continue
        if name not in board:
            if "(" not in full and not inherited(name, board):
                yield full, "not on the board"
        elif isinstance(value, list) and isinstance(board[name], list):
            yield from argument_differences(full, value[0], board[name])
        elif isinstance(value, int) and isinstance(board[name], int) and value != board[name]:
            yield full, f"{value}, on the board {board[name]}"


def inherited(name, board):
    """A class without a constructor of its own, or a subclass's method."""
    owner, _, member = name.rpartition(".")
    return name in board or (member == "__call__" and owner in board)


def argument_differences(full, mine, theirs):
    anything = any(args.vararg or args.kwarg for args in theirs)
    known = set().union(*[arguments(args) for args in theirs])
    positional_only = all(not args.args[1:] for args in theirs)
    if not anything and not positional_only:
        for name in sorted({a.arg for a in mine.kwonlyargs} - known):
            yield f"{full}({name})", "no such argument on the board"
    if not any(args.vararg for args in theirs):
        most = max(count(args)[1] for args in theirs)
        fewest = min(count(args)[0] for args in theirs)
        named = [a.arg for a in mine.posonlyargs + mine.args if a.arg != "self"]
        for name in named[most:]:
            if name not in known:
                yield f"{full}({name})", f"the board takes {most} arguments"
        if count(mine)[0] > most or (count(mine)[0] > fewest and len(theirs) == 1):
            yield full, f"the board needs only {fewest} arguments"


@pytest.mark.parametrize("module", ["machine", "network"])
def test_real_and_virtual_time_share_the_hardware_mocks(module):
    for folder in ("virtual", "cpython", "cpython_real"):
        assert not (ROOT / "testmock" / folder / f"{module}.py").exists()
