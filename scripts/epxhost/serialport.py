"""One board at a serial port, through mpfshell's Python API, with what that lacks around it:
exclusive access, a deadline for everything, a watchdog that is fed meanwhile, verification.

How the watchdog is fed
    The tool interrupts the appliance with Ctrl-C, so its own feeding ends, but an ESP32's
    watchdog cannot be stopped: 15 s later the board would restart in the middle of a file.
    machine.WDT() made again is the same watchdog, with its limit set once more, so each statement
    that the tool has the board execute ends with machine.WDT(timeout=15000).feed(). That also
    arms a watchdog that was off, deliberately: if the cable is pulled halfway, the board does
    not stay at its prompt with the appliance dead, it restarts by itself. The tool ends with a
    reset in any case, so nothing of this outlives it.
"""

import base64
import contextlib
import errno
import fcntl
import io
import os
import re
import select
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import serial
from mp.conbase import ConBase
from mp.mpfexp import MpFileExplorer
from mp.pyboard import Pyboard, PyboardError

from epxhost.errors import ToolError
from epxhost.settings import SerialParameters

# An appliance that asks a dead name server, say, hears Ctrl-C only after 20 s.
ANSWER_LIMIT_S = 30.0
_STATEMENT_LIMIT_S = 10.0
_OK_LIMIT_S = 3.0
# To find the prompt of a board that was there a moment ago.
_AGAIN_LIMIT_S = 5.0
# The UART's receive buffer on an ESP32 is 260 bytes, without flow control. A statement that
# carries a chunk stays below, so nothing is lost while the board writes its flash.
_CHUNK_BYTES = 168
# Longer statements are sent in bursts of that size with a rest for the board between them.
_BURST_BYTES = 256
_BURST_PAUSE_S = 0.02
_TRIES = 3
_RESET_PULSE_S = 0.25

# Executed on the board once. _f: the open file; _w: write base64 text; _h: hash of a file;
# _x: does it exist; _d: make a folder; _r: remove; _n: rename; _l: list with hashes; _t: the
# content as base64; _c: copy.
_HELPERS = """\
import os, sys, binascii, hashlib
try:
    import machine
    machine.WDT(timeout=15000).feed()
    def _e(): machine.WDT(timeout=15000).feed()
except (ImportError, AttributeError, TypeError, ValueError, OSError):
    def _e(): pass
def _w(t):
    _f.write(binascii.a2b_base64(t))
    _e()
def _h(p):
    s = hashlib.sha256()
    b = bytearray(512)
    try:
        f = open(p, 'rb')
    except OSError:
        return '-'
    n = f.readinto(b)
    while n:
        s.update(memoryview(b)[:n])
        _e()
        n = f.readinto(b)
    f.close()
    return binascii.hexlify(s.digest()).decode()
def _x(p):
    try:
        os.stat(p)
        return True
    except OSError:
        return False
def _d(p):
    if not _x(p): os.mkdir(p)
    _e()
def _r(p):
    if not _x(p): return False
    os.remove(p)
    _e()
    return True
def _n(a, b):
    try:
        os.rename(a, b)
    except OSError:
        _r(b)
        os.rename(a, b)
    _e()
def _l(p):
    try:
        es = list(os.ilistdir(p))
    except OSError:
        return
    for e in es:
        n = p + '/' + e[0]
        if e[1] & 0x4000:
            _l(n)
            print(n + '/')
        else:
            print(_h(n), n)
def _t(p):
    try:
        f = open(p, 'rb')
    except OSError:
        print('-')
        return
    b = f.read(384)
    while b:
        print(binascii.b2a_base64(b).decode(), end='')
        _e()
        b = f.read(384)
    f.close()
def _c(a, b):
    f = open(a, 'rb')
    g = open(b, 'wb')
    m = bytearray(512)
    n = f.readinto(m)
    while n:
        g.write(memoryview(m)[:n])
        _e()
        n = f.readinto(m)
    f.close()
    g.close()
"""
# The loader counts boots that failed; a port without esp32 has no such count.
_FORGET_BOOTS = """\
try:
    from esp32 import NVS
    _v = NVS('loader')
    _v.set_i32('boots', 0)
    _v.commit()
except ImportError:
    pass"""
_ADVICE = {errno.ENOSPC: "the board's flash is full", errno.EROFS: "the flash is read-only"}


class _SilentError(PyboardError):
    """Nothing came in time. Disturbed lines lose bytes, so the step is tried again."""


class _GuardedSerial(ConBase):
    """A connection for mpfshell whose reads end at a deadline instead of waiting for ever."""

    def __init__(self, parameters: SerialParameters) -> None:
        self.name = parameters.port
        self.deadline = 0.0
        self.heard = False
        self._buffer = bytearray()
        self.serial = _open_exclusively(parameters)

    def allow(self, seconds: float) -> None:
        """What follows must be done within this time."""
        self.deadline = time.monotonic() + seconds

    def close(self) -> None:
        self.serial.close()

    def read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._fill(0.1)
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def inWaiting(self) -> int:
        if not self._buffer:
            self._fill(0.01)
        return len(self._buffer)

    def write(self, data: bytes) -> None:
        with self._port_is_there():
            for start in range(0, len(data), _BURST_BYTES):
                if start:
                    time.sleep(_BURST_PAUSE_S)
                self.serial.write(data[start : start + _BURST_BYTES])

    def _fill(self, wait_s: float) -> None:
        if time.monotonic() > self.deadline:
            raise _SilentError(
                "the board stopped answering"
                if self.heard
                else "no board answers. Is it connected, powered, and at this port?"
            )
        with self._port_is_there():
            if select.select([self.serial.fileno()], [], [], wait_s)[0]:
                data = self.serial.read(max(1, self.serial.in_waiting))
                self.heard = self.heard or bool(data)
                self._buffer += data

    @contextlib.contextmanager
    def _port_is_there(self) -> Iterator[None]:
        try:
            yield
        except serial.SerialTimeoutException:
            raise ToolError(f"{self.name}: the port takes no data") from None
        except (serial.SerialException, OSError, TypeError) as error:
            # TypeError: pyserial's descriptor is None once the port was closed under it.
            raise ToolError(f"{self.name}: the port went away ({error})") from None


class Board(MpFileExplorer):
    """The board's files, while its program is interrupted. Leaving the context restarts it."""

    def __init__(
        self, parameters: SerialParameters, answer_limit_s: float = ANSWER_LIMIT_S
    ) -> None:
        # Not the constructor of MpFileExplorer: it would open the port itself, unguarded.
        self.reset = parameters.reset
        self.dir = self.sysname = None
        Pyboard.__init__(self, _GuardedSerial(parameters))
        try:
            if self.reset:
                self._pulse_reset_line()
            self.con.allow(answer_limit_s)
            self._synchronise()
        except BaseException:
            self.con.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # After an error the board may be gone: try to restart it, but not for long.
        try:
            self.restart(_STATEMENT_LIMIT_S if kind is None else 1.0)
        except (PyboardError, ToolError):
            if kind is None:
                raise
        finally:
            self.con.close()

    def run(self, statement: str, limit_s: float = _STATEMENT_LIMIT_S) -> str:
        """What the board prints when it executes this (twice, should the line be disturbed)."""
        return self._careful(lambda: self._execute(statement, limit_s))

    def sha256(self, path: str) -> str:
        """Hash of a file on the board, '-' if there is none."""
        return self.run(f"print(_h({path!r}))", 60)

    def hashes(self, folder: str) -> dict[str, str]:
        """Path and hash of all that is in a folder and below; folders end with / (hash '')."""
        found = {}
        for line in self.run(f"_l({folder!r})", 60).splitlines():
            words = line.strip()
            if words.endswith("/"):
                found[words] = ""
            elif words:
                digest, _, path = words.partition(" ")
                found[path] = digest
        return found

    def read(self, path: str) -> bytes | None:
        """The content of a file, None if there is none."""
        text = self.run(f"_t({path!r})", 60)
        return None if text == "-" else b"".join(map(base64.b64decode, text.split()))

    def make_folder(self, path: str) -> None:
        self.run(f"_d({path!r})")

    def remove(self, path: str) -> bool:
        """Whether there was such a file."""
        return self.run(f"print(_r({path!r}))") == "True"

    def remove_folder(self, path: str) -> None:
        """An empty one."""
        self.run(f"os.rmdir({path!r}) if _x({path!r}) else 0")

    def forget_failed_boots(self) -> None:
        self.run(_FORGET_BOOTS)

    def copy_file(self, source: str, path: str, digest: str) -> None:
        """As write_file, from another file of the board."""
        fresh = f"{path}.new"

        def copy() -> None:
            self._execute(f"_c({source!r},{fresh!r})", 60)
            self._put_in_place(fresh, path, digest)

        self._careful(copy)

    def write_file(self, path: str, data: bytes, digest: str, sent: Callable[[int], None]) -> None:
        """Write beside the old file, read back the hash, then put it in the old one's place."""
        fresh = f"{path}.new"

        def write() -> None:
            self._execute(f"_f=open({fresh!r},'wb')")
            for start in range(0, len(data), _CHUNK_BYTES):
                chunk = base64.b64encode(data[start : start + _CHUNK_BYTES]).decode()
                self._execute(f"_w(b'{chunk}')")
                sent(min(start + _CHUNK_BYTES, len(data)))
            self._execute("_f.close()")
            self._put_in_place(fresh, path, digest)

        self._careful(write)

    def _put_in_place(self, fresh: str, path: str, digest: str) -> None:
        if self._execute(f"print(_h({fresh!r}))", 60) != digest:
            raise PyboardError("read back wrong")
        self._execute(f"_n({fresh!r},{path!r})")

    def restart(self, limit_s: float) -> None:
        """Reset the board, so that it runs what it has now."""
        self.con.allow(limit_s)
        self.exec_raw_no_follow("import machine\nmachine.reset()")
        with contextlib.suppress(serial.SerialException, termios.error, OSError):
            self.con.serial.flush()

    def _execute(self, statement: str, limit_s: float = _STATEMENT_LIMIT_S) -> str:
        # The board says OK as soon as it has the whole statement.
        self.con.allow(_OK_LIMIT_S)
        self.exec_raw_no_follow(statement)
        self.con.allow(limit_s)
        printed, error = self.follow(limit_s)
        if error:
            raise PyboardError("exception", printed, error)
        return printed.decode("utf-8", "replace").strip()

    def _synchronise(self) -> None:
        """Interrupt what runs, reach the raw prompt, define the helpers."""
        # Ctrl-C again and again: one is lost while boot.py runs, another while the radio starts.
        # Ctrl-B leaves a raw prompt in which a broken-off tool may have left the board.
        seen = b""
        try:
            while not seen.endswith(b">>> "):
                self.con.write(b"\r\x03\x02")
                until = time.monotonic() + 0.5
                while time.monotonic() < until and not seen.endswith(b">>> "):
                    waiting = self.con.inWaiting()
                    seen = (seen + self.con.read(waiting))[-80:]
            # mpfshell prints what it could not understand.
            with contextlib.redirect_stdout(io.StringIO()):
                self.setup()
            self._execute(_HELPERS)
        except PyboardError as error:
            raise ToolError(f"{self.con.name}: {_explained(error)}") from None

    def _careful(self, step: Callable[[], str] | Callable[[], None]) -> str:
        """Do a step that can be done again; a disturbed line is worth another try."""
        for attempt in range(1, _TRIES + 1):
            try:
                return step() or ""
            except PyboardError as error:
                if attempt == _TRIES or _is_of_the_files(error):
                    raise ToolError(f"{self.con.name}: {_explained(error)}") from None
                self.con.allow(_AGAIN_LIMIT_S)
                self._synchronise()
        raise AssertionError

    def _pulse_reset_line(self) -> None:
        """ESP32 boards: RTS pulls EN low while DTR leaves GPIO 0 alone."""
        try:
            self.con.serial.dtr = False
            self.con.serial.rts = True
            time.sleep(_RESET_PULSE_S)
            self.con.serial.rts = False
        except OSError:
            advice = "this port has no DTR line: take --reset out of serial_params.txt"
            raise ToolError(f"{self.con.name}: {advice}") from None


def _is_of_the_files(error: PyboardError) -> bool:
    """Trying again is of no use: the flash is full, say. A garbled line is another error."""
    return len(error.args) == 3 and b"OSError" in error.args[2]


def _explained(error: PyboardError) -> str:
    """The last line of a traceback of the board, or mpfshell's own words."""
    if isinstance(error, _SilentError):
        return str(error)
    if len(error.args) != 3:
        return f"the line to the board is disturbed ({error})"
    last = error.args[2].decode("utf-8", "replace").strip().splitlines()[-1]
    for number, advice in _ADVICE.items():
        if re.search(rf"^OSError.*\b{number}\b", last):
            return f"{advice} ({last})"
    return f"the board says: {last}"


def _open_exclusively(parameters: SerialParameters) -> serial.Serial:
    port = parameters.port
    if not Path(port).exists():
        raise ToolError(f"{port}: no such port. Is the board connected? {_ports_there_are()}")
    others = _who_has_open(port)
    if others:
        raise ToolError(f"{port}: in use by {others}; close that first")
    try:
        opened = serial.Serial(port, parameters.baud, timeout=0, write_timeout=10, exclusive=True)
        # flock() keeps out who asks for it; this keeps out everybody who is not root.
        fcntl.ioctl(opened.fileno(), termios.TIOCEXCL)
    except (serial.SerialException, OSError) as error:
        number = getattr(error, "errno", None)
        if number in (errno.EACCES, errno.EPERM):
            hint = "on Debian and Ubuntu: sudo adduser $USER dialout, then log in again"
            raise ToolError(f"{port}: no permission to use this port; {hint}") from None
        if number in (errno.EBUSY, errno.EAGAIN) or "lock" in str(error):
            raise ToolError(f"{port}: in use by another program; close that first") from None
        raise ToolError(f"{port}: cannot be opened: {error}") from None
    return opened


def _ports_there_are() -> str:
    from serial.tools.list_ports import comports

    names = [port.device for port in comports() if not port.device.startswith("/dev/ttyS")]
    return f"There is: {', '.join(sorted(names))}" if names else "No serial port is there at all."


def _who_has_open(port: str) -> str:
    """Name of a process that has the port open without having locked it (Linux only)."""
    real = os.path.realpath(port)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if folder.name == str(os.getpid()):
                continue
            if any(os.path.realpath(link) == real for link in (folder / "fd").iterdir()):
                return f"{(folder / 'comm').read_text().strip()} (process {folder.name})"
        except OSError:
            continue  # not ours to look into, or gone
    return ""
