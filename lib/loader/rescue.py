"""Runs when neither file set does: network, MQTT, log and updates, nothing of the profile."""

from epx import log
from epx.appliance import Appliance
from epx.clock import HOURS, MINUTES
from epx.diag import last_words, reboot, save
from epx.loop import Task
from loader import sets


def settings():
    return ()


def build(app):
    log.error("rescue: %s", last_words("/reboot.txt"))
    log.error("rescue: install the profile again with scripts/ota or scripts/cpall")
    if sleeps():
        Task(rest, 5 * MINUTES, 5 * MINUTES, arg=app, core=True)
    else:
        Task(try_again, 1 * HOURS, 1 * HOURS, arg=app, core=True)


def sleeps():
    """Is it on a battery? Then a set has the module for that."""
    for name in ("a", "b"):
        for ending in ("py", "mpy"):
            if sets.exists("/%s/lib/epx/sleeper.%s" % (name, ending)):
                return True
    return False


def rest(app):
    if not app.ota:
        from machine import deepsleep

        log.error("rescue: sleeps for an hour, then tries the file sets again")
        save()
        deepsleep(1 * HOURS)


def try_again(app):
    if not app.ota:  # whoever has opened it is about to help
        reboot("rescue: trying the file sets again")


Appliance("rescue", settings).run(build)
