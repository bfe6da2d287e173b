"""An appliance with one sensor: small, for stories about what happens to its program."""

from probe.sensor import TOPICS, Probe

from epx.appliance import Appliance


def settings():
    return ()


def build(app):
    probe = Probe()
    app.health = probe.health
    app.mqtt.bind(probe, TOPICS)


Appliance("probe", settings).run(build)
