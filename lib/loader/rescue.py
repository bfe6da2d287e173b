"""Runs when neither file set does: network, MQTT, log and updates, nothing of the profile."""

from epx import log
from epx.appliance import Appliance
from epx.clock import HOURS
from epx.diag import last_words, reboot
from epx.loop import Task


def settings():
    return ()


def build(app):
    log.error("rescue: %s", last_words("/reboot.txt"))
    log.error("rescue: install the profile again with scripts/ota or scripts/cpall")
    Task(try_again, 1 * HOURS, 1 * HOURS, arg=app, core=True)


def try_again(app):
    if not app.ota:  # whoever has opened it is about to help
        reboot("rescue: trying the file sets again")


Appliance("rescue", settings).run(build)
