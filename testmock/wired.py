"""The rest of network, as the ESP32 port has it: network.py hands these names on."""

import _sim

_bench = _sim.bench

STAT_BEACON_TIMEOUT = 200
STAT_ASSOC_FAIL = 203
STAT_HANDSHAKE_TIMEOUT = 204

MODE_11B = 1
MODE_11G = 2
MODE_11N = 4
MODE_LR = 8

ETH_INITIALIZED = 0
ETH_STARTED = 1
ETH_STOPPED = 2
ETH_CONNECTED = 3
ETH_DISCONNECTED = 4
ETH_GOT_IP = 5

PHY_LAN8710 = 0
PHY_LAN8720 = 1
PHY_IP101 = 2
PHY_RTL8201 = 3
PHY_DP83848 = 4
PHY_KSZ8041 = 5
PHY_KSZ8081 = 6
PHY_LAN8670 = 7
PHY_GENERIC = 8


def hostname(name=None):
    if name is None:
        return _bench.hostname
    _bench.hostname = name


def country(code=None):
    return "XX" if code is None else None


class LAN:
    def __init__(
        self,
        id=0,
        *,
        mdc=None,
        mdio=None,
        reset=None,
        power=None,
        phy_addr=0,
        phy_type=None,
        ref_clk=None,
        ref_clk_mode=None,
    ):
        self._link = _bench.ethernet
        self._link.constructed.append(
            {
                "mdc": mdc,
                "mdio": mdio,
                "power": power,
                "phy_addr": phy_addr,
                "phy_type": phy_type,
                "ref_clk": ref_clk,
            }
        )

    def active(self, is_active=None):
        if is_active is not None:
            self._link.activate(bool(is_active))
        return self._link.active()

    def isconnected(self):
        return self._link.is_up()

    def status(self):
        return self._link.report()

    def ifconfig(self, configtuple=None):
        return self._link.ifconfig(configtuple)

    def config(self, *args, **kwargs):
        return self._link.config(*args, **kwargs)
