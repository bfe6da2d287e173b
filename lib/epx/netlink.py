"""The two kinds of network interface, behind the same few methods."""

import network
from machine import Pin
from micropython import const

NO_NETWORK = "(none)"

# ssid -> PHY, its address, and its pins: MDC, MDIO, power, clock output (None: the PHY has its own).
_WIRED = {
    "(wired)": ("PHY_GENERIC", 1, 23, 18, 0, 17),
    "(wired2)": ("PHY_LAN8720", 1, 23, 18, 16, None),
}
_IDLE = const(1000)
_CONNECTING = const(1001)


class WifiLink:
    """Wi-Fi station. A definite refusal of the access point is told at once."""

    def __init__(self, ssid, password):
        self._ssid = ssid
        self._password = password
        self._wlan = network.WLAN(network.STA_IF)

    def start(self):
        if not self._wlan.active():
            self._wlan.active(True)
        if self._password is None:
            self._wlan.connect(self._ssid)
        else:
            self._wlan.connect(self._ssid, self._password)

    def stop(self):
        """Leave the access point, the radio stays on."""
        self._wlan.disconnect()

    def power_off(self):
        self._wlan.active(False)

    def up(self):
        return self._wlan.isconnected()

    def refused(self):
        """The status if it says that this attempt has failed, else None."""
        status = self._wlan.status()
        return None if status in (_IDLE, _CONNECTING, network.STAT_GOT_IP) else status

    def address(self):
        return self._wlan.ifconfig()[0]

    def rssi(self):
        """dBm, or None while the radio does not know."""
        try:
            return self._wlan.status("rssi")
        except (OSError, ValueError):
            return None


class WiredLink:
    """Ethernet through one of two PHYs. While the cable is out there is nothing to be told."""

    def __init__(self, wiring):
        phy, address, mdc, mdio, power, clock = _WIRED[wiring]
        options = {} if clock is None else {"ref_clk": Pin(clock), "ref_clk_mode": Pin.OUT}
        self._lan = network.LAN(
            mdc=Pin(mdc),
            mdio=Pin(mdio),
            power=Pin(power),
            phy_type=getattr(network, phy),
            phy_addr=address,
            **options,
        )

    def start(self):
        if not self._lan.active():
            self._lan.active(True)

    def stop(self):
        pass

    def power_off(self):
        self._lan.active(False)

    def up(self):
        return self._lan.isconnected()

    def refused(self):
        return None

    def address(self):
        return self._lan.ifconfig()[0]

    def rssi(self):
        return None


def make_link(ssid, password):
    """The link that the key ssid asks for; None for (none) and without a key."""
    if ssid is None or ssid == NO_NETWORK:
        return None
    return WiredLink(ssid) if ssid in _WIRED else WifiLink(ssid, password)
