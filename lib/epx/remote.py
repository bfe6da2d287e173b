"""Commands on the topic OTA; their answers are lines of the log."""

import os
import sys

from epx import diag, log
from loader import sets, verdict


def obey(app, payload):
    """payload: the bytes of the command."""
    try:
        command = _COMMANDS.get(str(payload, "utf-8").strip())
    except UnicodeError:
        command = None
    if command:
        command(app)
    else:
        log.answer("OTA: unknown command, want one of %s", " ".join(sorted(_COMMANDS)))
    diag.forget("epx", "remote")
    diag.forget("epx", "firmware")


def _open(app):
    if not app.config.otakey:
        log.answer("OTA: no otakey in config.txt, so the port stays shut: make one with")
        log.answer("OTA: scripts/pcp_conf --new-otakey config.txt, at the serial port")
    elif app.ota:
        app.ota.touch()
        app.ota.announce()
    else:
        import gc

        gc.collect()
        from epx.ota import Ota

        app.ota = Ota(app)


def _commit(app):
    ota = app.ota
    if not ota:
        log.answer("OTA inactive")
    elif ota.busy() or ota.session:
        log.answer("OTA: busy")
    elif not ota.stage.staged():
        log.answer("OTA: nop, nothing is staged")
    else:
        ota.commit(_committed)


def _committed(result, refusal):
    if refusal:
        log.answer("OTA: not committed: %s: %s", *refusal.args)


def _reboot(app):
    diag.reboot("Received MQTT reboot cmd")


def _stats(app):
    counts = app.stats.counts
    log.answer("connlost events net %d mqtt %d", counts["connlost"], counts["mqttlost"])


def _resetstats(app):
    counts = app.stats.counts
    for key in counts:
        counts[key] = 0
    app.stats.save()
    _stats(app)


_HEAD = ("profile", "version", "mpy")


def _getversion(app):
    firmware = "MicroPython %d.%d.%d" % sys.implementation.version[:3]
    log.answer("%s, epx %s, %s", app.profile, diag.VERSION, firmware)
    if verdict.chosen:
        from epx.otafiles import read_head

        for name in (verdict.chosen, sets.other(verdict.chosen)):
            head = read_head("/%s/set.txt" % name)
            runs = " runs" if name == verdict.chosen else ""
            runs += " on trial" if runs and verdict.trial else ""
            if head:
                words = "set %s%s: %s version %s, mpy %s"
                log.answer(words, name, runs, *[head.get(key) for key in _HEAD])


def _message(name):
    words = diag.last_words(name)
    if words is None:
        log.answer("%s not found", name)
    else:
        for line in words.split("\n"):
            if line:
                log.answer("%s: %s", name, line)


def _msg_reboot(app):
    _message("reboot.txt")


def _msg_exception(app):
    _message("exception.txt")


def _msg_rm(app):
    for name in ("reboot.txt", "exception.txt"):
        try:
            os.remove(name)
        except OSError:
            pass
    log.answer("messages removed")


def _partitions(app):
    from epx import firmware

    for line in firmware.partitions():
        log.answer("%s", line)


def _keepversion(app):
    from epx import firmware

    log.answer("%s", firmware.keep())


_COMMANDS = {
    "open": _open,
    "commit": _commit,
    "reboot": _reboot,
    "stats": _stats,
    "resetstats": _resetstats,
    "getversion": _getversion,
    "msg_reboot": _msg_reboot,
    "msg_exception": _msg_exception,
    "msg_rm": _msg_rm,
    "partitions": _partitions,
    "keepversion": _keepversion,
}
