"""The flash file system of a simulated device, in memory.

Like littlefs it keeps the old content of a file until the new one is closed or flushed. Every
change is a point where a story may cut the power: before it, after it, or with half of the bytes
written, which is worse than what littlefs allows.
"""

import sys

from testmock import errors
from testmock.simworld.world import Stopped

if sys.implementation.name == "micropython":
    import io

    # Streams handed to MicroPython's own functions (sys.print_exception) must derive from it.
    _StreamBase = io.IOBase
else:
    _StreamBase = object

_FOLDER = 0x4000
_FILE = 0x8000
_BLOCK_BYTES = 4096
# Reading is charged in steps: programs inflate files byte by byte.
_READ_STEP_BYTES = 256
BEFORE = "before"
TORN = "torn"
AFTER = "after"


class Flash:
    """Files and folders by absolute path; every operation passes _operation().

    charge_time: operations cost virtual time, as below. cut_points: changes so far.
    operations: None, or a list that gets (number, what, path) of each change.
    """

    # Estimates for littlefs on a flash chip of today; data sheets of older ones (W25Q16BV) give 30
    # to 400 ms for erasing 4 KB and 0.7 to 3 ms for programming 256 bytes: set these for them.
    read_us_per_kb = 100
    program_us_per_kb = 750
    erase_us = 9000
    metadata_us = 5000

    def __init__(self, capacity_bytes=2 << 20):
        self.capacity_bytes = capacity_bytes
        self.files = {}
        self.folders = {"/"}
        self.cwd = "/"
        self.writes = 0
        self.writers = 0  # files that are open for writing
        # Called as before_operation(name, path): a place for faults (torn writes, power cuts).
        self.before_operation = None
        self.charge_time = False
        self.cut_points = 0
        self.operations = None
        self._cut_at = 0
        self._cut_how = None
        # From a cut or reset to the next boot nothing changes: a program that is ended runs
        # through its `with` and `finally`, which a processor without power does not.
        self.powered = True
        # Set by the device: take its power away; let virtual time pass.
        self.on_cut = None
        self.spend = None

    # Power cuts.

    def cut_at(self, number, how=BEFORE):
        """Cut the power at the change with this number, counted as cut_points; 0: never.

        how: "before" and "after" it; "torn": half of the bytes of a write are there, and what
        changes only names is not done.
        """
        self._cut_at = number
        self._cut_how = how

    def point(self, what, path):
        """A change comes now: None, or "torn" or "after" if cut() follows what is left of it."""
        if not self.powered:
            raise Stopped
        self.cut_points += 1
        if self.operations is not None:
            self.operations.append((self.cut_points, what, path))
        if self.cut_points != self._cut_at:
            return None
        if self._cut_how == BEFORE:
            self.cut()
        return self._cut_how

    def cut(self):
        """The power is gone. Never returns."""
        self.powered = False
        if self.on_cut:
            self.on_cut()
        raise Stopped

    def snapshot(self):
        """All files, for restore(); cheap, as contents are never changed in place."""
        return dict(self.files), set(self.folders)

    def restore(self, saved):
        self.files = dict(saved[0])
        self.folders = set(saved[1])
        self.cwd = "/"
        self.writers = 0

    def busy(self, read_bytes=0, programmed_bytes=0, erased_blocks=0):
        """Let the time pass that the chip needs."""
        if self.charge_time and self.spend:
            self.spend(
                (read_bytes * self.read_us_per_kb + programmed_bytes * self.program_us_per_kb)
                // 1024
                + erased_blocks * self.erase_us
            )

    def _change_names(self, what, path):
        """A point where only names change, torn means before; True: cut() follows the change."""
        how = self.point(what, path)
        if how == TORN:
            self.cut()
        if self.charge_time and self.spend:
            self.spend(self.metadata_us)
        return how

    def _operation(self, name, path):
        if self.before_operation:
            self.before_operation(name, path)

    def absolute(self, path):
        if not path.startswith("/"):
            path = self.cwd + "/" + path
        parts = []
        for part in path.split("/"):
            if part == "..":
                if parts:
                    parts.pop()
            elif part and part != ".":
                parts.append(part)
        return "/" + "/".join(parts)

    # For stories: no fault can happen here.

    def load(self, path, content):
        """Put a file there, its folders included."""
        if isinstance(content, str):
            content = content.encode()
        path = self.absolute(path)
        parent = _parent(path)
        while parent not in self.folders:
            self.folders.add(parent)
            parent = _parent(parent)
        self.files[path] = bytes(content)

    def content(self, path):
        """The bytes of a file, or None."""
        return self.files.get(self.absolute(path))

    def kind(self, path):
        """ "file", "folder" or None."""
        path = self.absolute(path)
        if path in self.files:
            return "file"
        return "folder" if path in self.folders else None

    def text(self, path):
        content = self.content(path)
        return None if content is None else content.decode()

    # For the device.

    def open(self, name, mode="r"):
        path = self.absolute(name)
        self._operation("open", path)
        if path in self.folders:
            raise OSError(errors.EISDIR)
        if "r" in mode:
            if path not in self.files:
                raise OSError(errors.ENOENT)
        else:
            if _parent(path) not in self.folders:
                raise OSError(errors.ENOENT)
            if path not in self.files:
                # littlefs writes the name of a new file at once.
                how = self._change_names("create", path)
                self.files[path] = b""
                if how:
                    self.cut()
        return _File(self, path, mode)

    def commit(self, path, content):
        self._operation("write", path)
        if self.used_bytes() - _blocks(self.files.get(path, b"")) + _blocks(content) > (
            self.capacity_bytes
        ):
            raise OSError(errors.ENOSPC)
        how = self.point("write", path)
        self.writes += 1
        if how == TORN:
            old = self.files.get(path, b"")
            kept = len(old) if content[: len(old)] == old else 0
            content = content[: kept + (len(content) - kept) // 2]
        self.files[path] = content
        if how:
            self.cut()

    def used_bytes(self):
        total = 0
        for content in self.files.values():
            total += _blocks(content)
        return total + _BLOCK_BYTES * len(self.folders)

    def listdir(self, path="."):
        return [entry[0] for entry in self.ilistdir(path)]

    def ilistdir(self, path="."):
        path = self.absolute(path)
        self._operation("list", path)
        if path not in self.folders:
            raise OSError(errors.ENOENT)
        entries = []
        for name in sorted(self.folders):
            if name != "/" and _parent(name) == path:
                entries.append((_leaf(name), _FOLDER, 0, 0))
        for name in sorted(self.files):
            if _parent(name) == path:
                entries.append((_leaf(name), _FILE, 0, len(self.files[name])))
        return entries

    def stat(self, path):
        path = self.absolute(path)
        if path in self.folders:
            return (_FOLDER, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        if path in self.files:
            return (_FILE, 0, 0, 0, 0, 0, len(self.files[path]), 0, 0, 0)
        raise OSError(errors.ENOENT)

    def rename(self, old, new):
        old = self.absolute(old)
        new = self.absolute(new)
        self._operation("rename", old)
        if _parent(new) not in self.folders:
            raise OSError(errors.ENOENT)
        if old in self.files:
            if new in self.folders:
                raise OSError(errors.EISDIR)
        elif old in self.folders:
            if new in self.files:
                raise OSError(errors.ENOTDIR)
            if new in self.folders and new != old and self.ilistdir(new):
                raise OSError(errors.ENOTEMPTY)
        else:
            raise OSError(errors.ENOENT)
        how = self._change_names("rename", old)
        if old in self.files:
            self.files[new] = self.files.pop(old)
        else:
            self._rename_folder(old, new)
        if how:
            self.cut()

    def _rename_folder(self, old, new):
        start = old + "/"
        for name in list(self.files):
            if name.startswith(start):
                self.files[new + name[len(old) :]] = self.files.pop(name)
        for name in list(self.folders):
            if name == old or name.startswith(start):
                self.folders.remove(name)
                self.folders.add(new + name[len(old) :])

    def remove(self, path):
        path = self.absolute(path)
        self._operation("remove", path)
        if path in self.folders:
            # littlefs removes an empty folder too; the port's os.remove() refuses it.
            raise OSError(errors.EISDIR)
        if path not in self.files:
            raise OSError(errors.ENOENT)
        how = self._change_names("remove", path)
        del self.files[path]
        if how:
            self.cut()

    def mkdir(self, path):
        path = self.absolute(path)
        self._operation("mkdir", path)
        if path in self.folders or path in self.files:
            raise OSError(errors.EEXIST)
        if _parent(path) not in self.folders:
            raise OSError(errors.ENOENT)
        how = self._change_names("mkdir", path)
        self.folders.add(path)
        if how:
            self.cut()

    def rmdir(self, path):
        path = self.absolute(path)
        self._operation("rmdir", path)
        if path not in self.folders:
            raise OSError(errors.ENOTDIR if path in self.files else errors.ENOENT)
        if self.ilistdir(path):
            raise OSError(errors.ENOTEMPTY)
        how = self._change_names("rmdir", path)
        self.folders.remove(path)
        if how:
            self.cut()

    def statvfs(self, path):
        total = self.capacity_bytes // _BLOCK_BYTES
        free = total - self.used_bytes() // _BLOCK_BYTES
        return (_BLOCK_BYTES, _BLOCK_BYTES, total, free, free, 0, 0, 0, 0, 255)

    def chdir(self, path):
        path = self.absolute(path)
        if path not in self.folders:
            raise OSError(errors.ENOENT)
        self.cwd = path

    def getcwd(self):
        return self.cwd


class _File(_StreamBase):
    """An open file, text or binary."""

    def __init__(self, flash, path, mode):
        self._flash = flash
        self._path = path
        self._binary = "b" in mode
        self._readable = "r" in mode or "+" in mode
        self._writable = "r" not in mode or "+" in mode
        self._data = bytearray() if "w" in mode else bytearray(flash.files[path])
        self._at = len(self._data) if "a" in mode else 0
        self._dirty = "w" in mode
        self._closed = False
        if self._writable:
            flash.writers += 1
        # Bytes whose time has not been charged yet.
        self._unread = 0
        self._unpaid = 0

    def _take(self, n):
        if not self._readable or self._closed:
            raise OSError(errors.EINVAL)
        end = len(self._data) if n is None or n < 0 else min(len(self._data), self._at + n)
        data = bytes(self._data[self._at : end])
        self._at = end
        flash = self._flash
        if flash.charge_time:
            self._unread += len(data)
            if self._unread >= _READ_STEP_BYTES:
                flash.busy(self._unread)
                self._unread = 0
        return data

    def read(self, n=-1):
        if self._binary:
            return self._take(n)
        if n is None or n < 0:
            return self._take(-1).decode()
        return self._take(n).decode()

    def readinto(self, buffer, n=-1):
        data = self._take(len(buffer) if n < 0 else n)
        buffer[: len(data)] = data
        return len(data)

    def readline(self):
        end = self._data.find(b"\n", self._at)
        line = self._take(-1 if end < 0 else end + 1 - self._at)
        return line if self._binary else line.decode()

    def readlines(self):
        return list(self)

    def write(self, data, *unused):
        if not self._writable or self._closed:
            raise OSError(errors.EINVAL)
        size = len(data)
        if isinstance(data, str):
            data = data.encode()
        end = self._at + len(data)
        self._data[self._at : end] = data
        self._at = end
        self._dirty = True
        if self._flash.charge_time:
            self._unpaid += len(data)
            while self._unpaid >= _BLOCK_BYTES:
                # The file's cache is full: a block goes to the chip.
                self._unpaid -= _BLOCK_BYTES
                self._flash.busy(0, _BLOCK_BYTES, 1)
        return size

    def seek(self, offset, whence=0):
        self._at = offset + (0, self._at, len(self._data))[whence]
        return self._at

    def tell(self):
        return self._at

    def flush(self):
        if self._dirty:
            self._dirty = False
            flash = self._flash
            if flash.charge_time and flash.powered:
                if self._unpaid:
                    flash.busy(0, self._unpaid, 1)
                    self._unpaid = 0
                if flash.spend:
                    flash.spend(flash.metadata_us)
            flash.commit(self._path, bytes(self._data))

    def close(self):
        if not self._closed:
            self._closed = True
            if self._writable:
                self._flash.writers -= 1
            self.flush()

    def ioctl(self, request, argument):
        return 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line


def _blocks(content):
    return (len(content) + _BLOCK_BYTES - 1) // _BLOCK_BYTES * _BLOCK_BYTES


def _parent(path):
    return path[: path.rindex("/")] or "/"


def _leaf(path):
    return path[path.rindex("/") + 1 :]
