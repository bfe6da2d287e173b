"""The event loop: tasks by time, streams by readiness. The only code that waits.

Times are small integers counted from an epoch that moves on (see _EPOCH_MS), because on a 32-bit
board an integer of 2**30 or more lives on the heap: a turn in steady state allocates nothing.
"""

import random
import select
from heapq import heapify, heappop, heappush
from time import sleep_ms, ticks_diff, ticks_ms

from micropython import const

# Whole seconds, below 2**28 ms: clock plus longest hop stay below 2**30. About three days.
_EPOCH_MS = const(268000000)
_EPOCH_S = const(268000)

# Columns of an entry of the heap. The first two order it; a list is reused for ever.
_DUE = const(0)
_SEQUENCE = const(1)
_CALLBACK = const(2)
_ARG = const(3)
_PERIOD = const(4)  # ms, or one of the three below
_TOLERANCE = const(5)
_TASK = const(6)
_ONE_SHOT = const(-1)
_SLOW = const(-2)  # the task itself knows what comes next
_CANCELLED = const(-3)  # waits in the heap to be dropped

_FOREVER_MS = const(0x1FFF0000)  # from any time on, less than half of what ticks_diff can tell
_MAX_STREAMS = const(16)  # what lwIP can have open on an ESP32
_STACK_SIZE = const(24)
_BROKEN = const(56)  # POLLERR, POLLHUP, and POLLNVAL, which MicroPython does not name
_FIRST_RETRY_MS = const(1000)
_LAST_RETRY_MS = const(600000)

_heap = []
_polls = []
_poller = select.poll()
_ready = [None] * _MAX_STREAMS
_ready_events = [0] * _MAX_STREAMS
_stack = [0] * _STACK_SIZE
_batch = []  # grows to the most tasks that were ever due together

_now = 0  # ms since the epoch
_ticks = ticks_ms()
_epochs = 0
_sequence = 0
_cancelled = 0
_led = None
_led_lit = 1

# fault_handler(owner, error) hears of each exception of a callback; owner is a Task or a Poll.
# If it returns True the owner is tried again with back-off, else the exception goes on.
# Without a handler every exception goes on.
fault_handler = None


def _read_clock():
    global _now, _ticks
    ticks = ticks_ms()
    _now += ticks_diff(ticks, _ticks)
    _ticks = ticks
    return _now


def uptime_s():
    """Seconds since boot, beyond every wrap."""
    now = _read_clock()
    return _epochs * _EPOCH_S + now // 1000


def set_led(pin, inverted=False):
    """Light pin (None: no LED) once per turn that runs a callback."""
    global _led, _led_lit
    _led = pin
    _led_lit = 0 if inverted else 1
    if pin is not None:
        pin.value(1 - _led_lit)


class Task:
    """Calls callback() - callback(arg) if there is an arg - later, once or for ever.

    With period_ms the task recurs without drift. jitter_ms is the most that chance adds to each
    delay. tolerance_ms is how much later it may run to share a wakeup with others. Tasks of the
    framework are core: their exceptions are ours, not the appliance's.
    """

    # Most tasks keep most of these: an attribute of the class costs no RAM in the instance.
    core = False
    _delay_ms = 0
    _period_ms = None
    _jitter_ms = 0
    _tolerance_ms = 0
    _rest_ms = 0  # to wait once more when the entry comes up: postponed, or longer than an epoch
    _retry_ms = 0
    _queued = False

    def __init__(
        self,
        callback,
        delay_ms=0,
        period_ms=None,
        arg=None,
        jitter_ms=0,
        tolerance_ms=0,
        core=False,
    ):
        self._entry = [0, 0, callback, arg, _ONE_SHOT, 0, self]
        if core:
            self.core = True
        if delay_ms:
            self._delay_ms = delay_ms
        if period_ms is not None:
            self._period_ms = period_ms
        if jitter_ms:
            self._jitter_ms = jitter_ms
        if tolerance_ms:
            self._tolerance_ms = tolerance_ms
        self.restart()

    def active(self):
        """Will it run?"""
        return self._queued

    def cancel(self):
        """Never mind; restart() works afterwards."""
        global _cancelled
        if self._queued:
            self._queued = False
            self._entry[_PERIOD] = _CANCELLED
            self._entry[_TOLERANCE] = _FOREVER_MS
            _cancelled += 1
            if _cancelled > 16 and _cancelled * 2 > len(_heap):
                _drop_cancelled()

    def restart(self, delay_ms=None):
        """Run after delay_ms from now (None: the delay given at first), and not before."""
        if delay_ms is None:
            delay_ms = self._delay_ms
        if self._jitter_ms:
            delay_ms += random.randrange(self._jitter_ms + 1)
        due = _read_clock() + delay_ms
        if self._queued:
            entry = self._entry
            if due >= entry[_DUE]:  # costs nothing until the entry comes up
                if due > entry[_DUE] or self._rest_ms:
                    self._rest_ms = due - entry[_DUE]
                    entry[_PERIOD] = _SLOW
                return
            self.cancel()
        self._push(due)

    def advance(self):
        """Run at the next turn; a recurring task goes on from there."""
        self.cancel()
        self._push(_read_clock())

    def _push(self, due):
        """Into the heap, for an epoch at most."""
        global _sequence
        entry = self._entry
        if entry[_PERIOD] == _CANCELLED:
            entry = self._entry = [0, 0, entry[_CALLBACK], entry[_ARG], _ONE_SHOT, 0, self]
        rest = max(0, due - _now - _EPOCH_MS + 1)
        if rest != self._rest_ms:
            self._rest_ms = rest
        period = self._period_ms
        if period is None:
            period = _ONE_SHOT
        if rest or self._jitter_ms or self._retry_ms or period >= _EPOCH_MS:
            period = _SLOW
        entry[_PERIOD] = period
        entry[_DUE] = due - rest
        entry[_TOLERANCE] = self._tolerance_ms
        _sequence = entry[_SEQUENCE] = (_sequence + 1) & 0x1FFFFFFF
        self._queued = True
        heappush(_heap, entry)

    def _pop(self, due):
        """Out of the heap at due; False if it is not over yet."""
        self._queued = False
        if self._rest_ms:
            self._push(due + self._rest_ms)
            return False
        period = self._period_ms
        if period is not None:
            if self._jitter_ms:
                self.restart(period)
            else:
                due += period
                if due <= _now:
                    due += (_now - due) // period * period if period else _now - due
                self._push(due)
        return True

    def _failed(self, retry_ms):
        """Try again later, whatever the callback did to the task."""
        self.cancel()
        self._push(_read_clock() + max(retry_ms, self._period_ms or 0))


class Poll:
    """Calls callback(events) when stream is ready for one of events.

    After an error or a hang-up the stream is no longer polled, and the callback has been told.
    """

    core = False
    _retry_ms = 0
    _resting = None  # the task that ends the rest after a fault

    def __init__(self, stream, events, callback, core=False):
        self.stream = stream
        self.events = events
        self.callback = callback
        if core:
            self.core = True
        self._start()

    def _start(self):
        if len(_polls) >= _MAX_STREAMS:
            raise OSError("too many streams")
        _poller.register(self.stream, self.events)
        _polls.append(self)
        self._resting = None

    def active(self):
        return self._resting is not None or self in _polls

    def modify(self, events):
        if events != self.events and self in _polls:
            self.events = events
            _poller.modify(self.stream, events)

    def cancel(self):
        if self._resting:
            self._resting.cancel()
            self._resting = None
        if self in _polls:
            _polls.remove(self)
            try:
                _poller.unregister(self.stream)
            except (OSError, KeyError, ValueError):  # closed before: nothing left to do
                pass

    def _failed(self, retry_ms):
        if self in _polls:
            self.cancel()
            self._resting = Task(self._start, retry_ms)


def _wake_time():
    """When the loop must turn at the latest: the smallest due plus tolerance.

    Only entries due before that can lower it, and these all run in that turn: so walking down
    the heap while entries are due earlier costs no more than dispatching them.
    """
    heap = _heap
    size = len(heap)
    if not size:
        return _FOREVER_MS
    best = heap[0][_DUE] + heap[0][_TOLERANCE]
    if best == heap[0][_DUE]:
        return best
    stack = _stack
    depth = 1
    stack[0] = 0
    while depth:
        depth -= 1
        child = 2 * stack[depth] + 1
        last = child + 1
        while child <= last and child < size:
            entry = heap[child]
            if entry[_DUE] < best:
                if entry[_DUE] + entry[_TOLERANCE] < best:
                    best = entry[_DUE] + entry[_TOLERANCE]
                if depth < _STACK_SIZE:
                    stack[depth] = child
                    depth += 1
                else:
                    best = entry[_DUE]  # early is always safe
            child += 1
    return best


def step():
    """One turn: wait for a stream or a task, serve every ready stream, run every due task."""
    run(1)


def run(turns=-1):
    """Turn so often; -1: for ever. KeyboardInterrupt and SystemExit pass.

    All in one function on purpose: MicroPython puts the frame of each call of one of this size
    on the heap, and two such calls per turn took a third of the time of a turn (measured). What
    is due is first taken out of the heap and then called one by one, which runs each task once,
    and one try around them all costs less than one for each.
    """
    global _now, _ticks, _cancelled
    heap = _heap
    batch = _batch
    pop = heappop
    push = heappush
    while turns:
        if turns > 0:
            turns -= 1
        ticks = ticks_ms()
        now = _now + ticks_diff(ticks, _ticks)
        if heap and heap[0][_DUE] + heap[0][_TOLERANCE] <= now < _EPOCH_MS:
            wait_ms = 0
            _ticks = ticks
            _now = now
        else:
            wait_ms = _rest()
            now = _now  # perhaps of another epoch
        size = 0
        try:
            for stream, events in _poller.ipoll(wait_ms):
                _ready[size] = stream
                _ready_events[size] = events
                size += 1
                if size == _MAX_STREAMS:
                    break
        except OSError:
            # MicroPython raises when an interface dies under a socket; somebody is to blame.
            size = _find_dead_streams()
        if wait_ms:
            now = _read_clock()
        lit = _led is not None and (size or (heap and heap[0][_DUE] <= now))
        if lit:
            _led.value(_led_lit)
        while size:
            try:
                while size:
                    size -= 1
                    stream = _ready[size]
                    _ready[size] = None
                    for poll in _polls:
                        if poll.stream is stream:
                            if _ready_events[size] & _BROKEN:
                                poll.cancel()
                            poll.callback(_ready_events[size])
                            if poll._retry_ms:
                                poll._retry_ms = 0
                            break
            except Exception as error:
                _fault(poll, error)
        while heap and heap[0][_DUE] <= now:
            if size == len(batch):
                batch.append(None)
            batch[size] = pop(heap)
            size += 1
        i = 0
        while i < size:
            try:
                while i < size:
                    entry = batch[i]
                    batch[i] = None
                    i += 1
                    period = entry[_PERIOD]
                    if period > 0:
                        due = entry[_DUE] + period
                        if due <= now:
                            due += (now - due) // period * period  # catch up one, not more
                        entry[_DUE] = due
                        push(heap, entry)
                    elif not period:
                        entry[_DUE] = now
                        push(heap, entry)
                    elif period == _CANCELLED:
                        entry[_PERIOD] = _ONE_SHOT
                        _cancelled -= 1
                        continue
                    elif not entry[_TASK]._pop(entry[_DUE]):
                        continue
                    if entry[_ARG] is None:
                        entry[_CALLBACK]()
                    else:
                        entry[_CALLBACK](entry[_ARG])
                    if period == _SLOW:
                        entry[_TASK]._retry_ms = 0
            except Exception as error:
                _fault(entry[_TASK], error)
        if lit:
            _led.value(1 - _led_lit)


def _rest():
    """Housekeeping that only a loop with time to spare needs; how long it may wait, in ms."""
    global _now, _epochs
    heap = _heap
    _read_clock()
    while _now >= _EPOCH_MS:  # move the origin of time; only here, between turns
        _now -= _EPOCH_MS
        _epochs += 1
        for entry in heap:
            entry[_DUE] -= _EPOCH_MS
    return max(0, _wake_time() - _now)


def _drop_cancelled():
    """Not those that a turn has taken out of the heap already."""
    global _cancelled
    kept = 0
    for entry in _heap:
        if entry[_PERIOD] == _CANCELLED:
            entry[_PERIOD] = _ONE_SHOT
            _cancelled -= 1
        else:
            _heap[kept] = entry
            kept += 1
    while len(_heap) > kept:
        _heap.pop()
    heapify(_heap)


def _find_dead_streams():
    """Ask for each stream alone -> how many cannot be polled any more: ready, with an error."""
    global _poller
    dead = 0
    alive = select.poll()
    for poll in _polls:
        try:
            probe = select.poll()
            probe.register(poll.stream, poll.events)
            for _ in probe.ipoll(0):
                pass
            alive.register(poll.stream, poll.events)
        except (OSError, ValueError):
            _ready[dead] = poll.stream
            _ready_events[dead] = select.POLLERR
            dead += 1
    _poller = alive
    if not dead:
        sleep_ms(10)  # nobody confesses: do not spin
    return dead


def _fault(owner, error):
    if fault_handler is None or not fault_handler(owner, error):
        raise error
    # How long owner pauses: each time twice as long.
    owner._retry_ms = retry_ms = min(max(owner._retry_ms * 2, _FIRST_RETRY_MS), _LAST_RETRY_MS)
    owner._failed(retry_ms)
