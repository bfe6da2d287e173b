"""Four relays, each on for a time that is limited, and a display."""

from epx.appliance import Appliance


def settings():
    """Forgotten after the start, to keep the heap for the appliance."""
    from relay.settings import KEYS

    return KEYS


def build(app):
    """Imports what only it needs: the heap gets back their names, and the network is up anyway."""
    from machine import I2C, Pin

    from relay.actuator import Display, Relay
    from relay.service import TOPICS
    from third.ssd1306 import SSD1306

    most_s = app.config.maxon
    relays = (
        Relay(0, Pin(25, Pin.OUT, value=1), most_s[0]),
        Relay(1, Pin(26, Pin.OUT, value=1), most_s[1]),
        Relay(2, Pin(27, Pin.OUT, value=1), most_s[2]),
        Relay(3, Pin(33, Pin.OUT, value=1), most_s[3]),
    )
    for i in range(len(relays)):
        app.mqtt.bind(relays[i], TOPICS, i)
    i2c = I2C(0, sda=Pin(21), scl=Pin(22), freq=400000)
    Display(SSD1306(i2c), relays, app.net, app.mqtt)


Appliance("relay", settings).run(build)
