"""The flash file system of a simulated device, in memory.

Like littlefs it keeps the old content of a file until the new one is closed or flushed.
"""

import sys

from testmock import errors

if sys.implementation.name == "micropython":
    import io

    # Streams handed to MicroPython's own functions (sys.print_exception) must derive from it.
    _StreamBase = io.IOBase
else:
    _StreamBase = object

_FOLDER = 0x4000
_FILE = 0x8000
_BLOCK_BYTES = 4096


class Flash:
    """Files and folders by absolute path; every operation passes _operation()."""

    def __init__(self, capacity_bytes=2 << 20):
        self.capacity_bytes = capacity_bytes
        self.files = {}
        self.folders = {"/"}
        self.cwd = "/"
        self.writes = 0
        # Called as before_operation(name, path): a place for faults (torn writes, power cuts).
        self.before_operation = None

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
            self.files.setdefault(path, b"")
        return _File(self, path, mode)

    def commit(self, path, content):
        self._operation("write", path)
        if self.used_bytes() - _blocks(self.files.get(path, b"")) + _blocks(content) > (
            self.capacity_bytes
        ):
            raise OSError(errors.ENOSPC)
        self.writes += 1
        self.files[path] = content

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
            self.files[new] = self.files.pop(old)
        elif old in self.folders:
            if new in self.files:
                raise OSError(errors.ENOTDIR)
            self._rename_folder(old, new)
        else:
            raise OSError(errors.ENOENT)

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
        del self.files[path]

    def mkdir(self, path):
        path = self.absolute(path)
        self._operation("mkdir", path)
        if path in self.folders or path in self.files:
            raise OSError(errors.EEXIST)
        if _parent(path) not in self.folders:
            raise OSError(errors.ENOENT)
        self.folders.add(path)

    def rmdir(self, path):
        path = self.absolute(path)
        self._operation("rmdir", path)
        if path not in self.folders:
            raise OSError(errors.ENOTDIR if path in self.files else errors.ENOENT)
        if self.ilistdir(path):
            raise OSError(errors.ENOTEMPTY)
        self.folders.remove(path)

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

    def _take(self, n):
        if not self._readable or self._closed:
            raise OSError(errors.EINVAL)
        end = len(self._data) if n is None or n < 0 else min(len(self._data), self._at + n)
        data = bytes(self._data[self._at : end])
        self._at = end
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
        return size

    def seek(self, offset, whence=0):
        self._at = offset + (0, self._at, len(self._data))[whence]
        return self._at

    def tell(self):
        return self._at

    def flush(self):
        if self._dirty:
            self._dirty = False
            self._flash.commit(self._path, bytes(self._data))

    def close(self):
        if not self._closed:
            self.flush()
            self._closed = True

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
