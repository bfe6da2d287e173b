"""What an update has gathered, in the folder new/ of the set that does not run.

In new/: sent (the list that comes in), bundle and bundle.id (files as one deflate stream, and
what it is), $lib$epx$loop.py (a file that has arrived), list (what the next set will be).
"""

import hashlib
import os
import sys
from binascii import hexlify

from micropython import const

from epx import otawire
from epx.otafiles import (
    check_hash,
    check_no_trial,
    clean,
    close,
    free_bytes,
    hash_of,
    make_place,
    paths,
    read_files,
    read_head,
    remove_file,
    staged_path,
    write_entry,
)
from epx.otawire import Refusal
from loader import sets, verdict

_PIECE = const(1024)
_BLOCK = const(4096)
_MOST_CHANGES = const(32)  # files of a partial list


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
                close(file)
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

    # The list.

    def begin_list(self, flags, version, mpy, files, size, profile):
        self.close()
        check_no_trial()
        self._full = bool(flags & otawire.FULL)
        self._ask = bool(flags & otawire.ASK)
        if files > (otawire.MOST_FILES if self._full else _MOST_CHANGES):
            raise Refusal("too large", "%d files" % files)
        if self._full:
            self._check_head(flags, version, mpy, size, profile)
        elif not self.staged() and not self.head:
            raise Refusal("nothing staged", "there is no set that could be changed")
        make_place(self._new)
        self._files_left = files
        self._sent = open(self._new + "sent", "w")
        if self._full:
            self._sent.write("profile %s\nversion %d\nmpy %d\n" % (profile, version, mpy))

    def _check_head(self, flags, version, mpy, size, profile):
        if otawire.set_path_problem(profile) or "/" in profile:  # it becomes a line of set.txt
            raise Refusal("wrong profile", "want letters, digits and . _ - in its name")
        if self.profile not in (None, profile):
            raise Refusal("wrong profile", "this is %s, not %s" % (self.profile, profile))
        ours = getattr(sys.implementation, "_mpy", 0) & 0xFF
        if mpy not in (0, ours):
            raise Refusal("wrong mpy version", "this firmware reads %d, not %d" % (ours, mpy))
        present = int(self.head.get("version", 0))
        if version < present and not flags & otawire.DOWNGRADE:
            raise Refusal("lower version", "version %d is here, %d comes" % (present, version))
        if size > free_bytes():
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
                    staged = staged_path(self._new, path)
                    if not (yield from self._is_there(staged, size, sha256)):
                        bits[number // 8] |= 0x80 >> number % 8
                        size_needed += (size | (_BLOCK - 1)) + 1
                elif at_base:
                    size_needed += (size | (_BLOCK - 1)) + 1
            number += 1
        if size_needed > free_bytes():
            # What an update that nobody finished has left.
            wanted = {staged_path("", path) for path in paths(self._new + "sent")}
            wanted.add("sent")
            yield from clean(self._new, "", wanted)
        if size_needed > free_bytes():
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
        if packed > free_bytes():
            raise Refusal("too large", "%d bytes" % packed)
        if self._bundle:
            close(self._bundle)
            self._bundle = None
        name = self._new + "bundle"
        mark = str(hexlify(sha256), "ascii")
        digest = hashlib.sha256()
        at = yield from self._arrived(name, mark, digest)
        if at is None or at > packed or from_start:
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

    def _arrived(self, name, mark, digest):
        """Job: how much of this bundle is there, added to digest; None: it is another one."""
        at = 0
        try:
            with open(name + ".id") as file:
                if file.read(64) != mark:
                    return None
            with open(name, "rb") as file:
                while True:
                    count = file.readinto(self._buffer)
                    if not count:
                        return at
                    digest.update(self._buffer[:count])
                    at += count
                    yield
        except (OSError, UnicodeError):
            return None

    def write(self, data):
        """Next bytes of the bundle; complete tells that these were the last."""
        if not self._bundle or self.received_bytes + len(data) > self.packed_bytes:
            raise Refusal("out of order", "more data than announced")
        self._bundle.write(data)
        self.received_bytes += len(data)
        self.complete = self.received_bytes == self.packed_bytes

    def sync(self):
        self._bundle.flush()

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
        with open(staged_path(self._new, path), "wb") as file:
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
        if head.get("files", 0) + len(changed) > otawire.MOST_FILES + _MOST_CHANGES:
            raise Refusal("too large", "%d files" % head["files"])
        with open(self._new + "list.new", "w") as file:
            for key in ("profile", "version", "mpy"):
                file.write("%s %s\n" % (key, head.get(key, 0)))
            for path, size, sha256 in read_files(old):
                if path not in changed:
                    write_entry(file, path, size, sha256)
            for path in changed:
                size, sha256 = changed[path]
                if size != otawire.GONE:
                    write_entry(file, path, size, sha256)
        os.rename(self._new + "list.new", self._new + "list")
