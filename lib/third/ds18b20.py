"""DS18B20: thermometers on a bus of one wire, each with its own supply.

Source: Maxim data sheet 19-7487: ROM commands and search, chapter "1-Wire bus system"; function
commands, chapter "DS18B20 function commands"; scratchpad, chapter "Memory". Times on the wire:
a reset 1 ms, a byte 0.56 ms; so start() takes 2 ms, read() 12, set_up() 8, find() 15.
All raise OSError: ENODEV if nobody answers, EIO if what comes cannot be true.
"""

from errno import EIO, ENODEV

from micropython import const

FAMILY = const(0x28)  # first byte of the number of each DS18B20
CONVERSION_MS = const(750)  # with 12 bits

_SEARCH_ROM = const(0xF0)
_MATCH_ROM = const(0x55)
_SKIP_ROM = const(0xCC)
_CONVERT = const(0x44)
_READ_SCRATCHPAD = const(0xBE)
_WRITE_SCRATCHPAD = const(0x4E)
_BITS = const(64)

# Limits of an alarm that nobody asks for, and 12 bits. At power-on the chip takes its own limits
# from its EEPROM, and shows 85 C: without our mark it has measured nothing yet.
_MARK = b"\x45\x50\x7f"
_SETTING_MASK = const(0x9F)  # bits of the third byte that never change
_SETTING_BITS = const(0x1F)

_LOWEST = const(-880)  # sixteenths of a degree: -55 C
_HIGHEST = const(2000)  # 125 C


class DS18B20:
    """All thermometers of one bus. wire: an onewire.OneWire."""

    def __init__(self, wire):
        self._wire = wire
        self._scratchpad = bytearray(9)
        self.search()

    def search(self):
        """Begin to search the bus from the beginning; set its pin up anew."""
        pin = self._wire.pin
        pin.init(pin.OPEN_DRAIN, pin.PULL_UP)
        self._rom = bytearray(8)
        self._fork = _BITS  # the last bit where the search took 0 and could have taken 1

    def find(self):
        """The number of the next device, of whatever family; None: that were all."""
        if self._fork < 0:
            return None
        wire = self._wire
        fork = self._fork
        self._fork = -1
        if not wire.reset():
            return None
        wire.writebyte(_SEARCH_ROM)
        rom = self._rom
        for i in range(_BITS):
            place = i >> 3
            mask = 1 << (i & 7)
            bit = wire.readbit()
            if wire.readbit():
                if bit:
                    return None  # who answered is gone
            elif not bit:  # both kinds are there: as before up to the fork, then 1, then 0
                bit = i == fork or (i < fork and bool(rom[place] & mask))
                if not bit:
                    self._fork = i
            wire.writebit(bit)
            if bit:
                rom[place] |= mask
            else:
                rom[place] &= ~mask & 0xFF
        if not rom[0] or wire.crc8(rom):  # a wire on ground reads as zeros
            self._fork = -1
            raise OSError(EIO)
        return bytes(rom)

    def start(self):
        """All begin to measure; the result is there after CONVERSION_MS."""
        self._select(None)
        self._wire.writebyte(_CONVERT)

    def set_up(self, rom):
        """Set 12 bits, and the mark by which a loss of supply is noticed."""
        self._select(rom)
        self._wire.writebyte(_WRITE_SCRATCHPAD)
        self._wire.write(_MARK)

    def read(self, rom):
        """Degrees Celsius; None from one that was not set up since it had no supply."""
        self._select(rom)
        wire = self._wire
        wire.writebyte(_READ_SCRATCHPAD)
        data = self._scratchpad
        wire.readinto(data)
        if data[4] & _SETTING_MASK != _SETTING_BITS or wire.crc8(data):
            for byte in data:
                if byte != 0xFF:
                    raise OSError(EIO)
            raise OSError(ENODEV)
        if data[2:5] != _MARK:
            return None
        value = data[1] << 8 | data[0]
        if value & 0x8000:
            value -= 0x10000
        if not _LOWEST <= value <= _HIGHEST:
            raise OSError(EIO)
        return value / 16

    def _select(self, rom):
        wire = self._wire
        if not wire.reset():
            raise OSError(ENODEV)
        if rom is None:
            wire.writebyte(_SKIP_ROM)
        else:
            wire.writebyte(_MATCH_ROM)
            wire.write(rom)
