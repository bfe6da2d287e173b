"""The radio of a simulated device, below espnow.py: receive buffer, sending, what both cost."""

from testmock import errors
from testmock.simworld.ether import Sending

# Microseconds of the processor at 80 MHz, by what is done and byte 1 of the packet (its type) if
# byte 0 is 3 (the version of our own protocol). Estimates: 400 times what the 32-bit build takes
# on a PC, the factor that both have for X25519 (epx.x25519). Of each type the dearest case is
# charged, whatever the packet is: for 1, 3 and 5 one in the name of a known device whose keys are
# not at hand and must be derived (22 us on that PC). An accepted one takes 16 us, a forged one
# whose peer was heard lately 4 us, one of an unknown peer 3 us, an answer 10 us.
COST_US = {
    ("receive", 1): 9000,
    ("receive", 2): 5000,
    ("receive", 3): 9000,
    ("receive", 4): 6000,
    ("receive", 5): 9000,
    ("send", 1): 5000,
    ("send", 2): 5000,
    ("send", 3): 5000,
    ("send", 4): 5000,
    ("send", 5): 5000,
}
OTHER_COST_US = 1000
# What a multiplication on Curve25519 takes: more than is estimated in epx.x25519. Charged once the
# packet is on the air, which in truth leaves after the first of them.
KEY_COST_US = 1_700_000
_PAIRING = b"\x03\x04"
# How many there are: for the public key of who wants to pair; for the answer and the next key of a
# central; for the answer as the other side sees it. By the lengths that these packets have; the
# second one names an earlier key, too.
_MULTIPLICATIONS = {("send", 92): 1, ("send", 124): 1, ("send", 156): 2, ("receive", 156): 1}
_REFERENCE_HZ = 80_000_000
# modespnow.c: before each packet in the receive buffer stand length, time, RSSI, address.
_HEADER_BYTES = 13
# modespnow.c: how long a send() waits for its answers.
_ANSWER_LIMIT_US = 100_000
# Packets of a device that wait to be sent; esp_now_send() refuses more.
_QUEUE_LIMIT = 7
_MISSED_PCT = 90


class DeviceRadio:
    """cost_us, other_cost_us, key_cost_us: what stories may change."""

    stream_class = object
    everything = False  # hears only what is meant for it

    def __init__(self, device):
        self.cost_us = COST_US
        self.other_cost_us = OTHER_COST_US
        self.key_cost_us = KEY_COST_US
        self._device = device
        self._world = device.world
        self._wifi = device.bench.wifi
        self._on_before_us = 0
        self.restart()

    def restart(self):
        """The processor begins anew, or sleeps."""
        self.pollers = []
        self.on_packet = None
        self.counts = [0, 0, 0, 0, 0]
        self._packets = []
        self._size = self._used = 0
        self._queue = []
        self._fibers = []  # that wait for a packet or an answer

    # For stories.

    def on_ms(self):
        """How long the Wi-Fi interface was on since forget_on_ms()."""
        return (self._wifi.on_us() - self._on_before_us) // 1000

    def forget_on_ms(self):
        self._on_before_us = self._wifi.on_us()

    # For the ether.

    @property
    def mac(self):
        return self._wifi.mac

    def is_on(self):
        return self._device.powered and not self._device.sleeping and self._wifi.active()

    def channel(self):
        return self._wifi.tuned()

    def listens(self, channel, long_range):
        """Would a packet of this kind be received now?"""
        kinds = self._wifi.config("protocol")
        return self.is_on() and self.channel() == channel and kinds & (8 if long_range else 7)

    def dozes(self, random):
        """A station with power saving sleeps between the beacons of its access point."""
        saves = self._wifi.is_up() and self._wifi.config("pm") != 0
        return saves and random.chance(_MISSED_PCT)

    def power_dbm(self):
        return self._wifi.config("txpower")

    def deliver(self, source, destination, data, rssi):
        if not self._size or not self.is_on():  # or not any more: packets may be late
            return
        size = _HEADER_BYTES + len(data)
        if size >= self._size - 1 - self._used:
            self.counts[4] += 1
            return
        self._used += size
        self._packets.append((source, data, rssi, self._world.ticks))
        self.counts[3] += 1
        self._changed()
        if self.on_packet and self._device.fibers:
            self._device.spawn(self.on_packet, self._device.name + " radio")

    def _changed(self):
        for poller in self.pollers:
            poller._changed()
        for fiber in self._fibers:
            self._world.wake(fiber)

    # For espnow.py.

    def is_open(self):
        return self._size > 0

    def open(self, size):
        self._size = size
        self._used = 0

    def close(self):
        self._size = 0
        self._packets = []

    def waiting(self):
        return bool(self._packets)

    def sending(self):
        return bool(self._queue)

    def take(self, timeout_ms):
        if not self._packets:
            end_us = self._world.now_us + timeout_ms * 1000
            self._wait(lambda: self._packets, end_us if timeout_ms >= 0 else -1)
            if not self._packets:
                return None
        packet = self._packets.pop(0)
        self._used -= _HEADER_BYTES + len(packet[1])
        self._spend("receive", packet[1])
        self._charge_keys("receive", packet[1])
        return packet

    def _wait(self, condition, end_us):
        """Until that is true, or the time has come (-1: never)."""
        world, fibers = self._world, self._fibers
        fiber = world.current
        while True:
            fibers.append(fiber)
            try:
                self._device.block_us(max(0, end_us - world.now_us) if end_us >= 0 else -1)
            finally:
                fibers.remove(fiber)
            if condition() or 0 <= end_us <= world.now_us:
                return

    def _spend(self, what, data):
        us = self.other_cost_us
        if len(data) > 1 and data[0] == 3:
            us = self.cost_us.get((what, data[1]), us)
        self._charge(us)

    def _charge_keys(self, what, data):
        """Some tenths of a second, or more, for a packet with a key in it."""
        if data[:2] == _PAIRING:
            count = _MULTIPLICATIONS.get((what, len(data)))
            if count:
                self._charge(count * self.key_cost_us)

    def _charge(self, us):
        bench = self._device.bench
        bench.clock.wait_us(us * _REFERENCE_HZ // bench.frequency_hz)

    def send(self, meant, data, long_range, sync):
        self._spend("send", data)
        if sync and self._queue:
            self._wait_for_answers()
        failures = self.counts[2]
        for destination in meant:
            if len(self._queue) >= _QUEUE_LIMIT:
                self._wait(lambda: len(self._queue) < _QUEUE_LIMIT, -1)
            self.counts[0] += 1
            self._queue.append((destination, data, long_range))
            if len(self._queue) == 1:
                self._begin()
        self._charge_keys("send", data)
        if not sync:
            return True
        self._wait_for_answers()
        return self.counts[2] == failures

    def _wait_for_answers(self):
        if self._queue:
            self._wait(lambda: not self._queue, self._world.now_us + _ANSWER_LIMIT_US)
            if self._queue:
                raise OSError(errors.ETIMEDOUT)

    def _begin(self):
        destination, data, long_range = self._queue[0]
        queue = self._queue

        def done(acknowledged):
            if queue is not self._queue:
                return  # of a life before
            queue.pop(0)
            self.counts[1] += 1
            if not acknowledged:
                self.counts[2] += 1
            if queue:
                self._begin()
            self._changed()

        Sending(self._world.ether, self, destination, data, long_range, done)
