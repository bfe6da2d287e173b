"""Mains energy meter: voltage, current, power and energy of a PZEM-004T, published each minute."""

from epx.appliance import Appliance


def settings():
    """Forgotten after the start, to keep the heap for the appliance."""
    from energy.settings import KEYS

    return KEYS


def build(app):
    """Imports what only it needs: the heap gets back their names, and the network is up anyway."""
    from machine import UART, Pin

    from energy.sensor import Meter
    from energy.service import METER, MINUTE, NOW
    from third.pzem004t import PZEM004T

    meter = Meter(app.config, PZEM004T(UART(2, 9600, tx=Pin(17), rx=Pin(16))))
    app.health = meter.health
    app.mqtt.bind(meter.minute, MINUTE)
    app.mqtt.bind(meter.now, NOW)
    app.mqtt.bind(meter, METER)


Appliance("energy", settings).run(build)
