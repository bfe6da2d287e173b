"""A world with its own clock, where one thing happens at a time.

Each simulated thread (a fiber) is a thread of the interpreter, but only the holder of the baton
runs. A fiber lets the baton go where real code blocks: only there can the clock move. Whoever lets
go picks the next one itself, so that a fiber which is also the next to run just moves the clock.
"""

import _thread
import binascii
import heapq
import sys

from testmock.simworld.rng import Random

TICKS_PERIOD = 1 << 30
_TICKS_MASK = TICKS_PERIOD - 1
# Half a minute before ticks_ms() wraps, so that every scenario lives through it.
START_TICKS_MS = TICKS_PERIOD - 30_000
SPIN_LIMIT = 100_000
_TRACE_LIMIT = 20_000
_THREAD_STACK_BYTES = 256 * 1024
_MICROPYTHON = sys.implementation.name == "micropython"

if _MICROPYTHON:

    def _start_thread(target):
        _thread.stack_size(_THREAD_STACK_BYTES)
        _thread.start_new_thread(target, ())

else:
    import threading

    def _start_thread(target):
        # Not _thread: coverage and debuggers follow the threads of threading only.
        threading.Thread(target=target, daemon=True).start()


class Stopped(BaseException):
    """Raised inside a fiber to end it: its device lost power or was reset."""


class SpinError(BaseException):
    """A fiber reads the clock for ever without giving it a chance to move."""


class Alarm:
    """A callback that the clock will make; cancel() forgets it."""

    def __init__(self, world, due_us, callback):
        self._world = world
        self.callback = callback
        self.entry = world._push(due_us, self)

    def cancel(self):
        if self.entry:
            self._world._forget(self.entry)
            self.entry = None

    def active(self):
        return self.entry is not None


class Fiber:
    """One simulated thread."""

    def __init__(self, world, target, name, owner):
        self.world = world
        self.name = name
        self.owner = owner
        self.entry = None
        self.waiting = False
        self.stopping = False
        self.done = False
        self._target = target
        self.lock = _thread.allocate_lock()
        self.lock.acquire()
        _start_thread(self._main)

    def _main(self):
        self.lock.acquire()
        try:
            if not self.stopping:
                self._target()
        except Stopped:
            pass
        except BaseException as error:
            self.world._failure = error
        self._target = None
        self.done = True
        self.world._leave(self)


class World:
    """The clock, the baton and all that was planned. Times are counted from the world's start."""

    def __init__(self, seed=1):
        self.seed = seed
        self.random = Random(seed)
        self.now_us = 0
        self.ticks = START_TICKS_MS
        self.spins = 0
        self.spin_limit = SPIN_LIMIT
        # What a fiber does that spins: fail the story, or hang as a busy loop on a board does (the
        # watchdog may bite, other threads go on).
        self.spin_hangs = False
        self.current = None
        self.trace = []
        self.trace_hash = 0
        self.lan = self.broker = self.device = self._ether = None
        self.devices = []
        self._fibers = []
        self._ready = []
        self._heap = []
        self._seq = 0
        self._forgotten = 0
        self._deferred = []
        self._home = _thread.allocate_lock()
        self._home.acquire()
        self._running = False
        self._killing = False
        self._condition = None
        self._met = False
        self._end_us = 0
        self._failure = None
        self.watchers = []

    @property
    def ether(self):
        """The air between devices with ESP-NOW; most worlds need none."""
        if self._ether is None:
            from testmock.simworld.ether import Ether

            self._ether = Ether(self)
        return self._ether

    # For stories.

    def now_ms(self):
        """Milliseconds since the world began."""
        return self.now_us // 1000

    def run_for(self, ms):
        self.run_until(None, ms)

    def run_until(self, condition, limit_ms):
        """Let time pass until condition() holds; False if it does not within limit_ms."""
        if self._running:
            raise RuntimeError("only a story may run the world, not a part of it")
        if condition and condition():
            return True
        self._condition = condition
        self._end_us = self.now_us + limit_ms * 1000
        self._running = True
        try:
            while True:
                self._met = False
                self._expired = False
                fiber = self._next()
                if fiber:
                    fiber.lock.release()
                    self._home.acquire()
                    self.current = None
                if self._failure:
                    error, self._failure = self._failure, None
                    raise error
                if self._deferred:
                    self._run_deferred()
                elif self._met:
                    return True
                elif self._expired:
                    return False
        finally:
            self._running = False
            self._condition = None

    def call_after(self, ms, callback):
        return Alarm(self, self.now_us + int(ms * 1000), callback)

    def call_at(self, ms, callback):
        """Make callback() when the world is ms old."""
        return Alarm(self, max(self.now_us, int(ms * 1000)), callback)

    def spawn(self, target, name="thread", owner=None):
        """A new simulated thread: runs target() from now on."""
        fiber = Fiber(self, target, name, owner)
        self._fibers.append(fiber)
        self._ready.append(fiber)
        return fiber

    def note(self, who, what):
        """Remember for the trace: who did what, now."""
        ms = self.now_us // 1000
        line = "%d %s %s" % (ms, who, what)
        self.trace_hash = binascii.crc32(line.encode(), self.trace_hash)
        self.trace.append((ms, who, what))
        if len(self.trace) > _TRACE_LIMIT:
            del self.trace[: _TRACE_LIMIT // 2]
        for watcher in self.watchers:
            watcher(ms, who, what)

    def close(self):
        """End all threads; the world cannot be used any more."""
        self.stop(list(self._fibers))

    # For fibers.

    def block(self, timeout_us):
        """Let others run for timeout_us, or until wake() (-1: only that)."""
        fiber = self.current
        if fiber is None:
            raise RuntimeError("a story or an alarm must not block: only a simulated thread may")
        if fiber.stopping:
            raise Stopped
        if timeout_us == 0:
            self._spin()
        if self._condition and not self._deferred:
            self._check_condition()
        if timeout_us >= 0:
            wake_us = self.now_us + timeout_us
            heap = self._heap
            if (
                not self._ready
                and not self._deferred
                and not self._met
                and wake_us <= self._end_us
                and (not heap or wake_us < heap[0][0])
            ):
                if timeout_us:
                    self._set_clock(wake_us)
                return
            fiber.entry = self._push(wake_us, fiber)
        fiber.waiting = True
        following = self._next()
        if following is not fiber:
            (following.lock if following else self._home).release()
            fiber.lock.acquire()
            self.current = fiber
        if fiber.stopping:
            raise Stopped

    def wake(self, fiber):
        """End fiber's block() now."""
        if fiber.waiting:
            fiber.waiting = False
            if fiber.entry:
                self._forget(fiber.entry)
                fiber.entry = None
            self._ready.append(fiber)

    def spend(self, us):
        """The fiber is busy for us: the clock moves, nobody else runs."""
        self._set_clock(self.now_us + us)

    def defer(self, callback):
        """Do this as soon as no fiber holds the baton; at once if a story calls."""
        if self._running:
            self._deferred.append(callback)
        else:
            callback()

    def stop(self, fibers):
        """End these fibers. Only from a story or a deferred callback."""
        for fiber in fibers:
            fiber.stopping = True
            fiber.waiting = False  # nobody can wake it any more
            if fiber.entry:
                self._forget(fiber.entry)
                fiber.entry = None
            if fiber in self._ready:
                self._ready.remove(fiber)
            if not fiber.done:
                self._killing = True
                self.current = fiber
                fiber.lock.release()
                self._home.acquire()
                self._killing = False
                self.current = None
            if fiber in self._fibers:
                self._fibers.remove(fiber)

    def _spin(self):
        self.spins += 1
        if self.spins > self.spin_limit:
            self.spinning()

    def spinning(self):
        """Called once too many clock readings, or turns of a loop, were counted in spins."""
        self.spins = 0
        while self.spin_hangs and self.current:
            self.block(-1)
        raise SpinError(
            "%s reads the clock, and it does not move"
            % (self.current.name if self.current else "?")
        )

    # The baton.

    def _set_clock(self, us):
        self.now_us = us
        self.ticks = (START_TICKS_MS + us // 1000) & _TICKS_MASK
        self.spins = 0

    def _push(self, due_us, what):
        entry = [due_us, self._seq, what]
        self._seq += 1
        heapq.heappush(self._heap, entry)
        return entry

    def _forget(self, entry):
        entry[2] = None
        self._forgotten += 1
        if self._forgotten > 64 and self._forgotten * 2 > len(self._heap):
            self._heap = [e for e in self._heap if e[2]]
            heapq.heapify(self._heap)
            self._forgotten = 0

    def _check_condition(self):
        fiber, self.current = self.current, None
        try:
            if self._condition():
                self._met = True
        except BaseException as error:
            self._failure = error
            self._met = True
        self.current = fiber

    def _next(self):
        """The fiber to run now, its time having come; None: back to the story."""
        self.current = None
        try:
            while not (self._deferred or self._failure or self._met):
                if self._ready:
                    fiber = self._ready.pop(0)
                    fiber.waiting = False
                    self.current = fiber
                    return fiber
                if self._condition and self._condition():
                    self._met = True
                    break
                heap = self._heap
                if not heap or heap[0][0] > self._end_us:
                    if self._end_us > self.now_us:
                        self._set_clock(self._end_us)
                    self._expired = True
                    break
                due_us, _, what = heapq.heappop(heap)
                if what is None:
                    self._forgotten -= 1
                    continue
                if due_us > self.now_us:
                    self._set_clock(due_us)
                what.entry = None
                if isinstance(what, Fiber):
                    what.waiting = False
                    self.current = what
                    return what
                what.callback()
        except BaseException as error:
            self._failure = error
        return None

    def _leave(self, fiber):
        """fiber has ended: somebody else gets the baton."""
        if fiber in self._fibers:
            self._fibers.remove(fiber)
        following = None if self._killing else self._next()
        (following.lock if following else self._home).release()

    def _run_deferred(self):
        while self._deferred:
            self._deferred.pop(0)()
