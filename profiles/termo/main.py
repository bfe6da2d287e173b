"""Thermometers: up to eight on one wire, each smoothed and published under its own number."""

from epx.appliance import Appliance


def settings():
    """Forgotten after the start, to keep the heap for the appliance."""
    from termo.settings import KEYS

    return KEYS


def build(app):
    """Imports what only it needs: the heap gets back their names, and the network is up anyway."""
    from machine import Pin
    from onewire import OneWire

    from termo.sensor import Thermometers
    from termo.service import PROBE, TOPICS
    from third.ds18b20 import DS18B20

    def found(probe):
        app.mqtt.bind(probe, PROBE, probe.name)

    bus = DS18B20(OneWire(Pin(14)))
    thermometers = Thermometers(bus, app.config.offsets, found)
    app.health = thermometers.health
    app.mqtt.bind(thermometers, TOPICS)


Appliance("termo", settings).run(build)
