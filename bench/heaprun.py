"""A device whose live heap is looked at while it lives: bench/device/heap.py as a process.

The interpreter's table of names doubles when it is full, and there the names of the mocks are in
it, too. In each sample it counts with what it would take on a board with the profile's names
only: pieces of 20, 40, 80, ... entries.
"""

import os
import queue
import re
import subprocess
import threading
import time
from pathlib import Path
from typing import Self

from epxhost.appliance_process import compiled_tree
from epxhost.door import ROOT
from epxhost.errors import ToolError

PROGRAM = ROOT / "bench" / "device" / "heap.py"
LIMIT_S = 90.0
POWER_ON, DEEPSLEEP = 1, 4
# MicroPython, py/qstr.c: pointer, hash and length of an entry; the head of a piece.
_ENTRY_BYTES = 7
_PIECE_BYTES = 32
_FIRST_ENTRIES = 20


def table_bytes(names: int) -> int:
    """What a board's table of so many names takes, without their texts."""
    taken = room = 0
    entries = _FIRST_ENTRIES
    while room < names:
        room += entries
        taken += entries * _ENTRY_BYTES + _PIECE_BYTES
        entries *= 2
    return taken


class HeapRun:
    """samples: bytes of heap, the first one when constructed. folder keeps its flash, NVRAM and
    RTC memory, for the next one. ether, mac: as those of ApplianceProcess."""

    def __init__(
        self,
        interpreter: list[str],
        profile: str,
        folder: Path,
        config: str,
        cause: int = POWER_ON,
        ether: int = 0,
        mac: str = "",
    ) -> None:
        self.samples: list[int] = []
        self.console = ""
        self._tables: list[tuple[int, int]] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        folder.mkdir(exist_ok=True)
        (folder / "config.txt").write_text(config)
        where = [profile, str(folder), str(compiled_tree(profile)), str(cause)]
        radio = {"EPX_ETHER": str(ether), "EPX_MAC": mac} if ether else {}
        self._process = subprocess.Popen(
            [*interpreter, str(PROGRAM), "boot", *where],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | radio,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.put(line.rstrip())
        self._lines.put(None)

    def wait_for(self, text: str, limit_s: float = LIMIT_S) -> None:
        """For a line with this text."""
        end = time.monotonic() + limit_s
        while text not in self._next(end, text):
            pass

    def wait_for_samples(self, count: int) -> None:
        """For so many more."""
        for _ in range(count):
            self.wait_for("heap ")

    def catch_up(self) -> None:
        """Read what waits."""
        while not self._lines.empty():
            self._next(time.monotonic() + LIMIT_S, "more")

    def _next(self, end: float, wanted: str) -> str:
        try:
            line = self._lines.get(timeout=max(0, end - time.monotonic()))
        except queue.Empty:
            line = None
        if line is None:
            raise ToolError(f"'{wanted}' does not come:\n{self.console}")
        if found := re.match(r"qstr .*n_qstr=(\d+), n_str_data_bytes=(\d+), .*=(\d+)", line):
            names, texts, all_ = map(int, found.groups())
            self._tables = [*self._tables[:1], (names, all_ - texts)]
        elif line.startswith("heap "):
            (names_before, before), (names, now) = self._tables
            grown = now - before
            self.samples.append(int(line.split()[1]) - grown + table_bytes(names - names_before))
        else:
            self.console += line + "\n"
        return line
