"""Water tank: level switches and a flow meter, shown on a display and published."""

from epx.appliance import Appliance


def settings():
    """Forgotten after the start, to keep the heap for the appliance."""
    from h2o.settings import KEYS

    return KEYS


def build(app):
    """Imports what only it needs: the heap gets back their names, and the network is up anyway."""
    from machine import I2C, Pin

    from h2o.actuator import Display
    from h2o.sensor import Tank
    from h2o.service import TOPICS
    from third.mcp23017 import MCP23017
    from third.ssd1306 import SSD1306

    i2c = I2C(0, sda=Pin(21), scl=Pin(22), freq=400000)
    tank = Tank(app.config, MCP23017(i2c), Pin(14, Pin.IN))
    app.health = tank.health
    app.mqtt.bind(tank, TOPICS)
    Display(SSD1306(i2c), tank, app.net, app.mqtt)


Appliance("h2o", settings).run(build)
