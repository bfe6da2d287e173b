"""A small random generator whose numbers are the same on both interpreters."""


class Random:
    """xorshift32 (Marsaglia, Xorshift RNGs, 2003): a given seed gives one sequence, everywhere."""

    def __init__(self, seed=1):
        self._state = (seed * 2654435761 + 0x9E3779B9) & 0xFFFFFFFF or 1

    def next32(self):
        x = self._state
        x ^= (x << 13) & 0xFFFFFFFF
        x ^= x >> 17
        x ^= (x << 5) & 0xFFFFFFFF
        self._state = x
        return x

    def below(self, n):
        """An integer from 0 to n - 1."""
        if n <= 0xFFFF:
            return (self.next32() >> 8) % n
        return ((self.next32() << 32) | self.next32()) % n

    def between(self, low, high):
        """An integer from low to high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, pct):
        """True in pct of 100 cases."""
        return self.below(100) < pct

    def choice(self, items):
        return items[self.below(len(items))]

    def bits(self, n):
        value = 0
        for _ in range((n + 31) // 32):
            value = (value << 32) | self.next32()
        return value & ((1 << n) - 1)

    def fork(self, name):
        """Another generator: it depends on this one's state and on name only."""
        seed = self.next32()
        for character in name:
            seed = (seed * 31 + ord(character)) & 0xFFFFFFFF
        return Random(seed)
