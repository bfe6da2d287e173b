"""A central under a flood of forged packets: how busy it is, and how long honest readings take."""

from testsuite.soak.radio import MINUTES, SECONDS, Village

DATA, TIME, PING, PAIRING, WAKEUP = 1, 2, 3, 4, 5
TYPES = (DATA, TIME, PING, PAIRING, WAKEUP)
_SIZE = 76


class Flood:
    """busy_pct: of the central's time, while it lasts; waits_ms: of honest readings.

    The central has ten paired peripherals: seven scales that have gone to sleep (so their keys are
    not at hand when somebody else speaks in their names), and three that are awake and tell
    something all the time. No packet is lost but by the flood.
    """

    def __init__(self, world):
        self.world = world
        self.village = village = Village(world, peripherals=20, links=6)
        ether = world.ether
        ether.loss = ether.duplicate = 0
        ether.delay_ms = (0, 0)
        village.settle()
        self.central = village.centrals[0]
        self.random = world.random.fork("flood")
        radio = self.central.bench.radio
        self._busy_us = 0
        charge = radio._charge

        def charged(us):
            self._busy_us += us * 80_000_000 // self.central.bench.frequency_hz
            charge(us)

        radio._charge = charged
        self.known = [
            device.wifi.mac
            for device in village.peripherals
            if village.central_of(device) is self.central
        ]
        self._turn = 0
        self._ends_ms = 0

    def strangers(self):
        """How many of the known ones speak themselves at most once an hour."""
        awake = [device.wifi.mac for device in self.village.links]
        return len([identity for identity in self.known if identity not in awake])

    def _one(self, types, period_ms):
        """A packet of each of these types, each in the name of another known device."""
        world = self.world
        if world.now_ms() >= self._ends_ms:
            return
        attacker = self.village.raider.attacker
        attacker.channel = self.central.wifi.tuned()
        network = self.central.now.group.network
        for kind in types:
            self._turn += 1
            identity = self.known[self._turn % len(self.known)]
            attacker.spoof(identity)
            head = bytes((3, kind)) + network + identity
            body = bytes([self.random.below(256) for _ in range(_SIZE - len(head))])
            world.call_after(
                self.random.below(int(period_ms) + 1),
                lambda data=head + body: attacker.transmit("flood", data),
            )
        world.call_after(period_ms, lambda: self._one(types, period_ms))

    def run(self, types, per_second, minutes=4):
        """A flood of so many packets of each of these types per second."""
        radio = self.central.bench.radio
        self._busy_us = 0
        dropped = radio.counts[4]
        began_ms = self.world.now_ms()
        self._ends_ms = began_ms + minutes * MINUTES
        if per_second:
            self._one(types, 1000 / per_second)
        self.world.run_for(minutes * MINUTES)
        result = Result(self, began_ms, minutes)
        result.busy_pct = self._busy_us / (minutes * MINUTES * 10)
        result.dropped = radio.counts[4] - dropped
        self.world.run_for(60 * SECONDS)
        return result


class Result:
    busy_pct = dropped = 0

    def __init__(self, flood, began_ms, minutes):
        """Readings that were sent in that time, but for the last seconds."""
        account, village = flood.village.account, flood.village
        end_ms = began_ms + minutes * MINUTES - 15 * SECONDS
        self.waits_ms = []
        for device in village.peripherals:
            if village.central_of(device) is flood.central:
                for reading in account.by_device[device]:
                    if began_ms <= reading.ms < end_ms:
                        done_ms = reading.confirmed_ms or flood.world.now_ms()
                        self.waits_ms.append(done_ms - reading.ms)

    def late(self, deadline_ms=15 * SECONDS):
        return len([ms for ms in self.waits_ms if ms > deadline_ms])

    def median_ms(self):
        return sorted(self.waits_ms)[len(self.waits_ms) // 2]


def measure(world, rates):
    """[(types, per second, busy %, readings, late ones, median ms, packets dropped)]"""
    flood = Flood(world)
    rows = []
    for types, per_second in rates:
        result = flood.run(types, per_second)
        rows.append(
            (
                types,
                per_second,
                round(result.busy_pct, 1),
                len(result.waits_ms),
                result.late(),
                result.median_ms(),
                result.dropped,
            )
        )
    return rows
