"""One connection to the port of updates: who is it, and bytes become records."""

import gc
import select

from micropython import const

from epx import log, otawire
from epx.loop import Poll, uptime_s

_PROOF_S = const(10)
SILENCE_S = const(60)
_MOST_UNSENT = const(4096)
_BROKEN = const(56)  # POLLERR, POLLHUP, POLLNVAL

# What comes next.
_HELLO = const(0)
_PROOF = const(1)
_RECORD = const(2)


class Link:
    """Talks to one caller. With an answer given he is only told that.

    The owner of the port, ota, hears of its end: gone(link), failed(peer), proved(). Whoever
    derives from this has greeting() and obey(kind, body).
    """

    proved = False  # does the other end have the key?

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
        self.watch()

    def _must_wait(self):
        return not self._answer and self._ota.busy()

    def watch(self):
        """While something is being done, who wants more has to wait."""
        if self._sock:
            events = 0 if self._must_wait() else select.POLLIN
            self._poll.modify(events | select.POLLOUT if self._unsent else events)

    def _read(self, to_the_end):
        while self._sock and not self._must_wait():
            count = self._sock.readinto(self._buffer[self._have : self._want])
            if count is None:
                return
            if not count:
                self.close("ended")
                return
            self._have += count
            if self._have == self._want:
                self._complete()
                # One record per turn: it may have to erase a block of the flash, 45 ms.
                if self._have != otawire.HEADER_BYTES and not to_the_end:
                    return

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
            self.deadline_s = uptime_s() + SILENCE_S
            self.obey(kind, body)
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
        gc.collect()
        from epx.otahello import greet

        self._keys, answer = greet(self._ota.app.config.otakey, hello)
        self._step = _PROOF
        self._want = otawire.PROOF_BYTES
        self._send(answer)

    def _on_proof(self):
        keys = self._keys
        if not otawire.equal(self._buffer[: otawire.PROOF_BYTES], keys.pc_proof):
            self._ota.failed(self.peer)
            self.close("wrong key")
            return
        self.proved = True
        self._ota.proved()
        log.info("OTA: session with %s", self.peer)
        self._step = _RECORD
        self._have = 0
        self._want = otawire.HEADER_BYTES
        self.deadline_s = uptime_s() + SILENCE_S
        self._send(keys.device_proof + keys.from_device.seal(otawire.IDENTITY, self.greeting()))

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

    def tell(self, kind, body=b""):
        if self._sock:
            self._send(self._keys.from_device.seal(kind, body))
