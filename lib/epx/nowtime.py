"""Network time: 96 bits of ms that begin at a number nobody can guess, and survive every wrap."""

from time import ticks_diff, ticks_ms

from micropython import const

_FAR_MS = const(0x1FFFFFFF)
_HIGH_BYTES = const(9)
_LOW_BITS = const(24)
_LOW_MASK = const(0xFFFFFF)


class NetworkTime:
    """Follows the clock from where it was set. To be asked every few days at least.

    The high 9 bytes change once in 4.7 hours: so most of the time small integers are compared.
    """

    def __init__(self, start):
        self.set(start)

    def set(self, time):
        """It is time (12 bytes, big-endian) now."""
        self._high = bytes(time[:_HIGH_BYTES])
        self._low = int.from_bytes(bytes(time[_HIGH_BYTES:12]), "big")
        self._ticks = ticks_ms()

    def _update(self):
        ticks = ticks_ms()
        passed_ms = ticks_diff(ticks, self._ticks)
        if passed_ms:
            self._ticks = ticks
            self.add(passed_ms)

    def add(self, ms):
        """So much more has passed, as in a sleep."""
        self._low += ms
        carry = self._low >> _LOW_BITS
        if carry:
            high = int.from_bytes(self._high, "big") + carry
            self._high = (high & ((1 << 8 * _HIGH_BYTES) - 1)).to_bytes(_HIGH_BYTES, "big")
            self._low &= _LOW_MASK

    def now(self):
        """12 bytes."""
        self._update()
        return self._high + self._low.to_bytes(3, "big")

    def ahead_ms(self, time):
        """How far time (12 bytes) is ahead of now; what is far off is cut to 2**29."""
        self._update()
        ahead = int.from_bytes(time[_HIGH_BYTES:], "big") - self._low
        if time[:_HIGH_BYTES] != self._high:
            high = int.from_bytes(time[:_HIGH_BYTES], "big")
            ahead += (high - int.from_bytes(self._high, "big")) << _LOW_BITS
        return max(-_FAR_MS, min(ahead, _FAR_MS))
