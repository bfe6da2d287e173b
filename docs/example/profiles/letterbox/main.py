"""A letterbox on a battery: tells by radio whether there is mail."""

from epx import sleeper


def settings():
    from letterbox.settings import KEYS

    return KEYS


def build(device):
    from machine import Pin

    from epx.netnowp import NetNowPeripheral
    from letterbox.sensor import Look
    from letterbox.service import MAIL, RADIO

    config = device.config
    can_update = sleeper.can_update(config)
    now = NetNowPeripheral(config, device.watchdog, can_update, on_battery=True)
    look = Look(device, now, MAIL, contact=Pin(33, Pin.IN, Pin.PULL_UP))
    now.bind(look, RADIO)


sleeper.start("letterbox", settings, build, awake_ms=60000)
