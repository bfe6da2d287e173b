"""The peripheral of a link test: sends how it hears the central. A button forgets the pairing."""

from micropython import const

from epx import log
from epx.loop import Task

_EVERY_MS = const(15000)
_JITTER_MS = const(15000)
_LOOK_MS = const(100)
_HOLD_LOOKS = const(30)  # 3 s
_NOTHING_YET = const(1001)


class LinkTest:
    """now: NetNowPeripheral; device: the Sleeper; button: a Pin, low while it is pressed."""

    told_dbm = None

    def __init__(self, now, row, device, button):
        self._now = now
        self._row = row
        self._button = button
        self._device = device
        self._held = 0
        Task(self._send, _EVERY_MS, _EVERY_MS, jitter_ms=_JITTER_MS)
        Task(self._look, _LOOK_MS, _LOOK_MS, tolerance_ms=50)

    def rssi_dbm(self):
        rssi_dbm = self._now.rssi_dbm()
        return _NOTHING_YET if rssi_dbm is None else rssi_dbm

    def told(self, rssi_dbm):
        self.told_dbm = rssi_dbm
        log.info("tnowp: the central hears us with %d dBm", rssi_dbm)

    def _send(self):
        if self._now.update_waits:
            self._now.update_waits = False
            self._device.update()
        if not self._now.memory.unsent:  # an old value is worth nothing
            self._now.send_data(self._row.payload(self), 2, self._is_delivered)

    def _is_delivered(self, is_delivered):
        if is_delivered and self._device.reading_confirmed():
            self._now.trial_ended()

    def _look(self):
        self._held = 0 if self._button.value() else self._held + 1
        if self._held == _HOLD_LOOKS:
            log.info("tnowp: pairing forgotten by the button")
            self._now.unpair()
