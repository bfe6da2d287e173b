"""Which files a profile needs on the device: boot.py, main.py and whatever they import."""

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import click

from epxhost.devicelib import profiles
from epxhost.door import ROOT
from epxhost.errors import ToolError

_SHIP = "# ship:"


class DeviceFile(NamedTuple):
    """local is relative to the root of the repository, remote to the root of the device."""

    local: PurePosixPath
    remote: PurePosixPath


def device_files(profile: str, root: Path = ROOT) -> list[DeviceFile]:
    """Follow the imports of boot.py and main.py, those inside functions too, through lib/."""
    folder = PurePosixPath("profiles", profile)
    if not (root / folder / "main.py").exists():
        known = ", ".join(profiles()) or "none yet"
        raise ToolError(f"no profile '{profile}' (there is: {known})")
    found: set[PurePosixPath] = set()
    to_visit = [folder / "main.py"]
    if (root / folder / "boot.py").exists():
        to_visit.append(folder / "boot.py")
    while to_visit:
        path = to_visit.pop()
        if path in found:
            continue
        found.add(path)
        if path.suffix == ".py":
            to_visit.extend(_needed_by(root, path))
    return sorted(
        DeviceFile(path, path.relative_to(folder) if path.is_relative_to(folder) else path)
        for path in found
    )


def folders(files: list[DeviceFile]) -> list[str]:
    """Device folders that must exist, outer ones first."""
    return sorted({p.as_posix() for f in files for p in f.remote.parents} - {"."})


def ota_manifest(files: list[DeviceFile]) -> str:
    """Lines `local remote`."""
    return "".join(f"{f.local} {f.remote}\n" for f in files)


def mpf_manifest(files: list[DeviceFile]) -> str:
    """A script for mpfshell, to be run in the root of the repository."""
    made = "".join(f"md /{folder}\n" for folder in folders(files))
    return made + "".join(f"put {f.local} /{f.remote}\n" for f in files)


def read_mpf_manifest(profile: str, root: Path = ROOT) -> list[DeviceFile]:
    """The files that manifest.mpf of this profile puts on the device."""
    path = root / "profiles" / profile / "manifest.mpf"
    if not path.exists():
        device_files(profile, root)  # says so if there is no such profile
        raise ToolError(f"profiles/{profile}/manifest.mpf is missing: run `make manifests`")
    files = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match line.split():
            case [] | ["md", _]:
                pass
            case ["put", local, remote]:
                files.append(DeviceFile(PurePosixPath(local), PurePosixPath(remote.lstrip("/"))))
            case _:
                raise ToolError(f"{path}:{number}: want `md FOLDER` or `put LOCAL REMOTE`")
    return files


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


def _imports(text: str, path: PurePosixPath) -> Iterator[tuple[int, str, bool]]:
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
    for main in sorted((root / "profiles").glob("*/main.py")):
        files = device_files(main.parent.name, root)
        wanted[main.with_name("manifest.mpf")] = mpf_manifest(files)
        wanted[main.with_name("manifest.ota")] = ota_manifest(files)
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
