"""espnow, as the ESP32 port has it with ESP-NOW version 1: packets of up to 250 bytes.

What is on the air is the matter of _sim.bench.radio: simworld/deviceradio.py in virtual time,
realether.py in real time. Error numbers: components/esp_wifi/include/esp_now.h of ESP-IDF, with
the minus sign that MicroPython gives them.
"""

from struct import calcsize

import _sim
import uctypes
from micropython import const

_bench = _sim.bench
_radio = _bench.radio

ADDR_LEN = 6
KEY_LEN = 16
MAX_DATA_LEN = 250
MAX_TOTAL_PEER_NUM = 20
MAX_ENCRYPT_PEER_NUM = 6
RATE_1M = 0
RATE_2M = 1
RATE_5M = 2
RATE_11M = 3
RATE_24M = 9
RATE_12M = 10
RATE_6M = 11
RATE_54M = 12
RATE_LORA_250K = 41
RATE_LORA_500K = 42

_PROTOCOL_LR = const(8)
# Two packets of 250 bytes with 13 bytes before each, says the port; one byte of the ring is never
# used, and so only one of them fits.
_RXBUF_BYTES = const(526)
_TIMEOUT_MS = const(300_000)

_NOT_INIT = (-12389, "ESP_ERR_ESPNOW_NOT_INIT")
_ARG = (-12390, "ESP_ERR_ESPNOW_ARG")
_FULL = (-12392, "ESP_ERR_ESPNOW_FULL")
_NOT_FOUND = (-12393, "ESP_ERR_ESPNOW_NOT_FOUND")
_EXIST = (-12395, "ESP_ERR_ESPNOW_EXIST")
_IF = (-12396, "ESP_ERR_ESPNOW_IF")
_CHAN = (-12397, "ESP_ERR_ESPNOW_CHAN")


def _error(code):
    return OSError(code[0], code[1])


def _checked(data, length):
    if len(data) != length:
        raise ValueError("invalid buffer length")
    return bytes(data)


class ESPNow(_radio.stream_class):
    """There is one radio: all objects of this class are the same."""

    # {MAC: [rssi_dbm, time_ms]} of everybody who was ever heard; nobody takes anything out: for
    # Python it is read-only (bit 1 of its flags, is_fixed of mp_map_t).
    peers_table = getattr(uctypes, "_Table", dict)()
    _flags = uctypes.bytearray_at(id(peers_table) + calcsize("P"), 1)
    _is_astray = False  # the buffer lost its place: see recvinto
    _peers = {}  # {MAC: [key, channel, interface, encrypted]}
    _settings = {"rxbuf": _RXBUF_BYTES, "timeout_ms": _TIMEOUT_MS, "rate": RATE_1M}
    _data = [None, bytearray(MAX_DATA_LEN)]
    _nothing = (None, None)

    def __init__(self):
        self._pollers = _radio.pollers

    def _events(self):
        """For poll: POLLIN and POLLOUT."""
        return (1 if _radio.waiting() else 0) | (0 if _radio.sending() else 4)

    def _check(self):
        if not _radio.is_open():
            raise _error(_NOT_INIT)

    def active(self, flag=None):
        if flag is not None:
            if not flag:
                _radio.close()
                self._peers.clear()
                ESPNow._is_astray = False
            elif not _radio.is_open():
                _radio.open(self._settings["rxbuf"])
        return _radio.is_open()

    def config(self, param=None, **settings):
        if param is not None:
            if param not in ("rxbuf", "timeout_ms"):
                raise ValueError("unknown config param")
            return self._settings[param]
        for name in settings:
            if name not in self._settings:
                raise TypeError("extra keyword arguments given")
        self._settings.update(settings)

    def irq(self, callback):
        """Called in a thread of its own, in virtual time only."""
        _radio.on_packet = (lambda: callback(self)) if callback else None

    def stats(self):
        """(sent, answers, failures, received, dropped), in packets since the reset."""
        return tuple(_radio.counts)

    # Packets.

    def any(self):
        self._check()
        return _radio.waiting()

    def recvinto(self, data, timeout_ms=None):
        self._check()
        if timeout_ms is None:
            timeout_ms = self._settings["timeout_ms"]
        packet = _radio.take(timeout_ms)
        if packet is None:
            return 0
        mac, message, rssi, time_ms = packet
        if len(message) > MAX_DATA_LEN or self._is_astray:
            # ESP-NOW of version 2, which newer firmwares hear: the port has one byte for a length,
            # and from then on takes anything for the head of a packet, until it is restarted.
            ESPNow._is_astray = True
            raise ValueError("ESPNow.recv(): buffer error")
        # As on a board: the table changes when a packet is read, not when it comes.
        if mac in self.peers_table:
            self.peers_table[mac][:] = [rssi, time_ms]
        else:
            self._flags[0] &= 0xFD
            self.peers_table[mac] = [rssi, time_ms]
            self._flags[0] |= 2
        data[0] = mac
        if data is self._data:
            data[1] = bytearray(message)
        else:
            if len(data[1]) < len(message):
                raise ValueError("buffer too small")
            # A board shortens the bytearray in place, room and views of it stay; what Python can
            # do is to leave the rest as it is. The length that counts is the one returned.
            data[1][: len(message)] = message
        if len(data) >= 4:
            data[2] = rssi
            data[3] = time_ms
        return len(message)

    def irecv(self, timeout_ms=None):
        return self._data if self.recvinto(self._data, timeout_ms) else self._nothing

    def recv(self, timeout_ms=None):
        if not self.recvinto(self._data, timeout_ms):
            return self._nothing
        return [self._data[0], bytes(self._data[1])]

    def send(self, peer, msg=None, sync=True):
        """True if all who are meant have heard it; what goes to everybody counts as heard."""
        self._check()
        if msg is None:
            peer, msg = None, peer
        msg = msg.encode() if isinstance(msg, str) else bytes(msg)
        meant = [_checked(peer, ADDR_LEN)] if peer else self._registered()
        if not meant or meant[0] not in self._peers:
            raise _error(_NOT_FOUND)
        if not 0 < len(msg) <= MAX_DATA_LEN:
            raise _error(_ARG)
        if not _bench.wifi.active():
            raise _error(_IF)
        for mac in meant:
            self._check_channel(self._peers[mac][1])
        slow = self._settings["rate"] in (RATE_LORA_250K, RATE_LORA_500K)
        slow = slow or _bench.wifi.config("protocol") == _PROTOCOL_LR
        return _radio.send(meant, msg, slow, sync)

    def _registered(self):
        """Peers that are one device; bit 0 of an address says that it is many."""
        return [mac for mac in self._peers if not mac[0] & 1]

    def _check_channel(self, channel):
        if channel and channel != _bench.wifi.tuned():
            raise _error(_CHAN)

    # Peers.

    def set_pmk(self, pmk):
        _checked(pmk, KEY_LEN)

    def add_peer(self, mac, lmk=None, channel=None, ifidx=None, encrypt=None):
        self._check()
        mac = _checked(mac, ADDR_LEN)
        if mac in self._peers:
            raise _error(_EXIST)
        if len(self._peers) >= MAX_TOTAL_PEER_NUM:
            raise _error(_FULL)
        self._update([b"", 0, 0, False], mac, lmk, channel, ifidx, encrypt)

    def mod_peer(self, mac, lmk=None, channel=None, ifidx=None, encrypt=None):
        self._update(list(self._find(mac)), bytes(mac), lmk, channel, ifidx, encrypt)

    def _update(self, values, mac, lmk, channel, ifidx, encrypt):
        if lmk is not None:
            values[3] = bool(lmk)
            values[0] = _checked(lmk, KEY_LEN) if lmk else b""
        if channel is not None:
            self._check_channel(channel)
            values[1] = channel
        if ifidx is not None:
            values[2] = ifidx
        if encrypt is not None:
            values[3] = bool(encrypt)
        if values[3]:
            raise NotImplementedError("the simulated radio does not encrypt")
        self._peers[mac] = values

    def _find(self, mac):
        self._check()
        values = self._peers.get(_checked(mac, ADDR_LEN))
        if values is None:
            raise _error(_NOT_FOUND)
        return values

    def get_peer(self, mac):
        key, channel, interface, encrypted = self._find(mac)
        return (bytes(mac), key or bytes(KEY_LEN), channel, interface, encrypted)

    def get_peers(self):
        """Without those that are many."""
        self._check()
        return tuple([self.get_peer(mac) for mac in self._registered()])

    def del_peer(self, mac):
        self._find(mac)
        del self._peers[bytes(mac)]

    def peer_count(self):
        self._check()
        return (len(self._peers), 0)

    def __iter__(self):
        return self

    def __next__(self):
        return self.irecv()
