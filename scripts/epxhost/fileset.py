"""A file set: everything that one of /a and /b of a device holds, and set.txt, the list of it."""

import hashlib
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from epxhost import constfold, manifest, toolchain
from epxhost.door import ROOT
from epxhost.errors import ToolError

LIST = "set.txt"
# The loader imports these by name; as source they can be read, and changed, on the device.
_ALWAYS_SOURCE = ("boot.py", "main.py")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Entry(NamedTuple):
    sha256: str  # in hex
    size: int


class SetList(NamedTuple):
    """What set.txt says. mpy: the version of .mpy files that it needs, 0 if it is all source."""

    profile: str
    version: int
    mpy: int
    entries: dict[str, Entry]

    def text(self) -> str:
        head = f"profile {self.profile}\nversion {self.version}\nmpy {self.mpy}\n"
        files = sorted(self.entries.items())
        return head + "".join(f"{e.sha256} {e.size} {path}\n" for path, e in files)


class FileSet(NamedTuple):
    """The files themselves, by their path in the set."""

    profile: str
    version: int
    mpy: int
    files: dict[str, bytes]

    def list(self) -> SetList:
        entries = {path: entry(data) for path, data in self.files.items()}
        return SetList(self.profile, self.version, self.mpy, entries)

    def text(self) -> str:
        """set.txt of this set."""
        return self.list().text()

    def size(self) -> int:
        return sum(len(data) for data in self.files.values())


def entry(data: bytes) -> Entry:
    return Entry(hashlib.sha256(data).hexdigest(), len(data))


def from_repository(profile: str, compiled: bool = False, root: Path = ROOT) -> FileSet:
    """What manifest.ota of the profile names; compiled: modules as .mpy."""
    version, listed = manifest.read_manifest(profile, root)
    files = {}
    for file in listed:
        if not (root / file.local).is_file():
            raise ToolError(f"{file.local} is missing: run `make manifests`")
    texts = folded_texts(listed, root) if compiled else {}
    for file in listed:
        path = file.remote.as_posix()
        # An empty __init__.py compiled would only be larger.
        if texts.get(file) and _is_module(path):
            files[f"{path.removesuffix('.py')}.mpy"] = compiled_bytes(file, texts[file])
        else:
            files[path] = (root / file.local).read_bytes()
    return FileSet(profile, version, mpy_version(files), files)


def mpy_version(files: Mapping[str, bytes]) -> int:
    """Byte 1 of the .mpy files: firmware reads no other version than its own. 0: there is none."""
    versions = {data[1] for path, data in files.items() if path.endswith(".mpy")}
    if len(versions) > 1:
        raise ToolError(f"the .mpy files are of different versions: {sorted(versions)}")
    return versions.pop() if versions else 0


def twin(path: str) -> str | None:
    """The same module in the other form, which must not lie beside it; None if it is no module."""
    if path.endswith(".mpy"):
        return f"{path.removesuffix('.mpy')}.py"
    return f"{path.removesuffix('.py')}.mpy" if _is_module(path) else None


def _is_module(path: str) -> bool:
    return path.endswith(".py") and path not in _ALWAYS_SOURCE


def folded_texts(
    files: Iterable[manifest.DeviceFile], root: Path = ROOT
) -> dict[manifest.DeviceFile, str]:
    """What to compile of a whole set: its sources, with the numbers of its constants in them."""
    names = {
        file: toolchain.module_name(file.remote).removesuffix(".__init__")
        for file in files
        if file.remote.suffix == ".py"
    }
    texts = {name: (root / file.local).read_text("utf-8") for file, name in names.items()}
    untouched = [name for file, name in names.items() if not _is_module(file.remote.as_posix())]
    folded = constfold.folded(texts, untouched)
    return {file: folded[name] for file, name in names.items()}


def compiled_bytes(file: manifest.DeviceFile, text: str) -> bytes:
    """The .mpy of a module, without line numbers: they take 3.6 KB of the heap of a water tank."""
    compiler = toolchain.mpy_cross()
    if not compiler:
        raise ToolError("mpy-cross is missing: run `make setup`")
    command = [*compiler, "-O3", "-s", toolchain.module_name(file.remote), "-o", "-", "-"]
    result = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    if result.returncode:
        raise ToolError(f"{file.local}: mpy-cross says: {result.stderr.decode().strip()}")
    return result.stdout


def parse(text: str) -> SetList:
    """The text of a set.txt; ValueError if it is none."""
    head: dict[str, str] = {}
    entries: dict[str, Entry] = {}
    for line in text.splitlines():
        words = line.split(None, 2)
        if len(words) == 2 and not entries:
            head[words[0]] = words[1]
        elif len(words) == 3 and _SHA256.fullmatch(words[0]) and words[1].isdigit():
            entries[words[2]] = Entry(words[0], int(words[1]))
        else:
            raise ValueError(f"{LIST}: want `SHA256 SIZE PATH`, not '{line}'")
    try:
        return SetList(head["profile"], int(head["version"]), int(head["mpy"]), entries)
    except (KeyError, ValueError):
        raise ValueError(f"{LIST}: want lines profile, version, mpy") from None
