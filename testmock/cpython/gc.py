"""gc, for CPython: a heap that is always the same. A true collection would cost 10 ms each."""

_FREE_BYTES = 60_000
_USED_BYTES = 50_000


def collect():
    return 0


def mem_free():
    return _FREE_BYTES


def mem_alloc():
    return _USED_BYTES


def threshold(amount=None):
    return -1


def enable():
    pass


def disable():
    pass


def isenabled():
    return True
