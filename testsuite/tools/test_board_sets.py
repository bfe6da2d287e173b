"""How a file set, and the loader, get on a board: every step, and a cable pulled at each."""

import pytest

from epxhost import boardsets, fileset, manifest
from epxhost.boardsets import Installer, Running
from epxhost.errors import ToolError
from epxhost.fileset import FileSet

RESCUE = {
    "/boot.py": b"from loader import start\n\nstart.boot()\n",
    "/main.py": b"from loader import start\n\nstart.program()\n",
    "/loader/__init__.py": b"",
    "/loader/verdict.py": b"chosen = None\n",
    "/loader/start.py": b"loader 1\n",
    "/loader/lib/epx/loop.py": b"loop of the rescue program\n",
}
NEWER_RESCUE = {
    **{path: data for path, data in RESCUE.items() if "loop" not in path},
    "/loader/start.py": b"loader 2\n",
    "/loader/sets.py": b"more\n",
}
MIXED_UP = "neither the old nor the new"


class Unplugged(Exception):
    """The cable is out."""


class FakeBoard:
    """A board as the tools see it: a dict of files. cut: the change that does not come about."""

    def __init__(self, files=()):
        self.files = dict(files)
        self.made_folders = set()
        self.failed_boots = 3
        self.changes = 0
        self.cut = None
        self.sent = []
        self.after = lambda: None

    def _change(self):
        self.after()
        if self.changes == self.cut:
            raise Unplugged
        self.changes += 1

    def sha256(self, path):
        return fileset.entry(self.files[path]).sha256 if path in self.files else "-"

    def read(self, path):
        return self.files.get(path)

    def hashes(self, folder):
        inside = [path for path in self.files if path.startswith(f"{folder}/")]
        found = {path: self.sha256(path) for path in inside}
        below = {p for p in self.made_folders if p.startswith(f"{folder}/")}
        for path in inside:
            parts = path.split("/")
            below |= {"/".join(parts[:n]) for n in range(len(folder.split("/")) + 1, len(parts))}
        return {**found, **{f"{path}/": "" for path in below}}

    def make_folder(self, path):
        self._change()
        self.made_folders.add(path)

    def remove(self, path):
        if path in self.files:
            self._change()
        return self.files.pop(path, None) is not None

    def remove_folder(self, path):
        assert not [name for name in self.files if name.startswith(f"{path}/")]
        self._change()
        self.made_folders.discard(path)

    def copy_file(self, source, path, digest):
        data = self.files[source]
        self._write(path, data)
        assert fileset.entry(data).sha256 == digest

    def write_file(self, path, data, digest, sent):
        sent(len(data))
        self.sent.append(path)
        self._write(path, data)

    def _write(self, path, data):
        self._change()
        self.files[f"{path}.new"] = data[: len(data) // 2]
        self._change()
        self.files[f"{path}.new"] = data
        self._change()
        del self.files[f"{path}.new"]
        self.files[path] = data

    def forget_failed_boots(self):
        self._change()
        self.failed_boots = 0


def a_set(version, files=None, profile="toy"):
    files = files or {
        "boot.py": b"",
        "main.py": f"main {version}\n".encode(),
        "lib/epx/loop.py": b"the same in each version\n",
        f"lib/toy/only_in_{version}.py": b"x = 1\n",
    }
    return FileSet(profile, version, fileset.mpy_version(files), files)


def install(board, wanted, pins="", rescue=RESCUE, force=False):
    return Installer(board, wanted, pins, rescue, force).run()


def files_of(board, folder):
    start = f"{folder}/"
    return {p.removeprefix(start): d for p, d in board.files.items() if p.startswith(start)}


def holds(board, name, wanted):
    return files_of(board, f"/{name}") == {**wanted.files, "set.txt": wanted.text().encode()}


def running(board):
    return board.files["/running.txt"].decode()


FLAT = {
    "/boot.py": b"old boot\n",
    "/main.py": b"Appliance('toy')\n",
    "/lib/epx/loop.py": b"old loop\n",
    "/lib/mine.py": b"of the owner\n",
    "/config.txt": b"ssid a\n",
}


def test_a_bare_board_gets_set_a_and_the_loader():
    board = FakeBoard({"/boot.py": b"# This file is executed on every boot\n"})
    assert install(board, a_set(1), "4 0\n")[0] == "a"
    assert holds(board, "a", a_set(1))
    assert running(board) == "a confirmed\n"
    assert board.files["/pins.txt"] == b"4 0\n"
    assert {path: board.files[path] for path in RESCUE} == RESCUE
    assert board.failed_boots == 0
    assert board.sent[-1] == "/boot.py", "until then the old program boots"


def test_the_next_one_goes_to_the_other_set_and_the_first_one_stays():
    board = FakeBoard()
    install(board, a_set(1))
    board.sent.clear()
    name, result = install(board, a_set(2))
    assert name == "b" and holds(board, "a", a_set(1)) and holds(board, "b", a_set(2))
    assert running(board) == "b confirmed a\n"
    # Loop is copied on the board (boot.py is empty and there as another empty file is).
    assert "/b/lib/epx/loop.py" not in board.sent and result.copied >= 1
    assert board.sent[-2:] == ["/b/set.txt", "/running.txt"]
    assert install(board, a_set(3))[0] == "a"
    assert holds(board, "a", a_set(3)), "what was only in version 1 has gone"
    assert running(board) == "a confirmed b\n"


def test_what_runs_already_is_left_alone():
    board = FakeBoard()
    install(board, a_set(1))
    board.sent.clear()
    before = dict(board.files)
    name, result = install(board, a_set(1))
    assert (name, result.sent, result.copied) == ("a", 0, 0)
    assert board.files == before and board.sent == []


def test_the_version_before_is_only_switched_to():
    board = FakeBoard()
    install(board, a_set(1))
    install(board, a_set(2))
    board.sent.clear()
    assert install(board, a_set(1))[0] == "a"
    assert board.sent == ["/running.txt"] and running(board) == "a confirmed b\n"


def test_a_damaged_running_set_is_not_written_to():
    board = FakeBoard()
    install(board, a_set(1))
    board.files["/a/main.py"] = b"damaged"
    assert install(board, a_set(1))[0] == "b"
    assert holds(board, "b", a_set(1)) and board.files["/a/main.py"] == b"damaged"


def test_an_update_on_trial_gives_way_to_a_program_that_comes_by_cable():
    board = FakeBoard()
    install(board, a_set(1))
    install(board, a_set(2))
    board.files["/running.txt"] = b"b trial a ok\n"
    assert install(board, a_set(3))[0] == "b"
    assert holds(board, "a", a_set(1)) and holds(board, "b", a_set(3))
    assert running(board) == "b confirmed a\n"


def test_the_same_version_by_cable_confirms_the_one_on_trial():
    board = FakeBoard()
    install(board, a_set(1))
    install(board, a_set(2))
    board.files["/running.txt"] = b"b trial a ok\n"
    board.sent.clear()
    assert install(board, a_set(2))[0] == "b"
    assert running(board) == "b confirmed a\n" and board.sent == ["/running.txt"]


def test_what_an_update_had_staged_goes_with_the_old_files():
    board = FakeBoard()
    install(board, a_set(1))
    board.files["/b/new/lib/x.py"] = b"staged"
    board.files["/b/new/pack"] = b"half a bundle"
    install(board, a_set(2))
    assert holds(board, "b", a_set(2))
    assert not [p for p in board.hashes("/b") if p.startswith("/b/new")]


def test_compiled_modules_take_the_place_of_source():
    board = FakeBoard()
    install(board, a_set(1))
    compiled = a_set(2, {"main.py": b"main\n", "lib/epx/loop.mpy": b"M\x06\x00\x1f"})
    assert compiled.mpy == 6
    install(board, compiled)
    install(board, a_set(3))
    assert holds(board, "b", compiled) and holds(board, "a", a_set(3))
    assert "mpy 6\n" in board.files["/b/set.txt"].decode()


def test_pins_follow_the_profile():
    board = FakeBoard()
    install(board, a_set(1), "4 0\n")
    install(board, a_set(2), "5 1\n")
    assert board.files["/pins.txt"] == b"5 1\n"
    install(board, a_set(3))
    assert "/pins.txt" not in board.files


def test_another_loader_stays_unless_forced(capsys):
    board = FakeBoard()
    install(board, a_set(1))
    install(board, a_set(2), rescue=NEWER_RESCUE)
    said = capsys.readouterr().out
    assert "loader is another one (3 files): --force" in said and said.count("\n") == 1
    assert (
        board.files["/loader/start.py"] == b"loader 1\n" and "/loader/sets.py" not in board.files
    )
    install(board, a_set(2), rescue=NEWER_RESCUE, force=True)
    assert "loader is another one" not in capsys.readouterr().out
    assert {p: d for p, d in board.files.items() if boardsets.is_reserved(p)} == {
        **NEWER_RESCUE,
        "/running.txt": b"b confirmed a\n",
    }


def test_the_program_of_a_board_without_sets_is_taken_over(capsys):
    board = FakeBoard(FLAT)
    board.files["/lib/epx/loop.py"] = a_set(1).files["lib/epx/loop.py"]
    assert install(board, a_set(1))[1].copied == 1
    assert board.files["/config.txt"] == b"ssid a\n"
    assert files_of(board, "/lib") == {"mine.py": b"of the owner\n"}
    assert "/lib: 1 modules of ours removed" in capsys.readouterr().err
    assert "/lib/epx/" not in board.hashes("/lib")


# What a board would boot.

SETS = {version: a_set(version) for version in (1, 2, 3)}
# The framework asks the loader what is on trial.
VERDICT = {"/loader/__init__.py", "/loader/verdict.py"}


def boots(board):
    """'flat', the version of the set that this board boots now, or MIXED_UP."""
    files = board.files
    boot, main = files.get("/boot.py"), files.get("/main.py")
    if boot == FLAT["/boot.py"]:
        whole = all(files.get(path) == data for path, data in FLAT.items())
        return "flat" if whole else MIXED_UP
    if boot == RESCUE["/boot.py"]:
        loaders = [r for r in (RESCUE, NEWER_RESCUE) if all(files.get(p) == r[p] for p in r)]
        if not loaders or main != RESCUE["/main.py"]:
            return MIXED_UP
    elif boot != boardsets._STAND_IN or not VERDICT <= set(files):
        return MIXED_UP
    words = running(board).split()
    names = [words[0], *words[2:3]] if words[1] == "confirmed" else [words[2], words[0]]
    for name in names:  # the set to fall back to has to be whole as well
        if not any(holds_all(board, name, each) for each in SETS.values()):
            return MIXED_UP
    return next(v for v, each in SETS.items() if holds_all(board, names[0], each))


def holds_all(board, name, wanted):
    inside = files_of(board, f"/{name}")
    want = {**wanted.files, "set.txt": wanted.text().encode()}
    return all(inside.get(path) == data for path, data in want.items())


def before(*installed, run="b confirmed a\n"):
    def make():
        board = FakeBoard()
        for version in installed:
            install(board, SETS[version])
        if run:
            board.files["/running.txt"] = run.encode()
        return board

    return make


STORIES = {
    "first install over a program without sets": (lambda: FakeBoard(FLAT), 1, RESCUE, "flat"),
    "second install": (before(1, run=None), 2, RESCUE, 1),
    "third install": (before(1, 2), 3, RESCUE, 2),
    "the version before again": (before(1, 2), 1, RESCUE, 2),
    "in the middle of a trial": (before(1, 2, run="b trial a ok\n"), 3, RESCUE, 1),
    "the set on trial": (before(1, 2, run="b trial a ok\n"), 2, RESCUE, 1),
    "a new loader": (before(1, 2), 3, NEWER_RESCUE, 2),
    "only a new loader": (before(1, 2), 2, NEWER_RESCUE, 2),
}


@pytest.mark.parametrize("story", STORIES)
def test_a_cable_pulled_at_any_step_leaves_the_old_or_the_new(story):
    make, version, rescue, old = STORIES[story]
    points = 0
    while True:
        board = make()
        board.changes, board.cut = 0, points
        try:
            install(board, SETS[version], rescue=rescue, force=True)
            break
        except Unplugged:
            assert boots(board) in (old, version), f"{story}, step {points}: {sorted(board.files)}"
        # And the same command, started again, ends well.
        board.cut = None
        install(board, SETS[version], rescue=rescue, force=rescue is NEWER_RESCUE)
        assert boots(board) == version and board.failed_boots == 0, f"{story}, step {points}"
        assert not [path for path in board.files if path.endswith(".new")], f"step {points}"
        points += 1
    assert points > 2 and boots(board) == version


# What else asks for the set that runs.


def test_the_running_set_is_read_as_the_loader_reads_it():
    board = FakeBoard()
    assert boardsets.read_running(board) is None
    for text, wanted in (
        ("a confirmed\n", Running("a")),
        ("b confirmed a\n", Running("b", False, "a")),
        ("b trial a ok\n", Running("b", True, "a")),
        ("b trial\n", Running("b")),
        ("b trial b\n", Running("b")),
        ("nonsense", None),
        ("", None),
    ):
        board.files["/running.txt"] = text.encode()
        assert boardsets.read_running(board) == wanted, text
    board.files["/b/set.txt"] = a_set(1).text().encode()
    assert boardsets.read_running(board) == Running("b"), "the first whole set"


def test_one_file_goes_into_the_running_set_and_its_list():
    board = FakeBoard()
    install(board, a_set(1))
    result = boardsets.send_into_set(board, "a", "lib/epx/loop.py", b"changed\n")
    assert result.sent == 1
    boardsets.send_into_set(board, "a", "lib/toy/more.py", b"added\n")
    files = {**a_set(1).files, "lib/epx/loop.py": b"changed\n", "lib/toy/more.py": b"added\n"}
    assert holds(board, "a", a_set(1, files))
    # The other form of a module goes, and .mpy files ask for their firmware.
    boardsets.send_into_set(board, "a", "lib/toy/more.mpy", b"M\x06\x00\x1f")
    assert "/a/lib/toy/more.py" not in board.files
    assert fileset.parse(board.files["/a/set.txt"].decode()).mpy == 6
    boardsets.send_into_set(board, "a", "lib/toy/more.py", b"added\n")
    assert holds(board, "a", a_set(1, files))


def test_a_set_without_a_list_takes_no_single_file():
    board = FakeBoard({"/running.txt": b"a confirmed\n", "/a/main.py": b""})
    with pytest.raises(ToolError, match="install with cpall"):
        boardsets.send_into_set(board, "a", "main.py", b"x")


def test_the_profile_is_learnt_from_the_set_or_from_a_main_of_before():
    board = FakeBoard(FLAT)
    board.files["/main.py"] = b'Appliance("h2o", settings).run(build)\n'
    assert boardsets.learn_profile(board) == "h2o"
    install(board, a_set(1, profile="nobody's"))
    assert boardsets.learn_profile(board) is None
    install(board, a_set(2, profile="h2o"))
    assert boardsets.learn_profile(board) == "h2o"
    assert boardsets.learn_profile(FakeBoard()) is None


def test_the_real_loader_has_doors_that_are_known_as_such():
    files = manifest.rescue_files()
    board = FakeBoard(files)
    assert boardsets.has_loader(board)
    assert all(boardsets.is_reserved(path) for path in files)
    board.files["/boot.py"] = boardsets._STAND_IN
    assert not boardsets.has_loader(board)
