"""Soil: how wet the ground is, by a capacitive probe."""

from epx.appliance import Appliance


def settings():
    """Forgotten after the start, to keep the heap for the appliance."""
    from soil.settings import KEYS

    return KEYS


def build(app):
    """Imports what only it needs: the heap gets back their names, and the network is up anyway."""
    from machine import ADC, Pin

    from soil.sensor import Sensor
    from soil.service import TOPICS

    sensor = Sensor(app.config, ADC(Pin(34), atten=ADC.ATTN_11DB))
    app.health = sensor.health
    app.mqtt.bind(sensor, TOPICS)


Appliance("soil", settings).run(build)
