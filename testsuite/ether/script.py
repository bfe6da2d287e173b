"""The radio of the simulator: who hears whom on ESP-NOW, what gets lost, what it costs."""

from testmock.simworld.attacker import Attacker
from testmock.simworld.ether import BROADCAST, Ether, Station, airtime_us
from testmock.simworld.rng import Random

SECONDS = 1000
FRIEND = b"\x02\x00\x00\x00\x00\x07"
STRANGER = b"\x02\x00\x00\x00\x00\x08"


def radio_on(load, channel=1, **options):
    """As a program begins: interface on, not connected; ESP-NOW on."""
    network = load("network")
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    wlan.config(channel=channel, **options)
    now = load("espnow").ESPNow()
    now.active(True)
    now.add_peer(BROADCAST)
    now.add_peer(FRIEND)
    return wlan, now


class Listener:
    """A program that reads all it gets; heard is [(ms, MAC, bytes)]."""

    def __init__(self, world, channel=1, **options):
        self.heard = []
        self.now = self.wlan = None
        self._world = world
        self._channel = channel
        self._options = options
        world.device.boot_function = self
        world.device.power_on()
        world.run_for(1 * SECONDS)

    def __call__(self, load):
        self.wlan, self.now = radio_on(load, self._channel, **self._options)
        while True:
            mac, message = self.now.recv(-1)
            self.heard.append((self._world.now_ms(), mac, message))

    def messages(self):
        return [message for _, _, message in self.heard]


class Sender:
    """A program that sends when it is told to; results is [(result, ms that it took)]."""

    def __init__(self, world, channel=1, **options):
        self.orders = []
        self.results = []
        self.now = self.wlan = None
        self._world = world
        self._channel = channel
        self._options = options
        world.device.boot_function = self
        world.device.power_on()
        world.run_for(1 * SECONDS)

    def __call__(self, load):
        self.wlan, self.now = radio_on(load, self._channel, **self._options)
        time = load("time")
        while True:
            while self.orders:
                begin_ms = self._world.now_ms()
                result = self.now.send(*self.orders.pop(0))
                self.results.append((result, self._world.now_ms() - begin_ms))
            time.sleep_ms(10)

    def send(self, *arguments):
        """What comes of it, and how many milliseconds that took."""
        self.orders.append(arguments)
        wanted = len(self.results) + 1
        assert self._world.run_until(lambda: len(self.results) == wanted, 10 * SECONDS)
        return self.results[-1]


def numbered(station, count, gap_ms=20):
    """A station sends so many different packets."""
    for number in range(count):
        station.send(b"%03d" % number)
        station.ether.world.run_for(gap_ms)


def test_a_broadcast_reaches_who_is_on_the_channel(world):
    near = Station(world.ether, FRIEND, 6)
    other = Station(world.ether, STRANGER, 7)
    sender = Sender(world, 6)
    assert sender.send(BROADCAST, "hello")[0] is True
    assert [packet[1:] for packet in near.heard] == [(world.device.wifi.mac, b"hello")]
    assert other.heard == []
    assert sender.now.stats() == (1, 1, 0, 0, 0)


def test_a_program_reads_what_comes_with_strength_and_time(world):
    friend = Station(world.ether, FRIEND)
    world.ether.place(friend, 10)
    listener = Listener(world)
    friend.send(b"to all")
    world.run_for(100)
    sent = friend.send(b"to it", world.device.wifi.mac)
    friend.send(b"to somebody else", STRANGER)
    world.run_for(100)
    assert sent.acknowledged
    assert listener.messages() == [b"to all", b"to it"]
    rssi, ticks = listener.now.peers_table[FRIEND]
    assert rssi == -70 and ticks == world.ticks - 100, (rssi, ticks, world.ticks)


def test_unicast_is_true_only_if_it_was_acknowledged(world):
    friend = Station(world.ether, FRIEND, 3)
    sender = Sender(world)
    result, took_ms = sender.send(FRIEND, b"x" * 100)
    assert result is False and 15 <= took_ms <= 60, took_ms
    tries = [entry for entry in world.ether.log if entry[3] == FRIEND]
    assert len(tries) == 11 and friend.heard == []
    friend.tuned = 1
    assert sender.send(FRIEND, b"x" * 100) == (True, 2)
    assert len(friend.heard) == 1
    assert sender.now.stats() == (2, 2, 1, 0, 0)


def test_without_sync_nobody_waits(world):
    Station(world.ether, FRIEND, 3)
    sender = Sender(world)
    assert sender.send(FRIEND, b"x" * 200, False) == (True, 0)
    # What waits for its answer must have it before the next.
    result, took_ms = sender.send(BROADCAST, b"y", True)
    assert result is True and took_ms >= 20, took_ms
    assert sender.now.stats() == (2, 2, 1, 0, 0)


def test_a_lost_acknowledge_repeats_the_packet_but_it_arrives_once(world):
    friend = Station(world.ether, FRIEND)
    sender = Sender(world)
    world.ether.loss = 0.4
    results = [sender.send(FRIEND, b"%d" % number)[0] for number in range(40)]
    assert all(results)
    assert [packet[2] for packet in friend.heard] == [b"%d" % number for number in range(40)]
    assert len(world.ether.log) > 60


def test_to_all_peers_at_once(world):
    friend = Station(world.ether, FRIEND)
    sender = Sender(world)
    assert sender.send(b"one argument")[0] is True
    assert [packet[2] for packet in friend.heard] == [b"one argument"]
    friend.on = False
    assert sender.send(None, b"nobody")[0] is False


def test_the_interface_must_be_on(world):
    friend = Station(world.ether, FRIEND)
    listener = Listener(world)
    listener.wlan.active(False)
    sent = friend.send(b"lost", world.device.wifi.mac)
    world.run_for(100)
    assert listener.messages() == [] and not sent.acknowledged
    listener.wlan.active(True)
    friend.send(b"heard")
    world.run_for(100)
    assert listener.messages() == [b"heard"]
    world.device.power_cut()
    sent = friend.send(b"lost", world.device.wifi.mac)
    world.run_for(100)
    assert not sent.acknowledged


def test_a_packet_that_is_late_finds_no_power(world):
    friend = Station(world.ether, FRIEND)
    listener = Listener(world)
    world.ether.delay_ms = (20, 20)
    friend.send(b"late")
    world.run_for(5)
    world.device.power_cut()
    world.run_for(100)
    assert listener.messages() == []
    world.device.power_on()
    world.run_for(1 * SECONDS)
    friend.send(b"heard")
    world.run_for(100)
    assert listener.messages() == [b"heard"]


def test_acknowledged_without_esp_now(world):
    def program(load):
        load("network").WLAN(0).active(True)
        load("time").sleep_ms(100 * SECONDS)

    world.device.boot_function = program
    world.device.power_on()
    world.run_for(1 * SECONDS)
    sent = Station(world.ether, FRIEND).send(b"", world.device.wifi.mac)
    world.run_for(10)
    assert sent.acknowledged


def test_what_does_not_fit_is_dropped_and_counted(world):
    seen = []

    def program(load):
        now = radio_on(load)[1]
        load("time").sleep_ms(5 * SECONDS)
        while now.any():
            seen.append(now.recv(0)[1])
        assert now.recv(0) == (None, None)
        seen.append(now.stats())
        load("time").sleep_ms(100 * SECONDS)

    world.device.boot_function = program
    world.device.power_on()
    world.run_for(1 * SECONDS)
    friend = Station(world.ether, FRIEND)
    # 526 bytes, one of them never used; 13 before each packet, and one must stay free.
    for size in (250, 247, 0):
        sent = friend.send(b"x" * size, world.device.wifi.mac)
        world.run_for(10)
        assert sent.acknowledged
    friend.send(b"yy")
    world.run_for(10 * SECONDS)
    assert seen == [b"x" * 250, b"x" * 247, (0, 0, 0, 2, 2)], [str(item)[:20] for item in seen]


def test_poll_sees_what_waits(world):
    seen = []

    def program(load):
        now = radio_on(load)[1]
        select = load("select")
        poll = select.poll()
        poll.register(now, select.POLLIN)
        while True:
            for stream, events in poll.ipoll(2000):
                assert stream is now and events == select.POLLIN
                seen.append((world.now_ms(), now.recv(0)[1]))
            seen.append(world.now_ms())

    world.device.boot_function = program
    world.device.power_on()
    world.run_for(1 * SECONDS)
    Station(world.ether, FRIEND).send(b"first")
    world.run_for(3 * SECONDS)
    assert seen == [(1000, b"first"), 1001, 3001], seen


def test_an_interrupt_reads_what_comes(world):
    seen = []

    def program(load):
        now = radio_on(load)[1]
        now.irq(lambda now: seen.append(now.irecv(0)[1]))
        load("time").sleep_ms(100 * SECONDS)

    world.device.boot_function = program
    world.device.power_on()
    world.run_for(1 * SECONDS)
    numbered(Station(world.ether, FRIEND), 3)
    assert seen == [b"000", b"001", b"002"]


def test_distance_decides(world):
    friend = Station(world.ether, FRIEND)
    listener = Listener(world)
    for distance_m in (1, 80, 90):
        world.ether.place(friend, distance_m)
        friend.send(b"%d" % distance_m)
        world.run_for(100)
    assert listener.messages() == [b"1", b"80"]


def test_long_range_goes_further_and_only_to_its_kind(world):
    plain = Station(world.ether, STRANGER)
    friend = Station(world.ether, FRIEND, long_range=True)
    world.ether.place(friend, 110)
    sender = Sender(world, protocol=8)
    assert sender.send(FRIEND, b"far") == (True, 2)
    assert len(friend.heard) == 1
    sender.send(BROADCAST, b"all")
    assert len(friend.heard) == 2 and plain.heard == []
    assert airtime_us(100, True) == 4 * airtime_us(100) == 5344
    assert world.device.bench.radio.listens(1, True)
    assert not world.device.bench.radio.listens(1, False)


def test_the_rate_of_long_range_needs_a_receiver_with_that_protocol(world):
    both = Station(world.ether, FRIEND, long_range=True)
    sender = Sender(world)
    sender.now.config(rate=41)
    assert sender.send(FRIEND, b"far")[0] is True
    both.long_range = False
    assert sender.send(FRIEND, b"far")[0] is False


def test_loss_and_duplicates_are_as_frequent_as_asked(world):
    friend = Station(world.ether, FRIEND)
    listener = Listener(world)
    world.ether.loss = 0.3
    numbered(friend, 300)
    assert 180 <= len(listener.heard) <= 240, len(listener.heard)
    world.ether.loss = 0
    world.ether.duplicate = 0.5
    listener.heard.clear()
    numbered(friend, 100)
    assert 130 <= len(listener.heard) <= 170, len(listener.heard)


def test_loss_of_one_link(world):
    friend, stranger = Station(world.ether, FRIEND), Station(world.ether, STRANGER)
    listener = Listener(world)
    world.ether.lose(world.device, friend, 1)
    friend.send(b"lost")
    stranger.send(b"heard")
    world.run_for(100)
    assert listener.messages() == [b"heard"]
    world.ether.lose(world.device, FRIEND, None)
    friend.send(b"again")
    world.run_for(100)
    assert listener.messages() == [b"heard", b"again"]


def test_delays_let_packets_overtake_each_other(world):
    friend = Station(world.ether, FRIEND)
    listener = Listener(world)
    world.ether.delay_ms = (0, 200)
    numbered(friend, 50)
    world.run_for(1 * SECONDS)
    messages = listener.messages()
    assert messages != sorted(messages)
    assert sorted(messages) == [b"%03d" % number for number in range(50)]


def test_packets_at_the_same_time_collide(world):
    friend, stranger = Station(world.ether, FRIEND), Station(world.ether, STRANGER)
    listener = Listener(world)
    friend.send(b"one")
    stranger.send(b"two")
    world.run_for(100)
    assert listener.messages() == [b"one", b"two"]
    world.ether.collisions = True
    friend.send(b"three")
    stranger.send(b"four")
    stranger.send(b"on another channel", channel=2)
    world.run_for(100)
    assert listener.messages() == [b"one", b"two"]
    # The stranger is too far away to disturb.
    world.ether.place(stranger, 300)
    friend.send(b"five")
    stranger.send(b"six")
    world.run_for(100)
    assert listener.messages() == [b"one", b"two", b"five"]


def test_a_device_listens_before_it_talks(world):
    friend, stranger = Station(world.ether, FRIEND), Station(world.ether, STRANGER)
    results = []

    def program(load):
        now = radio_on(load)[1]
        for _ in range(20):
            stranger.send(b"x" * 250)
            results.append(now.send(BROADCAST, b"y" * 250))
            load("time").sleep_ms(100)

    world.ether.collisions = True
    world.device.boot_function = program
    world.device.power_on()
    world.run_for(5 * SECONDS)
    assert results == [True] * 20
    assert [packet[2][:1] for packet in friend.heard] == [b"x", b"y"] * 20


def test_noise(world):
    friend = Station(world.ether, FRIEND)
    listener = Listener(world)
    world.ether.jam(1, 500)
    friend.send(b"lost")
    world.run_for(600)
    friend.send(b"heard")
    world.run_for(100)
    world.ether.jam(2, 500)
    friend.send(b"too")
    world.run_for(600)
    assert listener.messages() == [b"heard", b"too"]


class Connected(Listener):
    """On an access point as well; pm as WLAN.config() takes it."""

    def __call__(self, load):
        self.wlan, self.now = radio_on(load, 1, **self._options)
        self.wlan.connect("home", "secret")
        while True:
            mac, message = self.now.recv(-1)
            self.heard.append((self._world.now_ms(), mac, message))


def test_a_connected_station_is_on_the_channel_of_its_access_point(world):
    world.device.wifi.channel = 6
    friend = Station(world.ether, FRIEND, 6)
    listener = Connected(world, pm=0)
    world.run_for(5 * SECONDS)
    assert listener.wlan.isconnected() and listener.wlan.config("channel") == 6
    friend.send(b"on 6")
    friend.send(b"on 1", channel=1)
    world.run_for(100)
    assert listener.messages() == [b"on 6"]
    try:
        listener.wlan.config(channel=3)
    except OSError as error:
        assert error.args == ("Wifi Internal State Error",)
    else:
        raise AssertionError("the program moved the access point")


def test_an_access_point_moves(world):
    world.device.wifi.channel = 6
    friend = Station(world.ether, FRIEND, 11)
    listener = Connected(world, pm=0)
    world.run_for(5 * SECONDS)
    world.device.wifi.channel = 11
    assert not listener.wlan.isconnected()
    # Meanwhile it looks around, and hears a thirteenth of what is said on a channel.
    numbered(friend, 95)
    assert not listener.wlan.isconnected() and 3 <= len(listener.heard) <= 15
    world.run_for(1 * SECONDS)
    assert listener.wlan.isconnected() and listener.wlan.config("channel") == 11
    listener.heard.clear()
    numbered(friend, 5)
    assert len(listener.heard) == 5


def test_power_saving_misses_most(world):
    friend = Station(world.ether, FRIEND)
    listener = Connected(world)
    world.run_for(5 * SECONDS)
    assert listener.wlan.config("pm") == listener.wlan.PM_PERFORMANCE
    numbered(friend, 200)
    assert 5 <= len(listener.heard) <= 40, len(listener.heard)
    listener.heard.clear()
    listener.wlan.config(pm=listener.wlan.PM_NONE)
    numbered(friend, 20)
    assert len(listener.heard) == 20


def test_a_packet_costs_processor_time(world):
    friend = Station(world.ether, FRIEND)
    listener = Listener(world)
    device = world.device
    device.bench.frequency_hz = 80_000_000
    friend.send(b"\x03\x01" + bytes(74))
    world.run_for(100)
    # 192 us and 8 us for each of 43 + 76 bytes, 9 ms to check and read.
    assert listener.heard[0][0] == 1010
    device.bench.frequency_hz = 240_000_000
    friend.send(b"\x03\x01" + bytes(74))
    world.run_for(100)
    assert listener.heard[1][0] == 1104
    device.bench.radio.cost_us = {("receive", 1): 300_000}
    friend.send(b"\x03\x01" + bytes(74))
    world.run_for(200)
    assert listener.heard[2][0] == 1301


def test_a_key_costs_seconds_and_the_world_goes_on(world):
    beats = []

    def beat():
        beats.append(world.now_ms())
        world.call_after(500, beat)

    sender = Sender(world)
    world.device.bench.frequency_hz = 80_000_000
    world.device.bench.radio.key_cost_us = 1_500_000
    world.call_after(500, beat)
    # Who is there? A request with a key: one multiplication. An answer: two.
    assert sender.send(BROADCAST, b"\x03\x04" + bytes(58))[1] == 6
    assert sender.send(BROADCAST, b"\x03\x04" + bytes(90))[1] == 1505
    assert sender.send(BROADCAST, b"\x03\x04" + bytes(154))[1] == 3005
    assert beats == [beats[0] + 500 * number for number in range(9)]


def test_the_radio_knows_how_long_it_was_on(world):
    listener = Listener(world)
    radio = world.device.bench.radio
    assert radio.on_ms() == 700
    radio.forget_on_ms()
    world.run_for(2 * SECONDS)
    listener.wlan.active(False)
    world.run_for(2 * SECONDS)
    listener.wlan.active(True)
    world.run_for(500)
    assert radio.on_ms() == 2500
    world.device.reset()
    world.run_for(1 * SECONDS)
    assert radio.on_ms() == 3200


def test_a_reset_forgets_packets_and_peers(world):
    friend = Station(world.ether, FRIEND)
    listener = Listener(world)
    numbered(friend, 2)
    world.device.reset()
    world.run_for(1 * SECONDS)
    assert listener.now.stats() == (0, 0, 0, 0, 0) and listener.now.peers_table == {}
    numbered(friend, 2)
    assert len(listener.heard) == 4


def test_an_attacker_hears_repeats_and_spoils(world):
    friend = Station(world.ether, FRIEND, 4)
    attacker = Attacker(world.ether)
    listener = Listener(world, 4)
    packet = b"\x03\x01" + b"net!" + bytes(70)
    friend.send(packet)
    friend.send(b"\x03\x02", channel=9)
    world.run_for(100)
    assert [sent.channel for sent in attacker.recorded] == [9, 4]
    assert attacker.of_type(1)[0].data == packet
    attacker.replay(1)
    world.run_for(100)
    attacker.flip_bits(1, 3, begin=28)
    world.run_for(100)
    assert listener.messages()[:2] == [packet, packet] and len(attacker.recorded) == 2
    assert [heard[1] for heard in listener.heard] == [FRIEND] * 3
    spoiled = listener.messages()[2]
    assert spoiled[:28] == packet[:28]
    assert sum([bin(a ^ b).count("1") for a, b in zip(spoiled, packet)]) == 3


def test_an_attacker_forges_and_floods(world):
    friend = Station(world.ether, FRIEND, 4)
    listener = Listener(world, 4)
    listener.now.config(rxbuf=526)
    attacker = Attacker(world.ether, channel=4)
    friend.send(b"\x03\x03" + b"net!" + bytes(70))
    world.run_for(100)
    attacker.spoof(FRIEND)
    attacker.forge(1, FRIEND, 92)
    world.run_for(100)
    forged = listener.messages()[1]
    assert forged[:12] == b"\x03\x01net!" + FRIEND and len(forged) == 92
    assert listener.heard[1][1] == FRIEND
    attacker.flood(1, 50, 2)
    world.run_for(3 * SECONDS)
    assert attacker.sent == {"forge": 101}
    # Everybody who was heard stays in the table of the port.
    assert len(listener.now.peers_table) == 101


def test_an_ether_does_not_change_the_numbers_of_its_world(world):
    copy = Random()
    copy._state = world.random._state
    numbers = [Ether(world).random.next32() for _ in range(3)]
    assert numbers[0] == numbers[1] == numbers[2] == world.ether.random.next32()
    assert copy.next32() == world.random.next32()
