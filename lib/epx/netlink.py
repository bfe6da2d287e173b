"""The network interface, Wi-Fi or wired, behind the same few methods."""

import network
from machine import Pin
from micropython import const

# ssid -> PHY, its address, and its pins: MDC, MDIO, power, clock output (None: the PHY has its own).
_WIRED = {
    "(wired)": ("PHY_GENERIC", 1, 23, 18, 0, 17),
    "(wired2)": ("PHY_LAN8720", 1, 23, 18, 16, None),
}
_IDLE = const(1000)
_CONNECTING = const(1001)


class Link:
    """Wi-Fi station, or Ethernet for the ssid (wired) and (wired2)."""

    def __init__(self, ssid, password):
        self._wired = ssid in _WIRED
        self._credentials = (ssid,) if password is None else (ssid, password)
        if not self._wired:
            self._interface = network.WLAN(network.STA_IF)
            return
        phy, address, mdc, mdio, power, clock = _WIRED[ssid]
        options = {} if clock is None else {"ref_clk": Pin(clock), "ref_clk_mode": Pin.OUT}
        self._interface = network.LAN(
            mdc=Pin(mdc),
            mdio=Pin(mdio),
            power=Pin(power),
            phy_type=getattr(network, phy),
            phy_addr=address,
            **options,
        )

    def start(self):
        if not self._interface.active():
            self._interface.active(True)
        if not self._wired:
            self._interface.connect(*self._credentials)

    def stop(self, power_off):
        """Leave the network; power_off: switch the interface off as well."""
        if power_off:
            self._interface.active(False)
        elif not self._wired:
            self._interface.disconnect()

    def up(self):
        return self._interface.isconnected()

    def refused(self):
        """The status if it says that this attempt has failed, else None.

        While a cable is out there is nothing to be told; an access point says no at once.
        """
        if self._wired:
            return None
        status = self._interface.status()
        return None if status in (_IDLE, _CONNECTING, network.STAT_GOT_IP) else status

    def address(self):
        return self._interface.ifconfig()[0]

    def rssi(self):
        """dBm; None if wired, and while the radio does not know."""
        try:
            return None if self._wired else self._interface.status("rssi")
        except (OSError, ValueError):
            return None
