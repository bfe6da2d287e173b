"""Brings one reading to the central, and then lets the device sleep."""

import gc

from micropython import const

from epx import diag
from epx.loop import Task

_SLEEP_MS = const(1000)


class Courier:
    """device: the Sleeper. The radio is on only for this: it takes as much current as all else.

    Weighing and radio have the heap one after the other.
    """

    _now = None  # NetNowPeripheral, while the radio is on

    def __init__(self, device, can_update):
        self._device = device
        self._can_update = can_update
        self._task = Task(self._sleep)
        self._task.cancel()

    def deliver(self, scale):
        """What it has weighed, or why it has not."""
        from scale_sensor.service import MALFUNCTION, WEIGHT

        self._payload = (MALFUNCTION if scale.malfunction else WEIGHT).payload(scale)
        self._health = scale.health()
        self._battery_mv = scale.battery_mv
        Task(self._send)

    def _send(self):
        diag.forget("scale_sensor", "sensor")
        diag.forget("scale_sensor", "service")
        diag.forget("third", "hx711")
        gc.collect()
        from epx.netnowp import NetNowPeripheral

        device = self._device
        self._now = now = NetNowPeripheral(
            device.config, device.watchdog, self._can_update, on_battery=True
        )
        now.extra |= self._battery_mv
        now.send_data(self._payload, 2, self._done)  # kept, whatever comes of the radio
        now.start()

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
