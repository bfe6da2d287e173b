"""Which files a device needs: of a profile boot.py, main.py and whatever they import; of the
loader its two doors, its modules, and what the rescue program imports."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import click

from epxhost.devicelib import profiles
from epxhost.door import ROOT
from epxhost.errors import ToolError
from epxhost.strip import stripped

_SHIP = "# ship:"
_VERSION = "# version "
_LOADER = "loader"


class DeviceFile(NamedTuple):
    """local is relative to the root of the repository, remote to the file set on the device."""

    local: PurePosixPath
    remote: PurePosixPath


class Manifest(NamedTuple):
    version: int
    files: list[DeviceFile]


def version(root: Path = ROOT) -> int:
    """What the file VERSION says: it rises with each release, an update never lowers it."""
    try:
        text = (root / "VERSION").read_text()
    except OSError as error:
        raise ToolError(f"VERSION: {error.strerror}") from None
    if not text.strip().isdigit():
        raise ToolError("VERSION: want an integer")
    return int(text)


def device_files(profile: str, root: Path = ROOT) -> list[DeviceFile]:
    """Follow the imports of boot.py and main.py, those inside functions too, through lib/."""
    folder = PurePosixPath("profiles", profile)
    if not (root / folder / "main.py").exists():
        known = ", ".join(profiles()) or "none yet"
        raise ToolError(f"no profile '{profile}' (there is: {known})")
    first = [folder / "main.py"]
    if (root / folder / "boot.py").exists():
        first.append(folder / "boot.py")
    loader = PurePosixPath("lib", _LOADER)
    return sorted(
        DeviceFile(path, path.relative_to(folder) if path.is_relative_to(folder) else path)
        for path in _followed(first, root)
        # It is on every device already, outside of the file sets.
        if not path.is_relative_to(loader)
    )


def rescue_files(root: Path = ROOT) -> dict[str, bytes]:
    """Path on the device and content of what no update ever touches: the loader with its doors,
    and the rescue program with all that it imports. Stripped source, for any firmware."""
    folder = PurePosixPath("lib", _LOADER)
    first = [path.relative_to(root) for path in (root / folder).glob("*.py")]
    found = {}
    for path in sorted(_followed([PurePosixPath(p) for p in first], root)):
        inside = path.relative_to("lib")
        remote = inside if path.is_relative_to(folder) else PurePosixPath(_LOADER, path)
        found[f"/{remote}"] = _stripped_file(root, path)
    for name in ("boot.py", "main.py"):
        found[f"/{name}"] = _stripped_file(root, folder / "doors" / name)
    return found


def _stripped_file(root: Path, path: PurePosixPath) -> bytes:
    try:
        source = (root / path).read_bytes()
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror}") from None
    return stripped(source, str(path))


def _followed(to_visit: list[PurePosixPath], root: Path) -> set[PurePosixPath]:
    """These files and whatever of ours they import, wherever in them."""
    found: set[PurePosixPath] = set()
    while to_visit:
        path = to_visit.pop()
        if path in found:
            continue
        found.add(path)
        if path.suffix == ".py":
            to_visit.extend(_needed_by(root, path))
    return found


def folders(files: list[DeviceFile]) -> list[str]:
    """Device folders that must exist, outer ones first."""
    return sorted({p.as_posix() for f in files for p in f.remote.parents} - {"."})


def ota_manifest(files: list[DeviceFile], number: int) -> str:
    """Lines `local remote`; what cpall and ota send into a file set."""
    return f"{_VERSION}{number}\n" + "".join(f"{f.local} {f.remote}\n" for f in files)


def mpf_manifest(files: list[DeviceFile], number: int) -> str:
    """A script for mpfshell, to be run in the root of the repository."""
    made = "".join(f"md /{folder}\n" for folder in folders(files))
    return f"{_VERSION}{number}\n{made}" + "".join(f"put {f.local} /{f.remote}\n" for f in files)


def read_manifest(profile: str, root: Path = ROOT) -> Manifest:
    """What manifest.ota of this profile says."""
    path = root / "profiles" / profile / "manifest.ota"
    if not path.exists():
        device_files(profile, root)  # says so if there is no such profile
        raise ToolError(f"profiles/{profile}/manifest.ota is missing: run `make manifests`")
    first, *lines = path.read_text().splitlines() or [""]
    number = first.removeprefix(_VERSION)
    if not number.isdigit():
        raise ToolError(f"{path}: names no version: run `make manifests`")
    files = []
    for line_number, line in enumerate(lines, 2):
        words = line.split()
        if len(words) != 2:
            raise ToolError(f"{path}:{line_number}: want `LOCAL REMOTE`")
        files.append(DeviceFile(PurePosixPath(words[0]), PurePosixPath(words[1])))
    return Manifest(int(number), files)


def _needed_by(root: Path, path: PurePosixPath) -> Iterator[PurePosixPath]:
    """Files of ours that this file imports, or names in a line `# ship: PATH`."""
    text = (root / path).read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith(_SHIP):
            shipped = path.parent / line.removeprefix(_SHIP).strip()
            if not (root / shipped).is_file():
                raise ToolError(f"{path}: ships {shipped}, which does not exist")
            yield shipped
    for line_number, module, must_exist in _imports(text, path):
        found = list(_files_of(root, module))
        if must_exist and not found and (root / "lib" / module.split(".")[0]).is_dir():
            raise ToolError(f"{path}:{line_number}: lib/ has no module {module}")
        yield from found


@functools.cache  # most files are common to all profiles
def _imports(text: str, path: PurePosixPath) -> tuple[tuple[int, str, bool], ...]:
    return tuple(_walk_imports(text, path))


def _walk_imports(text: str, path: PurePosixPath) -> Iterator[tuple[int, str, bool]]:
    """(line, module, it is surely a module); of `from a import b`, a.b may be a plain name."""
    for node in ast.walk(ast.parse(text, str(path))):
        match node:
            case ast.Import():
                yield from ((node.lineno, alias.name, True) for alias in node.names)
            case ast.ImportFrom(level=0):
                yield node.lineno, node.module, True
                yield from (
                    (node.lineno, f"{node.module}.{alias.name}", False) for alias in node.names
                )
            case ast.ImportFrom():
                raise ToolError(f"{path}:{node.lineno}: import absolutely: from epx.loop import …")
            case ast.Call(
                func=ast.Name(id="__import__"), args=[ast.Constant(value=str(name)), *_]
            ):
                yield node.lineno, name, True


def _files_of(root: Path, module: str) -> Iterator[PurePosixPath]:
    """The module's file, if it is ours, and the __init__.py of each package above it."""
    base = PurePosixPath("lib", *module.split("."))
    file = base.with_name(base.name + ".py")
    if (root / file).exists():
        yield file
    elif not (root / base / "__init__.py").exists():
        return
    for package in (base, *base.parents):
        if (root / package / "__init__.py").exists():
            yield package / "__init__.py"


def stale_manifests(root: Path = ROOT) -> dict[Path, str]:
    """Manifests that are not what the imports say: path and what it should hold."""
    wanted = {}
    number = version(root)
    for main in sorted((root / "profiles").glob("*/main.py")):
        files = device_files(main.parent.name, root)
        wanted[main.with_name("manifest.mpf")] = mpf_manifest(files, number)
        wanted[main.with_name("manifest.ota")] = ota_manifest(files, number)
    return {p: t for p, t in wanted.items() if not p.exists() or p.read_text() != t}


@click.command()
@click.option("--check", is_flag=True, help="write nothing; status 1 if a manifest is stale")
def manifests(check: bool) -> None:
    """Write manifest.mpf and manifest.ota of each profile from the imports of its main.py."""
    stale = stale_manifests()
    names = ", ".join(path.relative_to(ROOT).as_posix() for path in stale)
    if check and stale:
        raise ToolError(f"run `make manifests`, stale: {names}")
    for path, text in stale.items():
        path.write_text(text)
    click.echo(f"written: {names}" if stale else "all manifests are fresh")
