"""A 1-Wire bus and what all devices on it have in common: their number, and how it is found.

Models the ROM commands (data sheet of the DS18B20, chapter "1-Wire bus system"): read, match,
skip, search. What a device does once it is selected is its own model's.
"""

_READ_ROM, _MATCH_ROM, _SKIP_ROM, _SEARCH_ROM = 0x33, 0x55, 0xCC, 0xF0


def crc8(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    return crc


class OneWireBus:
    """devices come and go; shorted: the wire lies on ground, which looks like a presence pulse
    and then like zeros only."""

    def __init__(self, *devices):
        self.devices = list(devices)
        self.shorted = False
        self.resets = 0

    def power_on(self):
        for device in self.devices:
            device.power_on()

    def reset(self):
        self.resets += 1
        present = self.shorted
        for device in self.devices:
            if device.present and not self.shorted:
                device.bus_reset()
                present = True
        return present

    def read_bit(self):
        bit = 0 if self.shorted else 1
        for device in self.devices:
            if device.present and not device.read_slot():
                bit = 0
        return bit

    def write_bit(self, bit):
        for device in self.devices:
            if device.present:
                device.write_slot(0 if self.shorted else bit)


class OneWireDevice:
    """rom: its number, eight bytes. A model derives from it and has

    command(byte)   a byte that came while it is selected; send(data) what is to be read next
    status_bit()    what a read slot gets when there is nothing to send: 1 if not overridden
    power_on()      lose and regain the supply
    """

    def __init__(self, family, serial):
        body = bytes((family,)) + serial.to_bytes(6, "little")
        self.rom = body + bytes((crc8(body),))
        self.present = True
        self.bus_reset()

    def command(self, byte):
        pass

    def status_bit(self):
        return 1

    def power_on(self):
        pass

    def send(self, data):
        self._data = bytes(data)
        self._at = 0

    def bus_reset(self):
        # What a written bit belongs to; None: out until the next reset.
        self._step = "rom command"
        self._byte = self._bits = self._turn = 0
        self.send(b"")

    def _rom_bit(self, i):
        return self.rom[i >> 3] >> (i & 7) & 1

    def write_slot(self, bit):
        if self._step in ("match", "search"):
            self._turn = 0
            if bit != self._rom_bit(self._bits):
                self._step = None
                return
            self._bits += 1
            if self._bits == 64:
                self._bits = 0
                self._step = "selected"
        elif self._step:
            self._byte |= bit << self._bits
            self._bits += 1
            if self._bits == 8:
                byte, self._byte, self._bits = self._byte, 0, 0
                self._received(byte)

    def _received(self, byte):
        if self._step == "selected":
            self.send(b"")
            self.command(byte)
        elif byte == _MATCH_ROM:
            self._step = "match"
        elif byte == _SEARCH_ROM:
            self._step = "search"
        elif byte in (_SKIP_ROM, _READ_ROM):
            self._step = "selected"
            if byte == _READ_ROM:
                self.send(self.rom)
        else:
            self._step = None

    def read_slot(self):
        if self._step == "search":
            # The bit, then its complement; the third slot says which of them goes on.
            self._turn += 1
            return self._rom_bit(self._bits) ^ (self._turn == 2)
        if self._step != "selected":
            return 1
        if self._at == 8 * len(self._data):
            return self.status_bit()
        bit = self._data[self._at >> 3] >> (self._at & 7) & 1
        self._at += 1
        return bit
