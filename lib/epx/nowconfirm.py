"""When a central confirms data: once what came of them cannot be lost any more."""

from micropython import const

from epx.loop import Task

_SETTLE_MS = const(30)
_MOST_UNSETTLED = const(8)
_MOST_EVENTS = const(8)  # of the 16 that wait while the broker is away


class Confirmations:
    """At once without MQTT; else when the broker has acknowledged all that it was told."""

    def __init__(self, central, mqtt):
        self._central = central
        self._mqtt = mqtt
        self.waits = []  # (identity, TID)
        self._task = Task(self._look, core=True)
        self._task.cancel()

    def _is_settled(self):
        mqtt = self._mqtt
        return mqtt.sm.state == "initial" or (
            mqtt.connected() and not mqtt.outbox.events and not mqtt.client.in_flight
        )

    def are_held(self):
        """Does the broker have to come back first?"""
        mqtt = self._mqtt
        return mqtt.sm.state != "initial" and not mqtt.connected()

    def have_room(self):
        """Would what comes of data wait, and push nothing out? Each is one event, or a few."""
        return len(self._mqtt.outbox.events) < _MOST_EVENTS

    def give(self, identity, tid):
        if self._is_settled():
            self._central.confirm_now(identity, tid)
            return
        waiting = (identity, tid)
        if waiting not in self.waits:
            if len(self.waits) >= _MOST_UNSETTLED:
                self.waits.pop(0)  # it asks again
            self.waits.append(waiting)
            self._task.restart(_SETTLE_MS)

    def _look(self):
        if not self._mqtt.connected():
            self.waits.clear()  # they ask again
        elif not self._is_settled():
            self._task.restart(_SETTLE_MS)
        while self.waits and not self._task.active():
            self._central.confirm_now(*self.waits.pop(0))
