"""Serial install: cpall, pcp, pcp_conf, pcp_main."""

import ast
import hashlib
import posixpath
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from epxhost import manifest, settings, toolchain
from epxhost.devicelib import profiles
from epxhost.door import ROOT
from epxhost.errors import ToolError
from epxhost.serialport import ANSWER_LIMIT_S, Board

_MPY_FOLDER = ROOT / "build" / "mpy"
_CONFIG = "config.txt"
# These run by name at boot, so they stay source.
_ALWAYS_SOURCE = ("boot.py", "main.py")


class Item(NamedTuple):
    """One file to have on the board; twin: the same module in the other form, which must go."""

    path: str
    data: bytes
    twin: str | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


class Result(NamedTuple):
    sent: int
    kept: int
    removed: int


def install(board: Board, items: list[Item]) -> Result:
    """Make the board have these files; send only those that differ, verify what was sent."""
    for folder in _folders(items):
        board.make_folder(folder)
    different = [item for item in items if board.sha256(item.path) != item.sha256]
    removed = 0
    with _progress() as progress:
        total = sum(len(item.data) for item in different)
        task = progress.add_task("", total=total)
        done = 0
        for item in different:
            progress.update(task, description=item.path.lstrip("/"))

            def sent(count: int, before: int = done) -> None:
                progress.update(task, completed=before + count)

            board.write_file(item.path, item.data, item.sha256, sent)
            done += len(item.data)
            progress.console.print(f"  sent {item.path} ({len(item.data)} bytes)", highlight=False)
    for item in items:
        if item.twin and board.remove(item.twin):
            removed += 1
            click.echo(f"  removed {item.twin}, it would stand in the way", err=True)
    return Result(len(different), len(items) - len(different), removed)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _folders(items: list[Item]) -> list[str]:
    """Folders that the items need, outer ones first."""
    return sorted({str(p) for item in items for p in PurePosixPath(item.path).parents} - {"/"})


def profile_items(profile: str, compiled: bool) -> list[Item]:
    """The files of manifest.mpf; main.py last, so that a broken-off install does not start."""
    items = [
        _compiled_item(file) if compiled else _source_item(file)
        for file in manifest.read_mpf_manifest(profile)
    ]
    return sorted(items, key=lambda item: (item.path.strip("/") in _ALWAYS_SOURCE, item.path))


def _source_item(file: manifest.DeviceFile) -> Item:
    path = f"/{file.remote}"
    if not (ROOT / file.local).is_file():
        raise ToolError(f"{file.local} is missing: run `make manifests`")
    is_module = path.endswith(".py") and file.remote.name not in _ALWAYS_SOURCE
    twin = f"{path.removesuffix('.py')}.mpy" if is_module else None
    return Item(path, (ROOT / file.local).read_bytes(), twin)


def _compiled_item(file: manifest.DeviceFile) -> Item:
    path = f"/{file.remote}"
    if not path.endswith(".py") or file.remote.name in _ALWAYS_SOURCE or _is_empty(file):
        return _source_item(file)
    return Item(f"{path.removesuffix('.py')}.mpy", compiled_bytes(file), path)


def _is_empty(file: manifest.DeviceFile) -> bool:
    local = ROOT / file.local
    return local.is_file() and not local.stat().st_size


def compiled_bytes(file: manifest.DeviceFile) -> bytes:
    """The .mpy of a module, without line numbers: they take 3.6 KB of the heap of a water tank."""
    compiler = toolchain.mpy_cross()
    if not compiler:
        raise ToolError("mpy-cross is missing: run `make setup`")
    output = (_MPY_FOLDER / file.remote).with_suffix(".mpy")
    output.parent.mkdir(parents=True, exist_ok=True)
    name = toolchain.module_name(file.remote)
    command = [*compiler, "-O3", "-s", name, "-o", str(output), str(ROOT / file.local)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise ToolError(f"{file.local}: mpy-cross says: {result.stderr.strip()}")
    return output.read_bytes()


def _check_mpy_version(board: Board, items: list[Item]) -> None:
    """A board reads only the .mpy version of its firmware (byte 1 of the file)."""
    version = board.run("print(getattr(sys.implementation, '_mpy', 0) & 255)")
    ours = next((item.data[1] for item in items if item.path.endswith(".mpy")), None)
    if ours is not None and version != str(ours):
        has = f"reads .mpy version {version}" if version != "0" else "reads no .mpy files"
        raise ToolError(f"the board's firmware {has}, mpy-cross makes {ours}: leave --mpy out")


def _open_board(params: str | None, wait_s: float) -> Board:
    text = _read(params).decode("utf-8", "replace") if params else None
    board = Board(settings.serial_parameters(text), wait_s)
    click.echo(f"{board.con.name}: {board.sysname}, program interrupted", err=True)
    return board


def _say(result: Result, what: str) -> None:
    click.echo(f"{what}: {result.sent} sent, {result.kept} already there; the board restarts")


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror}") from None


def _problems_text(path: str, problems: list[str]) -> Iterator[str]:
    yield f"{path} is not sent:"
    yield from (f"  {problem.removeprefix('config.txt: ')}" for problem in problems)


def learn_profile(board: Board) -> str | None:
    """What the board's main.py says it is; None if it does not, or we have no such profile."""
    text = (board.head("/main.py") or b"").decode("utf-8", "replace")
    found = re.search(r"\bAppliance\(\s*[\"'](\w+)[\"']", text)
    if not found or found[1] not in profiles():
        return None
    return found[1]


def _board_options(command: Callable) -> Callable:
    """Options of every command that talks to a board."""
    wait = click.option(
        "--wait",
        "wait_s",
        default=ANSWER_LIMIT_S,
        help="Seconds until a board is given up.",
    )
    params = click.option(
        "--params", help="Parameters of the serial line; default: serial_params.txt."
    )
    return wait(params(command))


@click.command()
@click.argument("profile")
@click.option("--mpy", "compiled", is_flag=True, help="Compile first: less flash, faster start.")
@_board_options
def cpall(profile: str, compiled: bool, params: str | None, wait_s: float) -> None:
    """Install PROFILE on the board: everything of its manifest.mpf, never config.txt."""
    items = profile_items(profile, compiled)
    with _open_board(params, wait_s) as board:
        if compiled:
            _check_mpy_version(board, items)
        result = install(board, items)
        has_config = board.sha256(f"/{_CONFIG}") != "-"
    _say(result, profile)
    if not has_config:
        click.echo("The board has no config.txt yet: edit a copy of")
        click.echo(f"profiles/{profile}/config.txt.example and send it with scripts/pcp_conf")


@click.command()
@click.argument("file")
@click.argument("remote", required=False)
@_board_options
def pcp(file: str, remote: str | None, params: str | None, wait_s: float) -> None:
    """Copy FILE to the board, as REMOTE or by its own name; REMOTE/ means into that folder."""
    name = Path(file).name
    target = posixpath.join("/", remote or name)
    target = posixpath.normpath(target + name if target.endswith("/") else target)
    items = [Item(target, _read(file))]
    with _open_board(params, wait_s) as board:
        result = install(board, items)
    _say(result, target)


@click.command("pcp_conf")
@click.argument("file")
@click.option("--profile", help="Check with this profile's keys; default: what the board has.")
@_board_options
def pcp_conf(file: str, profile: str | None, params: str | None, wait_s: float) -> None:
    """Check FILE with the device's own rules, then send it as config.txt."""
    data = _read(file)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ToolError(f"{file}: want UTF-8 text ({error.reason})") from None
    # What is surely wrong is told before the board is disturbed.
    _refuse(file, settings.config_problems(text, profile))
    with _open_board(params, wait_s) as board:
        known = profile or learn_profile(board)
        if known:
            click.echo(f"checked with the keys of {known}", err=True)
            _refuse(file, settings.config_problems(text, known))
        else:
            click.echo("the board has no profile yet: only the common keys are checked", err=True)
        result = install(board, [Item(f"/{_CONFIG}", data)])
    _say(result, _CONFIG)


def _refuse(path: str, problems: list[str]) -> None:
    if problems:
        raise ToolError("\n".join(_problems_text(path, problems)))


@click.command("pcp_main")
@click.argument("file")
@_board_options
def pcp_main(file: str, params: str | None, wait_s: float) -> None:
    """Send FILE as the board's main.py."""
    data = _read(file)
    try:
        ast.parse(data, file)
    except (SyntaxError, ValueError) as error:
        raise ToolError(f"{file} is not sent: {error}") from None
    with _open_board(params, wait_s) as board:
        result = install(board, [Item("/main.py", data)])
    _say(result, "main.py")
