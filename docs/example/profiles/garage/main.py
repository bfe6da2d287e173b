"""Garage door: a contact, and a relay that presses the button of the door's own motor."""

from machine import Pin

from epx.appliance import Appliance
from garage.actuator import Opener
from garage.sensor import Door
from garage.service import DOOR, OPENER


def settings():
    from garage.settings import KEYS

    return KEYS


def build(app):
    door = Door(Pin(27, Pin.IN, Pin.PULL_UP))
    app.health = door.health
    app.mqtt.bind(door, DOOR)
    app.mqtt.bind(Opener(Pin(26, Pin.OUT), app.config.pulse), OPENER)


Appliance("garage", settings).run(build)
