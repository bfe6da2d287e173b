"""A computer in the world: plain blocking functions, which talk to devices over its network.

    pc = Pc(world)
    job = pc.run(function, "argument")              the function calls pc.connect() and the like
    print(pc.wait(job, limit_ms=60_000))            what it returned; raises what it raised

Virtual time passes only while the function blocks: in connect(), recv(), sendall(), pc.sleep().
"""

import builtins

from testmock import errors
from testmock.simworld.world import Stopped

# Far less than a real one, and so enough to see that programs wait for it.
_RECEIVE_LIMIT = 65536
SHUT_WR = 1

# As on CPython; MicroPython, where a story may run too, has only OSError.
_Refused = getattr(builtins, "ConnectionRefusedError", OSError)
_Reset = getattr(builtins, "ConnectionResetError", OSError)
_BrokenPipe = getattr(builtins, "BrokenPipeError", OSError)
_Timeout = getattr(builtins, "TimeoutError", OSError)


class Faults:
    """What goes wrong with a connection; bytes are counted from its beginning, each way.

    cut_sent, cut_received: so many bytes arrive, then the connection ends as cut_how says:
    "reset" (both sides are told), "end" (the device sees the end of the stream) or "silence"
    (nobody is told). flip_sent, flip_received: {number of a byte: bits to turn}. delay_ms: of each
    sendall() and recv().
    """

    def __init__(
        self,
        cut_sent=None,
        cut_received=None,
        cut_how="reset",
        flip_sent=None,
        flip_received=None,
        delay_ms=0,
    ):
        self.cut_sent = cut_sent
        self.cut_received = cut_received
        self.cut_how = cut_how
        self.flip_sent = flip_sent or {}
        self.flip_received = flip_received or {}
        self.delay_ms = delay_ms


class Job:
    """A function that a computer runs: done, and then result or error."""

    def __init__(self):
        self.done = False
        self.result = None
        self.error = None


class Pc:
    """A computer. faults: of the connections that it makes from now on; sockets: all so far."""

    def __init__(self, world, address="192.168.1.100"):
        self.world = world
        self.faults = Faults()
        self.sockets = []
        self._address = address

    # What the network asks of whoever connects.

    def address(self):
        return self._address

    @staticmethod
    def link_is_up():
        return True

    # For stories.

    def run(self, function, *args):
        """Begin function(*args) as a program of the computer."""
        job = Job()

        def program():
            try:
                job.result = function(*args)
            except Stopped:
                raise
            except BaseException as error:
                job.error = error
            job.done = True

        self.world.spawn(program, "pc")
        return job

    def wait(self, job, limit_ms):
        """Let time pass until the job is done: its result, or what it raised."""
        if not self.world.run_until(lambda: job.done, limit_ms):
            raise AssertionError("the computer is not done after %d ms" % limit_ms)
        if job.error:
            raise job.error
        return job.result

    def do(self, limit_ms, function, *args):
        return self.wait(self.run(function, *args), limit_ms)

    # For functions that run.

    def sleep(self, seconds):
        world = self.world
        end_us = world.now_us + int(seconds * 1_000_000)
        while world.now_us < end_us:
            world.block(end_us - world.now_us)

    def monotonic(self):
        """Seconds, like time.monotonic()."""
        return self.world.now_us / 1_000_000

    def connect(self, address, port, timeout_s=10.0):
        """A connected socket."""
        return Socket(self, address, port, timeout_s)


class Socket:
    """The computer's end of a connection. sent, received: all bytes, as they were on the wire."""

    def __init__(self, pc, address, port, timeout_s):
        self.sent = bytearray()
        self.received = bytearray()
        self._pc = pc
        self._world = pc.world
        self._faults = pc.faults
        self._fiber = None
        self._failed = None
        self._shut = False
        self._closed = False
        self.settimeout(timeout_s)
        self._end = pc.world.lan.connect(pc, (address, port), self._changed)
        pc.sockets.append(self)
        try:
            self._wait(self._end.settled)
            self._check()
        except BaseException:
            self._end.close()
            raise

    def _changed(self):
        if self._fiber:
            self._world.wake(self._fiber)

    def _wait(self, condition):
        world = self._world
        limit_us = self._limit_us
        end_us = -1 if limit_us < 0 else world.now_us + limit_us
        self._fiber = world.current
        try:
            while not condition():
                if 0 <= end_us <= world.now_us:
                    raise _Timeout("timed out")
                world.block(-1 if end_us < 0 else end_us - world.now_us)
        finally:
            self._fiber = None

    def _check(self):
        if self._closed:
            raise OSError(errors.EBADF, "closed")
        if self._failed:
            raise self._failed
        if self._end.error:
            self._failed = _error(self._end.error)
            raise self._failed

    def settimeout(self, seconds):
        """None: wait for ever."""
        self._limit_us = -1 if seconds is None else int(seconds * 1_000_000)

    def sendall(self, data):
        self._check()
        if self._shut:
            raise _BrokenPipe(32, "shut down")
        self._delay()
        faults = self._faults
        data = bytearray(data)
        limit = len(data)
        if faults.cut_sent is not None:
            limit = min(limit, max(0, faults.cut_sent - len(self.sent)))
        for n in faults.flip_sent:
            if 0 <= n - len(self.sent) < limit:
                data[n - len(self.sent)] ^= faults.flip_sent[n]
        at = 0
        while at < limit:
            self._wait(self._end.can_send)
            self._check()
            n = self._end.send(bytes(data[at:limit]))
            self.sent += data[at : at + n]
            at += n
        if len(data) > limit or (limit and len(self.sent) == faults.cut_sent):
            self._cut(len(data) > limit)

    def send(self, data):
        self.sendall(data)
        return len(data)

    def recv(self, size):
        self._check_open()
        faults = self._faults
        limit = min(size, _RECEIVE_LIMIT)
        if faults.cut_received is not None:
            limit = min(limit, faults.cut_received - len(self.received))
            if limit <= 0:
                self._cut(True)
                return self._after_silence()
        self._delay()
        if not self._end.rx:
            self._check()
            self._wait(self._end.can_receive)
            if not self._end.rx:
                self._check()
        data = bytearray(self._end.receive(limit))
        first = len(self.received)
        for n in faults.flip_received:
            if 0 <= n - first < len(data):
                data[n - first] ^= faults.flip_received[n]
        self.received += data
        return bytes(data)

    def recv_into(self, buffer, size=0):
        data = self.recv(size or len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _check_open(self):
        # What had arrived before an error can still be read.
        if self._closed or self._failed:
            self._check()

    def _delay(self):
        if self._faults.delay_ms:
            self._pc.sleep(self._faults.delay_ms / 1000)

    def _cut(self, tell):
        """The connection ends here; tell: the call that is under way fails."""
        how = self._faults.cut_how
        end = self._end
        if how == "silence":
            connection = end.connection
            # What is on its way still arrives.
            latency_ms = self._world.lan.latency_ms
            self._world.call_after(latency_ms, lambda: _die(connection))
            return
        if how == "reset":
            end.reset()
        else:
            end.rx = bytearray()
            end.close()
        self._failed = _Reset(errors.ECONNRESET, "cut by the story")
        if tell:
            raise self._failed

    def _after_silence(self):
        """Nothing comes any more."""
        self._wait(lambda: False)

    def shutdown(self, how):
        """No more from this side; 1 (SHUT_WR), or 2 for both directions."""
        self._check()
        if not self._shut:
            self._shut = True
            lan = self._world.lan
            lan.world.call_after(lan.latency_ms, self._end._arrive_eof)

    def reset(self):
        """End the connection the hard way, from this side."""
        self._end.reset()
        self._closed = True

    def close(self):
        if not self._closed:
            self._closed = True
            self._end.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def _die(connection):
    connection.dead = True


def _error(number):
    if number == errors.ECONNREFUSED:
        return _Refused(number, "refused")
    if number == errors.ETIMEDOUT:
        return _Timeout(number, "timed out")
    return _Reset(number, "reset")
