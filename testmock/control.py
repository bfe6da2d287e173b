"""What drives a device in real time from outside: its clock, its commands, its store of values."""

import binascii
import json
import os

from testmock.bench import Bench

# Exit status of a process whose device resets.
RESET_STATUS = 42
_REPORT_MS = 250
_PICTURE_EVERY = 2
_ASSOCIATE_MS = 500
_LATE_US = 50_000


class RealClock:
    """Microseconds since the start, from a counter that wraps, on some ports after 18 minutes."""

    def __init__(self, time):
        self._time = time
        self._ticks = time.ticks_us()
        self._now_us = 0

    def now_us(self):
        ticks = self._time.ticks_us()
        passed_us = self._time.ticks_diff(ticks, self._ticks)
        if passed_us > 0:
            self._ticks = ticks
            self._now_us += passed_us
        return self._now_us

    def spend_us(self, us):
        pass


_POLLHUP = 16


class Control:
    """The thread that hears commands and tells what changed."""

    def __init__(self, bench, time, select, stdin, write):
        self._bench = bench
        self._time = time
        self._stdin = stdin
        self._write = write
        self._poll = select.poll()
        self._poll.register(stdin, select.POLLIN)
        self._told = {}
        self._round = 0
        self._quit = False
        self.on_quit = None

    def end_by(self, end):
        """What ends the process when the device is reset or sleeps: called with the status."""
        self._end = end
        self._bench.on_reset = self._reset
        self._bench.on_sleep = self._sleep

    def _reset(self, cause):
        self.say("reset", cause)
        self._end(RESET_STATUS)

    def _sleep(self, ms):
        self._bench.sleep()
        self.say("deepsleep", ms)
        self._end(RESET_STATUS)

    def run(self):
        while not self._quit:
            for _, events in self._poll.ipoll(_REPORT_MS):
                line = self._stdin.readline()
                if not line:
                    self._poll.unregister(self._stdin)
                    if not events & _POLLHUP:  # /dev/null, or Ctrl-D: nobody says more
                        break
                    line = "quit"  # who started us is gone, even if by SIGKILL
                try:
                    self._obey(line.split())
                except Exception as error:
                    self.say("error", "%s: %s" % (line.strip(), error))
            self._report()

    def say(self, what, value):
        self._write("#! " + json.dumps({what: value}) + "\n")

    def _obey(self, words):
        if not words:
            return
        if words[0] == "set":
            part, attribute = self._find(words[1])
            if not hasattr(part, attribute):
                raise ValueError("no such attribute")
            setattr(part, attribute, number(words[2]))
        elif words[0] == "call":
            part, method = self._find(words[1])
            getattr(part, method)(*[number(word) for word in words[2:]])
        elif words[0] == "input":
            self._bench.set_input(int(words[1]), int(words[2]))
        elif words[0] == "state":
            self._told.clear()
        elif words[0] == "quit":
            self._quit = True
            self.say("quit", True)
            if self.on_quit:
                self.on_quit()
        else:
            raise ValueError("unknown command")

    def _find(self, words):
        name, _, attribute = words.rpartition(".")
        if name in ("wifi", "ethernet"):
            return getattr(self._bench, name), attribute
        return self._bench.parts[name], attribute

    def _tell(self, what, value):
        if self._told.get(what) != value:
            self._told[what] = value
            self.say(what, value)

    def _report(self):
        bench = self._bench
        self._tell("wifi", bench.wifi.report())
        if bench._radio:
            bench._radio.tell()
        pins = {}
        for pin in list(bench.pins.values()):
            if pin.is_output():
                pins[str(pin.number)] = pin.latch
        self._tell("pins", pins)
        self._round += 1
        if self._round % _PICTURE_EVERY == 0:
            for name in bench.parts:
                part = bench.parts[name]
                if hasattr(part, "picture"):
                    self._picture(name, part.picture())
        late_us = bench.clock.now_us() - bench.fed_us
        if bench.watchdog_timeout_ms and late_us > bench.watchdog_timeout_ms * 1000:
            bench.watchdog_timeout_ms = 0
            self.say("reset", 3)

    def _picture(self, name, picture):
        mark = hash(picture)
        if self._told.get(name) != mark:
            self._told[name] = mark
            # In pieces: the whole line as one string would be the biggest object of the heap.
            self._write('#! {"picture": "')
            for at in range(0, len(picture), 64):
                self._write(str(binascii.hexlify(picture[at : at + 64]), "ascii"))
            self._write('"}\n')


def number(word):
    """A word of a command as a value."""
    if word in ("True", "true", "on"):
        return True
    if word in ("False", "false", "off"):
        return False
    try:
        return int(word, 0)
    except ValueError:
        return float(word)


class _Sim:
    """What the mocks import as _sim."""

    device = None

    @staticmethod
    def load(name):
        """A mock that is fetched late, when sys.path is the program's: by its package."""
        return getattr(__import__("testmock." + name), name)


def has_ether():
    """Is there a hub for packets?"""
    return bool(os.getenv("EPX_ETHER"))


def _radio(bench):
    from testmock.realether import RealRadio

    return RealRadio(bench, int(os.getenv("EPX_ETHER") or 0))


def _keep_rtc_memory(bench, path, cause):
    """It outlives the processes of a device, but not its power."""
    if cause != 1:
        try:
            with open(path, "rb") as file:
                bench.rtc_memory = file.read()
        except OSError:
            pass

    def save():
        with open(path, "wb") as file:
            file.write(bench.rtc_memory)

    bench.on_rtc_memory = save


def prepare(time, folder, cause):
    """The bench of a device that starts in real time, as the mocks' _sim."""
    sim = _Sim()
    sim.bench = bench = Bench(RealClock(time))
    bench.history_limit = 0
    bench.late_us = _LATE_US
    # With the key rmt a keyfob is heard exactly, however busy this computer is.
    bench.has_rmt_receiver = True
    bench.wifi.associate_ms = _ASSOCIATE_MS
    # Where its ports really are.
    bench.wifi.address = "127.0.0.1"
    mac = os.getenv("EPX_MAC")
    if mac:
        bench.wifi.mac = bench.unique_id = binascii.unhexlify(mac)
    bench.make_radio = lambda: _radio(bench)
    bench.restart(cause, power_lost=cause == 1)
    _keep_rtc_memory(bench, folder + ".rtc", cause)
    store = folder + ".nvs"
    try:
        with open(store) as file:
            # Our own file: what save() wrote.
            bench.nvs.update(eval(file.read()))
    except (OSError, SyntaxError):
        pass

    def save():
        with open(store, "w") as file:
            file.write(repr(bench.nvs))

    bench.on_commit = save
    return sim
