"""Updates over the air: the port, and the conversation with the one who has the key.

Imported when somebody opens it, and forgotten ten idle minutes later.
"""

import gc
import select
import socket
import sys
from binascii import hexlify

import machine
from micropython import const

from epx import diag, log, otawire
from epx.loop import Poll, Task, uptime_s
from epx.otasession import Session
from epx.otastage import Stage
from epx.topics import full_topic
from loader import verdict

_IDLE_S = const(600)
_ANNOUNCE_S = const(10)
# What stays for the whole session; the rest of epx.ota* is loaded for one part of the work and
# forgotten before the next.
_STAY = ("epx.ota", "epx.otawire", "epx.otasession", "epx.otastage", "epx.otafiles")
_BROKEN = const(56)  # POLLERR, POLLHUP, POLLNVAL


class Ota:
    """The open port. At most one conversation; a second caller is told who holds it."""

    core = False  # as an owner: whatever goes wrong in here does not reboot the appliance

    def __init__(self, app):
        self.app = app
        # For what comes in, and for the work on it: never both at a time.
        self._buffer = memoryview(bytearray(otawire.MOST_RECORD))
        self.stage = Stage(app.profile if verdict.chosen else None, self._buffer)
        self.session = None
        self._turned_away = None  # one more caller, who is told so
        self._job = None
        self._job_done = None  # what to do with its result
        self._commit_done = None
        self._count = 0
        self.failures = 0  # of callers who did not have the key
        self.locked_until_s = 0
        self._listener = listener = socket.socket()
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(socket.getaddrinfo("0.0.0.0", otawire.PORT)[0][-1])
        listener.listen(2)
        self._poll = Poll(listener, select.POLLIN, self._accept)
        self._tick_task = Task(self._tick, 1000, 1000)
        self._job_task = Task(self._step, 0, 0)
        self._job_task.cancel()
        self.touch()
        self.announce()

    # The port.

    def touch(self):
        """Somebody wants something: stay open."""
        self._idle_since_s = uptime_s()

    def announce(self):
        """Say where we are and what we do."""
        app = self.app
        self._announced_s = uptime_s()
        self._count += 1
        state = "idle"
        if self.session:
            state = "session with " + self.session.peer
        elif self._job:
            state = "busy"
        line = "netstatus %s addr %s mac %s flavor %s count %d state %s" % (
            app.net.sm.state,
            app.net.address(),
            str(hexlify(machine.unique_id()), "ascii"),
            app.profile,
            self._count,
            state,
        )
        log.answer("OTA: %s", line)
        if app.mqtt.connected():
            topic = full_topic("stat", app.config.mqttname, "OTA")
            app.mqtt.outbox.post_event(topic, line.encode())

    def _tick(self):
        now_s = uptime_s()
        if now_s - self._announced_s >= _ANNOUNCE_S:
            self.announce()
        for session in (self.session, self._turned_away):
            if session and now_s > session.deadline_s and not self._job:
                session.close("silent for too long")
        if (self.session and self.session.proved) or self._job:  # a stranger does not count
            self.touch()
        elif now_s - self._idle_since_s > _IDLE_S:
            log.answer("OTA: closed, ten minutes without use")
            self.close()

    def close(self):
        for session in (self.session, self._turned_away):
            if session:
                session.close("the port closes")
        self.stage.close()
        self._poll.cancel()
        self._tick_task.cancel()
        self._job_task.cancel()
        self._listener.close()
        self.app.ota = None
        diag.forget("epx", "remote")
        _forget(())

    def _accept(self, events):
        if events & _BROKEN:
            log.answer("OTA: closed, the network is gone")
            self.close()
            return
        try:
            sock, address = self._listener.accept()
        except OSError:
            return
        sock.setblocking(False)
        self.admit(sock, address[0] if isinstance(address, tuple) else "somebody")

    def admit(self, sock, peer):
        """Somebody has called: talk to him, or tell him why not."""
        if self.session or self._job or uptime_s() < self.locked_until_s:
            from epx.otahello import last_word

            if self._turned_away:
                self._turned_away.close(None)
            buffer = memoryview(bytearray(otawire.HELLO_BYTES))
            self._turned_away = Session(self, sock, peer, buffer, last_word(self))
        else:
            self.session = Session(self, sock, peer, self._buffer)

    def gone(self, session):
        """A conversation has ended."""
        if session is self._turned_away:
            self._turned_away = None
        elif session is self.session:
            self.session = None
            if self._job and not self._commit_done:
                self.drop_job()
            if not self._commit_done:
                self.stage.close()

    def make_room(self):
        """What one part of the work has needed is no use for the next one."""
        _forget(_STAY)
        gc.collect()

    # Long work, one step per turn of the loop.

    def start(self, job, done):
        """Run the generator job; done(result, refusal) hears of its end."""
        self._job = job
        self._job_done = done
        self._job_task.restart()

    def busy(self):
        return self._job is not None

    def _step(self):
        result = refusal = None
        try:
            next(self._job)
            return
        except StopIteration as end:
            result = end.value
        except Exception as error:
            gc.collect()
            from epx.otarefusals import refusal_of

            refusal = refusal_of(error, "corrupt")
        self.drop_job()(result, refusal)

    def drop_job(self):
        """It is over, or nobody wants it any more."""
        job, done = self._job, self._job_done
        self._job = self._job_done = None
        self._job_task.cancel()
        if job:
            job.close()
        return done

    def commit(self, done):
        """Make the staged set the next one; done(result, refusal)."""
        from epx.otacommit import commit

        self._commit_done = done
        self.stage.close()
        stage = self.stage
        job = commit(stage.base, stage.target, self.app.health(), stage.buffer)
        self.start(job, self._committed)

    def _committed(self, result, refusal):
        if not refusal:
            log.answer("OTA: committed, set %s runs after a reboot", self.stage.target)
            self.stage = Stage(self.stage.profile, self._buffer)
        done, self._commit_done = self._commit_done, None
        done(result, refusal)


def _forget(stay):
    """Modules of updates, but not those that stay."""
    for name in list(sys.modules):
        if name.startswith("epx.ota") and name not in stay:
            diag.forget("epx", name[4:])
    diag.forget("epx", "firmware")
    diag.forget("loader", "sets")
