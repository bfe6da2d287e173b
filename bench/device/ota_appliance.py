"""Device side of bench/ota.py: an installed h2o, its port of updates at another number.

    micropython bench/device/ota_appliance.py WHAT FOLDER CODE PORT

time: nothing is measured here. turns: the longest turn of the loop in microseconds, from poll to
poll. The first line is "taken NUMBER": bytes of heap that no board has to give. heap: bytes alive after a collection, more than at "begin", looked at in each turn and each
time that a cipher or a hash is begun; the most of them for each state of what is loaded. Lines on
stdin: "begin" starts anew, "tell" prints "measured NUMBER [MODULE...]" and then "told", another
word is a module to import, and to print what that takes.
"""

import gc
import os
import select
import sys
import time

# Of the part of the table of names that comes when 10 + 20 + ... + 640 are full. With updates h2o
# has less than 1,000 of its own.
_TABLE_BYTES = 7 * 1280


class Measure:
    """What is kept; most: a number for each set of modules that came after "begin"."""

    what = "time"
    base_bytes = 0
    awake_us = 0
    present = ()
    most = {}
    stdin = None


def live_bytes():
    gc.collect()
    return gc.mem_alloc()


def keep(number, loaded):
    Measure.most[loaded] = max(number, Measure.most.get(loaded, 0))


def sample():
    """What this itself keeps is a few hundred bytes, which count."""
    loaded = " ".join(sorted([name for name in sys.modules if name not in Measure.present]))
    keep(live_bytes() - Measure.base_bytes, loaded)


def obey():
    """A line from bench/ota.py, if there is one."""
    for _ in Measure.stdin.ipoll(0):
        word = sys.stdin.readline().strip()
        if word == "tell":
            for loaded in Measure.most:
                print("measured", Measure.most[loaded], loaded)
            print("told")
        elif word == "begin":
            Measure.present = list(sys.modules)
            Measure.most = {}
            Measure.base_bytes = live_bytes()
            print("begun")
        else:
            before = live_bytes()
            __import__(word)
            print("imported", live_bytes() - before, word)


class MeasuringPoll:
    """select.poll() that looks at what happened since it returned."""

    def __init__(self):
        self._poll = select.poll()
        self.register = self._poll.register
        self.modify = self._poll.modify
        self.unregister = self._poll.unregister

    def ipoll(self, timeout_ms=-1):
        if Measure.what == "heap":
            if Measure.base_bytes:
                sample()
        elif Measure.awake_us:
            keep(time.ticks_diff(time.ticks_us(), Measure.awake_us), "")
        obey()
        # Not for longer, so that a line is seen.
        found = list(self._poll.ipoll(min(timeout_ms, 100) if timeout_ms >= 0 else 100))
        Measure.awake_us = time.ticks_us()
        return found


class MeasuringSelect:
    poll = MeasuringPoll
    POLLIN = select.POLLIN
    POLLOUT = select.POLLOUT
    POLLERR = select.POLLERR
    POLLHUP = select.POLLHUP


class Sampling:
    """A module whose one function takes a sample first."""

    def __init__(self, module, name):
        self._function = getattr(module, name)
        setattr(self, name, self._sampled)

    def _sampled(self, *args):
        if Measure.base_bytes:
            sample()
        return self._function(*args)


def grow_table_of_names():
    """To the size that it has not on a board: the mocks of the hardware have names, too, and half
    of its room is for them. Then it does not grow while something is measured."""
    number = grown = 0
    while grown < _TABLE_BYTES:
        before = gc.mem_alloc()
        setattr(Measure, "n%d" % number, None)
        grown = gc.mem_alloc() - before
        delattr(Measure, "n%d" % number)
        number += 1


class Ports:
    """socket, with one port of the device at another number of this computer."""

    def __init__(self, port):
        import socket

        self._socket = socket
        self._port = port

    def __getattr__(self, name):
        return getattr(self._socket, name)

    def getaddrinfo(self, host, port, *more):
        return self._socket.getaddrinfo(host, self._port if port == 1337 else port, *more)


def main(what, folder, code, port):
    sys.path.append(code)
    from testmock import control, mounted

    Measure.what = what
    Measure.stdin = select.poll()
    Measure.stdin.register(sys.stdin, select.POLLIN)
    sys.modules["socket"] = Ports(int(port))
    grow_table_of_names()
    mounted.mount(folder)
    code = "/pc" + code
    sys.modules["testmock"].__path__ = code + "/testmock"
    sim = control.prepare(time, "/pc" + folder, 2)
    sys.modules["_sim"] = sim
    sys.path[:] = [code + "/profiles/h2o", code + "/lib", code + "/testmock", code]
    for name in ("machine", "network", "esp32"):
        sys.modules[name] = __import__(name)
    __import__("stage").stage(sim.bench)
    if what != "time":
        sys.modules["select"] = MeasuringSelect
    if what == "heap":
        import cryptolib
        import hashlib

        sys.modules["cryptolib"] = Sampling(cryptolib, "aes")
        sys.modules["hashlib"] = Sampling(hashlib, "sha256")
    os.chdir("/")
    print("taken", live_bytes())
    sys.path[:] = ["", ".frozen", "/lib"]
    mounted.boot()


main(*sys.argv[1:])
