"""What the one who has the key asks for: lists, files, a commit, firmware."""

import gc
from struct import calcsize, unpack_from

from micropython import const

from epx import diag, log, otawire
from epx.loop import Task, uptime_s
from epx.otalink import SILENCE_S, Link
from epx.otawire import Refusal

_PROGRESS_BYTES = const(8192)
_MOST_WORDS = const(400)  # characters
_REBOOT_MS = const(500)  # for the last answer to get out


class Session(Link):
    """Obeys records; each is answered, or refused with a reason, and nothing else changes."""

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

    _sink = None  # who takes DATA: the stage, a RootFile, a Firmware
    _told_bytes = 0

    def close(self, why):
        self._drop_sink()
        Link.close(self, why)

    def _drop_sink(self):
        """Nobody goes on with what has begun to come."""
        sink, self._sink = self._sink, None
        if sink:
            sink.close()

    def obey(self, kind, body):
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
        words = words[:_MOST_WORDS]  # they repeat what they are about, as long as a record
        log.warn("OTA: %s: %s", name, words)
        self.tell(otawire.REFUSED, bytes((otawire.refusal(name),)) + words.encode())

    def _make_room(self):
        """Another part of the work begins."""
        self._drop_sink()
        self._told_bytes = 0
        self._ota.make_room()

    def _start(self, job, done):
        self._ota.start(job, done)

    def _answer_with(self, kind, result, refusal):
        """A job has ended."""
        self.deadline_s = uptime_s() + SILENCE_S  # who waited for it was not silent
        try:
            if refusal:
                self._refuse(refusal)
            else:
                self.tell(kind, result or b"")
        except OSError as error:
            self.close(error)
        self.watch()

    def greeting(self):
        from epx.otahello import identity

        self._ota.make_room()
        return identity(self._ota.stage)

    def _on_list_begin(self, body):
        fields = _fields(otawire.LIST_BEGIN_BODY, body)
        profile = str(body[calcsize(otawire.LIST_BEGIN_BODY) :], "utf-8")
        self._make_room()
        from epx.otalisting import begin

        begin(self._ota.stage, *fields, profile)

    def _on_list(self, body):
        from epx.otalisting import add

        add(self._ota.stage, body)

    def _on_list_end(self, body):
        from epx.otalisting import compare

        self._start(compare(self._ota.stage), self._compared)

    def _compared(self, result, refusal):
        self._answer_with(otawire.NEEDED, result, refusal)

        stage = self._ota.stage
        if not refusal and stage.complete and self._sock:
            self._make_room()
            from epx.otabundle import finish

            self._start(finish(stage), self._staged)

    def _on_bundle(self, body):
        fields = _fields(otawire.BUNDLE_BODY, body, 32)
        self._make_room()
        from epx.otabundle import Bundle

        self._sink = sink = Bundle(self._ota.stage, *fields, bytes(body[-32:]))
        self._start(sink.resume(), self._resumed)

    def _resumed(self, result, refusal):
        self._answer_with(otawire.RESUME, result, refusal)
        if not refusal and self._sock:
            self._told_bytes = self._sink.received_bytes
            if self._sink.complete:
                self._on_data(b"")

    def _staged(self, result, refusal):
        self._answer_with(otawire.STAGED, None, refusal)

    def _on_data(self, body):
        sink = self._sink
        if not sink:
            raise Refusal("out of order", "data for nothing")
        sink.write(body)
        if sink.complete:
            self._sink = None
            self._start(sink.finish(), self._staged if hasattr(sink, "resume") else self._done)
        elif sink.received_bytes - self._told_bytes >= _PROGRESS_BYTES:
            self._told_bytes = sink.received_bytes
            self._start(_sync(sink), self._progressed)

    def _progressed(self, result, refusal):
        self._answer_with(otawire.PROGRESS, self._told_bytes.to_bytes(4, "big"), refusal)

    def _done(self, result, refusal):
        self._answer_with(otawire.DONE, result, refusal)

    def _on_commit(self, body):
        self._make_room()
        self._ota.commit(self._done)

    def _on_reboot(self, body):
        self.tell(otawire.DONE)
        Task(diag.reboot, _REBOOT_MS, arg="update tool of " + self.peer, core=True)

    def _on_put(self, body):
        (size,) = _fields(otawire.PUT_BODY, body, 33)
        self._make_room()
        from epx.otaroot import RootFile

        sink = RootFile(self._ota.app, str(body[36:], "utf-8"), size, bytes(body[4:36]))
        self._sink = sink
        if sink.complete:  # an empty one
            self._on_data(b"")

    def _on_hash(self, body):
        from epx.otapaths import checked

        path = checked(str(body, "utf-8"))
        if path[0] != "/":
            path = "/%s/%s" % (self._ota.stage.base, path)
        self._start(self._ota.stage.hash_file(path), self._hashed)

    def _hashed(self, result, refusal):
        self._answer_with(otawire.HASHED, result, refusal)

    def _on_remove(self, body):
        from epx.otaroot import remove

        remove(str(body, "utf-8"))
        self.tell(otawire.DONE)

    def _on_firmware(self, body):
        (size,) = _fields(otawire.FIRMWARE_BODY, body, 34)
        mpy = int.from_bytes(body[36:38], "big")
        self._make_room()
        from epx.otafw import Firmware

        self._sink = Firmware(size, bytes(body[4:36]), mpy)
        self.tell(otawire.DONE)

    def _on_keep(self, body):
        from epx import firmware

        self.tell(otawire.DONE, firmware.keep().encode())


def _sync(sink):
    """Job: what has been told as received can be gone on with after a power cut."""
    sink.sync()
    yield


def _fields(layout, body, more=0):
    """The fields of layout at the beginning of body."""
    if len(body) < calcsize(layout) + more:
        raise Refusal("bad message", "%d bytes are too few" % len(body))
    return unpack_from(layout, body)
