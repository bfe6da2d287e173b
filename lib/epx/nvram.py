"""What survives a power loss: integers and texts, counters, the broker's address.

The flash behind the ESP32's NVS wears: with the usual 24 KB partition about 60 million writes of
an integer are in it. So nothing is written that is there already. What cannot be written is said
in the log.
"""

import socket

from esp32 import NVS
from micropython import const

from epx import diag, log
from epx.loop import Task, uptime_s

_MOST_BYTES = const(2000)  # longer blobs are split by the IDF over pages; nothing needs that
_PAUSE_MS = const(600000)

# A dead name server blocks for 20 s (measured on lwIP): not at every attempt to connect, but
# often enough to find a broker that has moved meanwhile.
_ASK_AGAIN_S = const(120)

_ask_at_s = 0


class Nvram:
    """One namespace. Keys have up to 15 characters, those of texts up to 11."""

    def __init__(self, name):
        self._nvs = NVS(name)

    def get_int(self, key, default=None):
        try:
            return self._nvs.get_i32(key)
        except OSError:
            return default

    def set_int(self, key, value):
        """value from -2**31 to 2**31-1. True if it was written."""
        return self.get_int(key) != value and self._set(key, value)

    def get_text(self, key):
        """None if it is not there, or not whole, or not UTF-8."""
        length = self.get_int(key + "_len", -1)
        if not 0 <= length <= _MOST_BYTES:
            return None
        buffer = bytearray(length)
        try:
            # MicroPython wants room for one byte even when there is nothing to read.
            if length and self._nvs.get_blob(key, buffer) != length:
                return None
            return str(buffer, "utf-8")
        except (OSError, UnicodeError):
            return None

    def set_text(self, key, value):
        """True if it was written."""
        data = value.encode()
        if len(data) > _MOST_BYTES:
            raise ValueError("want at most %d bytes for %s" % (_MOST_BYTES, key))
        return self.get_text(key) != value and self._set(key + "_len", len(data), key, data)

    def _set(self, key, value, text_key=None, data=None):
        try:
            if text_key:
                self._nvs.set_blob(text_key, data)
            self._nvs.set_i32(key, value)
            self._nvs.commit()
        except OSError as error:
            log.error("nvram: %s: %s", key, error)
            return False
        return True


class NetStats:
    """Counters of lost connections: connlost and mqttlost of the namespace netstats.

    The first loss after a quiet time is written at once, further ones at most every ten minutes,
    and all before a reboot: at worst 52,560 writes per counter and year.
    """

    _pause = None  # the task that ends the time without writing

    def __init__(self):
        self._nvram = nvram = Nvram("netstats")
        self.counts = {}
        for key in ("connlost", "mqttlost"):
            self.counts[key] = nvram.get_int(key, 0)
        diag.before_reboot.append(self._save)

    def add(self, key):
        self.counts[key] = (self.counts[key] + 1) & 0x7FFFFFFF
        if self._pause is None:
            self._save()

    def _save(self):
        """Write what changed; if anything did, nothing more for ten minutes."""
        self._pause = None
        for key in self.counts:
            if self._nvram.set_int(key, self.counts[key]):
                self._pause = self._pause or Task(self._save, _PAUSE_MS, core=True)


def resolve(host, port, watchdog):
    """What socket.connect() wants: asked for, or as it was last time. OSError: unknown."""
    global _ask_at_s
    nvram = Nvram("mqtt")
    known = (nvram.get_text("address") or "").split()
    known = known[1] if len(known) == 2 and known[0] == host else None
    watchdog.may_block()
    try:
        if known is None or uptime_s() >= _ask_at_s:
            try:
                address = socket.getaddrinfo(host, port)[0][-1]
            except OSError as error:
                if known is None:
                    raise
                log.warn("mqtt: name server: %s, using %s as last time", error, known)
                _ask_at_s = uptime_s() + _ASK_AGAIN_S
            else:
                # The unix port of MicroPython gives a raw sockaddr, of no use another day.
                if isinstance(address, tuple) and address[0] not in (host, known):
                    nvram.set_text("address", "%s %s" % (host, address[0]))
                return address
        return socket.getaddrinfo(known, port)[0][-1]
    finally:
        watchdog.may_block_exit()
