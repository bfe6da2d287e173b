"""One conversation on the port of updates: who is it, what does he want, is that allowed."""

import gc
import os
import select
import sys
from binascii import hexlify
from struct import calcsize, unpack_from

import machine
from micropython import const

from epx import diag, log, otawire
from epx.loop import Poll, Task, uptime_s
from epx.otastage import read_head
from epx.otawire import Refusal
from loader import verdict

_PROOF_S = const(10)
_SILENCE_S = const(60)
_PROGRESS_BYTES = const(8192)
_MOST_UNSENT = const(4096)
_RECORDS_PER_TURN = const(4)
_REBOOT_MS = const(500)  # for the last answer to get out
_BROKEN = const(56)  # POLLERR, POLLHUP, POLLNVAL

# What comes next.
_HELLO = const(0)
_PROOF = const(1)
_RECORD = const(2)


class Session:
    """Talks to one caller. With an answer given he is only told that."""

    _handlers = {
        otawire.LIST_BEGIN: "_on_list_begin",
        otawire.LIST: "_on_list",
        otawire.LIST_END: "_on_list_end",
        otawire.BUNDLE: "_on_bundle",
        otawire.DATA: "_on_data",
        otawire.COMMIT: "_on_commit",
        otawire.REBOOT: "_on_reboot",
        otawire.PUT: "_on_put",
        otawire.HASH: "_on_hash",
        otawire.REMOVE: "_on_remove",
        otawire.FIRMWARE: "_on_firmware",
        otawire.KEEP: "_on_keep",
    }

    def __init__(self, ota, sock, peer, buffer, answer=None):
        self.peer = peer
        self._ota = ota
        self._sock = sock
        self._buffer = buffer
        self._answer = answer
        self._step = _HELLO
        self._keys = None
        self._have = 0
        self._want = otawire.HELLO_BYTES
        self._unsent = b""
        self._sink = None  # who takes DATA
        self._told_bytes = 0
        self.deadline_s = uptime_s() + _PROOF_S
        self._poll = Poll(sock, select.POLLIN, self._ready)

    def close(self, why):
        """The connection ends; what has arrived stays."""
        if self._sock:
            if why and not self._answer:
                log.info("OTA: %s: %s", self.peer, why)
            self._poll.cancel()
            self._sock.close()
            self._sock = None
            if self._sink:
                self._sink.close()
                self._sink = None
            self._ota.gone(self)

    # Bytes.

    def _ready(self, events):
        try:
            if events & select.POLLOUT:
                self._flush()
            if events & (select.POLLIN | _BROKEN):
                self._read(events & _BROKEN)
            if events & _BROKEN:
                self.close("connection lost")
        except OSError as error:
            self.close(error)
        except ValueError as error:  # not from who has the key
            self.close(error)
        self._watch()

    def _watch(self):
        """While something is being done, who wants more has to wait."""
        if self._sock:
            events = 0 if self._ota.busy() else select.POLLIN
            self._poll.modify(events | select.POLLOUT if self._unsent else events)

    def _read(self, to_the_end):
        records = 0
        while self._sock and not self._ota.busy() and (records < _RECORDS_PER_TURN or to_the_end):
            count = self._sock.readinto(self._buffer[self._have : self._want])
            if count is None:
                return
            if not count:
                self.close("ended")
                return
            self._have += count
            if self._have == self._want:
                self._complete()
                records += 1

    def _complete(self):
        buffer = self._buffer
        step = self._step
        if step == _RECORD:
            if self._have == otawire.HEADER_BYTES:
                self._want = otawire.record_bytes(buffer)
                return
            kind, body = self._keys.from_pc.open(buffer[: self._want])
            self._have = 0
            self._want = otawire.HEADER_BYTES
            self.deadline_s = uptime_s() + _SILENCE_S
            self._obey(kind, body)
        elif step == _HELLO:
            self._on_hello()
        else:
            self._on_proof()

    def _on_hello(self):
        hello = bytes(self._buffer[: otawire.HELLO_BYTES])
        self._have = 0
        if hello[:4] != otawire.HELLO:
            self.close("not an update tool, or one of another version")
            return
        if self._answer:
            self._send(self._answer)
            self.close(None)
            return
        answer = otawire.ANSWER + bytes((otawire.WELCOME,)) + os.urandom(otawire.NONCE_BYTES)
        gc.collect()
        self._keys = otawire.Keys(self._ota.app.config.otakey, hello, answer)
        self._step = _PROOF
        self._want = otawire.PROOF_BYTES
        self._send(answer)

    def _on_proof(self):
        keys = self._keys
        if not otawire.equal(self._buffer[: otawire.PROOF_BYTES], keys.pc_proof):
            self._ota.failed(self.peer)
            self.close("wrong key")
            return
        self._ota.proved()
        log.info("OTA: session with %s", self.peer)
        self._step = _RECORD
        self._have = 0
        self._want = otawire.HEADER_BYTES
        self.deadline_s = uptime_s() + _SILENCE_S
        self._send(keys.device_proof + keys.from_device.seal(otawire.IDENTITY, self._identity()))

    def _send(self, data):
        if len(self._unsent) + len(data) > _MOST_UNSENT:
            raise OSError("does not read what it is told")
        self._unsent += data
        self._flush()

    def _flush(self):
        while self._unsent:
            count = self._sock.write(self._unsent)
            if not count:
                return
            self._unsent = self._unsent[count:]

    def _tell(self, kind, body=b""):
        if self._sock:
            self._send(self._keys.from_device.seal(kind, body))

    # Records.

    def _obey(self, kind, body):
        try:
            handler = self._handlers.get(kind)
            if not handler:
                raise Refusal("bad message", "type %d" % kind)
            getattr(self, handler)(body)
        except Refusal as refusal:
            self._refuse(refusal)
        except OSError as error:
            self._refuse(Refusal("file system", str(error)))
        except MemoryError:
            gc.collect()
            self._refuse(Refusal("too large", "out of memory"))
        except Exception as error:
            self._refuse(Refusal("bad message", "%s %s" % (type(error).__name__, error)))

    def _refuse(self, refusal):
        name, words = refusal.args
        log.warn("OTA: %s: %s", name, words)
        self._tell(otawire.REFUSED, bytes((otawire.refusal(name),)) + words.encode())

    def _start(self, job, done):
        self._ota.start(job, done)

    def _answer_with(self, kind, result, refusal):
        """A job has ended."""
        try:
            if refusal:
                self._refuse(refusal)
            else:
                self._tell(kind, result or b"")
        except OSError as error:
            self.close(error)
        self._watch()

    def _identity(self):
        ota = self._ota
        stage = ota.stage
        found = os.statvfs("/")
        head = stage.head
        lines = (
            ("profile", stage.profile or "-"),
            ("version", head.get("version", 0)),
            ("set", stage.base or "-"),
            ("trial", 1 if verdict.trial else 0),
            ("rescue", 0 if verdict.chosen else 1),
            ("mpy", getattr(sys.implementation, "_mpy", 0) & 0xFF),
            ("firmware", "%d.%d.%d" % sys.implementation.version[:3]),
            ("epx", diag.VERSION),
            ("chip", str(hexlify(machine.unique_id()), "ascii")),
            ("free", found[0] * found[3]),
            ("staged", 1 if stage.staged() else 0),
            ("other", read_head("/%s/set.txt" % stage.target).get("version", "-")),
        )
        return "".join(["%s %s\n" % line for line in lines]).encode()

    def _on_list_begin(self, body):
        fields = _fields(otawire.LIST_BEGIN_BODY, body)
        profile = str(body[calcsize(otawire.LIST_BEGIN_BODY) :], "utf-8")
        self._ota.stage.begin_list(*fields, profile)

    def _on_list(self, body):
        self._ota.stage.add_entries(body)

    def _on_list_end(self, body):
        self._start(self._ota.stage.compare(), self._compared)

    def _compared(self, result, refusal):
        self._answer_with(otawire.NEEDED, result, refusal)
        self._go_on(refusal)

    def _on_bundle(self, body):
        fields = _fields(otawire.BUNDLE_BODY, body, 32)
        self._sink = stage = self._ota.stage
        self._told_bytes = 0
        self._start(stage.begin_bundle(*fields, bytes(body[-32:])), self._resumed)

    def _resumed(self, result, refusal):
        self._answer_with(otawire.RESUME, result, refusal)
        self._go_on(refusal)

    def _go_on(self, refusal):
        """If nothing has to be sent any more, the work begins."""
        stage = self._ota.stage
        if not refusal and stage.complete and self._sock:
            self._start(stage.finish(), self._staged)

    def _staged(self, result, refusal):
        self._answer_with(otawire.STAGED, None, refusal)

    def _on_data(self, body):
        sink = self._sink
        if not sink:
            raise Refusal("out of order", "data for nothing")
        sink.write(body)
        if sink.complete:
            self._sink = None
            if sink is self._ota.stage:
                self._start(sink.finish(), self._staged)
            else:
                self._start(sink.finish(), self._done)
        elif sink.received_bytes - self._told_bytes >= _PROGRESS_BYTES:
            self._told_bytes = sink.received_bytes
            self._tell(otawire.PROGRESS, self._told_bytes.to_bytes(4, "big"))

    def _done(self, result, refusal):
        self._answer_with(otawire.DONE, result, refusal)

    def _on_commit(self, body):
        self._ota.commit(self._done)

    def _on_reboot(self, body):
        self._tell(otawire.DONE)
        Task(diag.reboot, _REBOOT_MS, arg="update tool of " + self.peer, core=True)

    def _on_put(self, body):
        from epx.otaroot import RootFile

        (size,) = _fields(otawire.PUT_BODY, body, 33)
        sink = RootFile(self._ota.app, str(body[36:], "utf-8"), size, bytes(body[4:36]))
        self._told_bytes = 0
        self._sink = sink
        if sink.complete:  # an empty one
            self._on_data(b"")

    def _on_hash(self, body):
        path = _checked_path(body)
        if path[0] != "/":
            path = "/%s/%s" % (self._ota.stage.base, path)
        self._start(self._ota.stage.hash_file(path), self._hashed)

    def _hashed(self, result, refusal):
        self._answer_with(otawire.HASHED, result, refusal)

    def _on_remove(self, body):
        from epx.otaroot import remove

        remove(_checked_path(body))
        self._tell(otawire.DONE)

    def _on_firmware(self, body):
        from epx.otafw import Firmware

        (size,) = _fields(otawire.FIRMWARE_BODY, body, 34)
        flags = int.from_bytes(body[36:38], "big")
        self._told_bytes = 0
        self._sink = Firmware(size, bytes(body[4:36]), flags)
        self._tell(otawire.DONE)

    def _on_keep(self, body):
        from epx import firmware

        self._tell(otawire.DONE, firmware.keep().encode())


def _fields(layout, body, more=0):
    """The fields of layout at the beginning of body."""
    if len(body) < calcsize(layout) + more:
        raise Refusal("bad message", "%d bytes are too few" % len(body))
    return unpack_from(layout, body)


def _checked_path(body):
    path = str(body, "utf-8")
    problem = otawire.path_problem(path)
    if problem:
        raise Refusal("path not allowed", "%s: %s" % (path, problem))
    return path
