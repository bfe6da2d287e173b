"""Twenty peripherals and two centrals of two groups on one air, and all that may go wrong there.

The devices run their unmodified programs; each central serves scales and link tests, with the
classes of scale_manager and tnowc. Every reading has a number of its own, so that testsuite/soak/
radioaccount.py can tell what became of it. CPython only: there are many devices in one world.
"""

from testmock.simworld.device import WDT_RESET, Device
from testsuite.soak.radioaccount import Account
from testsuite.soak.radioattack import Raider
from testsuite.soak.radioguard import Guard

SECONDS = 1000
MINUTES = 60 * SECONDS
HOURS = 60 * MINUTES

_RADIO = "espnowpsk one for both\nespnowgroup %s\n"
_SCALE = "ssid (none)\ncalibration_a 1000\ncalibration_b 0\nbatterypin 35\n"
_LINK = "ssid (none)\n"
_CENTRAL = "ssid %s\npassword secret\nmqttbroker 1.2.3.4\nmqttname %s\nespnowchannel 11\n"
# Readings of a scale, in whole kilograms, begin here; up to 8 tons are weighed.
KG_PER_SCALE = 380
_PAUSE_MS = 8 * MINUTES
_LONGEST_MS = 20 * MINUTES
_CHANNELS = 13
RAID_PACKETS = 2000
# The longest sleep of a scale, with its clock at its worst, and a wake.
_QUIET_MS = 75 * MINUTES


class Village:
    """scales, links (always awake), centrals: devices; faults: [(ms, name)] so far.

    Of the two centrals the second one is wired in every other seed.
    """

    def __init__(self, world, peripherals=20, links=2):
        self.world = world
        self.random = world.random.fork("village")
        self.faults = []
        del world.devices[:]
        wired = world.seed % 2 == 0
        self.centrals = [self._central("Gate"), self._central("Yard", wired)]
        world.device = self.centrals[0]
        self.scales, self.links = [], []
        self.group_of = {self.centrals[0]: "Gate", self.centrals[1]: "Yard"}
        for number in range(peripherals):
            self._peripheral(number, number >= peripherals - links)
        self.peripherals = self.scales + self.links
        self.account = Account(self)
        ether = world.ether
        ether.loss = 0.2
        ether.duplicate = 0.05
        ether.delay_ms = (0, 30)
        ether.collisions = True
        self._rows = (
            self.move,
            self.cut_central,
            self.reset_central,
            self.cut_peripheral,
            self.reset_peripheral,
            self.broker_away,
            self.wifi_away,
            self.noise,
            self.far_away,
            self.slow_broker,
            self.lost_puback,
            self.clocks_off,
            self.cell_broken,
            self.raid,
        )
        self.guard = Guard(self)
        self.account.on_command = self.guard.command_called
        self.raider = Raider(self, self.guard)

    def _central(self, name, wired=False):
        config = _CENTRAL % ("(wired)" if wired else "House", name) + _RADIO % name
        device = Device(self.world, "scale_manager", config, name=name)
        device.is_wired = wired
        device.wifi.channel = 1 if name == "Gate" else 6
        device.boot_function = lambda load: _boot_central(device, load)
        device.now = None
        device.village = self
        return device

    def _peripheral(self, number, is_link):
        group = ("Gate", "Yard")[number & 1]
        kind = "tnowp" if is_link else "scale_sensor"
        config = (_LINK if is_link else _SCALE) + _RADIO % group
        device = Device(self.world, kind, config, name="%s %d" % (kind, number))
        device.number = number
        device.sent = 0
        self.group_of[device] = group
        if is_link:
            self.links.append(device)
        else:
            device.bench.parts["cell"].counts_per_kg = 1000
            device.bench.parts["cell"].zero = 0
            self.scales.append(device)

    def central_of(self, device):
        return self.centrals[self.group_of[device] == "Yard"]

    def tell_links(self, central):
        """As LinkTest does, but only to those who are awake; called in the central's loop."""
        now = central.now
        for device in self.links:
            identity = device.wifi.mac
            if self.central_of(device) is central and identity in now.roster.heard:
                now.send_back(identity, b"stat/TNowP/YourRSSI\n-50")

    # Life.

    def settle(self):
        """Everybody on, one after the other, until all are paired.

        Who has found nobody in its first two minutes is switched off and on again, as by hand.
        """
        for central in self.centrals:
            central.power_on()
        self.world.run_for(60 * SECONDS)
        for device in self.peripherals:
            device.power_on()
            self.world.run_for(self.random.between(60, 100) * SECONDS)
        for _ in range(20):
            for device in self.unpaired():
                self.account.peripheral_cut(device)
                device.power_cut()
                self.world.run_for(1 * SECONDS)
                device.power_on()
                self.world.run_for(180 * SECONDS)
        assert not self.unpaired(), [device.name for device in self.unpaired()]
        self.settled_ms = self.world.now_ms()

    def unpaired(self):
        return [
            device
            for device in self.peripherals
            if device.wifi.mac not in self.central_of(device).now.roster.pairs.index
        ]

    def storm(self, ms):
        """Faults until the world is so old; then so much quiet that all that waits can be told."""
        end_ms = ms - _QUIET_MS
        while True:
            pause_ms = self.random.between(0, 2 * _PAUSE_MS)
            if self.world.now_ms() + pause_ms > end_ms:
                break
            self.live(pause_ms)
            action = self.random.choice(self._rows)
            self.faults.append((self.world.now_ms(), action.__name__))
            action()
        self.live(max(ms, self.world.now_ms() + _QUIET_MS) - self.world.now_ms())

    def live(self, ms):
        """Let time pass; devices are judged and the simulator's memory is bounded meanwhile."""
        world = self.world
        end_ms = world.now_ms() + ms
        while world.now_ms() < end_ms:
            world.run_for(min(10 * MINUTES, end_ms - world.now_ms()))
            for device in world.devices:
                device.sleep_error = self.random.between(-30, 30) / 1000
                assert device.crash is None, (device.name, device.crash)
            self.account.book()
            del world.trace[:]

    # What goes wrong.

    def _lasting_ms(self):
        return self.random.between(1 * SECONDS, _LONGEST_MS)

    def move(self):
        for _ in range(self.random.between(1, 2)):
            central = self.random.choice(self.centrals)
            central.wifi.channel = self.random.between(1, _CHANNELS)

    def cut_central(self):
        self.cut(self.random.choice(self.centrals), self._short_or_long_s())

    def reset_central(self):
        central = self.random.choice(self.centrals)
        central.reset()

    def cut_peripheral(self):
        self.cut(self.random.choice(self.peripherals), self._short_or_long_s())

    def reset_peripheral(self):
        self.random.choice(self.peripherals).reset()

    def _short_or_long_s(self):
        return self.random.between(1, 60) if self.random.chance(70) else 1800

    def cut(self, device, seconds):
        """Power off for so long."""
        if not device.powered:
            return
        if device in self.peripherals:
            self.account.peripheral_cut(device)
        device.power_cut()
        self.world.call_after(seconds * SECONDS, device.power_on)

    def broker_away(self):
        self.world.broker.stop(self.random.chance(50))
        ms = 2 * HOURS if self.random.chance(10) else self._lasting_ms()
        self.live(ms)
        self.world.broker.start()

    def wifi_away(self):
        wifi = self.random.choice(self.centrals).wifi
        wifi.available = False
        self.live(self._lasting_ms())
        wifi.available = True

    def noise(self):
        self.world.ether.jam(0, self.random.between(1, 300) * SECONDS)

    def far_away(self):
        """One hears nobody for a while."""
        device = self.random.choice(self.peripherals)
        self.world.ether.place(device, 10000)
        self.live(self._lasting_ms())
        self.world.ether.place(device, self.random.between(0, 30))

    def slow_broker(self):
        self.world.lan.latency_ms = 700
        self.live(self._lasting_ms())
        self.world.lan.latency_ms = 1

    def lost_puback(self):
        self.world.broker.drop_next_puback(self.random.between(1, 3))
        self.world.call_after(20 * SECONDS, self.world.broker.close_clients)

    def clocks_off(self):
        """The clocks of sleeping chips are off by much more than they should be."""
        for device in self.scales:
            device.sleep_error = self.random.between(-150, 150) / 1000
        self.world.run_for(1 * HOURS)

    def cell_broken(self):
        """A scale has nothing to tell but that it is broken."""
        cell = self.random.choice(self.scales).bench.parts["cell"]
        cell.fault = self.random.choice(("read", "init"))
        self.world.call_after(2 * HOURS, lambda: setattr(cell, "fault", ""))

    def raid(self):
        self.raider.raid(RAID_PACKETS, 50)

    # At the end.

    def check(self):
        """Every reading has arrived, once and in order; nobody else's packet did anything."""
        account = self.account
        account.book()
        long_ago_ms = self.world.now_ms() - _QUIET_MS
        lost = account.lost(long_ago_ms)
        assert not lost, [(r.device.name, r.payload, r.ms, r.dropped) for r in lost]
        # Of eighteen scales one or two may have missed their central in two wakes.
        assert len({r.device for r in account.late(long_ago_ms)}) <= 2
        assert not account.problems, account.problems[:10]
        missing = account.not_published(long_ago_ms)
        assert not missing, [(r.device.name, r.payload, r.ms) for r in missing]
        assert not self.guard.accepted, self.guard.accepted[0]
        for device in self.world.devices:
            assert device.crash is None, (device.name, device.crash)
            assert not [1 for _, cause in device.resets if cause == WDT_RESET], device.name
            words = device.flash.text("/exception.txt")
            assert words is None, (device.name, words)


def _boot_central(device, load):
    """The program of a scale_manager, with the part of a tnowc in it."""
    kind = load("epx.appliance").Appliance
    run = kind.run

    def run_both(app, build):
        run(app, lambda app: _build_both(device, app, build, load))

    kind.run = run_both
    load("boot")
    load("main")


def _build_both(device, app, build, load):
    build(app)
    test = load("tnowc.sensor").LinkTest(device.now)
    test._task.cancel()
    load("epx.loop").Task(lambda: device.village.tell_links(device), 90_000, 90_000)
    device.now.bind(test, load("tnowc.service").RADIO)
    app.mqtt.bind(test, load("tnowc.service").TOPICS)
