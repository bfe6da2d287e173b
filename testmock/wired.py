"""The wired part of network, as the ESP32 port has it; network.py hands its names on."""

import _sim
import network

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


class LAN(network.Interface):
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
        self._link = _sim.bench.ethernet
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

    def status(self):
        return self._link.report()
