"""What every main.py starts: settings, log, watchdog, network, MQTT, and then the appliance."""

import gc

from machine import Pin

from epx import diag, log, loop
from epx.clock import MINUTES
from epx.mqtt import Mqtt
from epx.net import Net
from epx.netstats import NetStats
from epx.topics import Pub, Sub
from epx.watchdog import Watchdog
from loader import verdict

TOPICS = (
    # Minutes since boot.
    Pub("Uptime", "uptime_min", 0, every_ms=1 * MINUTES, refresh_ms=30 * MINUTES),
    # Free heap in bytes, faults since boot, connections lost, signal strength in dBm.
    Pub("Diag", "summary", every_ms=30 * MINUTES),
    # Publish the newest value of every state topic; events are not repeated.
    Sub("Refresh", "refresh", bytes),
    # Updates over the air and what belongs to them: open, commit, reboot, stats, and so on.
    Sub("OTA", "obey", bytes),
)


class Settings:
    """The values of config.txt as attributes; ready: the profile has what it needs."""


class Appliance:
    """One device. Whatever is wrong with its profile, network and MQTT come up.

    keys() gives the profile's Key rows. Attributes for the profile: config, net, mqtt, watchdog.
    """

    core = False  # as the owner of build(): what it raises is the profile's own
    ota = None  # while the port of updates is open

    def __init__(self, profile, keys):
        self.profile = profile
        self._keys = keys
        try:
            self._start()
        except Exception as error:
            diag.core_fault(error)

    def _start(self):
        lines = ()
        try:
            with open("config.txt", "rb") as file:
                lines = file.read().split(b"\n")
        except OSError:
            pass
        self.config = config = Settings()
        problems = self.read_settings(config, lines)
        log.set_level(config.loglevel)
        diag.start()
        if not lines:
            log.error("no config.txt on this device: send one with scripts/pcp_conf")
        for problem in problems:
            log.error("%s", problem)
        if config.led:  # None: the profile has a row of its own, and sees to it
            pin, inverted = config.led
            try:
                loop.set_led(None if pin is None else Pin(pin, Pin.OUT), inverted)
            except ValueError as error:
                log.error("led: %s", error)
        # Without settings somebody is at the bench, and a watchdog would get in the way.
        self.watchdog = Watchdog((config.watchdog and lines) or verdict.trial)
        self.stats = NetStats()
        self.net = Net(config, self.stats)
        self.mqtt = Mqtt(config, self.net, self.stats, self.watchdog)
        self.mqtt.bind(self, TOPICS)
        if verdict.trial:
            from epx.trial import Trial

            Trial(self)

    def run(self, build):
        """Let build(self) make the appliance's objects, then turn for ever."""
        log.info("appliance: %s", self.profile)
        if not self.config.ready:
            log.error("%s does not start before its settings are right", self.profile)
        else:
            try:
                build(self)
                diag.forget(self.profile, "service")  # its rows are bound
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

    def health(self):
        """ "ok", or one word about what is wrong; for a profile to replace by its own."""
        return "ok"

    def obey(self, command):
        """Of the topic OTA."""
        from epx import remote

        remote.obey(self, command)

    def read_settings(self, target, lines):
        """Set the attributes of target (None: only check) -> what is wrong with lines."""
        from epx.config import COMMON, Config

        problems = Config(COMMON, self._keys(), lines, target).problems
        # Give back the memory of what only the start needs: 7 KB.
        diag.forget("epx", "config")
        diag.forget(self.profile, "settings")
        return problems
