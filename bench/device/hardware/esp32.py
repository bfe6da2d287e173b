"""NVS without flash: it keeps what it is given until the process ends."""


class NVS:
    _all = {}  # {namespace: {key: value}}

    def __init__(self, namespace):
        self._values = self._all.setdefault(namespace, {})

    def _get(self, key):
        if key not in self._values:
            raise OSError(-4354, "ESP_ERR_NVS_NOT_FOUND")
        return self._values[key]

    get_i32 = _get

    def get_blob(self, key, buffer):
        value = self._get(key)
        buffer[: len(value)] = value
        return len(value)

    def _set(self, key, value):
        self._values[key] = value

    set_i32 = _set

    def set_blob(self, key, value):
        self._values[key] = bytes(value)

    def commit(self):
        pass
