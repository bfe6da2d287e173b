"""The air between devices: who hears whom, what gets lost, and who else is there.

Signals: at one metre -40 dBm with 20 dBm of power, and 30 dB less for each factor of ten in
distance (log-distance path loss with exponent 3, as indoors). Nobody hears less than -98 dBm
(1 Mbit/s), with long range -102 dBm (ESP-IDF: 4 dB more than 802.11b).
"""

import math

from testmock.simworld.rng import Random

BROADCAST = b"\xff\xff\xff\xff\xff\xff"
NEAR_DBM = -40
FULL_POWER_DBM = 20
WEAKEST_DBM = -98
WEAKEST_LONG_RANGE_DBM = -102
_DB_PER_DECADE = 30

# 802.11: preamble and header of a packet at 1 Mbit/s, and what stands around the data of ESP-NOW
# (MAC header, action frame, vendor element, checksum).
_PREAMBLE_US = 192
_FRAME_BYTES = 43
_US_PER_BYTE = 8
_LONG_RANGE_FACTOR = 4  # 250 kbit/s
_ACKNOWLEDGE_US = 314
_SLOT_US = 20
_SLOTS = 32
_GAP_US = 50
# Seen with a radio that listened to a chip whose peer was away: 11 tries within 20 ms.
_TRIES = 11
_TRY_FOR_US = 60_000

_LOG_LIMIT = 20_000
_HEARD_LIMIT = 5000
# Longer than any packet: what ended before cannot touch what is on the air now.
_FORGET_US = 50_000


def airtime_us(size, long_range=False):
    """How long a packet with so many bytes of data is on the air."""
    us = _PREAMBLE_US + (_FRAME_BYTES + size) * _US_PER_BYTE
    return us * _LONG_RANGE_FACTOR if long_range else us


class Transmission:
    """One packet on its way. acknowledged: by the one it is meant for; done: it is over."""

    def __init__(self, channel, source, destination, data):
        self.channel = channel
        self.source = source
        self.destination = destination
        self.data = data
        self.acknowledged = self.done = False
        self.sender = None
        self.position = (0, 0)
        self.long_range = False
        self.power_dbm = FULL_POWER_DBM
        self.heard_by = []
        self.on_end = None


class Ether:
    """world.ether. Settings that stories may change at any time:

    loss: probability that a receiver misses a packet; lose(a, b, probability) for two of them.
    duplicate: probability that it gets one twice. delay_ms: (least, most) that a packet waits in
    the receiver's driver: with different delays they overtake each other. collisions: packets
    that overlap are lost where both are heard; devices listen before they talk then.
    log: [(ms, channel, source MAC, destination MAC, bytes)] of each try to send.
    """

    def __init__(self, world):
        self.world = world
        # Not of the world's own numbers: these are the same whether or not there is an ether.
        self.random = Random(world.seed).fork("ether")
        self.loss = self.duplicate = 0.0
        self.delay_ms = (0, 0)
        self.collisions = False
        self.log = []
        self.stations = []
        self._links = {}
        self._positions = {}
        self._sniffers = []
        self._jams = []
        self._air = []

    # For stories.

    def place(self, who, x_m, y_m=0):
        """Where somebody is: a device, a station, or a MAC. All begin at one place."""
        self._positions[_mac_of(who)] = (x_m, y_m)

    def lose(self, one, other, probability):
        """Between these two, instead of loss; None: as everybody."""
        one, other = _mac_of(one), _mac_of(other)
        for link in ((one, other), (other, one)):
            self._links[link] = probability

    def jam(self, channel, ms):
        """Noise on a channel (0: on all), from now on: nobody hears anything."""
        now_us = self.world.now_us
        self._jams = [jam for jam in self._jams if jam[2] + _FORGET_US > now_us]
        self._jams.append((channel, now_us, now_us + int(ms * 1000)))

    def sniff(self, callback):
        """Call callback(transmission) when one ends, whoever hears it."""
        self._sniffers.append(callback)

    def transmit(self, channel, source_mac, destination_mac, data, position=None, **options):
        """Send: anybody may. options: attributes of the Transmission that this returns."""
        sent = Transmission(channel, bytes(source_mac), bytes(destination_mac), bytes(data))
        sent.position = position or self._positions.get(sent.source, (0, 0))
        for name, value in options.items():
            setattr(sent, name, value)
        world = self.world
        length_us = airtime_us(len(sent.data), sent.long_range)
        sent.begin_us = world.now_us
        sent.end_us = sent.begin_us + length_us
        self._air = [other for other in self._air if other.end_us + _FORGET_US > world.now_us]
        self._air.append(sent)
        self.log.append((world.now_ms(), channel, sent.source, sent.destination, sent.data))
        if len(self.log) > _LOG_LIMIT:
            del self.log[: _LOG_LIMIT // 2]
        world.call_after(length_us / 1000, lambda: self._end(sent))
        return sent

    def rssi_dbm(self, sent, ear):
        """How loud a transmission is there."""
        x_m, y_m = self._positions.get(ear.mac, (0, 0))
        distance_m = math.sqrt((sent.position[0] - x_m) ** 2 + (sent.position[1] - y_m) ** 2)
        loss_db = _DB_PER_DECADE * math.log(distance_m) / math.log(10) if distance_m > 1 else 0
        return round(NEAR_DBM + sent.power_dbm - FULL_POWER_DBM - loss_db)

    # For those who send.

    def busy_until_us(self, ear):
        """When the last packet ends that somebody hears now who wants to send."""
        until_us = self.world.now_us
        if self.collisions:
            for sent in self._air:
                if sent.end_us > until_us and sent.channel == ear.channel():
                    if sent.sender is ear or self._is_audible(sent, ear):
                        until_us = sent.end_us
        return until_us

    def _ears(self):
        yield from self.stations
        for device in self.world.devices:
            yield device.bench.radio

    def _is_audible(self, sent, ear):
        weakest = WEAKEST_LONG_RANGE_DBM if sent.long_range else WEAKEST_DBM
        return self.rssi_dbm(sent, ear) >= weakest

    def _is_jammed(self, sent):
        for channel, from_us, to_us in self._jams:
            if channel in (0, sent.channel) and sent.begin_us < to_us and sent.end_us > from_us:
                return True
        return False

    def _collides(self, sent, ear):
        for other in self._air:
            if (
                other is not sent
                and other.channel == sent.channel
                and other.begin_us < sent.end_us
                and other.end_us > sent.begin_us
                and (other.sender is ear or self._is_audible(other, ear))
            ):
                return True
        return False

    def _is_lost(self, one, other):
        probability = self._links.get((one, other))
        if probability is None:
            probability = self.loss
        return self._happens(probability)

    def _happens(self, probability):
        return probability > 0 and self.random.below(10_000) < probability * 10_000

    def _end(self, sent):
        sent.done = True
        if not self._is_jammed(sent):
            for ear in self._ears():
                if ear is not sent.sender and self._hears(sent, ear):
                    self._receive(sent, ear)
        for sniffer in self._sniffers:
            sniffer(sent)
        if sent.on_end:
            sent.on_end(sent)

    def _hears(self, sent, ear):
        return (
            (ear.everything or sent.destination in (BROADCAST, ear.mac))
            and ear.listens(sent.channel, sent.long_range)
            and self._is_audible(sent, ear)
            and not (self.collisions and self._collides(sent, ear))
            and not self._is_lost(sent.source, ear.mac)
            and not ear.dozes(self.random)
        )

    def _receive(self, sent, ear):
        if sent.destination == ear.mac and not self._is_lost(ear.mac, sent.source):
            sent.acknowledged = True
        # Of a packet that was repeated because its acknowledge got lost the receiver's Wi-Fi
        # hands on only the first.
        if ear in sent.heard_by:
            return
        sent.heard_by.append(ear)
        for _ in range(2 if self._happens(self.duplicate) else 1):
            self._hand_on(sent, ear)

    def _hand_on(self, sent, ear):
        rssi = self.rssi_dbm(sent, ear)
        low_ms, high_ms = self.delay_ms

        def deliver():
            ear.deliver(sent.source, sent.destination, sent.data, rssi)

        if high_ms:
            self.world.call_after(self.random.between(low_ms, high_ms), deliver)
        else:
            deliver()


class Sending:
    """A packet of a device: its Wi-Fi listens first, and repeats what nobody acknowledges.

    on_done(acknowledged) at the end; what goes to everybody counts as acknowledged.
    """

    def __init__(self, ether, radio, destination, data, long_range, on_done):
        self._ether = ether
        self._radio = radio
        self._destination = destination
        self._data = data
        self._long_range = long_range
        self._on_done = on_done
        self._tries = 0
        self._heard_by = []
        self._give_up_us = ether.world.now_us + _TRY_FOR_US
        self._try()

    def _try(self):
        ether, radio = self._ether, self._radio
        if not radio.is_on():
            self._on_done(False)
            return
        free_us = ether.busy_until_us(radio)
        if free_us > ether.world.now_us:
            self._later(free_us - ether.world.now_us)
            return
        self._tries += 1
        ether.transmit(
            radio.channel(),
            radio.mac,
            self._destination,
            self._data,
            sender=radio,
            long_range=self._long_range,
            power_dbm=radio.power_dbm(),
            heard_by=self._heard_by,
            on_end=self._tried,
        )

    def _later(self, us):
        us += _GAP_US + self._ether.random.below(_SLOTS) * _SLOT_US
        self._ether.world.call_after(us / 1000, self._try)

    def _tried(self, sent):
        acknowledged = sent.acknowledged or self._destination == BROADCAST
        over = self._tries >= _TRIES or self._ether.world.now_us > self._give_up_us
        if acknowledged or over:
            self._on_done(acknowledged)
        else:
            self._later(_ACKNOWLEDGE_US)


def _mac_of(who):
    """The MAC of a device, a station, or that itself."""
    if hasattr(who, "bench"):
        return who.bench.wifi.mac
    return who.mac if hasattr(who, "mac") else bytes(who)


class Station:
    """A radio that a story drives by hand. It acknowledges what is sent to it alone.

    heard: [(ms, source MAC, bytes)]; on_packet(source MAC, bytes) is called with each, if set.
    channel 0 hears all. It sends once, without listening first.
    """

    everything = False

    def __init__(self, ether, mac, channel=1, long_range=False):
        self.ether = ether
        self.mac = bytes(mac)
        self.tuned = channel
        self.long_range = long_range
        self.heard = []
        self.on_packet = None
        self.on = True
        ether.stations.append(self)

    def channel(self):
        return self.tuned

    def listens(self, channel, long_range):
        return self.on and self.tuned in (0, channel) and self.long_range == long_range

    def dozes(self, random):
        return False

    def send(self, data, destination=BROADCAST, channel=None):
        """The Transmission: its acknowledged is right once it is done."""
        return self.ether.transmit(
            channel or self.tuned or 1,
            self.mac,
            destination,
            data,
            sender=self,
            long_range=self.long_range,
        )

    def deliver(self, source, destination, data, rssi):
        self.heard.append((self.ether.world.now_ms(), source, data))
        if len(self.heard) > _HEARD_LIMIT:
            del self.heard[: _HEARD_LIMIT // 2]
        if self.on_packet:
            self.on_packet(source, data)
