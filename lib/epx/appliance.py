"""What every main.py starts: settings, log, watchdog, network, MQTT, and then the appliance."""

from machine import Pin

from epx import diag, log, loop
from epx.clock import MINUTES
from epx.config import Config
from epx.mqtt import Mqtt
from epx.net import Net
from epx.netstats import NetStats
from epx.settings import COMMON
from epx.topics import Pub, Sub, anything
from epx.watchdog import Watchdog

CONFIG_FILE = "config.txt"

TOPICS = (
    Pub("Uptime", "uptime_min", 0, every_ms=1 * MINUTES, refresh_ms=30 * MINUTES),
    Pub("Diag", "summary", every_ms=30 * MINUTES),
    Sub("Refresh", "refresh", anything),
)


class Appliance:
    """One device. Whatever is wrong with its profile, network and MQTT come up.

    Attributes for the profile: config, net, mqtt, watchdog.
    """

    def __init__(self, profile, keys):
        self.profile = profile
        try:
            self._start(keys)
        except Exception as error:
            diag.core_fault(error)

    def _start(self, keys):
        lines = _lines(CONFIG_FILE)
        self.config = config = Config(COMMON, keys, lines or ())
        log.set_level(config.loglevel)
        diag.start()
        if lines is None:
            log.error("no %s on this device: send one with scripts/pcp_conf", CONFIG_FILE)
        for problem in config.problems:
            log.error("%s", problem)
        pin, inverted = config.led
        loop.set_led(None if pin is None else Pin(pin, Pin.OUT), inverted)
        # Without settings somebody is at the bench, and a watchdog would get in the way.
        self.watchdog = Watchdog(config.watchdog and lines is not None)
        self.stats = NetStats()
        self.net = Net(config, self.stats)
        self.mqtt = Mqtt(config, self.net, self.stats, self.watchdog)
        self.mqtt.bind(self, TOPICS)

    def run(self, build):
        """Let build(self) make the appliance's objects, then turn for ever."""
        log.info("appliance: %s", self.profile)
        if not self.config.ready:
            log.error("%s does not start before its settings are right", self.profile)
        elif not diag.guarded(build, self):
            log.error("%s could not start", self.profile)
        try:
            loop.run()
        except Exception as error:
            diag.core_fault(error)

    def uptime_min(self):
        return loop.uptime_s() // 60

    def summary(self):
        stats = self.stats
        lost = "connlost %d mqttlost %d" % (stats.count("connlost"), stats.count("mqttlost"))
        return "%s %s rssi %s" % (diag.summary(), lost, self.net.rssi())

    def refresh(self, _):
        self.mqtt.refresh()


def _lines(name):
    """The lines of file name as bytes, None if there is no such file."""
    try:
        with open(name, "rb") as file:
            return file.read().split(b"\n")
    except OSError:
        return None
