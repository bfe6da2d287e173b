"""Unpacks Debian packages into a folder of our own: no root, nothing of the system is touched.

Takes the machine's own apt sources (so no host is named here), replaces the release by one that
has what we need, and lets apt-get work in private directories.
"""

import platform
import re
import shutil
import subprocess
from pathlib import Path

from epxhost.errors import ToolError

# Machine -> (64-bit, 32-bit) architectures of Debian that run on it.
_ARCHITECTURES = {"x86_64": ("amd64", "i386"), "aarch64": ("arm64", "armhf")}
# The oldest release that has MicroPython 1.25, and the older ones that are replaced by it.
_RELEASE = "trixie"
_OLDER_RELEASES = ("buster", "bullseye", "bookworm")
_UPDATE_LIMIT_S = 240
_DOWNLOAD_LIMIT_S = 240
_APT_CONF = """\
Dir::State "{folder}/state";
Dir::State::status "{folder}/state/status";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "{sources}";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "{wide}";
APT::Architectures {{ "{wide}"; "{narrow}"; }};
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""


def architectures() -> tuple[str, str]:
    """Debian's names of this machine's 64-bit and 32-bit builds."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise ToolError("this machine has no apt-get, and no MicroPython in its PATH")
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise ToolError(f"no packages are known for a {machine} machine")
    return _ARCHITECTURES[machine]


def fetch(packages: list[str], target: Path, work: Path, etc: Path = Path("/etc")) -> None:
    """Unpack packages (name:architecture) into target/<architecture>; work is for a while only."""
    wide, narrow = architectures()
    shutil.rmtree(work, ignore_errors=True)
    for name in ("state/lists/partial", "cache/archives/partial", "packages"):
        (work / name).mkdir(parents=True)
    (work / "state/status").touch()
    sources = _write_sources(work, etc)
    conf = work / "apt.conf"
    conf.write_text(_APT_CONF.format(folder=work, sources=sources, wide=wide, narrow=narrow))
    # A failing part (the security suite of a mirror, say) is not fatal: what counts is whether
    # the packages can be downloaded.
    _apt(conf, ["update", "-qq"], _UPDATE_LIMIT_S, work)
    said = _apt(conf, ["download", "-qq", *packages], _DOWNLOAD_LIMIT_S, work / "packages")
    files = sorted((work / "packages").glob("*.deb"))
    if len(files) < len(packages):
        reason = said.strip().splitlines()[0] if said.strip() else "no reason given"
        raise ToolError(f"apt-get could not download all packages: {reason}")
    for file in files:
        folder = target / file.stem.rpartition("_")[2]
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg-deb", "-x", str(file), str(folder)], check=True)
    for folder in target.iterdir():
        for useless in ("usr/share", "usr/lib/systemd", "var", "etc"):
            shutil.rmtree(folder / useless, ignore_errors=True)
    # The lists alone are 40 MB.
    shutil.rmtree(work, ignore_errors=True)


def program(root: Path, name: str) -> list[str] | None:
    """argv prefix that starts bin/name of an unpacked root through its own loader."""
    binary = next(
        (p for p in (root / "usr/bin" / name, root / "usr/sbin" / name) if p.exists()), None
    )
    loader = next(iter(sorted(root.glob("usr/lib*/ld-linux*.so*"))), None)
    libraries = sorted(p for p in root.glob("usr/lib/*-linux-gnu*") if p.is_dir())
    if not binary or not loader or not libraries:
        return None
    path = ":".join(str(p) for p in libraries)
    return [str(loader), "--library-path", path, str(binary)]


def _apt(conf: Path, arguments: list[str], limit_s: float, folder: Path) -> str:
    """What apt-get complains about; empty if nothing."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "APT_CONFIG": str(conf), "LC_ALL": "C"}
    try:
        result = subprocess.run(
            ["apt-get", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ToolError(f"apt-get {arguments[0]} took longer than {limit_s} s") from None
    return result.stderr


def _codename(etc: Path) -> str:
    text = (etc / "os-release").read_text() if (etc / "os-release").exists() else ""
    found = re.search(r"^VERSION_CODENAME=\"?(\w+)", text, re.MULTILINE)
    if not found:
        raise ToolError("/etc/os-release does not name the release")
    return found[1]


def _write_sources(work: Path, etc: Path) -> Path:
    """The machine's own sources of its distribution, for the release we want."""
    own = _codename(etc)
    wanted = _RELEASE if own in _OLDER_RELEASES else own
    apt = etc / "apt"
    stanzas, lines = [], []
    for path in sorted(apt.glob("sources.list.d/*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            stanzas.append(_renamed_stanza(stanza, own, wanted))
    for path in [apt / "sources.list", *sorted(apt.glob("sources.list.d/*.list"))]:
        if path.exists():
            lines += [_renamed_line(line, own, wanted) for line in path.read_text().splitlines()]
    if any(stanzas):
        written = work / "own.sources"
        written.write_text("\n\n".join(s for s in stanzas if s) + "\n")
    elif any(lines):
        written = work / "own.list"
        written.write_text("\n".join(line for line in lines if line) + "\n")
    else:
        raise ToolError(f"no apt source of this machine serves {own}")
    return written


def _is_suite_of(suite: str, release: str) -> bool:
    return suite == release or suite in (f"{release}-updates", f"{release}-security")


def _renamed_stanza(stanza: str, own: str, wanted: str) -> str | None:
    """A stanza of a .sources file for the other release; None if it is not the distribution's."""
    found = re.search(r"^Suites:(.*)$", stanza, re.MULTILINE)
    suites = [s for s in found[1].split() if _is_suite_of(s, own)] if found else []
    if not suites or re.search(r"^Enabled:\s*no", stanza, re.MULTILINE):
        return None
    renamed = " ".join(suite.replace(own, wanted, 1) for suite in suites)
    stanza = re.sub(r"^Suites:.*$", f"Suites: {renamed}", stanza, flags=re.MULTILINE)
    stanza = re.sub(r"^Types:.*$", "Types: deb", stanza, flags=re.MULTILINE)
    # Without this line both architectures are asked for.
    return re.sub(r"^Architectures:.*\n?", "", stanza, flags=re.MULTILINE).strip()


def _renamed_line(line: str, own: str, wanted: str) -> str | None:
    """The same for a one-line source: deb [options] address suite components."""
    found = re.match(r"deb\s+(\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)", line.strip())
    if not found or not _is_suite_of(found[3], own):
        return None
    options = re.sub(r"\barch=\S+?(?=[\s\]])", "", found[1] or "")
    return f"deb {options}{found[2]} {found[3].replace(own, wanted, 1)} {found[4]}"
