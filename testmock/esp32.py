"""esp32, as the port has it: the key-value store. Values live on _sim.bench.

Partition comes from partition.py when somebody asks for it, RMTRX from rmtrx.py.
"""

import _sim
from micropython import const

_bench = _sim.bench

_ESP_ERR_NVS_NOT_FOUND = const(-0x1102)
_ESP_ERR_NVS_INVALID_LENGTH = const(-0x110C)
_ESP_ERR_NVS_KEY_TOO_LONG = const(-0x1109)
_KEY_LIMIT = const(15)


def __getattr__(name):
    if name == "Partition":
        return _sim.load("partition").Partition
    if name == "RMTRX" and _bench.has_rmt_receiver:
        return _sim.load("rmtrx").RMTRX
    raise AttributeError(name)


class NVS:
    """One namespace. What was not committed is lost with the power."""

    def __init__(self, namespace):
        if len(namespace) > _KEY_LIMIT:
            raise OSError(_ESP_ERR_NVS_KEY_TOO_LONG)
        self._saved = _bench.nvs.setdefault(namespace, {})
        self._fresh = {}

    def _set(self, key, value):
        if len(key) > _KEY_LIMIT:
            raise OSError(_ESP_ERR_NVS_KEY_TOO_LONG)
        self._fresh[key] = value

    def _get(self, key, kind):
        value = self._fresh[key] if key in self._fresh else self._saved.get(key)
        if not isinstance(value, kind):
            raise OSError(_ESP_ERR_NVS_NOT_FOUND)
        return value

    def set_i32(self, key, value):
        if not -(1 << 31) <= value < 1 << 31:
            raise OverflowError("overflow converting long int to machine word")
        self._set(key, value)

    def get_i32(self, key):
        return self._get(key, int)

    def set_blob(self, key, value):
        self._set(key, value.encode() if isinstance(value, str) else bytes(value))

    def get_blob(self, key, buffer):
        value = self._get(key, bytes)
        if len(value) > len(buffer):
            raise OSError(_ESP_ERR_NVS_INVALID_LENGTH)
        buffer[: len(value)] = value
        return len(value)

    def erase_key(self, key):
        if key not in self._fresh and self._saved.get(key) is None:
            raise OSError(_ESP_ERR_NVS_NOT_FOUND)
        self._fresh[key] = None

    def commit(self):
        changed = []
        for key in self._fresh:
            if self._saved.get(key) != self._fresh[key]:
                changed.append(key)
        if changed:
            how = _bench.flash_change("nvs", changed[0])
            if how == "torn":
                # Each value is whole or absent; those after the cut are absent.
                del changed[len(changed) // 2 :]
            for key in changed:
                self._write(key, self._fresh[key])
            _bench.flash_changed(how)
        self._fresh.clear()
        if _bench.on_commit:
            _bench.on_commit()

    def _write(self, key, value):
        if value is None:
            del self._saved[key]
        else:
            self._saved[key] = value
            _bench.nvs_writes += 1
