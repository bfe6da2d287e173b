"""The files of an update on their way: one deflate stream, stored first, then inflated."""

import hashlib
import os
from binascii import hexlify

from epx import otawire
from epx.otafiles import close, free_bytes, read_files, remove_file, staged_path
from epx.otawire import Refusal, fields


def obey(session, kind, body):
    """BUNDLE."""
    more = fields(otawire.BUNDLE_BODY, body, 32)
    session.sink = bundle = Bundle(session.ota.stage, *more, bytes(body[-32:]))
    session.start(_resume(session, bundle))


def _resume(session, bundle):
    """Job: from where on it is wanted; if all is there, unpack it."""
    there = yield from bundle.resume()
    session.told_bytes = bundle.received_bytes
    if not bundle.complete:
        return otawire.RESUME, there
    session.tell(otawire.RESUME, there)
    session.sink = None
    yield from bundle.finish()
    return (otawire.STAGED,)


def finish(stage):
    """Job: nothing had to be sent (any more): have a list to commit."""
    if not stage.listed or any(stage.needed):
        raise Refusal("out of order", "files are missing")
    yield
    if stage.full:
        os.rename(stage.new + "sent", stage.new + "list")
    else:
        from epx.otamerge import merge

        yield from merge(stage)
    stage.listed = False


class Bundle:
    """Takes the stream, packed bytes of it in all, raw when inflated; resumed where it ended."""

    answer = otawire.STAGED
    received_bytes = 0
    complete = False
    _file = None

    def __init__(self, stage, packed, raw, wbits, sha256):
        self._from_start = wbits & otawire.FROM_START
        wbits &= ~otawire.FROM_START
        if not stage.listed:
            raise Refusal("out of order", "a bundle without a list")
        if not 9 <= wbits <= otawire.MOST_WBITS or packed > raw + raw // 100 + 100:
            raise Refusal("bad message", "wbits %d, %d bytes" % (wbits, packed))
        if packed > free_bytes():
            raise Refusal("too large", "%d bytes" % packed)
        self._stage = stage
        self._wbits = wbits
        self._packed_bytes = packed
        self._sha256 = sha256
        self._name = stage.new + "bundle"

    def close(self):
        """What has arrived stays."""
        if self._file:
            close(self._file)
            self._file = None

    def resume(self):
        """Job: the body of RESUME, from where on it is wanted."""
        name = self._name
        mark = str(hexlify(self._sha256), "ascii")
        digest = hashlib.sha256()
        at = yield from self._arrived(mark, digest)
        if at is None or at > self._packed_bytes or self._from_start:
            at = 0
            digest = hashlib.sha256()
            remove_file(name)
            with open(name + ".id", "w") as file:
                file.write(mark)
        self._file = open(name, "ab")
        self.received_bytes = at
        self.complete = at == self._packed_bytes
        return at.to_bytes(4, "big") + digest.digest()

    def _arrived(self, mark, digest):
        """Job: how much of this bundle is there, added to digest; None: it is another one."""
        buffer = self._stage.buffer
        at = 0
        try:
            with open(self._name + ".id") as file:
                if file.read(64) != mark:
                    return None
            with open(self._name, "rb") as file:
                while True:
                    count = file.readinto(buffer)
                    if not count:
                        return at
                    digest.update(buffer[:count])
                    at += count
                    yield
        except (OSError, UnicodeError):
            return None

    def write(self, data):
        """Next bytes; complete tells that these were the last."""
        if not self._file or self.received_bytes + len(data) > self._packed_bytes:
            raise Refusal("out of order", "more data than announced")
        self._file.write(data)
        self.received_bytes += len(data)
        self.complete = self.received_bytes == self._packed_bytes

    def sync(self):
        """What has arrived survives a power cut."""
        self._file.flush()

    def finish(self):
        """Job: unpack what was needed, and have a list to commit."""
        stage = self._stage
        if self._file:
            self._file.close()
            self._file = None
        try:
            yield from self._unpack()
        finally:
            remove_file(self._name + ".id")
            remove_file(self._name)
        stage.needed = b""
        yield from finish(stage)

    def _unpack(self):
        from deflate import RAW, DeflateIO

        stage = self._stage
        number = 0
        with open(self._name, "rb") as packed:
            stream = DeflateIO(packed, RAW, self._wbits)
            for path, size, sha256 in read_files(stage.new + "sent"):
                if stage.needed[number // 8] & (0x80 >> number % 8):
                    staged = staged_path(stage.new, path)
                    if not (yield from _inflate(stream, staged, size, sha256, stage.buffer)):
                        raise Refusal("corrupt", path)
                number += 1


def _inflate(stream, path, size, sha256, buffer):
    """Job: the next size bytes of stream into path. False: they are not what was announced."""
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        while size:
            try:
                count = stream.readinto(buffer[:size] if size < len(buffer) else buffer)
            except (OSError, EOFError):  # nobody with the key sends this, or the flash is bad
                count = 0
            if not count:
                return False
            file.write(buffer[:count])
            digest.update(buffer[:count])
            size -= count
            yield
    return digest.digest() == sha256
