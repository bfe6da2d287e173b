"""A profile that runs on this PC in real time: real sockets, simulated hardware."""

import hashlib
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path, PurePosixPath

from epxhost import fileset, hardware, manifest, toolchain
from epxhost.door import ROOT
from epxhost.errors import ToolError
from epxhost.manifest import DeviceFile

_PREFIX = "#! "
# testmock/control.py: RESET_STATUS.
_RESET_STATUS = 42
_WATCHDOG_CAUSE = 3
_DEEPSLEEP_CAUSE = 4
_STOP_LIMIT_S = 2.0
# As long as a board needs to boot; it also keeps one that resets at once from eating the PC.
_BOOT_S = 0.3
# What a device in real time needs of testmock/, besides models.
_MOCKS = (
    "analog", "bench", "cable", "control", "esp32", "espnow", "flashmap", "machine",
    "machine_rare", "mounted", "network", "onewire", "partition", "radio", "realether",
    "realtime", "rmtrx", "shifted", "wired",
)  # fmt: skip


class ApplianceProcess:
    """One device; it starts again by itself when it resets.

    events is a queue of (kind, value): ("console", line), ("state", {what: value}) with what one
    of pins, wifi, picture, error, reset, quit, and ("exit", status) when it has ended for good.
    interpreter is the beginning of a MicroPython command line, None: this Python. installed: the
    program is what cpall would put into the device (compiled: modules as .mpy), in folder, and
    is what updates change; a folder that has one already stays as it is. port: of this computer,
    for updates, and speed: of the device's clock, both on MicroPython only (testmock/shifted.py).
    ether: the port of an EtherHub, mac: in hex, different for each device there. A device in deep
    sleep starts again after the time that it wants, but longest_sleep_s at most.
    """

    def __init__(
        self,
        profile: str,
        config_text: str,
        interpreter: list[str] | None = None,
        folder: Path | None = None,
        cause: int = 2,
        installed: bool = False,
        version: int | None = None,
        compiled: bool = False,
        port: int | None = None,
        speed: int = 1,
        ether: int | None = None,
        mac: str | None = None,
        longest_sleep_s: float | None = None,
    ) -> None:
        assert interpreter or not port
        self._radio = {"EPX_ETHER": str(ether)} if ether else {}
        self._radio |= {"EPX_MAC": mac} if mac else {}
        self._longest_sleep_s = longest_sleep_s
        self.slept_ms: list[int | None] = []
        self._shift = [str(port), str(speed)] if port else []
        self.events: queue.Queue[tuple[str, object]] = queue.Queue()
        self.resets: list[int] = []
        self._profile = profile
        self._temporary = None
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="epx-")
            folder = Path(self._temporary.name) / "flash"
        self.folder = folder.absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        if installed and not (self.folder / "boot.py").exists():
            install_folder(self.folder, profile, version, compiled)
        (self.folder / "config.txt").write_text(config_text)
        self._interpreter = interpreter
        self._code = compiled_tree(profile) if interpreter else ROOT
        self._stop_called = threading.Event()
        self._lock = threading.Lock()
        self._process = self._start(cause)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def command(self, line: str) -> None:
        """Tell the hardware something, e.g. "set flow.rate_hz 4.8" (see testmock/realtime.py)."""
        with self._lock:
            try:
                assert self._process.stdin
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()
            except (OSError, ValueError):
                pass

    def stop(self) -> None:
        """End it, whatever it does."""
        self._stop_called.set()
        with self._lock:
            self._process.kill()
        self._thread.join(_STOP_LIMIT_S)
        if self._temporary:
            self._temporary.cleanup()

    def __enter__(self) -> "ApplianceProcess":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _start(self, cause: int) -> subprocess.Popen:
        program = self._interpreter or [sys.executable]
        module = "testmock.shifted" if self._shift else "testmock.realtime"
        arguments = [*self._shift, self._profile, str(self.folder), str(self._code), str(cause)]
        return subprocess.Popen(
            [*program, "-m", module, *arguments],
            cwd=self._code,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            bufsize=1,
            env=dict(os.environ, PYTHONUNBUFFERED="1", **self._radio),
        )

    def _watch(self) -> None:
        while True:
            cause = self._read()
            status = self._process.wait()
            expected = status == _RESET_STATUS or cause == _WATCHDOG_CAUSE
            if self._stop_called.is_set() or not expected:
                self.events.put(("exit", status))
                return
            if cause == _DEEPSLEEP_CAUSE:
                self._stop_called.wait(self._sleep_s(self.slept_ms[-1]))
            else:
                self.resets.append(cause)
            time.sleep(_BOOT_S)
            with self._lock:
                if not self._stop_called.is_set():
                    self._process = self._start(cause)

    def _sleep_s(self, ms: int | None) -> float | None:
        """None: until it is stopped."""
        times = [ms / 1000] if ms is not None else []
        times += [self._longest_sleep_s] if self._longest_sleep_s is not None else []
        return min(times, default=None)

    def _read(self) -> int:
        """Hand on all lines of one run; the cause of the reset that ended it, or 0."""
        cause = 0
        self._display = hardware.display()
        self._picture = ""
        assert self._process.stdout
        for text in self._process.stdout:
            line = text.rstrip("\n")
            if not line.startswith(_PREFIX):
                self.events.put(("console", line))
                continue
            state = json.loads(line[len(_PREFIX) :])
            if "display" in state:
                self._draw(bytes.fromhex(state["display"]))
                continue
            self.events.put(("state", state))
            if "deepsleep" in state:
                cause = _DEEPSLEEP_CAUSE
                self.slept_ms.append(state["deepsleep"])
            if "reset" in state:
                cause = state["reset"]
                if cause == _WATCHDOG_CAUSE:
                    self._process.kill()
        return cause

    def _draw(self, data: bytes) -> None:
        """Bytes on their way to the display: let its model here decode them."""
        self._display.i2c_write(data)
        picture = self._display.picture().hex()
        if picture != self._picture:
            self._picture = picture
            self.events.put(("state", {"picture": picture}))


def install_folder(
    folder: Path, profile: str, version: int | None = None, compiled: bool = False
) -> None:
    """Make a folder what a new device is after cpall: loader, rescue program, set a."""
    chosen = fileset.from_repository(profile, compiled)
    if version is not None:
        chosen = chosen._replace(version=version)
    files = {path.lstrip("/"): data for path, data in manifest.rescue_files().items()}
    files |= {f"a/{path}": data for path, data in chosen.files.items()}
    files[f"a/{fileset.LIST}"] = chosen.text().encode()
    files["running.txt"] = b"a confirmed\n"
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def compiled_tree(profile: str) -> Path:
    """The files of a profile and the mocks under build/mpy/<profile>/, compiled as for a board."""
    if toolchain.mpy_cross() is None:
        raise ToolError(f"no mpy-cross: {toolchain.why_not('mpy-cross')}")
    tree = ROOT / "build" / "mpy" / profile
    of_set = fileset.folded_texts(manifest.device_files(profile))
    folded = {file.local: text for file, text in of_set.items()}
    for name in _files_of(profile):
        source = ROOT / name
        # The heap is the device's: what can be done on this side of the pipe is done here.
        remote = ROOT / "testmock" / "remote" / name.name
        if name.parent.name == "models" and remote.exists():
            source = remote
        # On a board, too, these stay source.
        plain = name.name in ("boot.py", "main.py") or not source.stat().st_size
        target = tree / (name if plain else name.with_suffix(".mpy"))
        if plain:
            if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
        else:
            _compile(name, folded.get(PurePosixPath(name)) or source.read_text("utf-8"), target)
    return tree


def _files_of(profile: str) -> list[Path]:
    sources = sorted((ROOT / "lib").rglob("*.py"))
    sources += sorted((ROOT / "profiles" / profile).glob("*.py"))
    sources += sorted((ROOT / "testmock" / "models").glob("*.py"))
    sources += [ROOT / "testmock" / f"{name}.py" for name in _MOCKS]
    return [source.relative_to(ROOT) for source in sources]


def _compile(name: Path, text: str, target: Path) -> None:
    # Times of files do not tell: the text of one file may follow from others.
    known = target.with_suffix(".sha256")
    digest = hashlib.sha256(text.encode()).hexdigest()
    if target.exists() and known.exists() and known.read_text() == digest:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    data = fileset.compiled_bytes(DeviceFile(PurePosixPath(name), PurePosixPath(name)), text)
    # Replaced in one step each: two test processes may do this at the same time.
    for path, content in ((target, data), (known, digest.encode())):
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(content)
        fresh.replace(path)


_MEASURE = """
import gc, sys
gc.collect()
before = gc.mem_alloc()
import testmock.realtime
from testmock import control
{shift}
import time
sys.modules["_sim"] = sim = control.prepare(time, "{folder}", 2)
sys.path[:] = ["profiles/{profile}", "lib", "testmock", ""]
import machine, network, esp32, stage
stage.stage(sim.bench)
if sim.bench.wires:
    import onewire
if sim.bench.uses_espnow:
    import espnow
    sim.load("wired")  # where network keeps what only these want of it
    if sim.bench.parts:
        sim.load("analog")
gc.collect()
print(gc.mem_alloc() - before)
"""


def mocks_heap_bytes(interpreter: list[str], profile: str, shifted: bool = False) -> int:
    """What the simulated hardware takes of the heap; on a board it takes nothing."""
    tree = compiled_tree(profile)
    with tempfile.TemporaryDirectory(prefix="epx-") as folder:
        shift = "from testmock import mounted, shifted; shifted.shift(0, 2)" if shifted else ""
        program = _MEASURE.format(folder=folder, profile=profile, shift=shift)
        command = [*interpreter, "-X", "heapsize=400k", "-c", program]
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(done.stderr.strip())
    return int(done.stdout)
