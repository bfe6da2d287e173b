"""network, as the ESP32 port has it: the station on _sim.bench.

In real time on MicroPython (realtime.py) it shares the heap with the program: so it is short, and
names that few programs need come from wired.py when somebody asks.
"""

import _sim

_bench = _sim.bench

STA_IF = 0
AP_IF = 1

STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202


def __getattr__(name):
    return getattr(_sim.load("wired"), name)


class WLAN:
    IF_STA = 0
    IF_AP = 1
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2
    PROTOCOL_DEFAULT = 7
    PROTOCOL_LR = 8

    def __init__(self, interface_id=0):
        if interface_id != 0:
            raise ValueError("the simulated radio has no access point")
        self._link = _bench.wifi

    def active(self, is_active=None):
        if is_active is not None:
            self._link.activate(bool(is_active))
        return self._link.active()

    def connect(self, ssid=None, key=None, *, bssid=None):
        self._link.connect(ssid, key)

    def disconnect(self):
        self._link.disconnect()

    def isconnected(self):
        return self._link.is_up()

    def status(self, param=None):
        if param is None:
            return self._link.report()
        if param == "rssi" and self._link.is_up():
            return self._link.rssi_dbm
        raise ValueError("unknown status param")

    def ifconfig(self, configtuple=None):
        return self._link.ifconfig(configtuple)

    def config(self, *args, **kwargs):
        return self._link.config(*args, **kwargs)
