"""Pulses of a pin by waiting for its edges, where no hardware times them. Blocks.

machine.time_pulse_us() waits, in C and without allocating; each pulse is taken from edge to edge,
so that what runs between two calls does not shorten it.
"""

from time import ticks_diff, ticks_us

from machine import time_pulse_us
from micropython import const

# The processor belongs to the listener for _MOST_US at most, which with what comes behind the last
# edge is 125 ms. From _LEAST_US on it is given back as soon as nothing is missed: when a preamble
# has just begun, or while nobody sends.
_LEAST_US = const(75000)
_MOST_US = const(123000)
# No pulse of data lasts so long: the frame is over, and its preamble leaves time to decode it.
_OVER_US = const(2000)
# Between these a low may be a preamble that ends at any time.
_SOON_US = const(4000)
_NEVER_US = const(20000)


class Listener:
    """Feeds frames, a keyfob.Frames, and calls heard() when one is complete."""

    every_ms = 0  # how long others work between two calls of listen(), at least a millisecond

    def __init__(self, pin, frames, heard):
        self._pin = pin
        self._frames = frames
        self._heard = heard
        self._level = 0
        self._edge = ticks_us()

    def listen(self):
        pin = self._pin
        frames = self._frames
        level = self._level
        edge = self._edge
        began = ticks_us()
        if pin.value() != level:  # since when is not known
            frames.lose()
            level = 1 - level
            edge = began
        while True:
            now = ticks_us()
            collecting = frames.collecting()
            left = _MOST_US - ticks_diff(now, began)
            if not level and not collecting:
                left = _left_in_pause(left, ticks_diff(now, edge))
            if left <= 0:
                break
            us = time_pulse_us(pin, level, min(left, _OVER_US) if collecting else left)
            now = ticks_us()
            if us >= 0:
                if frames.feed(level, ticks_diff(now, edge)):
                    self._heard()
                edge = now
                level = 1 - level
            elif us == -1:
                if collecting and ticks_diff(now, edge) >= _OVER_US and frames.end():
                    self._heard()
            else:  # the pulse was over before it was waited for
                frames.lose()
                edge = now
                level = 1 - level
        self._level = level
        self._edge = edge


def _left_in_pause(left, lasts):
    """How long to wait for the end of a low that lasts so long already."""
    if _SOON_US <= lasts < _NEVER_US:
        return min(left, _NEVER_US - lasts)
    return left - _MOST_US + _LEAST_US
