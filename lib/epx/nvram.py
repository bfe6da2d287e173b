"""Integers and texts that survive a power loss.

The flash behind the ESP32's NVS wears: with the usual 24 KB partition about 60 million writes of
an integer are in it. So nothing is written that is there already.
"""

from esp32 import NVS

_MOST_BYTES = 2000  # longer blobs are split by the IDF over pages; nothing of ours needs that


class Nvram:
    """One namespace. Keys have up to 15 characters."""

    def __init__(self, namespace):
        self._nvs = NVS(namespace)

    def get_int(self, key, default=None):
        try:
            return self._nvs.get_i32(key)
        except OSError:
            return default

    def set_int(self, key, value):
        """value from -2**31 to 2**31-1. True if it had to be written."""
        if self.get_int(key) == value:
            return False
        self._nvs.set_i32(key, value)
        self._nvs.commit()
        return True

    def get_text(self, key):
        """None if it is not there, or not whole, or not UTF-8."""
        length = self.get_int(key + "_len")
        if length is None or not 0 <= length <= _MOST_BYTES:
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
        if self.get_text(key) == value:
            return False
        data = value.encode()
        if len(data) > _MOST_BYTES:
            raise ValueError("want at most %d bytes for %s" % (_MOST_BYTES, key))
        self._nvs.set_blob(key, data)
        self._nvs.set_i32(key + "_len", len(data))
        self._nvs.commit()
        return True

    def erase(self, key):
        for name in (key, key + "_len"):
            try:
                self._nvs.erase_key(name)
            except OSError:
                pass
        self._nvs.commit()
