"""Device side of bench/ram.py: how much heap a profile takes, its hardware not counted.

    micropython bench/device/heap.py modules PROFILE FOLDER CODE NAME...
    micropython bench/device/heap.py boot PROFILE FOLDER CODE CAUSE

modules: import NAME... in this order, and print "module NAME BYTES" for each. boot: run boot.py
and main.py in FOLDER after a reset of this CAUSE; print "heap BYTES" at the first turn of the loop
and then in each, 20 ms apart at least, after a line about the interpreter's table of names; end
with "asleep" when the device goes to deep sleep. Bytes are those of live objects, more than what
the mocks alone take.
"""

import gc
import os
import select
import sys
import time

import micropython

_INTERVAL_MS = 20


def live_bytes():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


def prepare(profile, folder, code, cause=1):
    """Load the mocks, hang the profile's hardware on them, use each of them once."""
    sys.path[:] = [code + "/profiles/" + profile, code + "/lib", code + "/testmock", code]
    from testmock import control

    sim = control.prepare(time, folder, cause)
    sys.modules["_sim"] = sim
    for name in ("machine", "network", "esp32"):
        sys.modules[name] = __import__(name)
    __import__("stage").stage(sim.bench)
    if sim.bench.wires:
        __import__("onewire")
    if sim.bench.uses_espnow:
        use_radio(__import__("espnow").ESPNow())
    # Modules that are built into the interpreter get their place in sys.modules at the first
    # import; pins are objects of the bench from the first use.
    for name in ("_thread", "array", "binascii", "collections", "errno", "heapq", "framebuf"):
        try:
            __import__(name)
        except ImportError:
            pass
    for name in ("io", "json", "machine", "micropython", "os", "random", "socket", "struct"):
        __import__(name)
    for name in ("cryptolib", "hashlib"):
        __import__(name)
    for name in ("machine_rare", "analog", "wired"):  # where the rest of machine, network is
        sim.load(name)
        sim.load(name)
    for number in range(40):
        sim.bench.pin(number)
    sim.bench.on_sleep = sleep
    os.chdir(folder)


def use_radio(radio):
    """What a board's driver has outside the heap, or the mock needs for its own sake."""
    station = sys.modules["network"].WLAN(0)
    station.active(True)
    radio.config(rxbuf=2176)
    radio.active(True)
    radio.add_peer(b"\xff" * 6)
    radio.send(b"\xff" * 6, b"used once", False)
    radio.recvinto([None, bytearray(250), 0, 0], 0)
    radio.active(False)
    station.active(False)


def sleep(_):
    """machine.deepsleep() never returns."""
    print("asleep")
    sys.exit(0)


def measure_modules(names):
    micropython.qstr_info()
    before = live_bytes()
    for name in names:
        __import__(name)
        after = live_bytes()
        print("module", name, after - before)
        before = after
    micropython.qstr_info()


class MeasuringPoll:
    """select.poll() that measures between turns."""

    started_bytes = 0
    next_ms = None

    def __init__(self):
        self._poll = select.poll()
        self.register = self._poll.register
        self.modify = self._poll.modify
        self.unregister = self._poll.unregister

    def ipoll(self, timeout_ms=-1):
        cls = MeasuringPoll
        now_ms = time.ticks_ms()
        if cls.next_ms is None or time.ticks_diff(now_ms, cls.next_ms) >= 0:
            cls.next_ms = time.ticks_add(now_ms, _INTERVAL_MS)
            micropython.qstr_info()
            print("heap", live_bytes() - cls.started_bytes)
        return self._poll.ipoll(timeout_ms)


class MeasuringSelect:
    poll = MeasuringPoll
    POLLIN = select.POLLIN
    POLLOUT = select.POLLOUT
    POLLERR = select.POLLERR
    POLLHUP = select.POLLHUP


def measure_boot():
    sys.modules["select"] = MeasuringSelect
    # Warm up what the first measurement itself would take.
    MeasuringPoll.next_ms = time.ticks_add(time.ticks_ms(), 1 << 20)
    MeasuringPoll().ipoll(0)
    live_bytes()
    MeasuringPoll.next_ms = None
    micropython.qstr_info()
    MeasuringPoll.started_bytes = live_bytes()
    for name in ("boot", "main"):
        __import__(name)


def main(what, profile, folder, code, more):
    if what == "modules":
        prepare(profile, folder, code)
        measure_modules(more)
    else:
        prepare(profile, folder, code, int(more[0]))
        measure_boot()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:])
