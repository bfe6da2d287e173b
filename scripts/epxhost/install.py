"""Serial install: cpall, pcp, pcp_conf, pcp_main."""

import ast
import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from epxhost import boardsets, fileset, manifest, secretsfile, settings
from epxhost.boardfiles import Item, Result, install
from epxhost.errors import ToolError
from epxhost.fileset import FileSet
from epxhost.serialport import ANSWER_LIMIT_S, Board

_CONFIG = "config.txt"
_OLD_CONFIG = "/config.old"
_MAIN = "main.py"
# Of a file set; what is put there by hand would be lost, or lead astray.
_KEPT_OUT = (fileset.LIST, _CONFIG)


def _check_mpy_version(board: Board, wanted: FileSet) -> None:
    """A board reads only the .mpy version of its firmware."""
    version = board.run("print(getattr(sys.implementation, '_mpy', 0) & 255)")
    if wanted.mpy and version != str(wanted.mpy):
        has = f"reads .mpy version {version}" if version != "0" else "reads no .mpy files"
        raise ToolError(
            f"the board's firmware {has}, mpy-cross makes {wanted.mpy}: leave --mpy out"
        )


def _open_board(params: str | None, wait_s: float) -> Board:
    text = _read(params).decode("utf-8", "replace") if params else None
    board = Board(settings.serial_parameters(text), wait_s)
    click.echo(f"{board.con.name}: {board.sysname}, program interrupted", err=True)
    # Somebody is at the bench. What is interrupted here is no boot that failed.
    board.forget_failed_boots()
    return board


def _say(result: Result, what: str) -> None:
    click.echo(f"{what}: {result.words()}; the board restarts")


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror}") from None


def _problems_text(path: str, problems: list[str]) -> Iterator[str]:
    yield f"{path} is not sent:"
    yield from (f"  {problem.removeprefix('config.txt: ')}" for problem in problems)


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
@click.option("--force", is_flag=True, help="Replace the loader on the board, too.")
@_board_options
def cpall(profile: str, compiled: bool, force: bool, params: str | None, wait_s: float) -> None:
    """Install PROFILE on the board: into the file set that does not run; never config.txt."""
    wanted = fileset.from_repository(profile, compiled)
    rescue = manifest.rescue_files()
    with _open_board(params, wait_s) as board:
        _check_mpy_version(board, wanted)
        config = (board.read(f"/{_CONFIG}") or b"").decode("utf-8", "replace")
        pins = settings.safe_pins(profile, config)
        name, result = boardsets.Installer(board, wanted, pins, rescue, force).run()
        has_config = board.sha256(f"/{_CONFIG}") != "-"
    _say(result, f"{profile} version {wanted.version}, set {name}")
    if not has_config:
        click.echo("The board has no config.txt yet: edit a copy of")
        click.echo(f"profiles/{profile}/config.txt.example and send it with scripts/pcp_conf")


@click.command()
@click.argument("file")
@click.argument("remote", required=False)
@click.option("--force", is_flag=True, help="Even if REMOTE is a file of the loader.")
@_board_options
def pcp(file: str, remote: str | None, force: bool, params: str | None, wait_s: float) -> None:
    """Copy FILE to the board, as REMOTE or by its own name; REMOTE/ means into that folder.

    A relative REMOTE is in the file set that runs, one that begins with / is what it says.
    """
    name = Path(file).name
    target = remote or name
    target += name if target.endswith("/") else ""
    absolute = target.startswith("/")
    path = posixpath.normpath(f"/{target}").lstrip("/")
    if absolute:
        _refuse_reserved(f"/{path}", force)
    elif path in _KEPT_OUT or path.startswith("new/"):
        raise ToolError(
            f"{path} of a file set is not for pcp: config.txt goes with scripts/pcp_conf, "
            "programs with scripts/cpall"
        )
    data = _read(file)
    with _open_board(params, wait_s) as board:
        if absolute:
            where, result = f"/{path}", install(board, [Item(f"/{path}", data)])
        else:
            where, result = _into_running_set(board, path, data, force)
    _say(result, where)


def _refuse_reserved(path: str, force: bool) -> None:
    if boardsets.is_reserved(path) and not force:
        raise ToolError(f"{path} belongs to the loader: --force if you are sure")


def _into_running_set(board: Board, path: str, data: bytes, force: bool) -> tuple[str, Result]:
    """Where the file went, and how."""
    running = boardsets.read_running(board)
    if running:
        where = f"/{running.name}/{path}"
        return where, boardsets.send_into_set(board, running.name, path, data)
    click.echo("the board has no file sets yet: the root is meant", err=True)
    if boardsets.has_loader(board):
        _refuse_reserved(f"/{path}", force)
    return f"/{path}", install(board, [Item(f"/{path}", data)])


@click.command("pcp_conf")
@click.argument("file")
@click.option("--profile", help="Check with this profile's keys; default: what the board has.")
@click.option("--new-otakey", is_flag=True, help="Make a key for updates first, into FILE.")
@click.option("--new-psk", is_flag=True, help="Make the secret of a radio group, into FILE.")
@_board_options
def pcp_conf(
    file: str,
    profile: str | None,
    new_otakey: bool,
    new_psk: bool,
    params: str | None,
    wait_s: float,
) -> None:
    """Check FILE with the device's own rules, then send it as config.txt."""
    text = _text(file)
    more = _new_otakey_line(file, text) if new_otakey else ""
    more += _new_psk_line(file, text) if new_psk else ""
    more = f"\n{more}" if more and text and not text.endswith("\n") else more
    text += more
    # What is surely wrong is told before FILE is changed, or the board disturbed.
    _refuse(file, settings.config_problems(text, profile))
    name, otakey = settings.name_and_otakey(text)
    if otakey and name:
        secretsfile.check()
    if more:
        _append(file, more)
    with _open_board(params, wait_s) as board:
        known = profile or boardsets.learn_profile(board)
        if known:
            click.echo(f"checked with the keys of {known}", err=True)
            _refuse(file, settings.config_problems(text, known))
        else:
            click.echo("the board has no profile yet: only the common keys are checked", err=True)
        result = install(board, [Item(f"/{_CONFIG}", text.encode("utf-8"))])
        if board.remove(_OLD_CONFIG):
            click.echo("  the config.txt that was on trial is gone, this one stays", err=True)
        if known and settings.pins_follow_config(known):
            boardsets.send_pins(board, settings.safe_pins(known, text))
    # Only now: until the board has the new key, the tools need the one that they know.
    if otakey and name and secretsfile.keep_otakey(name, otakey):
        click.echo(f"{secretsfile.NAME} keeps the otakey of {name} for the tools", err=True)
    _say(result, _CONFIG)


def _text(file: str) -> str:
    try:
        return _read(file).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ToolError(f"{file}: want UTF-8 text ({error.reason})") from None


def _new_otakey_line(file: str, text: str) -> str:
    """What to add to the text."""
    if any(line.split()[:1] == ["otakey"] for line in text.splitlines()):
        raise ToolError(
            f"{file} has a line otakey: scripts/pcp_conf without --new-otakey sends and keeps it; "
            "for another key remove that line first"
        )
    if not settings.name_and_otakey(text)[0]:
        raise ToolError(f"{file}: updates need a line mqttname, by which the tools find the key")
    return f"otakey {secretsfile.new_otakey()}\n"


def _new_psk_line(file: str, text: str) -> str:
    if any(line.split()[:1] == ["espnowpsk"] for line in text.splitlines()):
        raise ToolError(
            f"{file} has a line espnowpsk: scripts/pcp_conf without --new-psk sends it; "
            "for another secret remove that line first, and give it to the whole group"
        )
    return f"espnowpsk {secretsfile.new_otakey()}\n"


def _append(file: str, more: str) -> None:
    try:
        with Path(file).open("ab") as output:
            output.write(more.encode("utf-8"))
    except OSError as error:
        raise ToolError(f"{file}: {error.strerror}") from None


def _refuse(path: str, problems: list[str]) -> None:
    if problems:
        raise ToolError("\n".join(_problems_text(path, problems)))


@click.command("pcp_main")
@click.argument("file")
@_board_options
def pcp_main(file: str, params: str | None, wait_s: float) -> None:
    """Send FILE as main.py of the file set that runs."""
    data = _read(file)
    try:
        ast.parse(data, file)
    except (SyntaxError, ValueError) as error:
        raise ToolError(f"{file} is not sent: {error}") from None
    with _open_board(params, wait_s) as board:
        where, result = _into_running_set(board, _MAIN, data, False)
    _say(result, where)
