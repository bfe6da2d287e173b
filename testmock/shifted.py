"""As realtime.py, for a device on MicroPython that is not alone, and whose clock is fast.

    micropython -m testmock.shifted PORT SPEED PROFILE FOLDER CODE [CAUSE]

What it opens as port 1337 is PORT of this computer, and that is what it says as its address. Its
clock goes SPEED times as fast as that on the wall: two minutes of a trial in twelve seconds, with
its time limits as much shorter for everybody who talks to it. The program does not know; it sees
other modules time, select, socket.
"""

import select
import socket
import sys
import time

from micropython import const

_UPDATES = const(1337)
_TICKS = const(0x3FFFFFFF)
# Of the part of the interpreter's table of names that comes when 10 + 20 + ... + 640 are full.
# With updates a water tank has less than 1,000 names of its own.
_TABLE_BYTES = const(7 * 1280)


class Ports:
    """socket, with one port at another number."""

    def __init__(self, port):
        self._port = port

    def __getattr__(self, name):
        return getattr(socket, name)

    def getaddrinfo(self, host, port, *more):
        return socket.getaddrinfo(host, self._port if port == _UPDATES else port, *more)


class Clock:
    """time, so many times as fast. Attributes, since a method cannot be imported by its name."""

    def __init__(self, speed):
        self._speed = speed
        self._start_ms = time.ticks_ms()
        self._start_us = time.ticks_us()
        self.ticks_ms = self._ticks_ms
        self.ticks_us = self._ticks_us
        self.sleep = self._sleep
        self.sleep_ms = self._sleep_ms
        self.sleep_us = self._sleep_us

    def __getattr__(self, name):
        return getattr(time, name)

    def _ticks_ms(self):
        return time.ticks_diff(time.ticks_ms(), self._start_ms) * self._speed & _TICKS

    def _ticks_us(self):
        return time.ticks_diff(time.ticks_us(), self._start_us) * self._speed & _TICKS

    def _sleep(self, seconds):
        time.sleep(seconds / self._speed)

    def _sleep_ms(self, ms):
        time.sleep_us(ms * 1000 // self._speed)

    def _sleep_us(self, us):
        time.sleep_us(us // self._speed)


class Select:
    """select, whose limits are in milliseconds of that clock."""

    def __init__(self, speed):
        self._speed = speed

    def __getattr__(self, name):
        return getattr(select, name)

    def poll(self):
        return Poll(self._speed)


class Poll:
    def __init__(self, speed):
        self._speed = speed
        self._poll = poll = select.poll()
        self.register = poll.register
        self.modify = poll.modify
        self.unregister = poll.unregister

    def ipoll(self, timeout_ms=-1):
        if timeout_ms > 0:
            timeout_ms = (timeout_ms + self._speed - 1) // self._speed
        return self._poll.ipoll(timeout_ms)


class _Names:
    pass


def grow_table_of_names():
    """To a size that it does not reach on a board: the hardware's mocks have names, too. Later
    it would be the largest thing that the program asks for."""
    import gc

    number = grown = 0
    while grown < _TABLE_BYTES:
        before = gc.mem_alloc()
        setattr(_Names, "n%d" % number, None)
        grown = gc.mem_alloc() - before
        delattr(_Names, "n%d" % number)
        number += 1


def shift(port, speed):
    """From now on whoever imports these three gets the others."""
    grow_table_of_names()
    sys.modules["socket"] = Ports(port)
    if speed > 1:
        sys.modules["time"] = Clock(speed)
        sys.modules["select"] = Select(speed)


def main(port, speed, arguments):
    from testmock import control, realtime

    shift(port, speed)
    prepare = control.prepare

    def prepare_there(*where):
        sim = prepare(*where)
        sim.bench.wifi.address += ":%d" % port
        return sim

    control.prepare = prepare_there
    realtime.main_micropython(*arguments)


if __name__ == "__main__":
    _words = sys.argv[1:]
    _cause = int(_words[5]) if len(_words) > 5 else 1
    main(int(_words[0]), int(_words[1]), (_words[2], _words[3], _words[4], _cause))
