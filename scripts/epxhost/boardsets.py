"""The file sets and the loader on a board, over its serial port.

Nothing of the set that runs is written to, and each step that changes what boots is one rename, so
a power cut or an unplugged cable leaves a board that boots the old or the new state. While the
loader itself, or the program of a board that has none yet, is replaced, a small boot.py stands in
the place of its two doors and runs the set.
"""

import re
from typing import NamedTuple

import click

from epxhost import boardfiles, fileset
from epxhost.boardfiles import Board, Item, Result
from epxhost.devicelib import profiles
from epxhost.door import ROOT
from epxhost.errors import ToolError
from epxhost.fileset import LIST, FileSet, SetList

RUNNING = "/running.txt"
PINS = "/pins.txt"
_SETS = ("a", "b")
_DOORS = ("/boot.py", "/main.py")
_FOLDER = "/loader"
_RESERVED = (*_DOORS, RUNNING, f"{RUNNING}.new", PINS)
_IS_DOOR = re.compile(rb"^(from|import) loader\b", re.MULTILINE)

# The only boot.py that does not end; main.py of the root is not reached.
_STAND_IN = b"""\
import machine, sys
with open("/running.txt") as file:
    name = file.read(1)
sys.path.insert(0, "/" + name)
sys.path.insert(1, "/" + name + "/lib")
try:
    import boot
    import main
    raise RuntimeError("main.py ended")
except Exception as error:
    sys.print_exception(error)
    machine.reset()
"""


class Running(NamedTuple):
    """What /running.txt says; trial: previous takes over unless the set is confirmed."""

    name: str
    trial: bool = False
    previous: str | None = None


def read_running(board: Board) -> Running | None:
    """As the loader reads it; None if the board has no file set to run."""
    words = (board.read(RUNNING) or b"").decode("utf-8", "replace").split()
    if words and words[0] in _SETS:
        previous = _other(words[0]) if words[2:3] == [_other(words[0])] else None
        return Running(words[0], words[1:2] == ["trial"] and previous is not None, previous)
    for name in _SETS:
        if _read_list(board, name):
            return Running(name)
    return None


def is_reserved(path: str) -> bool:
    """Does this file belong to the loader?"""
    return path in _RESERVED or path == _FOLDER or path.startswith(f"{_FOLDER}/")


def has_loader(board: Board) -> bool:
    return all(_IS_DOOR.search(board.read(door) or b"") for door in _DOORS)


def learn_profile(board: Board) -> str | None:
    """What the set that runs says it is, or the main.py of a board without sets; None if neither
    does, or we have no such profile."""
    running = read_running(board)
    found = _read_list(board, running.name) if running else None
    if found:
        name = found.profile
    else:
        text = (board.read("/main.py") or b"").decode("utf-8", "replace")
        match = re.search(r"\bAppliance\(\s*[\"'](\w+)[\"']", text)
        name = match[1] if match else None
    return name if name in profiles() else None


class Installer:
    """Brings a board to a file set, confirmed, with the loader and its safe pins."""

    def __init__(
        self, board: Board, wanted: FileSet, pins: str, rescue: dict[str, bytes], force: bool
    ) -> None:
        self._board = board
        self._set = wanted
        self._list = wanted.text().encode()
        self._pins = pins
        self._rescue = rescue
        self._force = force
        self._loader_there = has_loader(board)
        self._running = read_running(board)
        self._there: dict[str, dict[str, str]] = {name: {} for name in _SETS}

    def run(self) -> tuple[str, Result]:
        """The name of the set, and what had to be done for it."""
        for name in _SETS:
            self._there[name] = self._board.hashes(f"/{name}")
        if self._running and self._is_right(self._running.name):
            name = self._running.name
            previous = self._running.previous
            result = Result(kept=len(self._set.files))
        else:
            self._end_trial()
            name = _other(self._running.name) if self._running else _SETS[0]
            result = self._fill(name)
            previous = self._running.name if self._running else None
        send_pins(self._board, self._pins)
        self._confirm(name, previous)
        loader = self._replace_loader()
        self._clean_up_root()
        return name, Result(result.sent + loader, result.kept, result.copied)

    def _is_right(self, name: str) -> bool:
        """Is this set, to the last byte, what is wanted?"""
        there = {p: h for p, h in self._there[name].items() if not p.endswith("/")}
        return there == {item.path: item.sha256 for item in [*self._items(name), self._mark(name)]}

    def _items(self, name: str) -> list[Item]:
        return [Item(f"/{name}/{path}", data) for path, data in sorted(self._set.files.items())]

    def _mark(self, name: str) -> Item:
        return Item(f"/{name}/{LIST}", self._list)

    def _end_trial(self) -> None:
        """The set to go back to must not be written to while another one is on trial."""
        if self._running and self._running.trial:
            previous = self._running.previous
            click.echo(f"  the update on trial ends, set {previous} is the one to keep", err=True)
            self._running = Running(previous)
            self._board.forget_failed_boots()
            self._say_running(previous)

    def _fill(self, name: str) -> Result:
        """Make the set that does not run the one that is wanted, its list last."""
        if self._is_right(name):
            return Result(kept=len(self._set.files))
        if self._running:
            # It is not whole from now on, so nothing may go back to it.
            self._say_running(self._running.name)
        there = self._there[name]
        if self._board.remove(f"/{name}/{LIST}"):
            there.pop(f"/{name}/{LIST}", None)
        items = self._items(name)
        different = [item for item in items if there.get(item.path) != item.sha256]
        wanted = {item.path for item in items}
        # First, it makes room. A twin (module.py beside module.mpy) goes with it.
        boardfiles.remove_stale(self._board, there, wanted)
        boardfiles.make_folders(self._board, [*items, self._mark(name)])
        sources = self._sources(name)
        different = [item._replace(source=sources.get(item.sha256)) for item in different]
        boardfiles.put(self._board, different)
        boardfiles.install(self._board, [self._mark(name)])
        copied = sum(item.source is not None for item in different)
        return Result(len(different) - copied, len(items) - len(different), copied)

    def _sources(self, name: str) -> dict[str, str]:
        """Hash and path of what lies in the other set, or in the root of a board without sets."""
        there = dict(self._there[_other(name)])
        if not self._loader_there:
            there.update(self._board.hashes("/lib"))
        return {digest: path for path, digest in there.items() if not path.endswith("/")}

    def _confirm(self, name: str, previous: str | None) -> None:
        whole = previous and f"/{previous}/{LIST}" in self._there[previous]
        # Before the switch: boots of the old set that failed are not to count for the new one.
        self._board.forget_failed_boots()
        self._say_running(name, previous if whole else None)

    def _say_running(self, name: str, previous: str | None = None) -> None:
        words = f"{name} confirmed {previous}" if previous else f"{name} confirmed"
        item = Item(RUNNING, f"{words}\n".encode())
        if self._board.sha256(RUNNING) != item.sha256:
            boardfiles.put(self._board, [item])

    def _replace_loader(self) -> int:
        """How many of its files were sent."""
        there = {
            **self._board.hashes(_FOLDER),
            **{door: self._board.sha256(door) for door in _DOORS},
        }
        items = [Item(path, data) for path, data in sorted(self._rescue.items())]
        different = [item for item in items if there.get(item.path) != item.sha256]
        stale = [p for p in there if not p.endswith("/") and p not in self._rescue]
        if not different and not stale:
            return 0
        if self._loader_there and not self._force:
            count = len(different) + len(stale)
            click.echo(f"The board's loader is another one ({count} files): --force replaces it")
            return 0
        boardfiles.make_folders(self._board, items)
        stand_in = Item(_DOORS[0], _STAND_IN)
        parts = [item for item in different if item.path not in _DOORS]
        # The sets import from the loader's folder, too: without a loader its files come first.
        steps = [stand_in, *parts] if self._loader_there else [*parts, stand_in]
        # The doors come last, boot.py as the very last: from then on the loader works.
        doors = [Item(door, self._rescue[door]) for door in reversed(_DOORS)]
        boardfiles.put(self._board, steps + doors)
        boardfiles.remove_stale(self._board, there, set(self._rescue))
        return len(different)

    def _clean_up_root(self) -> None:
        """The modules of ours that an installation without sets has left in /lib."""
        if not has_loader(self._board):
            return
        there = self._board.hashes("/lib")
        ours = [path for path in there if not path.endswith("/") and _is_ours(path)]
        if ours:
            click.echo(
                f"  /lib: {len(ours)} modules of ours removed, the sets have them", err=True
            )
            for path in ours:
                self._board.remove(path)
            left = {path for path in there if not path.endswith("/")} - set(ours)
            folders = {path: "" for path in [*there, "/lib/"] if path.endswith("/")}
            boardfiles.remove_stale(self._board, folders, left)


def send_pins(board: Board, pins: str) -> None:
    """The levels that the loader sets before anything else."""
    if pins:
        boardfiles.install(board, [Item(PINS, pins.encode())])
    else:
        board.remove(PINS)


def _is_ours(path: str) -> bool:
    source = path.removesuffix(".mpy") + ".py" if path.endswith(".mpy") else path
    return source.endswith(".py") and (ROOT / source.lstrip("/")).is_file()


def _other(name: str) -> str:
    return "a" if name == "b" else "b"


def _read_list(board: Board, name: str) -> SetList | None:
    text = board.read(f"/{name}/{LIST}")
    try:
        return fileset.parse(text.decode()) if text is not None else None
    except ValueError:  # UnicodeDecodeError is one
        return None


def send_into_set(board: Board, name: str, path: str, data: bytes) -> Result:
    """Put one file into the set that runs, and into its list; its twin goes."""
    listed = _read_list(board, name)
    if not listed:
        raise ToolError(f"set {name} of the board has no list of its files: install with cpall")
    result = boardfiles.install(board, [Item(f"/{name}/{path}", data)])
    entries = {**listed.entries, path: fileset.entry(data)}
    twin = fileset.twin(path)
    if twin and board.remove(f"/{name}/{twin}"):
        click.echo(f"  removed /{name}/{twin}, it would stand in the way", err=True)
    entries.pop(twin, None)
    mpy = listed.mpy if any(each.endswith(".mpy") for each in entries) else 0
    if path.endswith(".mpy"):
        mpy = fileset.mpy_version({path: data})
    changed = listed._replace(mpy=mpy, entries=entries)
    boardfiles.install(board, [Item(f"/{name}/{LIST}", changed.text().encode())])
    return result
