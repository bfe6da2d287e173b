"""Watches a new file set, or a new config.txt, until it has proved itself or goes back."""

from micropython import const

from epx import diag, log
from epx.loop import Task, uptime_s
from loader import sets, verdict

_LEAST_S = const(120)
_MOST_S = const(600)


def set_on_trial():
    """What running.txt says of it; None: only config.txt is on trial."""
    running = sets.read()
    return running if running and running.trial else None


def _name(running):
    names = []
    if running:
        names.append("set " + running.name)
    if sets.config_on_trial():
        names.append("config.txt")
    return " and ".join(names)


def confirm():
    """What is on trial has proved itself."""
    running = set_on_trial()
    name = _name(running)
    diag.ended_well()
    if running:
        sets.confirm(running.name, running.previous)
    sets.confirm_config()
    verdict.trial = False
    words = "update: %s confirmed" % name
    if running:
        from epx.otafiles import read_head

        words += ", version " + read_head("/%s/set.txt" % running.name).get("version", "?")
    log.answer("%s", words)  # whoever has sent it waits for that, whatever the loglevel


class Trial:
    """Confirms after two minutes, once the broker has acknowledged and the appliance is well.

    A fault meanwhile ends the trial at once: see diag.handle_fault(). Who sleeps has another
    rule: see epx.sleeper.
    """

    def __init__(self, app):
        self._app = app
        self._running = set_on_trial()
        # Their reboots would begin the ten minutes anew.
        config = app.config
        self._ladders = config.netreboot, config.mqttreboot
        config.netreboot = config.mqttreboot = 0
        self._task = Task(self._check, 1000, 1000, tolerance_ms=900, core=True)
        log.info("update: %s on trial", _name(self._running))

    def _check(self):
        now_s = uptime_s()
        if now_s > _MOST_S:
            diag.reboot("not confirmed within ten minutes: " + self._missing(), True)
        if now_s >= _LEAST_S and not self._missing():
            self._task.cancel()
            confirm()
            config = self._app.config
            config.netreboot, config.mqttreboot = self._ladders

    def _missing(self):
        """What is not as it should be."""
        app = self._app
        if not app.net.connected():
            return "no network"
        if not app.mqtt.connected():
            return "no broker"
        if not app.config.ready:
            return "bad config.txt"
        health = app.health()
        if self._running and health not in ("ok", self._running.health):
            return health
        return ""
