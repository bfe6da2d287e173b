"""The pairs of a central, in NVRAM: 100 of them, 12,800 bytes (four entries of 32 each)."""

from struct import pack, unpack

from esp32 import NVS
from micropython import const

from epx import log

MOST_PAIRS = const(100)
_LAYOUT = const(">6s32sI")  # peer, secret, order in which they were paired
_SIZE = const(42)


class Pairs:
    """index: {peer: slot}. The secrets stay in NVRAM; what is cut off there is whole or absent."""

    def __init__(self, most=MOST_PAIRS):
        self._nvs = NVS("nowpairs")
        self._most = most
        self._last = 0
        self.index = {}
        for slot in range(most):
            pair = self._read(slot)
            if pair:
                self.index[pair[0]] = slot
                self._last = max(self._last, pair[2])

    def _read(self, slot):
        buffer = bytearray(_SIZE)
        try:
            if self._nvs.get_blob("p%d" % slot, buffer) == _SIZE:
                return unpack(_LAYOUT, buffer)
        except OSError:
            pass
        return None

    def secret(self, peer):
        """32 bytes; None if it is not paired, or they cannot be read."""
        slot = self.index.get(peer)
        pair = None if slot is None else self._read(slot)
        return pair[1] if pair and pair[0] == peer else None

    def put(self, peer, secret, seen):
        """Keep a pair -> who was given up for it, or None.

        seen: who was heard since boot, the longest unheard one first.
        """
        victim = None
        slot = self.index.get(peer)
        if slot is None:
            used = self.index.values()
            for slot in range(self._most):
                if slot not in used:
                    break
            else:
                victim = self._oldest(seen)
                slot = self.index.pop(victim)
        self._last += 1
        if self._write(slot, pack(_LAYOUT, peer, secret, self._last)):
            self.index[peer] = slot
        else:
            self.index.pop(peer, None)
        return victim

    def _oldest(self, seen):
        """Of those not in seen who was paired first; if all are, the first of seen."""
        best = victim = None
        for peer, slot in self.index.items():
            if peer not in seen:
                pair = self._read(slot)
                number = pair[2] if pair else 0
                if best is None or number < best:
                    best = number
                    victim = peer
        if victim is None:
            victim = next(peer for peer in seen if peer in self.index)
        return victim

    def remove(self, peer):
        """True if it was known."""
        slot = self.index.pop(peer, None)
        if slot is None:
            return False
        self._write(slot, None)
        return True

    def _write(self, slot, data):
        try:
            if data is None:
                self._nvs.erase_key("p%d" % slot)
            else:
                self._nvs.set_blob("p%d" % slot, data)
            self._nvs.commit()
        except OSError as error:
            log.error("netnow: pair not kept: %s", error)
            return False
        return True
