"""uctypes, as far as a program may look at a dictionary that a driver has locked: see espnow."""

_tables = {}


class _Table(dict):
    """A dictionary that a bit in its second word locks, which those of CPython do not have."""

    is_locked = False

    def __init__(self):
        super().__init__()
        _tables[id(self)] = self

    def _check(self):
        if self.is_locked:
            raise TypeError

    def __setitem__(self, key, value):
        self._check()
        super().__setitem__(key, value)

    def clear(self):
        self._check()
        super().clear()


class _Flags:
    """The lowest byte of that word: number of entries, and bit 1, the lock."""

    def __init__(self, table):
        self._table = table

    def __getitem__(self, at):
        return (len(self._table) & 31) << 3 | (2 if self._table.is_locked else 0)

    def __setitem__(self, at, value):
        self._table.is_locked = bool(value & 2)


def bytearray_at(address, size):
    if size == 1:
        for begin, table in _tables.items():
            if address == begin + 8:
                return _Flags(table)
    raise NotImplementedError("only the flags of a locked table are here")
