"""An appliance with one sensor: small, for stories about what happens to its program."""

from epx.appliance import Appliance
from probe.sensor import TOPICS, Probe


def settings():
    return ()


def build(app):
    probe = Probe()
    app.health = probe.health
    app.mqtt.bind(probe, TOPICS)


Appliance("probe", settings).run(build)
