"""One connection to the port of updates: bytes become records, and each is answered.

What a record asks for is the work of another module, loaded when the first one of its kind comes.
"""

import gc
import select

from micropython import const

from epx import diag, log, otawire
from epx.loop import Poll, Task, uptime_s
from epx.otawire import Refusal

_PROOF_S = const(10)
_SILENCE_S = const(60)
_MOST_UNSENT = const(4096)
_MOST_WORDS = const(400)
_PROGRESS_BYTES = const(8192)
_REBOOT_MS = const(500)  # for the last answer to get out
_BROKEN = const(56)  # POLLERR, POLLHUP, POLLNVAL


class Session:
    """Talks to one caller. With a last_word given he is only told that.

    keys: None before the hello; proved: the other end has the key. sink: who takes DATA, with
    write(), sync(), complete, received_bytes, close(), and finish(), a job whose result goes out
    as a record of type answer.
    """

    keys = None
    proved = False
    sink = None
    told_bytes = 0
    _reboot = None

    def __init__(self, ota, sock, peer, buffer, last_word=None):
        self.peer = peer
        self.ota = ota
        self.buffer = buffer
        self.last_word = last_word
        self._sock = sock
        self._have = 0
        self.want = otawire.HELLO_BYTES
        self._unsent = b""
        self.deadline_s = uptime_s() + _PROOF_S
        self._poll = Poll(sock, select.POLLIN, self._ready)

    def close(self, why):
        """The connection ends; what has arrived stays."""
        if self._sock:
            self._drop_sink()
            if why and not self.last_word:
                log.info("OTA: %s: %s", self.peer, why)
            self._poll.cancel()
            self._sock.close()
            self._sock = None
            self.ota.gone(self)

    def _drop_sink(self):
        """Nobody goes on with what has begun to come."""
        sink, self.sink = self.sink, None
        if sink:
            sink.close()

    # Bytes.

    def _ready(self, events):
        try:
            if events & select.POLLOUT:
                self._flush()
            if events & (select.POLLIN | _BROKEN):
                self._read(events & _BROKEN)
            if events & _BROKEN:
                self.close("connection lost")
        except (OSError, ValueError) as error:  # ValueError: not from who has the key
            self.close(error)
        self._watch()

    def _must_wait(self):
        """While something is being done, who wants more."""
        return not self.last_word and self.ota.busy()

    def _watch(self):
        if self._sock:
            events = 0 if self._must_wait() else select.POLLIN
            self._poll.modify(events | select.POLLOUT if self._unsent else events)

    def _read(self, to_the_end):
        while self._sock and not self._must_wait():
            count = self._sock.readinto(self.buffer[self._have : self.want])
            if count is None:
                return
            if not count:
                self.close("ended")
                return
            self._have += count
            if self._have == self.want:
                if self.proved and self._have == otawire.HEADER_BYTES:
                    self.want = otawire.record_bytes(self.buffer)
                    continue
                self._complete()
                # One record per turn: it may have to erase a block of the flash, 45 ms.
                if not to_the_end:
                    return

    def _complete(self):
        """So many bytes as were wanted are there."""
        self._have = 0
        if self.proved:
            kind, body = self.keys.from_pc.open(self.buffer[: self.want])
            self.want = otawire.HEADER_BYTES
            self.deadline_s = uptime_s() + _SILENCE_S
            self._obey(kind, body)
        elif self.last_word:
            self.send(self.last_word)
            self.close(None)
        else:
            if not self.keys:
                self.ota.make_room()
            from epx import otahello

            if not self.keys:
                otahello.greet(self)
            elif otahello.prove(self):
                self.deadline_s = uptime_s() + _SILENCE_S
                self.ota.make_room()

    def send(self, data):
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

    # Records.

    def tell(self, kind, body=b""):
        if self._sock:
            self.send(self.keys.from_device.seal(kind, body))

    def _obey(self, kind, body):
        refusal = None
        try:
            if kind == otawire.DATA:
                self._take(body)
            elif kind == otawire.COMMIT:
                self._make_room()
                self.ota.commit(self.answer)
            elif kind == otawire.REBOOT:
                self.tell(otawire.DONE)
                if not self._reboot:
                    why = "update tool of " + self.peer
                    self._reboot = Task(diag.reboot, _REBOOT_MS, arg=why, core=True)
            else:
                self._part(kind).obey(self, kind, body)
        except Exception as error:
            gc.collect()
            from epx.otarefusals import refusal_of

            refusal = refusal_of(error, "bad message")
        if refusal:
            self._refuse(refusal)

    def _part(self, kind):
        """The module for this type of record."""
        if not otawire.LIST_BEGIN <= kind <= otawire.SAME:
            raise Refusal("bad message", "type %d" % kind)
        if kind != otawire.LIST:  # which goes on with what has begun
            self._make_room()
        if kind <= otawire.LIST:
            from epx import otalisting as part
        elif kind in (otawire.LIST_END, otawire.SAME):
            from epx import otacompare as part
        elif kind == otawire.BUNDLE:
            from epx import otabundle as part
        elif kind in (otawire.FIRMWARE, otawire.KEEP):
            from epx import otafw as part
        else:
            from epx import otaroot as part
        return part

    def _make_room(self):
        """Another part of the work begins."""
        self._drop_sink()
        self.told_bytes = 0
        self.ota.make_room()

    def start(self, job):
        """Run the generator job; its result is (type, body) of the answer."""
        self.ota.start(job, self.answer)

    def answer(self, result, refusal):
        """A job has ended."""
        self.deadline_s = uptime_s() + _SILENCE_S  # who waited for it was not silent
        try:
            if refusal:
                self._refuse(refusal)
            else:
                self.tell(*(result or (otawire.DONE,)))
        except OSError as error:
            self.close(error)
        self._watch()

    def _refuse(self, refusal):
        from epx.otarefusals import number

        name, words = refusal.args
        words = words[:_MOST_WORDS]  # they repeat what they are about, as long as a record
        log.warn("OTA: %s: %s", name, words)
        self.tell(otawire.REFUSED, bytes((number(name),)) + words.encode())

    def _take(self, data):
        """The next bytes of what comes."""
        sink = self.sink
        if not sink:
            raise Refusal("out of order", "data for nothing")
        sink.write(data)
        if sink.complete:
            self.finish()
        elif sink.received_bytes - self.told_bytes >= _PROGRESS_BYTES:
            self.told_bytes = sink.received_bytes
            self.start(self._progress(sink))

    def finish(self):
        """All has come."""
        sink, self.sink = self.sink, None
        self.start(_finish(sink))

    def _progress(self, sink):
        """Job: what is told as received can be gone on with after a power cut."""
        sink.sync()
        yield
        return otawire.PROGRESS, self.told_bytes.to_bytes(4, "big")


def _finish(sink):
    result = yield from sink.finish()
    return sink.answer, result or b""
