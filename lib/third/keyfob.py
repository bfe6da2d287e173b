"""Keyfob: remote controls that switch a 433 MHz carrier on and off, EV1527 and HT6P20.

Pulses in, codes out; no time, no pins. As in the data sheets of Silvan's EV1527 and Holtek's
HT6P20, chapters about the code's timing: a long low, then bits of two pulses each. Nothing here
allocates until a frame is right.
"""

from array import array

from micropython import const

# A low between these comes before each frame; everything within one is between those.
_PREAMBLE_MIN_US = const(5000)
_PREAMBLE_MAX_US = const(20000)
_DATA_MIN_US = const(150)
_DATA_MAX_US = const(1500)
_MOST_PULSES = const(100)

# Between frames.
_IDLE = const(-1)
_JUST_ENDED = const(-2)

# How much the two pulses of each bit together may differ from the mean of all bits, and how much
# longer than the other the long one must be, in percent. Nominal are 300 % and 200 %.
_TOTAL_PCT = const(15)
_LONGER_PCT = const(125)

_COUNT_MASK = const(0x3FFFFFFF)

# Name; pulses in a frame, of which one is a delimiter and the rest are pairs; where the first
# pair begins; which bits of the code are a check, and what they must be.
PROTOCOLS = (
    ("EV1527", 49, 0, 0, 0),
    ("HT6P20", 57, 1, 15, 5),
)

# Columns of Frames.counts.
COUNTS = ("ook_start", "ook_restart", "ook_ok", "ook_nok", "ook_overflow")
_START = const(0)
_RESTART = const(1)
_OK = const(2)
_NOK = const(3)
_OVERFLOW = const(4)


class Frames:
    """Cuts a train of pulses into frames.

    pulses, size: the frame that is complete, lengths in microseconds. counts: preambles seen,
    those that came directly after a frame, frames of a known length, of another, too long ones.
    """

    def __init__(self):
        self.pulses = array("H", bytes(2 * _MOST_PULSES))
        self.size = 0
        self.counts = [0] * len(COUNTS)
        self._at = _IDLE

    def collecting(self):
        """Within a frame?"""
        return self._at >= 0

    def _count(self, what):
        self.counts[what] = (self.counts[what] + 1) & _COUNT_MASK

    def begin(self):
        """A preamble has been seen."""
        self._count(_START)
        if self._at != _IDLE:
            self._count(_RESTART)
        self._at = 0

    def lose(self):
        """What came meanwhile is not known."""
        self._at = _IDLE

    def end(self):
        """The line rests longer than a pulse of data lasts. True: a frame is complete."""
        size = self._at
        if size < 0:
            return False
        self._at = _JUST_ENDED
        for row in PROTOCOLS:
            if size == row[1]:
                self.size = size
                self._count(_OK)
                return True
        if size:
            self._count(_NOK)
        return False

    def feed(self, level, us):
        """A pulse of that level has ended. True: a frame is complete, to be decoded now."""
        at = self._at
        if _DATA_MIN_US < us < _DATA_MAX_US:
            if at >= 0:
                if at == _MOST_PULSES:
                    self._count(_OVERFLOW)
                    self._at = _IDLE
                else:
                    self.pulses[at] = us
                    self._at = at + 1
            elif at == _JUST_ENDED:
                self._at = _IDLE
            return False
        complete = self.end()
        if not level and _PREAMBLE_MIN_US < us < _PREAMBLE_MAX_US:
            self.begin()
        else:
            self._at = _IDLE
        return complete


def decode(pulses, size):
    """The frame of size pulses as text, "EV1527:11259365", or None."""
    for name, length, first, check_mask, check in PROTOCOLS:
        if size == length:
            code = _code(pulses, first, size - 1)
            if code >= 0 and code & check_mask == check:
                return "%s:%d" % (name, code)
    return None


def _code(pulses, first, size):
    """The bits of size pulses, the first one being the most significant; -1: nonsense."""
    end = first + size
    total = 0
    i = first
    while i < end:
        total += pulses[i]
        i += 1
    most = total * _TOTAL_PCT
    bits = size // 2
    code = 0
    i = first
    while i < end:
        a = pulses[i]
        b = pulses[i + 1]
        difference = (a + b) * bits - total
        if difference < 0:
            difference = -difference
        if difference * 100 > most:
            return -1
        code <<= 1
        if a > b:
            code |= 1
            a, b = b, a
        if b * 100 < a * _LONGER_PCT:
            return -1
        i += 2
    return code
