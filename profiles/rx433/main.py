"""Receiver of keyfobs on 433 MHz: what is pressed is published."""

from epx.appliance import Appliance


def settings():
    """Forgotten after the start, to keep the heap for the appliance."""
    from rx433.settings import KEYS

    return KEYS


def build(app):
    """Imports what only it needs: the heap gets back their names, and the network is up anyway."""
    from machine import Pin, freq

    from rx433.sensor import Receiver
    from rx433.service import TOPICS

    freq(240000000)  # pulses come by the thousand
    receiver = Receiver(app, Pin(14, Pin.IN))
    app.health = receiver.health
    app.mqtt.bind(receiver, TOPICS)


Appliance("rx433", settings).run(build)
