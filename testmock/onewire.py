"""onewire, as the ports have it frozen in: a bus of one wire, bit by bit, on _sim.bench.wires.

Resets and slots take the time that they take on the wire, in the caller's time.
"""

import _sim

_bench = _sim.bench

_RESET_US = 960
_SLOT_US = 70
_MOST_FOUND = 255
_POLYNOMIAL = 0x8C  # x^8 + x^5 + x^4 + 1, lowest bit first


class OneWireError(Exception):
    """Nobody is there."""


class OneWire:
    SEARCH_ROM = 0xF0
    MATCH_ROM = 0x55
    SKIP_ROM = 0xCC

    def __init__(self, pin):
        self.pin = pin
        pin.init(pin.OPEN_DRAIN, pin.PULL_UP)
        self._bus = _bench.wires.get(pin._state.number)

    def reset(self, required=False):
        _bench.clock.spend_us(_RESET_US)
        present = self._bus is not None and self._bus.reset()
        if required and not present:
            raise OneWireError
        return present

    def readbit(self):
        _bench.clock.spend_us(_SLOT_US)
        return 1 if self._bus is None else self._bus.read_bit()

    def readbyte(self):
        byte = 0
        for i in range(8):
            byte |= self.readbit() << i
        return byte

    def readinto(self, buf):
        for i in range(len(buf)):
            buf[i] = self.readbyte()

    def writebit(self, value):
        _bench.clock.spend_us(_SLOT_US)
        if self._bus is not None:
            self._bus.write_bit(1 if value else 0)

    def writebyte(self, value):
        for i in range(8):
            self.writebit(value >> i & 1)

    def write(self, buf):
        for byte in buf:
            self.writebyte(byte)

    def select_rom(self, rom):
        self.reset()
        self.writebyte(self.MATCH_ROM)
        self.write(rom)

    def scan(self):
        """The numbers of all that answer, by the search of the data sheets, ones first."""
        found = []
        last, fork = None, -1
        while fork is not None and len(found) < _MOST_FOUND:
            last, fork = self._search(last, fork)
            if last is not None:
                found.append(last)
        return found

    def _search(self, last, fork):
        """As in last up to bit fork, there 0, then 1 -> number, last fork where 1 was taken."""
        rom = bytearray(8)
        next_fork = None
        if not self.reset():
            return None, None
        self.writebyte(self.SEARCH_ROM)
        for i in range(64):
            bit, complement = self.readbit(), self.readbit()
            if bit and complement:
                return None, None
            if not bit and not complement:
                bit = last[i >> 3] >> (i & 7) & 1 if i < fork else int(i > fork)
                if bit:
                    next_fork = i
            self.writebit(bit)
            rom[i >> 3] |= bit << (i & 7)
        return rom, next_fork

    def crc8(self, data):
        crc = 0
        for byte in data:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
        return crc
