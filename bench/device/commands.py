"""Commands per second through the whole framework: socket, uumqtt, epx.mqtt, parser, method.

commands.py PORT COUNT
"""

import sys
import time

from stands import Net, Watchdog

from epx import loop
from epx.mqtt import Mqtt
from epx.payloads import on_off
from epx.topics import Sub


class Light:
    """Obeys, and counts."""

    lit = False
    obeyed = 0

    def switch(self, on):
        self.lit = on
        self.obeyed += 1


class Settings:
    mqttbroker = "127.0.0.1"
    mqttname = "Bench"
    mqttport = int(sys.argv[1])
    mqttuser = mqttpassword = mqttca = None
    mqtttls = False
    mqttsession = "clean"
    mqttpacket = 512
    mqttreboot = 0
    keepalive = 30


class Stats:
    def add(self, key):
        raise SystemExit("connection lost")


count = int(sys.argv[2])
light = Light()
mqtt = Mqtt(Settings, Net(), Stats(), Watchdog())
mqtt.bind(light, (Sub("Light", "switch", on_off),))
while not light.obeyed:
    loop.step()
start = time.ticks_us()
first = light.obeyed
while light.obeyed < count:
    loop.step()
passed_us = time.ticks_diff(time.ticks_us(), start)
if mqtt.commands != count:
    raise SystemExit("%d of %d" % (mqtt.commands, count))
print((count - first) * 1000000 // passed_us)
