"""random, from the world's seed: the same numbers on both interpreters."""

import _sim

_rng = _sim.device.random


def seed(n=None):
    pass


def getrandbits(n):
    if n > 32:
        raise ValueError("bits must be 32 or less")
    return _rng.bits(n)


def randrange(start, stop=None, step=1):
    if stop is None:
        start, stop = 0, start
    count = (stop - start + step - 1) // step
    if count <= 0:
        raise ValueError("empty range")
    return start + step * _rng.below(count)


def randint(a, b):
    return a + _rng.below(b - a + 1)


def choice(sequence):
    return sequence[_rng.below(len(sequence))]


def random():
    return _rng.bits(24) / (1 << 24)


def uniform(a, b):
    return a + (b - a) * random()
