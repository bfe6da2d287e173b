"""What every main.py starts: settings, log, watchdog, network, MQTT, and then the appliance."""

import gc

from epx import diag, loop, startup
from epx.clock import MINUTES
from epx.mqtt import Mqtt
from epx.net import Net
from epx.netstats import NetStats
from epx.topics import Pub, Sub
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


class Appliance:
    """One device. Whatever is wrong with its profile, network and MQTT come up.

    keys() gives the profile's Key rows. Attributes for the profile: config, net, mqtt, watchdog.
    """

    core = False  # as the owner of build(): what it raises is the profile's own
    ota = None  # while the port of updates is open

    def __init__(self, profile, keys):
        self.profile = profile
        self.keys = keys
        try:
            self._start()
        except Exception as error:
            diag.core_fault(error)

    def _start(self):
        startup.prepare(self)
        config = self.config
        self.stats = NetStats()
        self.net = Net(config, self.stats)
        self.mqtt = Mqtt(config, self.net, self.stats, self.watchdog)
        self.mqtt.bind(self, TOPICS)
        if verdict.trial:
            from epx.trial import Trial

            Trial(self)

    def run(self, build):
        """Let build(self) make the appliance's objects, then turn for ever."""
        global startup
        try:
            startup.make(self, build)
            startup = diag.forget("epx", "startup")  # 2 KB for the appliance
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
        from epx.startup import read_settings

        diag.forget("epx", "startup")
        return read_settings(self, target, lines)
