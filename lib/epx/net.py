"""Keeps Wi-Fi or Ethernet up, by a ladder: connect again, radio off and on, reboot."""

import network
from machine import PWRON_RESET, Pin, reset_cause
from micropython import const

from epx import diag, log
from epx.fsm import StateMachine
from epx.loop import Task, uptime_s

_STATES = {
    "initial": ("idle",),
    "idle": ("connecting",),
    "connecting": ("connected", "connlost"),
    "connected": ("connlost",),
    "connlost": ("idle",),
}

_START_JITTER_MS = const(10000)  # after a power cut not all devices of a house at once
_CONNECT_MS = const(60000)
_RETRY_MS = const(30000)
_RETRY_JITTER_MS = const(15000)
_GENTLE_RETRIES = const(1)  # failures in a row before the radio is switched off and on

# STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP of the ESP32; everything else is a refusal.
_HOPEFUL = const((1000, 1001, 1010))

# ssid -> PHY, and its pins: power, clock output (None: the PHY has its own).
_WIRED = {"(wired)": ("PHY_GENERIC", 0, 17), "(wired2)": ("PHY_LAN8720", 16, None)}


class Net:
    """Brings the link up and keeps it; reboots when that fails for the time of key netreboot.

    Wi-Fi station, or Ethernet for the ssid (wired) and (wired2), or nothing for (none).
    """

    _interface = None
    _credentials = None  # of Wi-Fi only
    _lost_s = 0  # uptime when the link was lost, or of the start
    _failures = 0

    def __init__(self, config, stats):
        self._config = config
        self._stats = stats
        self.sm = StateMachine("net", self, _STATES, core=True)
        ssid = config.ssid
        if ssid in (None, "(none)"):
            return
        try:
            if ssid in _WIRED:
                phy, power, clock = _WIRED[ssid]
                self._interface = network.LAN(
                    mdc=Pin(23),
                    mdio=Pin(18),
                    power=Pin(power),
                    phy_type=getattr(network, phy),
                    phy_addr=1,
                    **({} if clock is None else {"ref_clk": Pin(clock), "ref_clk_mode": Pin.OUT}),
                )
            else:
                self._interface = network.WLAN(network.STA_IF)
                password = config.password
                self._credentials = (ssid,) if password is None else (ssid, password)
        except Exception as error:  # no LAN in this firmware, no PHY: the ladder leads to a reboot
            log.error("net: %s", error)
        self.sm.after(0, "idle", _START_JITTER_MS if reset_cause() == PWRON_RESET else 0)

    def connected(self):
        return self.sm.state == "connected"

    def address(self):
        """The IP address as text, None without a link."""
        return self._interface.ifconfig()[0] if self.connected() else None

    def rssi(self):
        """dBm; None without a link, if wired, and while the radio does not know."""
        try:
            if self._credentials and self.connected():
                return self._interface.status("rssi")
        except (OSError, RuntimeError, ValueError):
            pass
        return None

    def on_idle(self):
        limit_s = self._config.netreboot * 60
        if limit_s and uptime_s() - self._lost_s > limit_s:
            diag.reboot("Network repeated failures, trying device reboot")
        self.sm.go("connecting")

    def on_connecting(self):
        interface = self._interface
        if interface is None:
            self.sm.go("connlost")
            return
        try:
            if not interface.active():
                interface.active(True)
            if self._credentials:
                interface.connect(*self._credentials)
                # MicroPython shows an old refusal until there is an address: that is no news.
                self._old_status = interface.status()
        except (OSError, RuntimeError) as error:  # RuntimeError: MicroPython has no name for it
            log.warn("net: %s", error)
            self.sm.go("connlost")
            return
        self.sm.after(_CONNECT_MS, "connlost")
        self.sm.add(Task(self._check, 1000, 1000, tolerance_ms=100, core=True))

    def on_connected(self):
        self._failures = 0
        log.info("net: connected, address %s", self.address())
        self.sm.add(Task(self._check, 5000, 5000, tolerance_ms=1000, core=True))

    def _check(self):
        is_up = self._interface.isconnected()
        if self.connected():
            if not is_up:
                self._lost_s = uptime_s()
                log.warn("net: link lost")
                self._stats.add("connlost")
                self.sm.go("connlost")
        elif is_up:
            self.sm.go("connected")
        elif self._credentials:
            # An access point says no at once; while a cable is out there is nothing to be told.
            status = self._interface.status()
            if status not in _HOPEFUL and status != self._old_status:
                log.warn("net: refused, status %s", status)
                self.sm.go("connlost")

    def on_connlost(self):
        self._failures += 1
        try:
            if self._interface is None:
                pass
            elif self._failures > _GENTLE_RETRIES:
                self._interface.active(False)
            elif self._credentials:
                self._interface.disconnect()
        except (OSError, RuntimeError) as error:
            log.warn("net: %s", error)
        self.sm.after(_RETRY_MS, "idle", _RETRY_JITTER_MS)
