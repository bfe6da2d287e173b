"""A small world for unit tests of lib/epx: MicroPython's modules, a clock, files, streams.

Much smaller than testmock/: no threads, nothing runs by itself, and each test gets fresh copies
of the modules under test. Time moves when poll waits, when something sleeps, or by hand.
"""

import sys

ON_MICROPYTHON = sys.implementation.name == "micropython"

TICKS = 1 << 30
POLLIN = 1
POLLOUT = 4
POLLERR = 8
POLLHUP = 16
POLLNVAL = 32

_OURS = ("epx", "h2o", "loader", "uumqtt", "third")
_NOT_FOUND = -0x1102
_TOO_SHORT = -0x110C


class Reset(BaseException):
    """machine.reset() never returns."""


class Module:
    """Stands in sys.modules for a module."""

    def __init__(self, **names):
        for name, value in names.items():
            setattr(self, name, value)


class Stream:
    """Ready for the events in .ready; .broken makes every poll over it raise OSError."""

    def __init__(self, ready=0):
        self.ready = ready
        self.broken = False
        self.unregister_fails = False


class _Poll:
    def __init__(self, world):
        self._world = world
        self.streams = []  # [stream, events]

    def _find(self, stream):
        for row in self.streams:
            if row[0] is stream:
                return row
        return None

    def register(self, stream, events=POLLIN | POLLOUT):
        if stream.broken == "register":
            raise OSError(9)
        row = self._find(stream)
        if row:
            row[1] = events
        else:
            self.streams.append([stream, events])

    def modify(self, stream, events):
        row = self._find(stream)
        if row is None:
            raise OSError(2)
        row[1] = events

    def unregister(self, stream):
        if stream.unregister_fails:
            raise OSError(9)
        row = self._find(stream)
        if row is not None:
            self.streams.remove(row)

    def _ready(self):
        found = []
        for stream, events in self.streams:
            if stream.broken:
                raise OSError(19)
            now = stream.ready & (events | POLLERR | POLLHUP | POLLNVAL)
            if now:
                found.append((stream, now))
        return found

    def ipoll(self, timeout_ms=-1):
        world = self._world
        world.polls += 1
        if world.now_ms > world.end_ms:
            raise RuntimeError("this has taken 500 days")
        world.last_wait_ms = timeout_ms
        if world.poll_fails:
            world.poll_fails -= 1
            raise OSError(19)
        ready = self._ready()
        if not ready and timeout_ms > 0:
            end_ms = min(world.now_ms + timeout_ms, world.limit_ms)
            while not ready and world.now_ms < end_ms:
                world.advance_to_event(end_ms)
                ready = self._ready()
        return iter(ready)


class Nvs:
    """esp32.NVS over world.nvram; counts what it writes, raises where the world says so."""

    def __init__(self, world, namespace):
        self._world = world
        self._values = world.nvram.setdefault(namespace, {})
        world.nvram_handles += 1  # which MicroPython never closes

    def _get(self, key, kind):
        value = self._values.get(key)
        if not isinstance(value, kind):
            raise OSError(_NOT_FOUND)
        return value

    def _set(self, key, value):
        if self._world.nvram_full or len(key) > 15:
            raise OSError(-0x1105)
        self._world.nvram_writes.append(key)
        self._values[key] = value

    def get_i32(self, key):
        return self._get(key, int)

    def set_i32(self, key, value):
        if not -(1 << 31) <= value < 1 << 31:
            raise OverflowError
        self._set(key, value)

    def get_blob(self, key, buffer):
        value = self._get(key, bytes)
        if len(value) > len(buffer) or not len(buffer):
            raise OSError(_TOO_SHORT)
        buffer[: len(value)] = value
        return len(value)

    def set_blob(self, key, value):
        self._set(key, bytes(value))

    def erase_key(self, key):
        if key not in self._values:
            raise OSError(_NOT_FOUND)
        del self._values[key]

    def commit(self):
        self._world.nvram_commits += 1


class Pin:
    OUT = 3
    IN = 1
    made = []

    def __init__(self, number, mode=-1, pull=-1):
        if number > 48:
            raise ValueError("invalid pin")
        self.number = number
        self.mode = mode
        self.values = []
        Pin.made.append(self)

    def value(self, value):
        self.values.append(value)


class Interface:
    """A network interface; what was called stands in .calls."""

    def __init__(self, kind, arguments, options):
        self.kind = kind
        self.arguments = arguments
        self.options = options
        self.calls = []
        self.is_active = False
        self.is_up = False
        self.code = 1000
        self.old_code = 1001  # what status() says right after connect(), once
        self._shown = None
        self.rssi = -60

    def active(self, on=None):
        if on is None:
            return self.is_active
        self.calls.append(("active", on))
        self.is_active = on
        return on

    def connect(self, *arguments):
        self.calls.append(("connect", arguments))
        self._shown = self.old_code

    def disconnect(self):
        self.calls.append(("disconnect",))

    def isconnected(self):
        return self.is_up

    def status(self, what=None):
        if what is None:
            code, self._shown = self._shown, None
            return self.code if code is None else code
        if self.rssi is None:
            raise OSError("STA must be connected")
        return self.rssi

    def ifconfig(self):
        return ("192.168.1.77", "255.255.255.0", "192.168.1.1", "192.168.1.1")


class _File:
    def __init__(self, world, name, mode):
        self._world = world
        self._name = name
        self._binary = "b" in mode
        if "w" in mode:
            if world.files_full:
                raise OSError(28)
            world.files[name] = b""
            world.file_writes.append(name)
        elif name not in world.files:
            raise OSError(2)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def read(self, size=-1):
        data = self._world.files[self._name]
        if self._binary:
            return data
        words = str(data, "utf-8")
        return words if size < 0 else words[:size]

    def write(self, words):
        self._world.files[self._name] += words if self._binary else words.encode()


class World:
    """Starts 30 s before ticks_ms() wraps, unless told otherwise."""

    def __init__(self, before_wrap_ms=30000):
        self.now_ms = TICKS - before_wrap_ms
        self.limit_ms = 1 << 60  # no poll waits longer
        self.end_ms = self.now_ms + 500 * 86400 * 1000  # by then every test must have ended
        self.polls = 0  # how often somebody polled
        self.last_wait_ms = None
        self.poll_fails = 0  # so many polls raise
        self.events = []  # [when, callback], sorted
        self.slept_ms = 0
        self.nvram = {}
        self.nvram_writes = []
        self.nvram_commits = 0
        self.nvram_handles = 0
        self.nvram_full = False
        self.files = {}
        self.file_writes = []
        self.files_full = False
        self.console = []
        self.threads = []
        self.feeds = []
        self.wdt_timeout = None
        self.cause = 1
        self.interfaces = []
        self.names = {}  # host -> address; what is missing cannot be resolved
        self.asked = []
        self.collections = 0
        Pin.made = []
        self.modules = {
            # MicroPython imports attributes, not methods, from what is not a module.
            "time": Module(
                ticks_ms=lambda: self.now_ms % TICKS,
                ticks_diff=lambda a, b: (a - b + TICKS // 2) % TICKS - TICKS // 2,
                ticks_add=lambda ticks, delta: (ticks + delta) % TICKS,
                sleep_ms=self.sleep,
            ),
            "select": Module(
                poll=lambda: _Poll(self),
                POLLIN=POLLIN,
                POLLOUT=POLLOUT,
                POLLERR=POLLERR,
                POLLHUP=POLLHUP,
            ),
            "machine": Module(
                Pin=Pin,
                WDT=self._wdt,
                reset=self._reset,
                reset_cause=lambda: self.cause,
                unique_id=lambda: b"\x24\x0a\xc4\x01\x02\x03",
                PWRON_RESET=1,
                HARD_RESET=2,
                WDT_RESET=3,
                DEEPSLEEP_RESET=4,
                SOFT_RESET=5,
            ),
            "esp32": Module(NVS=lambda namespace: Nvs(self, namespace)),
            "network": Module(
                WLAN=lambda *a, **o: self._interface("wlan", a, o),
                LAN=lambda *a, **o: self._interface("lan", a, o),
                STA_IF=0,
                STAT_GOT_IP=1010,
                PHY_GENERIC="generic",
                PHY_LAN8720="lan8720",
            ),
            "_thread": Module(start_new_thread=lambda f, a: self.threads.append((f, a))),
            "socket": Module(getaddrinfo=self._getaddrinfo, socket=None),
            "gc": Module(collect=self._collect, mem_free=lambda: 60000, mem_alloc=lambda: 40000),
        }
        if not ON_MICROPYTHON:
            self.modules["micropython"] = Module(const=lambda value: value)
            self.modules["sys"] = Module(
                modules=sys.modules,
                print_exception=_print_exception,
                implementation=Module(name="micropython", version=(1, 25, 0, "")),
                version="3.4.0; MicroPython v1.25.0",
            )

    def load(self, *names):
        """Fresh copies of the modules names, all of which see this world."""
        _forget()
        saved = {}
        for name, module in self.modules.items():
            saved[name] = sys.modules.get(name)
            sys.modules[name] = module
        try:
            loaded = []
            for name in names:
                __import__(name)
                loaded.append(sys.modules[name])
        finally:
            for name, module in saved.items():
                if module is None:
                    del sys.modules[name]
                else:
                    sys.modules[name] = module
        for name, module in list(sys.modules.items()):
            if name in ("epx.log", "epx.diag", "epx.startup", "epx.mqtt"):
                module.print = self._print
                module.open = self._open
        _forget()
        return loaded if len(loaded) > 1 else loaded[0]

    # Time.

    def at(self, ms, callback):
        """Call back when ms have passed from now; whoever polls hears of what it changes."""
        self.events.append([self.now_ms + ms, callback])
        self.events.sort(key=lambda event: event[0])

    def advance_to_event(self, end_ms):
        if self.events and self.events[0][0] <= end_ms:
            when, callback = self.events.pop(0)
            self.now_ms = max(when, self.now_ms)
            callback()
        else:
            self.now_ms = end_ms

    def sleep(self, ms):
        self.slept_ms += ms
        self.now_ms += ms

    def run(self, loop, ms):
        """Turn until ms have passed; what is due at their end still runs."""
        self.limit_ms = self.now_ms + ms
        turns = 0
        while self.now_ms < self.limit_ms:
            before = self.now_ms
            loop.step()
            turns = turns + 1 if self.now_ms == before else 0
            if turns > 10000:
                raise RuntimeError("the loop turns and turns, and time stands still")
        self.limit_ms = 1 << 60

    # What the modules do.

    def _reset(self):
        raise Reset

    def _wdt(self, id=0, timeout=5000):
        self.wdt_timeout = timeout
        return Module(feed=lambda: self.feeds.append(self.now_ms))

    def _interface(self, kind, arguments, options):
        interface = Interface(kind, arguments, options)
        self.interfaces.append(interface)
        return interface

    def _getaddrinfo(self, host, port):
        self.asked.append(host)
        if host[0].isdigit():
            return [(2, 1, 0, "", (host, port))]
        if host not in self.names:
            self.sleep(20000)
            raise OSError(-202)
        return [(2, 1, 0, "", (self.names[host], port))]

    def _collect(self):
        self.collections += 1

    def _print(self, line):
        self.console.append(line)

    def _open(self, name, mode="r"):
        return _File(self, name, mode)


def _forget():
    for name in list(sys.modules):
        if name.split(".")[0] in _OURS:
            del sys.modules[name]


def _print_exception(error, file):
    file.write("Traceback (most recent call last):\n")
    file.write("%s: %s\n" % (type(error).__name__, error))


class Dice:
    """The same numbers on every interpreter (xorshift32, Marsaglia 2003)."""

    def __init__(self, seed):
        self._state = seed * 2654435761 % (1 << 32) or 1

    def below(self, limit):
        state = self._state
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        self._state = state
        return (state >> 8) % limit
