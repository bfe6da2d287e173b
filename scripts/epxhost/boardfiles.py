"""Files of a board over its serial port: only what differs is sent, and what was sent is verified.
What the board has elsewhere already, it copies itself."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple, Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class Board(Protocol):
    """What is needed of serialport.Board."""

    def sha256(self, path: str) -> str: ...

    def hashes(self, folder: str) -> dict[str, str]: ...

    def read(self, path: str) -> bytes | None: ...

    def make_folder(self, path: str) -> None: ...

    def remove(self, path: str) -> bool: ...

    def remove_folder(self, path: str) -> None: ...

    def copy_file(self, source: str, path: str, digest: str) -> None: ...

    def write_file(
        self, path: str, data: bytes, digest: str, sent: Callable[[int], None]
    ) -> None: ...

    def forget_failed_boots(self) -> None: ...


class Item(NamedTuple):
    """One file to have on the board; source: where the board has the same content already."""

    path: str
    data: bytes
    source: str | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


class Result(NamedTuple):
    sent: int = 0
    kept: int = 0
    copied: int = 0

    def words(self) -> str:
        copied = f"{self.copied} copied on the board, " if self.copied else ""
        return f"{self.sent} sent, {copied}{self.kept} already there"


def install(board: Board, items: list[Item]) -> Result:
    """Make the board have these files."""
    make_folders(board, items)
    different = [item for item in items if board.sha256(item.path) != item.sha256]
    put(board, different)
    return Result(len(different), len(items) - len(different))


def put(board: Board, items: list[Item]) -> None:
    """Write them all, in this order; their folders are there. Each takes its place when it is
    whole and its hash, read back, is right."""
    with _progress() as progress:
        total = sum(len(item.data) for item in items)
        task = progress.add_task("", total=total)
        done = 0
        for item in items:
            progress.update(task, description=item.path.lstrip("/"))

            def sent(count: int, before: int = done) -> None:
                progress.update(task, completed=before + count)

            if item.source:
                board.copy_file(item.source, item.path, item.sha256)
                how = "copied"
            else:
                board.write_file(item.path, item.data, item.sha256, sent)
                how = "sent"
            done += len(item.data)
            progress.update(task, completed=done)
            progress.console.print(f"  {how} {item.path} ({len(item.data)} bytes)")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False),
        transient=True,
    )


def make_folders(board: Board, items: list[Item]) -> None:
    for folder in folders(item.path for item in items):
        board.make_folder(folder)


def folders(paths: Iterator[str]) -> list[str]:
    """Folders that files with these paths need, outer ones first."""
    return sorted({str(p) for path in paths for p in PurePosixPath(path).parents} - {"/"})


def remove_stale(board: Board, there: dict[str, str], wanted: set[str]) -> None:
    """Of what is there (see Board.hashes) remove all but the files wanted and their folders."""
    needed = set(folders(iter(wanted)))
    stale = [path for path in there if not path.endswith("/") and path not in wanted]
    for path in stale:
        board.remove(path)
    if stale:
        more = f" and {len(stale) - 1} more" if len(stale) > 1 else ""
        click.echo(f"  removed {stale[0]}{more}", err=True)
    empty = [path[:-1] for path in there if path.endswith("/") and path[:-1] not in needed]
    for folder in sorted(empty, reverse=True):
        board.remove_folder(folder)
