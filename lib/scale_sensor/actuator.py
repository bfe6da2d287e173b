"""Brings one reading to the central, and then lets the device sleep."""

from micropython import const

from epx.loop import Task

_SLEEP_MS = const(1000)


class Courier:
    """device: the Sleeper; now: NetNowPeripheral; weight, malfunction: rows of service.

    The radio is on only for this: it takes as much current as all else together.
    """

    def __init__(self, device, now, weight, malfunction):
        self._device = device
        self._now = now
        self._weight = weight
        self._malfunction = malfunction
        self._task = Task(self._sleep)
        self._task.cancel()
        self._health = "ok"

    def deliver(self, scale):
        """What it has weighed, or why it has not."""
        now = self._now
        now.extra |= scale.battery_mv
        self._health = scale.health()
        row = self._malfunction if scale.malfunction else self._weight
        now.start()
        now.send_data(row.payload(scale), 2, self._done)

    def _done(self, is_delivered):
        now = self._now
        has_ended = is_delivered and self._device.reading_confirmed(self._health)
        if has_ended:
            now.trial_ended()
        linger_ms = now.linger_ms()
        if not linger_ms and not has_ended and not now.update_waits:
            now.stop()  # nothing is on its way
        self._task.restart(max(_SLEEP_MS, linger_ms))

    def _sleep(self):
        if self._now.update_waits:
            self._device.update(self._health)
        self._device.sleep()
