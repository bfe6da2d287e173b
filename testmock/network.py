"""network, as the ESP32 port has it: the station and the wired interface of _sim.bench."""

import _sim

_bench = _sim.bench

STA_IF = 0
AP_IF = 1

STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_BEACON_TIMEOUT = 200
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
STAT_ASSOC_FAIL = 203
STAT_HANDSHAKE_TIMEOUT = 204

_NETMASK = "255.255.255.0"
_NO_ADDRESS = "0.0.0.0"


def __getattr__(name):
    """What only wired devices need: LAN and its constants."""
    import wired

    return getattr(wired, name)


def hostname(name=None):
    if name is None:
        return _bench.hostname
    _bench.hostname = name


def country(code=None):
    return "XX" if code is None else None


class Interface:
    """What both kinds have in common."""

    def active(self, is_active=None):
        if is_active is None:
            return self._link.active()
        self._link.activate(bool(is_active))
        return self._link.active()

    def isconnected(self):
        return self._link.is_up()

    def ifconfig(self, configtuple=None):
        if configtuple is not None:
            if configtuple != "dhcp":
                self._link.settings["ifconfig"] = configtuple
            return None
        if not self._link.is_up():
            return (_NO_ADDRESS, _NO_ADDRESS, _NO_ADDRESS, _NO_ADDRESS)
        if "ifconfig" in self._link.settings:
            return self._link.settings["ifconfig"]
        gateway = self._link.address[: self._link.address.rindex(".")] + ".1"
        return (self._link.address, _NETMASK, gateway, gateway)

    def ipconfig(self, *args, **kwargs):
        if args == ("addr4",):
            address = self.ifconfig()
            return (address[0], address[1])
        if args == ("gw4",):
            return self.ifconfig()[2]
        if args == ("has_dhcp4",):
            return self._link.is_up()
        if args:
            raise ValueError("unexpected key")
        self._link.settings.update(kwargs)

    def config(self, *args, **kwargs):
        if args:
            if args[0] == "mac":
                return self._link.mac
            if args[0] in self._link.settings:
                return self._link.settings[args[0]]
            raise ValueError("unknown config param")
        self._link.settings.update(kwargs)
        if "reconnects" in kwargs:
            self._link.reconnects = kwargs["reconnects"]


class WLAN(Interface):
    IF_STA = 0
    IF_AP = 1
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    def __init__(self, interface_id=0):
        if interface_id not in (0, 1):
            raise ValueError("invalid WLAN interface identifier")
        self._link = _bench.wifi if interface_id == 0 else _bench.access_point()

    def connect(self, ssid=None, key=None, *, bssid=None):
        self._link.connect(ssid, key)

    def disconnect(self):
        self._link.disconnect()

    def status(self, param=None):
        if param is None:
            return self._link.report()
        if param == "rssi":
            if not self._link.is_up():
                raise OSError("STA must be active")
            return self._link.rssi_dbm
        raise ValueError("unknown status param")
