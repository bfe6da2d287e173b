"""Weather sensor: temperature, humidity and air pressure, shown on a display and published."""

from epx.appliance import Appliance


def settings():
    """Forgotten after the start, to keep the heap for the appliance."""
    from weather.settings import KEYS

    return KEYS


def build(app):
    """Imports what only it needs: the heap gets back their names, and the network is up anyway."""
    from machine import I2C, Pin

    from third.bme280 import BME280
    from third.hdc1080 import HDC1080
    from third.ssd1306 import SSD1306
    from weather.actuator import Display
    from weather.sensor import Weather
    from weather.service import TOPICS

    i2c = I2C(0, sda=Pin(21), scl=Pin(22), freq=400000)
    weather = Weather(app.config, HDC1080(i2c), BME280(i2c))
    app.health = weather.health
    app.mqtt.bind(weather, TOPICS)
    Display(SSD1306(i2c), weather, app.net, app.mqtt)


Appliance("weather", settings).run(build)
