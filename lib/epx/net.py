"""Keeps Wi-Fi or Ethernet up, by a ladder: connect again, radio off and on, reboot."""

import machine

from epx import diag, log
from epx.clock import SECONDS
from epx.fsm import StateMachine
from epx.loop import uptime_s
from epx.netlink import Link

_STATES = {
    "initial": ("idle",),
    "idle": ("connecting",),
    "connecting": ("connected", "connlost"),
    "connected": ("connlost",),
    "connlost": ("idle",),
}

_START_JITTER_MS = 10 * SECONDS  # after a power cut not all devices of a house at once
_CONNECT_MS = 60 * SECONDS
_RETRY_MS = 30 * SECONDS
_RETRY_JITTER_MS = 15 * SECONDS
_GENTLE_RETRIES = 1  # failures in a row before the radio is switched off and on


class Net:
    """Brings the link up and keeps it; reboots when that fails for the time of key netreboot."""

    def __init__(self, config, stats):
        self._link = None
        self._reboot_s = config.netreboot * 60
        self._stats = stats
        self._lost_s = 0  # uptime when the link was lost, or of the start
        self._failures = 0
        self.sm = StateMachine("net", self, _STATES, core=True)
        if config.ssid not in (None, "(none)"):
            self._link = Link(config.ssid, config.password)
            powered_on = machine.reset_cause() == machine.PWRON_RESET
            self.sm.after(0, "idle", jitter_ms=_START_JITTER_MS if powered_on else 0)

    def connected(self):
        return self.sm.state == "connected"

    def address(self):
        """The IP address as text, None without a link."""
        return self._link.address() if self.connected() else None

    def rssi(self):
        return self._link.rssi() if self.connected() else None

    def on_idle(self):
        if self._reboot_s and uptime_s() - self._lost_s > self._reboot_s:
            diag.reboot("Network repeated failures, trying device reboot")
        self.sm.go("connecting")

    def on_connecting(self):
        try:
            self._link.start()
        except OSError as error:  # the ESP32's driver out of memory, or in a wrong state
            log.warn("net: %s", error)
            self.sm.after(0, "connlost")
            return
        self.sm.after(_CONNECT_MS, "connlost")
        self.sm.every(1 * SECONDS, self._check_connecting, tolerance_ms=100)

    def _check_connecting(self):
        if self._link.up():
            self.sm.go("connected")
            return
        refused = self._link.refused()
        if refused is not None:
            log.warn("net: refused, status %s", refused)
            self.sm.go("connlost")

    def on_connected(self):
        self._failures = 0
        log.info("net: connected, address %s", self._link.address())
        self.sm.every(5 * SECONDS, self._check_connected, tolerance_ms=1000)

    def _check_connected(self):
        if not self._link.up():
            self._lost_s = uptime_s()
            log.warn("net: link lost")
            self._stats.add("connlost")
            self.sm.go("connlost")

    def on_connlost(self):
        self._failures += 1
        try:
            self._link.stop(self._failures > _GENTLE_RETRIES)
        except OSError as error:
            log.warn("net: %s", error)
        self.sm.after(_RETRY_MS, "idle", jitter_ms=_RETRY_JITTER_MS)
