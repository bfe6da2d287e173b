"""Two devices talk over ESP-NOW."""

from testmock.simworld.device import Device

SECONDS = 1000
BROADCAST = b"\xff\xff\xff\xff\xff\xff"


def on_air(load):
    network = load("network")
    network.WLAN(network.STA_IF).active(True)
    now = load("espnow").ESPNow()
    now.active(True)
    return now


def boot(device, program):
    device.boot_function = program
    device.power_on()
    return device


def test_one_asks_and_the_other_answers(world):
    answers = []

    def server(load):
        now = on_air(load)
        while True:
            mac, message = now.recv(-1)
            now.add_peer(mac)
            now.send(mac, message.upper())
            now.del_peer(mac)

    def client(load):
        now = on_air(load)
        now.add_peer(BROADCAST)
        for word in (b"one", b"two", b"three"):
            now.send(BROADCAST, word)
            answers.append(now.recv(1000))
            load("time").sleep_ms(200)

    second = Device(world, None, None, "second")
    boot(world.device, server)
    boot(second, client)
    world.run_for(3 * SECONDS)
    assert answers == [[world.device.wifi.mac, word] for word in (b"ONE", b"TWO", b"THREE")]
    assert [entry[2] for entry in world.ether.log] == [second.wifi.mac, world.device.wifi.mac] * 3


def test_one_computes_for_seconds_while_the_other_works(world):
    received = []

    def clock(load):
        now = on_air(load)
        now.add_peer(BROADCAST)
        while True:
            now.send(BROADCAST, b"tick")
            load("time").sleep_ms(1000)

    def slow(load):
        load("machine").freq(80_000_000)
        second.bench.radio.key_cost_us = 1_700_000
        now = on_air(load)
        now.add_peer(BROADCAST)
        now.send(BROADCAST, b"\x03\x04" + bytes(154))
        while True:
            message = now.recv(-1)[1]
            received.append((world.now_ms(), message))

    second = Device(world, None, None, "second")
    boot(second, slow)
    boot(world.device, clock)
    world.run_for(6 * SECONDS)
    # Four ticks came while it computed, and are read at once when it has time.
    ticks = [entry[0] for entry in world.ether.log if entry[4] == b"tick"]
    assert ticks == [300 + 1001 * n for n in range(6)], ticks
    assert [message for _, message in received] == [b"tick"] * 6
    assert [ms for ms, _ in received[:5]] == [3706, 3707, 3708, 3709, 4306], received


def test_hidden_from_each_other_they_collide_at_the_third(world):
    heard = []

    def sender(load):
        now = on_air(load)
        now.add_peer(BROADCAST)
        for _ in range(10):
            now.send(BROADCAST, b"x" * 200)
            load("time").sleep_ms(100)

    def listener(load):
        now = on_air(load)
        while True:
            heard.append(now.recv(-1)[0])

    world.ether.collisions = True
    middle = boot(Device(world, None, None, "middle"), listener)
    right = boot(Device(world, None, None, "right"), sender)
    boot(world.device, sender)
    world.ether.place(right, 80)
    world.ether.place(world.device, -80)
    world.run_for(3 * SECONDS)
    assert len(world.ether.log) == 20 and heard == []
    # Once they hear each other, one waits for the other.
    for device in (right, world.device):
        world.ether.place(device, 10)
        device.reset()
    world.run_for(3 * SECONDS)
    assert len(world.ether.log) == 40 and len(heard) > 10
    assert middle.crash is None
