"""A scale on a battery: weighs once per hour, tells its manager by radio, and sleeps."""

from epx import sleeper


def settings():
    """Forgotten after the start, to keep the heap for the appliance."""
    from scale_sensor.settings import KEYS

    return KEYS


def build(device):
    from machine import Pin

    from scale_sensor.actuator import Courier
    from scale_sensor.sensor import Scale, battery_mv
    from third.hx711 import HX711

    config = device.config
    courier = Courier(device, sleeper.can_update(config))
    battery = battery_mv(config.batterypin, config.batteryratio)
    chip = HX711(data=Pin(5), clock=Pin(4))
    Scale(chip, config.calibration_a, config.calibration_b, courier.deliver, battery)


sleeper.start("scale_sensor", settings, build)
