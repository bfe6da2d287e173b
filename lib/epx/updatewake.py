"""A boot of a sleeper with network, MQTT, updates, and nothing of what it is for."""

from micropython import const

from epx import rtcmemory
from epx.appliance import Appliance
from epx.loop import Task, uptime_s

_IDLE_S = const(900)


class UpdateWake:
    """Calls end(arg) after 15 minutes without somebody who has the key."""

    def __init__(self, profile, keys, end, arg):
        self._app = app = Appliance(profile, keys)
        self._end = end
        self._arg = arg
        self._idle_since_s = 0
        self._health = rtcmemory.read("health") or b"ok"
        app.health = self.health
        # Their reboots would begin the time anew.
        app.config.netreboot = app.config.mqttreboot = 0
        Task(self._check, 10000, 10000, tolerance_ms=5000, core=True)

    def health(self):
        """What it said of itself when it was at work."""
        return self._health.decode()

    def run(self):
        self._app.run(_nothing)

    def _check(self):
        ota = self._app.ota
        if ota and (ota.busy() or (ota.session and ota.session.proved)):
            self._idle_since_s = uptime_s()
        elif uptime_s() - self._idle_since_s >= _IDLE_S:
            self._end(self._arg)


def _nothing(_):
    """In place of the profile's build()."""
