"""Integers and texts that survive a power loss.

The flash behind the ESP32's NVS wears: with the usual 24 KB partition about 60 million writes of
an integer are in it. So nothing is written that is there already. What cannot be written is said
in the log.
"""

from esp32 import NVS
from micropython import const

from epx import log

_MOST_BYTES = const(2000)  # longer blobs are split by the IDF over pages; nothing needs that


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
