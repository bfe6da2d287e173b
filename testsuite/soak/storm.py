"""Dense random faults, and what must hold after each of them. The same seed, the same storm.

Runs on both interpreters; testsuite/soak/script.py and scripts/soak use it. Here are the faults
that every profile has; those of its hardware are in a module with the profile's name beside this.
"""

import sys

from testmock.simworld.device import HARD_RESET, WDT_RESET, Device
from testsuite.story import MINUTES, SECONDS, Insight, command, is_online, sent, up, with_keys

_FOLDER = __file__[: __file__.rindex("testsuite/")] or "./"

MEAN_PAUSE_MS = 10 * MINUTES
# After the end of a fault the device publishes again within this time.
BACK_MS = 90 * SECONDS
# A part that failed is tried again after ten minutes; what happened meanwhile may end that try.
WELL_MS = 24 * MINUTES
# Longer than that without a link or a broker, and a restart is what it should do.
PATIENCE_MS = 8 * MINUTES
SETTLED_MS = 15 * SECONDS

_CANCELLED = -3  # of epx.loop: an entry that waits to be dropped
_MICROPYTHON = sys.implementation.name == "micropython"
# Heap that may come and go between two quiet moments: texts, lists of the simulator.
_HEAP_SLACK_BYTES = 12_000

# Faults that last: begin_<name>() and end_<name>(). Those that only happen: do_<name>().
LASTING = (
    "wifi_away wifi_password wifi_unknown radio_stuck poll_raises slow_network "
    "refuse hang stop freeze lost_syns slow_names dead_names"
).split()
SUDDEN = (
    "wifi_drop close reset half_open restart_forgetting cut lost_puback lost_suback power_cut "
    "button retained repeated unknown garbage oversized flood malformed"
).split()


def hardware_of(profile):
    """The class Hardware of testsuite/soak/PROFILE.py; ImportError if there is no such file."""
    name = "testsuite.soak." + profile
    __import__(name)
    return sys.modules[name].Hardware


def storm_of(world, profile, **keys):
    """A storm upon a device with this profile and its example of a config.txt, but these keys.

    The world is one whose device has no profile.
    """
    kind = hardware_of(profile)
    with open("%sprofiles/%s/config.txt.example" % (_FOLDER, profile)) as file:
        text = file.read()
    del world.devices[:]
    world.device = Device(world, profile, text)
    world.device.wifi.associate_ms = 2000
    with_keys(world, mqttbroker="broker.lan", **keys)
    return Storm(world, kind)


class Storm:
    """Faults upon one device until a time is over; raises AssertionError with the story so far."""

    def __init__(self, world, kind):
        """kind: what hardware_of() gives."""
        self.world = world
        self.device = world.device
        self.broker = world.broker
        self.random = world.random.fork("storm")
        self.insight = Insight(world)
        self.faults = 0
        self.restarts = 0
        self._history = []
        self._sizes = None
        self._heap_bytes = None
        self._long = False
        self._power_back = None
        rows = [(n, getattr(self, "begin_" + n), getattr(self, "end_" + n)) for n in LASTING]
        rows += [(n, getattr(self, "do_" + n), None) for n in SUDDEN]
        self.hardware = kind(self)
        self._hardware_rows = self.hardware.rows()
        if self.hardware.commands:
            self._hardware_rows += [
                (n, getattr(self, "do_" + n), None)
                for n in ("command", "command_garbage", "command_repeated", "command_retained")
            ]
        self._rows = rows + self._hardware_rows

    def run(self, ms):
        end_ms = self.world.now_ms() + ms
        up(self.world)
        self.world.run_for(SETTLED_MS)
        self._measure()
        while self.world.now_ms() < end_ms:
            self.world.run_for(self.random.between(0, 2 * MEAN_PAUSE_MS - 8 * MINUTES))
            self._one_fault()
        self._expect_well()
        self._measure()
        self._forget()

    # One fault, or two at once.

    def _one_fault(self):
        rows = [self.random.choice(self._rows)]
        if self.random.chance(25):
            rows.append(self.random.choice(self._rows))
            # A SUBACK that gets lost long after the other fault has ended is a fault of its own.
            if rows[0] is rows[1] or "lost_suback" in (rows[0][0], rows[1][0]):
                rows.pop()
        names = [row[0] for row in rows]
        lasting = [row for row in rows if row[2]]
        duration_ms = self._duration_ms() if lasting else 0
        self._long = duration_ms > PATIENCE_MS
        self._history.append((self.world.now_ms(), names, duration_ms))
        self.faults += len(rows)
        resets = len(self.device.resets)
        for row in rows:
            row[1]()
        self._live(duration_ms)
        for row in lasting:
            row[2]()
        if self._power_back is not None:
            self.world.run_for(max(0, self._power_back - self.world.now_ms()))
            self._power_back = None
            self.device.power_on()
        self._expect_back()
        self._expect_resets(resets, "button" in names)
        # What has found nothing to break must not wait for another day.
        self.broker.drop_next_puback(0)
        self.broker.drop_next_suback(0)
        self.world.lan.cut_after(None)
        self.world.run_for(SETTLED_MS)
        # Other faults may come while a part rests.
        if [row for row in rows if row in self._hardware_rows] and self.random.chance(25):
            self._expect_well()
        self._measure()
        self._forget()

    def _duration_ms(self):
        kind = self.random.below(100)
        if kind < 75:
            return self.random.between(1, 120) * SECONDS
        if kind < 94:
            return self.random.between(120, 480) * SECONDS
        return self.random.between(11, 14) * MINUTES

    def _live(self, ms):
        """Let time pass, looking at the sockets meanwhile."""
        end_ms = self.world.now_ms() + ms
        while self.world.now_ms() < end_ms:
            self.world.run_for(min(20 * SECONDS, end_ms - self.world.now_ms()))
            self.check(self.device.open_sockets <= 1, "sockets are left open")

    # What must hold.

    def check(self, holds, what):
        if not holds:
            raise AssertionError(
                "seed %d, at %d ms, fault %d: %s\n%s"
                % (self.world.seed, self.world.now_ms(), self.faults, what, self.story())
            )

    def story(self):
        return "\n".join(
            [
                "%10d ms: %s for %d ms" % (ms, " + ".join(names), d)
                for ms, names, d in self._history[-5:]
            ]
        )

    def _expect_back(self):
        ended_ms = self.world.now_ms()

        def back():
            if not is_online(self.world):
                return False
            for topic in self.hardware.again:
                told = sent(self.world, topic)
                if not told or told[-1][0] <= ended_ms:
                    return False
            return True

        # Who is at rest may have nothing to say for longer than that: ask.
        while not self.world.run_until(back, 5 * SECONDS):
            late = self.world.now_ms() >= ended_ms + BACK_MS
            self.check(not late, "it is not back after %d s" % (BACK_MS // SECONDS))
            command(self.world, "Refresh", "1")

    def _expect_well(self):
        """All parts work again, and what is told is true."""

        def well():
            return self.insight.app.health() == "ok"

        if not self.world.run_until(well, WELL_MS):
            self.check(False, "health is " + self.insight.app.health())
        self.hardware.provoke()
        command(self.world, "Refresh", "1")
        self._expect_nothing_wrong(self.hardware.untrue, WELL_MS)

    def _expect_nothing_wrong(self, wrong, limit_ms):
        if not self.world.run_until(lambda: not wrong(), limit_ms):
            self.check(False, wrong())

    def _expect_resets(self, before, button):
        device = self.device
        self.check(device.crash is None, "the program ended: %s" % (device.crash,))
        fresh = device.resets[before:]
        self.check(not [1 for _, cause in fresh if cause == WDT_RESET], "the watchdog bit")
        words = device.flash.text("/exception.txt")
        self.check(words is None, "exception.txt: %s" % words)
        if fresh and not button:
            self.restarts += len(fresh)
            self.check(self._long, "it restarted: %s" % device.flash.text("/reboot.txt"))
            self.check([cause for _, cause in fresh] == [HARD_RESET], "it restarted twice")
            reason = device.flash.text("/reboot.txt")
            good = reason.startswith("Network repeated") or reason.startswith("Too much time w/o")
            self.check(good, "it restarted: %s" % reason)

    def _measure(self):
        """At rest nothing waits, and nothing is larger than it was in the beginning."""
        # What has just been said goes out with the next beat.
        said = self.device.module("epx.log").peek
        self.check(self.world.run_until(lambda: said() is None, 1500), "log lines wait")
        self._expect_nothing_wrong(self._waiting, 1500)
        self._expect_nothing_wrong(self.hardware.wrong, 3 * SECONDS)
        loop = self.device.module("epx.loop")
        live = len([1 for entry in loop._heap if entry[4] != _CANCELLED])
        self.check(self.device.open_sockets == 1, "%d sockets" % self.device.open_sockets)
        self.check(len(loop._polls) == 1, "%d streams are polled" % len(loop._polls))
        self.check(self.insight.count("faults") == 0, "exceptions of the appliance")
        self.check(not self.broker.violations, "protocol: %s" % self.broker.violations)
        if self._sizes is None:
            self._sizes = live
        self.check(live <= self._sizes + 4, "%d tasks, were %d" % (live, self._sizes))
        self.check(len(loop._heap) <= 2 * live + 20, "%d entries" % len(loop._heap))

    def _waiting(self):
        """Messages, as text, or None."""
        mqtt = self.insight.app.mqtt
        waiting = len(mqtt.outbox._states) + len(mqtt.outbox.events)
        in_flight = len(mqtt.client.in_flight)
        return "%d + %d messages wait" % (waiting, in_flight) if waiting + in_flight else None

    def _forget(self):
        """The simulator's memory of what was is not the device's; then compare the heap."""
        world, device, broker = self.world, self.device, self.broker
        broker.forget_publications()
        for things in (
            world.trace,
            device.output,
            broker.connects,
            broker.acknowledged,
            device.wifi.history,
            device.wifi.connects,
            self.insight.net,
            self.insight.mqtt,
        ):
            del things[:]
        for pin in device.bench.pins.values():
            del pin.history[:]
        if _MICROPYTHON:
            self._expect_heap()

    def _expect_heap(self):
        import gc

        # The compiler's and the simulator's own caches fill in the beginning.
        gc.collect()
        used = gc.mem_alloc()
        if self.faults < 15:
            self._heap_bytes = max(used, self._heap_bytes or 0)
        else:
            grown = used - self._heap_bytes
            self.check(grown < _HEAP_SLACK_BYTES, "the heap has grown by %d bytes" % grown)

    # Network.

    def begin_wifi_away(self):
        self.device.wifi.available = False

    def begin_wifi_password(self):
        self.device.wifi.status = 202

    def begin_wifi_unknown(self):
        self.device.wifi.status = 205

    def _wifi_back(self):
        self.device.wifi.status = 1010

    end_wifi_away = end_wifi_password = end_wifi_unknown = _wifi_back

    def begin_radio_stuck(self):
        self.device.wifi.associate_ms = 1 << 40
        self.device.wifi.drop()

    def end_radio_stuck(self):
        self.device.wifi.associate_ms = 2000

    def begin_poll_raises(self):
        self.device.wifi.poll_raises = True
        self.device.wifi.available = False

    def end_poll_raises(self):
        self.device.wifi.available = True
        self.device.wifi.poll_raises = False

    def begin_slow_network(self):
        self.world.lan.latency_ms = 700

    def end_slow_network(self):
        self.world.lan.latency_ms = 1

    def do_wifi_drop(self):
        self.device.wifi.drop()

    # Broker.

    def begin_refuse(self):
        self.broker.refuse(1 << 20, self.random.between(1, 5))
        self.broker.reset_clients()

    def end_refuse(self):
        self.broker.refuse(0)

    def begin_hang(self):
        self.broker.hang()
        self.broker.close_clients()

    def end_hang(self):
        self.broker.hang(False)

    def begin_stop(self):
        self.broker.stop(self.random.chance(50))

    def end_stop(self):
        self.broker.start()

    def begin_freeze(self):
        self.broker.freeze()

    def end_freeze(self):
        self.broker.thaw()

    def begin_lost_syns(self):
        self.world.lan.lose_syns("1.2.3.4")
        self.broker.half_open()

    def end_lost_syns(self):
        self.world.lan.lose_syns("1.2.3.4", False)

    def begin_slow_names(self):
        self.world.lan.dns_delay_ms = 5 * SECONDS
        self.broker.close_clients()

    def end_slow_names(self):
        self.world.lan.dns_delay_ms = 5

    def begin_dead_names(self):
        self.world.lan.dns_dead = True
        self.broker.reset_clients()

    def end_dead_names(self):
        self.world.lan.dns_dead = False

    def do_close(self):
        self.broker.close_clients()

    def do_reset(self):
        self.broker.reset_clients()

    def do_half_open(self):
        self.broker.half_open()

    def do_restart_forgetting(self):
        self.broker.restart(self.random.between(1, 20) * SECONDS, forget=True)

    def do_cut(self):
        self.world.lan.cut_after(self.random.between(1, 300))

    def do_lost_puback(self):
        self.broker.drop_next_puback(1)
        self.broker.close_clients()

    def do_lost_suback(self):
        self.broker.drop_next_suback(1)
        self.broker.close_clients()

    # Commands.

    def _command(self, name, payload, **options):
        command(self.world, name, payload, **options)

    def _own_command(self, **options):
        """One that the profile obeys, with a payload that it understands."""
        name, payload = self.random.choice(self.hardware.commands)
        self._command(name, payload(self.random), **options)

    def do_command(self):
        for _ in range(self.random.between(1, 5)):
            self._own_command(qos=self.random.below(2))

    def do_command_retained(self):
        self._own_command(retain=True, qos=self.random.below(2))
        self.broker.close_clients()

    def do_command_repeated(self):
        name, payload = self.random.choice(self.hardware.commands)
        payload = payload(self.random)
        for dup in (False, True, True):
            self._command(name, payload, qos=1, dup=dup, packet_id=4712)

    def do_command_garbage(self):
        name, payload = self.random.choice(self.hardware.commands)
        words = bytearray(payload(self.random).encode() + b" ")
        for _ in range(self.random.between(1, 4)):
            words[self.random.below(len(words))] = self.random.below(256)
        for garbage in (bytes(words), b"", b"-1", b"nan", b"1e99", b"9" * 400, b"\xff\xfe"):
            self._command(name, garbage, qos=self.random.below(2))

    def do_retained(self):
        self._command("Refresh", "1", retain=True, qos=self.random.below(2))
        self.broker.close_clients()

    def do_repeated(self):
        for dup in (False, True, True):
            self._command("Refresh", "1", qos=1, dup=dup, packet_id=4711)

    def do_unknown(self):
        self._command("Open/%d" % self.random.below(100), "sesame", qos=self.random.below(2))

    def do_garbage(self):
        payload = bytes([self.random.below(256) for _ in range(self.random.between(1, 200))])
        self._command("Refresh", payload, qos=self.random.below(2))

    def do_oversized(self):
        self._command("Refresh", b"x" * self.random.between(500, 20_000), qos=self.random.below(2))

    def do_flood(self):
        for _ in range(300):
            self._command("Refresh" if self.random.chance(20) else "nothing", "1")

    def do_malformed(self):
        self.broker.send_raw(bytes([self.random.below(256) for _ in range(40)]))

    # Power.

    def do_power_cut(self):
        self.device.power_cut()
        self._power_back = self.world.now_ms() + self.random.between(1, 60) * SECONDS

    def do_button(self):
        self.device.reset()
