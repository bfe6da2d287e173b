"""What every main.py starts: settings, log, watchdog, network, MQTT, and then the appliance."""

import gc
import sys

from machine import Pin

from epx import diag, log, loop
from epx.clock import MINUTES
from epx.mqtt import Mqtt
from epx.net import Net
from epx.netstats import NetStats
from epx.topics import Pub, Sub
from epx.watchdog import Watchdog

CONFIG_FILE = "config.txt"

TOPICS = (
    # Minutes since boot.
    Pub("Uptime", "uptime_min", 0, every_ms=1 * MINUTES, refresh_ms=30 * MINUTES),
    # Free heap in bytes, faults since boot, connections lost, signal strength in dBm.
    Pub("Diag", "summary", every_ms=30 * MINUTES),
    # Publish the newest value of every state topic; events are not repeated.
    Sub("Refresh", "refresh", bytes),
)


class Settings:
    """The values of config.txt as attributes; ready: the profile has what it needs."""


class Appliance:
    """One device. Whatever is wrong with its profile, network and MQTT come up.

    keys() gives the profile's Key rows. Attributes for the profile: config, net, mqtt, watchdog.
    """

    core = False  # as the owner of build(): what it raises is the profile's own

    def __init__(self, profile, keys):
        self.profile = profile
        try:
            self._start(keys)
        except Exception as error:
            diag.core_fault(error)

    def _start(self, keys):
        lines = _lines(CONFIG_FILE)
        self.config = config = _settings(keys(), lines or ())
        for name in ("epx.config", "epx.settings", self.profile + ".settings"):
            _forget(name)
        log.set_level(config.loglevel)
        diag.start()
        if lines is None:
            log.error("no %s on this device: send one with scripts/pcp_conf", CONFIG_FILE)
        for problem in config.problems:
            log.error("%s", problem)
        config.problems = None
        pin, inverted = config.led
        try:
            loop.set_led(None if pin is None else Pin(pin, Pin.OUT), inverted)
        except ValueError as error:
            log.error("led: %s", error)
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
        else:
            try:
                build(self)
            except Exception as error:
                log.error("%s could not start", self.profile)
                diag.handle_fault(self, error)
        try:
            loop.run()
        except Exception as error:
            diag.core_fault(error)

    def uptime_min(self):
        return loop.uptime_s() // 60

    def summary(self):
        counts = self.stats.counts
        return "heap %d faults %d connlost %d mqttlost %d rssi %s" % (
            gc.mem_free(),
            diag.faults,
            counts["connlost"],
            counts["mqttlost"],
            self.net.rssi(),
        )

    def refresh(self, _):
        self.mqtt.refresh()


def _settings(keys, lines):
    from epx.config import Config
    from epx.settings import COMMON

    config = Config(COMMON, keys, lines)
    settings = Settings()
    for key in COMMON + keys:
        setattr(settings, key.name, getattr(config, key.name))
    settings.ready = config.ready
    settings.problems = config.problems
    return settings


def _forget(name):
    """Give back the memory of a module that only the start needs: 7 KB for the settings."""
    module = sys.modules.pop(name, None)
    package, leaf = name.split(".")
    if module is not None:
        delattr(sys.modules[package], leaf)


def _lines(name):
    """The lines of file name as bytes, None if there is no such file."""
    try:
        with open(name, "rb") as file:
            return file.read().split(b"\n")
    except OSError:
        return None
