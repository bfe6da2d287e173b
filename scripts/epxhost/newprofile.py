"""`new_profile NAME`: a profile that works, to become another one; see docs/new-profile.md."""

import keyword
import re
import sys
from pathlib import Path

import click

from epxhost import docs, manifest
from epxhost.devicelib import profiles
from epxhost.door import ROOT
from epxhost.errors import ToolError
from epxhost.skeleton import FILES

# A package and folders are called so, and a path on the device has its limit.
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 16
# Where a row of README.md's list of profiles begins.
_ROW = "| ["


def skeleton(name: str) -> dict[str, str]:
    """Path and text of each file that is written, those excepted that are made of the others."""
    title = "".join(word.capitalize() for word in name.split("_"))
    return {
        path.replace("NAME", name): text.replace("NAME", name).replace("TITLE", title)
        for path, text in FILES.items()
    }


def _refuse_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise ToolError(
            f"'{name}' is no name for a profile: want up to {_LONGEST} letters a to z and digits, "
            "a letter first, _ only between them"
        )
    if name in profiles():
        raise ToolError(f"there is a profile '{name}' already")
    if keyword.iskeyword(name) or name in _taken_modules():
        raise ToolError(f"'{name}' is what a module or a word of Python is called: take another")


def _taken_modules() -> set[str]:
    """What `import NAME` finds already, on the board, in the simulator or on the PC."""
    ours = {path.stem for folder in ("lib", "testmock") for path in (ROOT / folder).iterdir()}
    board = {path.stem for path in (ROOT / "testmock").glob("*/*.py")}
    return {*sys.stdlib_module_names, *ours, *board, "boot", "main", "micropython"}


def _readme_with(name: str) -> str:
    """README.md with a row more in its list of profiles."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines(keepends=True)
    rows = [i for i, line in enumerate(lines) if line.startswith(_ROW) and "/profiles/" in line]
    if not rows:
        raise ToolError("README.md has no list of profiles any more")
    about = "what it is, in a few words"
    lines.insert(rows[-1] + 1, f"| [{name}](docs/profiles/{name}.md) | {about} | new |\n")
    return "".join(lines)


@click.command()
@click.argument("name")
def new_profile(name: str) -> None:
    """Write a working skeleton of a profile: program, tables, simulated hardware, a story."""
    _refuse_name(name)
    files = skeleton(name)
    there = [path for path in files if (ROOT / path).exists()]
    if there:
        raise ToolError(f"there is {there[0]} already; nothing was written")
    files["README.md"] = _readme_with(name)
    for path, text in files.items():
        _write(ROOT / path, text)
    folder = ROOT / "profiles" / name
    for path, text in manifest.stale_manifests().items():
        if path.parent == folder:
            _write(path, text)
    page = Path("docs", "profiles", f"{name}.md")
    _write(ROOT / page, docs.pages()[page])
    click.echo(
        f"written: profiles/{name}, lib/{name}, testsuite/{name}_runs, {page}, a row in README.md"
    )
    click.echo(f"next: scripts/runtest {name}_runs, then docs/new-profile.md")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
