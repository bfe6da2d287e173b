"""A station, for the radio; epx.mqtt meets the network as an argument."""

STA_IF = 0


class WLAN:
    PM_NONE = 0

    def __init__(self, interface):
        self._settings = {"mac": b"\x24\x0a\xc4\x01\x02\x03", "channel": 1}

    def active(self, flag=None):
        return True

    def config(self, name=None, **settings):
        self._settings.update(settings)
        return self._settings.get(name)
