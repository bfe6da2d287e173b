"""Relays that are never on for longer than allowed, and what is seen of them."""

from time import time

from micropython import const

from epx import log, rtcmemory
from epx.loop import Task, uptime_s
from epx.screen import Screen, status_lines

_ON = const(0)
_OFF = const(1)
_TIME_BYTES = const(8)

_BOX = const(12)
_BOX_DISTANCE = const(16)


class Relay:
    """state: 1 while it is on.

    When it has to go off is kept in the clock's memory, in seconds of the clock that runs on over
    resets: after one it is on again for the rest of its time, after a power-on it stays off.
    """

    state = 0

    def __init__(self, number, pin, most_s):
        """pin: an output, low is on; most_s: the longest time on."""
        self._pin = pin
        self._most_s = most_s
        self._name = "relay%d" % number
        self._end = Task(self._turn_off)
        self._end.cancel()
        kept = rtcmemory.read(self._name)
        if kept:
            rest_s = int.from_bytes(kept, "big") - int(time())
            self.turn_on(rest_s)
            if self.state:
                log.info("%s: on again for %d s", self._name, min(rest_s, most_s))

    def turn_on(self, seconds):
        if seconds <= 0:
            self._turn_off()
            return
        seconds = min(seconds, self._most_s)
        self._pin.value(_ON)
        self.state = 1
        self._end.restart(1000 * seconds)
        rtcmemory.write(self._name, (int(time()) + seconds).to_bytes(_TIME_BYTES, "big"))

    def _turn_off(self):
        rtcmemory.write(self._name, None)  # first: a reset switches off, too
        self._pin.value(_OFF)
        self.state = 0
        self._end.cancel()


class Display(Screen):
    """A box for each relay, from the top; that of one that is on blinks."""

    def __init__(self, chip, relays, net, mqtt):
        self._relays = relays
        self._net = net
        self._mqtt = mqtt
        Screen.__init__(self, "relay: display", chip)

    def text(self):
        return status_lines(self._net, self._mqtt)

    def picture(self):
        """A bit for each box that is filled."""
        filled = 0
        if uptime_s() & 1:
            return 0
        for relay in reversed(self._relays):
            filled = filled << 1 | relay.state
        return filled

    def draw_picture(self, frame, top):
        filled = self.shown
        y = -top
        for _ in self._relays:
            box = frame.fill_rect if filled & 1 else frame.rect
            box(0, y, _BOX, _BOX, 1)
            filled >>= 1
            y += _BOX_DISTANCE
