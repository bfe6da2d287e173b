"""One look into a letterbox: is there mail? Tells it, and lets the device sleep."""

from micropython import const

from epx.clock import MINUTES
from epx.loop import Task

_LEAST_MS = const(1000)


class Look:
    """device: the Sleeper; now: NetNowPeripheral; contact: a Pin, low while there is mail."""

    def __init__(self, device, now, row, contact):
        self.mail = 0 if contact.value() else 1
        self._device = device
        self._now = now
        self._minutes = device.config.period
        now.start()
        now.send_data(row.payload(self), 2, self._told)

    def sleep_for(self, minutes):
        self._minutes = minutes

    def _told(self, is_delivered):
        """Confirmed, or given up for this time: then it is told at the next wake."""
        if is_delivered and self._device.reading_confirmed():
            self._now.trial_ended()
        Task(self._sleep, max(_LEAST_MS, self._now.linger_ms()))

    def _sleep(self):
        if self._now.update_waits:
            self._device.update()
        self._device.sleep(self._minutes * MINUTES)
