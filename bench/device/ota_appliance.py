"""Device side of bench/ota.py: an installed h2o, its port of updates at another number.

    micropython bench/device/ota_appliance.py WHAT FOLDER CODE PORT

The first line is "taken NUMBER": bytes of heap that no board has to give. WHAT is one of
time: nothing is measured here;
turns: the longest turn of the loop in microseconds, from poll to poll;
heap: bytes alive after a collection, more than at "begin", looked at in each turn and each time
that a cipher or a hash is begun; the most of them for each state of what is loaded.
Lines on stdin: "begin" starts anew, "tell" prints "measured NUMBER [MODULE...]" and then "told",
another word is a module to import, and to print what that takes.
"""

import gc
import os
import select
import sys
import time


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
    """What this itself keeps does not count."""
    live = live_bytes()
    loaded = " ".join(sorted([name for name in sys.modules if name not in Measure.present]))
    is_new = loaded not in Measure.most
    keep(live - Measure.base_bytes, loaded)
    if is_new:
        Measure.base_bytes += live_bytes() - live


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


def main(what, folder, code, port):
    sys.path.append(code)
    from testmock import control, mounted, shifted

    Measure.what = what
    Measure.stdin = select.poll()
    Measure.stdin.register(sys.stdin, select.POLLIN)
    shifted.shift(int(port), 1)
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
        import hashlib

        import cryptolib

        sys.modules["cryptolib"] = Sampling(cryptolib, "aes")
        sys.modules["hashlib"] = Sampling(hashlib, "sha256")
    os.chdir("/")
    print("taken", live_bytes())
    sys.path[:] = ["", ".frozen", "/lib"]
    mounted.boot()


main(*sys.argv[1:])
