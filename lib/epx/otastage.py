"""What an update has gathered, in the folder new/ of the set that does not run, and the commit.

Long work is a generator: each step is short, and the appliance goes on between two of them.

In new/: sent (the list that comes in), bundle and bundle.id (files as one deflate stream, and
what it is), $lib$epx$loop.py (a file that has arrived), list (what the next set will be).
"""

import hashlib
import os
import sys
from binascii import hexlify, unhexlify

from micropython import const

from epx import otawire
from epx.otawire import Refusal
from loader import sets, verdict

_PIECE = const(1024)
_PIECES_PER_STEP = const(4)
_SYNC_BYTES = const(16384)
_BLOCK = const(4096)
_FOLDER = const(0x4000)
_MOST_CHANGES = const(32)  # files of a partial list


def hash_of(path, buffer):
    """Job: (size, SHA-256) of a file as it is in the flash now; (0, NO_FILE) without one."""
    size = pieces = 0
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while True:
                count = file.readinto(buffer)
                if not count:
                    return size, digest.digest()
                digest.update(buffer[:count])
                size += count
                pieces += 1
                if not pieces % _PIECES_PER_STEP:
                    yield
    except OSError:
        return 0, otawire.NO_FILE


def check_hash(path, size, sha256, buffer):
    """Job: is path a file of this size and SHA-256?"""
    try:
        if os.stat(path)[6] != size:
            return False
    except OSError:
        return False
    found = yield from hash_of(path, buffer)
    return found == (size, sha256)


def make_folders(path):
    """Those that path, which begins with /, lies in."""
    at = path.find("/", 1)
    while at > 0:
        if not sets.exists(path[:at]):
            os.mkdir(path[:at])
        at = path.find("/", at + 1)


def remove_file(path):
    """That it is gone is what counts."""
    try:
        os.remove(path)
    except OSError:
        pass


def read_head(path):
    """{"profile": …, "version": …, "mpy": …, "files": count of them} of a list; {} without one."""
    head = {"files": 0}
    try:
        with open(path) as file:
            for line in file:
                words = line.split()
                if len(words) == 2:
                    head[words[0]] = words[1]
                elif len(words) == 3:
                    head["files"] += 1
    except (OSError, UnicodeError):
        return {}
    return head


def read_files(path):
    """(path, size, SHA-256) of each file in a list; the size is GONE for one that is to go."""
    with open(path) as file:
        for line in file:
            words = line.split()
            if len(words) == 3:
                yield words[2], int(words[1]), unhexlify(words[0])


def _paths(name):
    """All that a list names."""
    return {path for path, _, _ in read_files(name)}


class Stage:
    """The set that is being made. profile: what this device is; None accepts anything."""

    def __init__(self, profile):
        running = sets.read()
        self.base = verdict.chosen or (running.name if running else None)
        self.target = sets.other(self.base) if self.base else "a"
        self.head = read_head("/%s/set.txt" % self.base)
        self.profile = profile or self.head.get("profile")
        self._new = "/%s/new/" % self.target
        self._buffer = memoryview(bytearray(_PIECE))
        self._sent = None  # the file that takes a list
        self._bundle = None
        self.close()

    def close(self):
        """Let go of what is open; what has arrived stays."""
        for file in (self._sent, self._bundle):
            if file:
                file.close()
        self._sent = self._bundle = None
        self._full = False
        self._files_left = 0
        self._needed = b""
        self.packed_bytes = 0
        self.received_bytes = 0
        self._listed = False
        self.complete = False  # nothing has to be sent: finish() can do its work

    def staged(self):
        """Is there something to commit?"""
        return sets.exists(self._new + "list")

    def _staged_path(self, path):
        return self._new + "$" + path.replace("/", "$")

    # The list.

    def begin_list(self, flags, version, mpy, files, size, profile):
        self.close()
        running = sets.read()
        if running and running.trial and running.name == verdict.chosen:
            raise Refusal("on trial", "set %s has to be confirmed first" % verdict.chosen)
        self._full = bool(flags & otawire.FULL)
        self._ask = bool(flags & otawire.ASK)
        if files > (otawire.MOST_FILES if self._full else _MOST_CHANGES):
            raise Refusal("too large", "%d files" % files)
        if self._full:
            self._check_head(flags, version, mpy, size, profile)
        elif not self.staged() and not self.head:
            raise Refusal("nothing staged", "there is no set that could be changed")
        make_folders(self._new)
        self._files_left = files
        self._sent = open(self._new + "sent", "w")
        if self._full:
            self._sent.write("profile %s\nversion %d\nmpy %d\n" % (profile, version, mpy))

    def _check_head(self, flags, version, mpy, size, profile):
        if self.profile not in (None, profile):
            raise Refusal("wrong profile", "this is %s, not %s" % (self.profile, profile))
        ours = getattr(sys.implementation, "_mpy", 0) & 0xFF
        if mpy not in (0, ours):
            raise Refusal("wrong mpy version", "this firmware reads %d, not %d" % (ours, mpy))
        present = int(self.head.get("version", 0))
        if version < present and not flags & otawire.DOWNGRADE:
            raise Refusal("lower version", "version %d is here, %d comes" % (present, version))
        if size > _free_bytes():
            raise Refusal("too large", "%d bytes" % size)

    def add_entries(self, body):
        for path, size, sha256 in otawire.entries(body):
            problem = otawire.set_path_problem(path)
            if problem:
                raise Refusal("path not allowed", "%s: %s" % (path, problem))
            if not self._sent or not self._files_left:
                raise Refusal("out of order", "more files than announced")
            self._files_left -= 1
            self._sent.write("%s %d %s\n" % (str(hexlify(sha256), "ascii"), size, path))

    def compare(self):
        """Job: what is missing -> the body of NEEDED; its first byte: the running set differs."""
        if not self._sent or self._files_left:
            raise Refusal("out of order", "fewer files than announced")
        self._sent.close()
        self._sent = None
        head = read_head(self._new + "sent")
        bits = bytearray((head["files"] + 7) // 8)
        differs = not self._full or head != self.head
        number = 0
        size_needed = 0
        for path, size, sha256 in read_files(self._new + "sent"):
            yield
            at_base = yield from self._is_there("/%s/%s" % (self.base, path), size, sha256)
            differs = differs or not at_base
            if size != otawire.GONE:
                at_target = at_base or (
                    yield from self._is_there("/%s/%s" % (self.target, path), size, sha256)
                )
                if not at_target:
                    staged = self._staged_path(path)
                    if not (yield from self._is_there(staged, size, sha256)):
                        bits[number // 8] |= 0x80 >> number % 8
                        size_needed += (size | (_BLOCK - 1)) + 1
                elif at_base:
                    size_needed += (size | (_BLOCK - 1)) + 1
            number += 1
        if size_needed > _free_bytes():
            # What an update that nobody finished has left.
            wanted = {"$" + path.replace("/", "$") for path in _paths(self._new + "sent")}
            wanted.add("sent")
            yield from self._clean(self._new, "", wanted)
        if size_needed > _free_bytes():
            raise Refusal("too large", "%d bytes are needed" % size_needed)
        self._needed = bits
        self._listed = not self._ask
        self.complete = self._listed and differs and not any(bits)
        return bytes((1 if differs else 0,)) + bits

    def hash_file(self, path):
        """Job: the body of HASHED."""
        size, digest = yield from hash_of(path, self._buffer)
        return size.to_bytes(4, "big") + digest

    def _is_there(self, path, size, sha256):
        return check_hash(path, size, sha256, self._buffer)

    # The bundle.

    def begin_bundle(self, packed, raw, wbits, sha256):
        """Job: the body of RESUME, from where on the bundle is wanted."""
        if not self._listed:
            raise Refusal("out of order", "a bundle without a list")
        from_start = wbits & otawire.FROM_START
        wbits &= ~otawire.FROM_START
        if not 9 <= wbits <= otawire.MOST_WBITS or packed > raw + raw // 100 + 100:
            raise Refusal("bad message", "wbits %d, %d bytes" % (wbits, packed))
        if packed > _free_bytes():
            raise Refusal("too large", "%d bytes" % packed)
        name = self._new + "bundle"
        mark = str(hexlify(sha256), "ascii")
        digest = hashlib.sha256()
        at = 0
        try:
            with open(name + ".id") as file:
                known = file.read(64) == mark
            if known:
                with open(name, "rb") as file:
                    while True:
                        count = file.readinto(self._buffer)
                        if not count:
                            break
                        digest.update(self._buffer[:count])
                        at += count
                        yield
        except OSError:
            known = False
        if not known or at > packed or from_start:
            at = 0
            digest = hashlib.sha256()
            remove_file(name)
            sets.replace(name + ".id", mark)
        self._wbits = wbits
        self.packed_bytes = packed
        self.received_bytes = at
        self._bundle = open(name, "ab")
        self.complete = at == packed
        return at.to_bytes(4, "big") + digest.digest()

    def write(self, data):
        """Next bytes of the bundle; complete tells that these were the last."""
        if not self._bundle or self.received_bytes + len(data) > self.packed_bytes:
            raise Refusal("out of order", "more data than announced")
        before = self.received_bytes // _SYNC_BYTES
        self._bundle.write(data)
        self.received_bytes += len(data)
        if self.received_bytes // _SYNC_BYTES != before:
            self._bundle.flush()  # what a power cut leaves can be gone on with
        self.complete = self.received_bytes == self.packed_bytes

    def finish(self):
        """Job: unpack what was needed, and have a list to commit."""
        if not self._listed:
            raise Refusal("out of order", "no list")
        if self._bundle:
            self._bundle.close()
            self._bundle = None
            try:
                yield from self._unpack()
            finally:
                remove_file(self._new + "bundle.id")
                remove_file(self._new + "bundle")
        elif any(self._needed):
            raise Refusal("out of order", "files are missing")
        if self._full:
            os.rename(self._new + "sent", self._new + "list")
        else:
            self._merge()
        self._listed = False

    def _unpack(self):
        from deflate import RAW, DeflateIO

        number = 0
        with open(self._new + "bundle", "rb") as packed:
            stream = DeflateIO(packed, RAW, self._wbits)
            for path, size, sha256 in read_files(self._new + "sent"):
                if self._needed[number // 8] & (0x80 >> number % 8):
                    if not (yield from self._inflate(stream, path, size, sha256)):
                        raise Refusal("corrupt", path)
                number += 1

    def _inflate(self, stream, path, size, sha256):
        digest = hashlib.sha256()
        buffer = self._buffer
        with open(self._staged_path(path), "wb") as file:
            while size:
                try:
                    count = stream.readinto(buffer[:size] if size < _PIECE else buffer)
                except (OSError, EOFError):  # nobody with the key sends this, or the flash is bad
                    count = 0
                if not count:
                    return False
                file.write(buffer[:count])
                digest.update(buffer[:count])
                size -= count
                yield
        return digest.digest() == sha256

    def _merge(self):
        """The staged list, or that of the running set, with the files of sent instead."""
        changed = {}
        for path, size, sha256 in read_files(self._new + "sent"):
            changed[path] = (size, sha256)
        old = self._new + "list" if self.staged() else "/%s/set.txt" % self.base
        head = read_head(old)
        with open(self._new + "list.new", "w") as file:
            for key in ("profile", "version", "mpy"):
                file.write("%s %s\n" % (key, head.get(key, 0)))
            for path, size, sha256 in read_files(old):
                if path not in changed:
                    _write_entry(file, path, size, sha256)
            for path in changed:
                size, sha256 = changed[path]
                if size != otawire.GONE:
                    _write_entry(file, path, size, sha256)
        os.rename(self._new + "list.new", self._new + "list")

    # The commit.

    def commit(self):
        """Job: make the staged set whole, verified as it lies in the flash. Nothing runs yet."""
        if not self.staged():
            raise Refusal("nothing staged", "send an update first")
        self.close()
        sets.forget_other()
        folder = "/%s/" % self.target
        remove_file(folder + "set.txt")
        yield from self._clean(folder, "", _paths(self._new + "list"))
        for path, size, sha256 in read_files(self._new + "list"):
            yield
            yield from self._place(path, size, sha256)
        os.rename(self._new + "list", folder + "set.txt")
        yield from self._clean(folder, "new/", ())
        os.rmdir(folder + "new")

    def _clean(self, folder, below, wanted):
        """Remove what is in folder + below, but not what is wanted, nor new/."""
        for entry in list(os.ilistdir((folder + below)[:-1])):
            yield
            path = below + entry[0]
            if path == "new":
                continue
            if entry[1] == _FOLDER:
                yield from self._clean(folder, path + "/", wanted)
                if not os.listdir(folder + path):
                    os.rmdir(folder + path)
            elif path not in wanted:
                os.remove(folder + path)

    def _place(self, path, size, sha256):
        """Get one file of the list to where it belongs."""
        final = "/%s/%s" % (self.target, path)
        staged = self._staged_path(path)
        if (yield from self._is_there(final, size, sha256)):
            return
        make_folders(final)
        if (yield from self._is_there(staged, size, sha256)):
            os.rename(staged, final)
            return
        yield from self._copy("/%s/%s" % (self.base, path), final)
        if not (yield from self._is_there(final, size, sha256)):
            raise Refusal("corrupt", "%s is not what the list says" % final)

    def _copy(self, source, final):
        buffer = self._buffer
        with open(source, "rb") as old, open(final, "wb") as new:
            while True:
                count = old.readinto(buffer)
                if not count:
                    return
                new.write(buffer[:count])
                yield


def _write_entry(file, path, size, sha256):
    file.write("%s %d %s\n" % (str(hexlify(sha256), "ascii"), size, path))


def _free_bytes():
    found = os.statvfs("/")
    return found[0] * found[3]
