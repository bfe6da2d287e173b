"""The owner's files at the root, sent over the air: config.txt, pair.txt, certificates, data."""

import os

from micropython import const

from epx import log, otawire
from epx.otafiles import check_hash, close, free_bytes, hash_of, remove_file
from epx.otafolders import kind, make_folders
from epx.otaowner import checked, root_path_problem
from epx.otawire import Refusal, fields
from loader import sets

_CONFIG = "/config.txt"
_MOST_CONFIG_BYTES = const(8192)  # it is read in one piece
_PIECE = const(512)
_FOLDER = const(0x4000)
_FILE = const(0x8000)


def obey(session, kind, body):
    """PUT, HASH, REMOVE."""
    if kind == otawire.PUT:
        (size,) = fields(otawire.PUT_BODY, body, 33)
        path = str(body[36:], "utf-8")
        session.sink = RootFile(session.ota.app, path, size, bytes(body[4:36]))
        if not size:
            session.finish()
        return
    path = str(body, "utf-8")
    if kind == otawire.REMOVE:
        remove(path)
        session.tell(otawire.DONE)
        return
    stage = session.ota.stage
    if checked(path)[0] != "/":
        path = "/%s/%s" % (stage.base, path)
    session.start(_hash(path, stage.buffer))


def _hash(path, buffer):
    """Job: the answer to HASH."""
    size, digest = yield from hash_of(path, buffer)
    return otawire.HASHED, size.to_bytes(4, "big") + digest


class RootFile:
    """Takes one file: beside the old one, then verified as it lies in the flash, then instead."""

    answer = otawire.DONE

    def __init__(self, app, path, size, sha256):
        problem = root_path_problem(path)
        if problem:
            raise Refusal("path not allowed", "%s: %s" % (path, problem))
        if size > free_bytes() or (path == _CONFIG and size > _MOST_CONFIG_BYTES):
            raise Refusal("too large", "%s: %d bytes" % (path, size))
        at = path.find("/", 1)
        while at > 0 and not kind(path[:at]) & _FILE:
            at = path.find("/", at + 1)
        if at > 0 or kind(path) & _FOLDER:
            raise Refusal("path not allowed", "%s: a file and a folder with one name" % path)
        self._app = app
        self._path = path
        self._size = size
        self._sha256 = sha256
        self.received_bytes = 0
        self.complete = not size
        make_folders(path)
        self._file = open(path + ".new", "wb")

    def close(self):
        file, self._file = self._file, None
        if file:
            close(file)
            if not self.complete:
                remove_file(self._path + ".new")

    def write(self, data):
        if self.received_bytes + len(data) > self._size:
            raise Refusal("out of order", "more data than announced")
        self._file.write(data)
        self.received_bytes += len(data)
        self.complete = self.received_bytes == self._size

    def sync(self):
        self._file.flush()

    def finish(self):
        """Job: put it in its place -> words about that."""
        self.close()
        path, new = self._path, self._path + ".new"
        buffer = memoryview(bytearray(_PIECE))
        if not (yield from check_hash(new, self._size, self._sha256, buffer)):
            remove_file(new)
            raise Refusal("corrupt", path)
        if path != _CONFIG:
            os.rename(new, path)
            return b"%s is there" % path.encode()
        with open(new, "rb") as file:
            problems = self._app.read_settings(None, file.read().split(b"\n"))
        # Keys that only another program knows do no harm.
        problems = [problem for problem in problems if "unknown key" not in problem]
        if problems:
            remove_file(new)
            raise Refusal("bad config", "; ".join(problems)[:400])
        yield
        yield from sets.start_config_trial(new)
        log.answer("OTA: config.txt accepted, on trial after a reboot")
        return b"config.txt is on trial after a reboot"


def remove(path):
    """Of the root; that it is gone is what counts."""
    problem = root_path_problem(path)
    if problem or path == _CONFIG:
        raise Refusal("path not allowed", "%s: %s" % (path, problem or "nothing works without"))
    remove_file(path)
