"""The radio of the simulator: who hears whom on ESP-NOW, and what it costs."""

from testmock.simworld.ether import BROADCAST, Station

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
    return wlan, now


def run(world, program, device=None):
    """Boot a device with this program(load)."""
    device = device or world.device
    device.boot_function = program
    device.power_on()


class Listener:
    """A program that reads all it gets: heard is [(ms, MAC, bytes)]."""

    def __init__(self, world, channel=1, **options):
        self.heard = []
        self.now = self.wlan = None
        self._world = world
        self._channel = channel
        self._options = options

    def __call__(self, load):
        self.wlan, self.now = radio_on(load, self._channel, **self._options)
        while True:
            mac, message = self.now.recv(-1)
            self.heard.append((self._world.now_ms(), mac, message))

    def messages(self):
        return [message for _, _, message in self.heard]


def test_a_broadcast_reaches_who_is_on_the_channel(world):
    near = Station(world.ether, FRIEND, 6)
    other = Station(world.ether, STRANGER, 7)
    answers = []

    def program(load):
        now = radio_on(load, 6)[1]
        now.add_peer(BROADCAST)
        answers.append(now.send(BROADCAST, "hello"))
        answers.append(now.stats())
        load("time").sleep_ms(10 * SECONDS)

    run(world, program)
    world.run_for(1 * SECONDS)
    assert [packet[1:] for packet in near.heard] == [(world.device.wifi.mac, b"hello")]
    assert other.heard == []
    assert answers == [True, (1, 1, 0, 0, 0)]


def test_a_program_reads_what_comes_with_strength_and_time(world):
    listener = Listener(world)
    run(world, listener)
    friend = Station(world.ether, FRIEND)
    world.ether.place(friend, 10)
    world.run_for(1 * SECONDS)
    friend.send(b"to all")
    world.run_for(100)
    sent = friend.send(b"to it", world.device.wifi.mac)
    friend.send(b"to somebody else", STRANGER)
    world.run_for(100)
    assert sent.acknowledged
    assert listener.messages() == [b"to all", b"to it"]
    rssi, ticks = listener.now.peers_table[FRIEND]
    assert rssi == -70 and ticks == world.ticks - 100, (rssi, ticks, world.ticks)
    # On the air 192 us and 8 us for each of 43 + 6 bytes; read in 1 ms at 80 MHz, here 160.
    assert listener.heard[0][0] == 1000 + (192 + 49 * 8 + 500) // 1000
