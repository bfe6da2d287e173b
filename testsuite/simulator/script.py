"""The simulator itself: clock, baton, resets, files, network, broker; toy programs."""

from testmock.simworld.device import HARD_RESET, PWRON_RESET, WDT_RESET
from testmock.simworld.world import SpinError

SECONDS = 1000
CONNECT = b"\x10\x14\x00\x04MQTT\x04\x02\x00\x1e\x00\x08toy-plug"
CONNECT_PERSISTENT = b"\x10\x14\x00\x04MQTT\x04\x00\x00\x1e\x00\x08toy-plug"
SUBSCRIBE = b"\x82\x0b\x00\x01\x00\x06cmnd/#\x01"


def test_ticks_wrap_after_half_a_minute(world):
    seen = []

    def main(load):
        time = load("time")
        for _ in range(60):
            seen.append(time.ticks_ms())
            before = time.ticks_ms()
            time.sleep_ms(1000)
            seen.append(time.ticks_diff(time.ticks_ms(), before))

    world.device.boot_function = main
    world.device.power_on()
    world.run_for(70 * SECONDS)
    assert set(seen[1::2]) == {1000}
    assert max(seen[::2]) > (1 << 30) - 2000 and min(seen[::2]) < 1000


def test_two_threads_take_turns_at_exact_times(world):
    seen = []

    def main(load):
        time = load("time")

        def other(step_ms):
            while True:
                time.sleep_ms(step_ms)
                seen.append((world.now_ms(), "other"))

        load("_thread").start_new_thread(other, (700,))
        for _ in range(3):
            time.sleep_ms(1000)
            seen.append((world.now_ms(), "main"))

    world.device.boot_function = main
    world.device.power_on()
    world.run_for(3400)
    assert seen == [
        (1000, "other"),
        (1300, "main"),
        (1700, "other"),
        (2300, "main"),
        (2400, "other"),
        (3100, "other"),
        (3300, "main"),
    ], seen


def test_run_until_stops_at_the_instant(world):
    def main(load):
        time = load("time")
        time.sleep_ms(1234)
        print_now = load("machine").Pin(2, load("machine").Pin.OUT)
        print_now.on()
        time.sleep_ms(5000)

    world.device.boot_function = main
    world.device.power_on()
    assert world.run_until(lambda: world.device.bench.output(2) == 1, 10 * SECONDS)
    assert world.now_ms() == 1534
    assert not world.run_until(lambda: world.device.bench.output(2) == 0, 2 * SECONDS)
    assert world.now_ms() == 3534


def test_a_spinning_program_is_found(world):
    def main(load):
        time = load("time")
        while True:
            time.ticks_ms()

    world.device.boot_function = main
    world.device.power_on()
    try:
        world.run_for(1 * SECONDS)
    except SpinError as error:
        assert "device main" in str(error)
    else:
        raise AssertionError("nobody noticed")


def test_a_loop_over_microseconds_ends(world):
    def main(load):
        time = load("time")
        start = time.ticks_us()
        while time.ticks_diff(time.ticks_us(), start) < 500:
            pass
        world.device.write_console("done\n")

    world.device.boot_function = main
    world.device.power_on()
    world.run_for(1 * SECONDS)
    assert world.device.said("done")


def test_the_watchdog_bites_at_15_seconds(world):
    def main(load):
        wdt = load("machine").WDT(timeout=15000)
        for _ in range(10):
            load("time").sleep_ms(1000)
            wdt.feed()
        load("time").sleep_ms(100 * SECONDS)

    device = world.device
    device.boot_function = main
    device.power_on()
    world.run_for(25_299)
    assert device.resets == []
    world.run_for(2)
    assert device.resets == [(25_300, WDT_RESET)]


def test_a_watchdog_made_again_has_the_new_limit(world):
    def main(load):
        kind = load("machine").WDT
        kind(timeout=60_000)
        load("time").sleep_ms(10 * SECONDS)
        kind(timeout=5000)
        load("time").sleep_ms(3000)
        kind(timeout=20_000)
        load("time").sleep_ms(100 * SECONDS)

    device = world.device
    device.boot_function = main
    device.power_on()
    world.run_for(60 * SECONDS)
    assert device.resets == [(33_300, WDT_RESET)], device.resets


def test_a_spinning_program_hangs_until_the_watchdog_bites(world):
    seen = []

    def main(load):
        time = load("time")

        def beat():
            while True:
                time.sleep_ms(100)
                seen.append(world.now_ms())

        load("_thread").start_new_thread(beat, ())
        load("machine").WDT(timeout=5000)
        while True:
            time.ticks_ms()

    world.spin_hangs = True
    world.spin_limit = 1000
    world.device.boot_function = main
    world.device.power_on()
    world.run_for(5299)
    assert world.device.resets == [] and len(seen) > 40
    world.run_for(2)
    assert world.device.resets == [(5300, WDT_RESET)]


def test_a_reset_from_inside_never_returns(world):
    seen = []

    def main(load):
        machine = load("machine")
        seen.append(machine.reset_cause())
        time = load("time")
        time.sleep_ms(700)
        if len(seen) < 3:
            try:
                machine.reset()
            except Exception:
                seen.append("no reset at all")
            seen.append("returned")
        time.sleep_ms(100 * SECONDS)

    device = world.device
    device.boot_function = main
    device.power_on()
    world.run_for(10 * SECONDS)
    assert seen == [PWRON_RESET, HARD_RESET, HARD_RESET]
    assert device.resets == [(1000, HARD_RESET), (2000, HARD_RESET)]


def test_threads_end_with_a_reset_and_a_power_cut(world):
    seen = []

    def main(load):
        time = load("time")

        def beat():
            while True:
                time.sleep_ms(100)
                seen.append(world.now_ms())

        load("_thread").start_new_thread(beat, ())
        time.sleep_ms(1000)

    device = world.device
    device.boot_function = main
    device.power_on()
    world.run_for(950)
    device.power_cut()
    count = len(seen)
    assert count == 6
    world.run_for(5 * SECONDS)
    assert len(seen) == count
    device.power_on()
    world.run_for(950)
    assert len(seen) == 2 * count
    device.reset()
    world.run_for(950)
    assert len(seen) == 3 * count


def test_files_survive_what_memory_does_not(world):
    seen = []

    def main(load):
        os = load("os")
        with device.flash.open("log.txt", "a") as file:
            file.write("boot\n")
        nvs = load("esp32").NVS("toy")
        try:
            boots = nvs.get_i32("boots")
        except OSError as error:
            assert error.args[0] == -0x1102
            boots = 0
        nvs.set_i32("boots", boots + 1)
        if boots != 1:
            nvs.commit()
        rtc = load("machine").RTC()
        seen.append((boots, os.listdir("/"), rtc.memory()))
        rtc.memory(b"kept")
        unfinished = device.flash.open("log.txt", "w")
        unfinished.write("never closed")
        load("time").sleep_ms(60 * SECONDS)

    device = world.device
    device.boot_function = main
    device.power_on()
    world.run_for(1 * SECONDS)
    device.reset()
    world.run_for(1 * SECONDS)
    device.power_cut()
    device.power_on()
    world.run_for(1 * SECONDS)
    assert seen == [(0, ["log.txt"], b""), (1, ["log.txt"], b"kept"), (1, ["log.txt"], b"")], seen
    assert device.flash.text("log.txt") == "boot\nboot\nboot\n"


def test_a_crash_is_kept(world):
    def main(load):
        load("time").sleep_ms(500)
        raise ValueError("toy")

    world.device.boot_function = main
    world.device.expect_crash = True
    world.device.power_on()
    world.run_for(2 * SECONDS)
    assert world.device.crash[0] == 800
    assert "ValueError: toy" in world.device.crash[1]
    assert world.device.said("ValueError: toy")


def connect_wifi(load):
    network = load("network")
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    wlan.connect("home", "secret")
    while not wlan.isconnected():
        load("time").sleep_ms(100)
    return wlan


def test_wifi_states_are_those_of_the_board(world):
    seen = []

    def main(load):
        network = load("network")
        wlan = network.WLAN(network.STA_IF)
        seen.append(wlan.status())
        wlan.active(True)
        seen.append(wlan.status())
        wlan.connect("home", "secret")
        while True:
            if wlan.status() != seen[-1]:
                seen.append(wlan.status())
            load("time").sleep_ms(100)

    device = world.device
    device.wifi.available = False
    device.boot_function = main
    device.power_on()
    world.run_for(5 * SECONDS)
    device.wifi.available = True
    world.run_for(5 * SECONDS)
    device.wifi.status = 202
    world.run_for(5 * SECONDS)
    device.wifi.status = 1010
    world.run_for(5 * SECONDS)
    device.wifi.drop()
    world.run_for(5 * SECONDS)
    # While wanted, the radio tries again by itself; until it succeeds it tells the last failure.
    assert seen == [1000, 1000, 1001, 201, 1010, 202, 1010, 200, 1010], seen
    assert [up for _, up in device.wifi.history] == [True, False, True, False, True]


def test_name_server_slow_dead_and_not_needed(world):
    seen = []

    def main(load):
        connect_wifi(load)
        socket = load("socket")
        while True:
            for host in ("1.2.3.4", "broker.lan", "nobody.lan"):
                begin_ms = world.now_ms()
                try:
                    seen.append(socket.getaddrinfo(host, 1883)[0][-1])
                except OSError as error:
                    seen.append(error.args[0])
                seen.append(world.now_ms() - begin_ms)
            load("time").sleep_ms(100 * SECONDS)

    device = world.device
    device.boot_function = main
    device.power_on()
    world.lan.dns_delay_ms = 5000
    world.run_for(50 * SECONDS)
    address = ("1.2.3.4", 1883)
    assert seen == [address, 0, address, 5000, -202, 5000], seen
    seen.clear()
    world.lan.dns_dead = True
    world.run_for(110 * SECONDS)
    assert seen == [address, 0, -202, 20_000, -202, 20_000], seen


def open_to_broker(load, log):
    """A non-blocking connection as the device's client makes it: (socket, poll)."""
    connect_wifi(load)
    socket = load("socket").socket()
    socket.setblocking(False)
    try:
        socket.connect(("1.2.3.4", 1883))
    except OSError as error:
        log.append(error.args[0])
    poll = load("select").poll()
    poll.register(socket, 5)
    return socket, poll


def test_a_refused_connection_looks_as_on_unix(world):
    log = []

    def main(load):
        socket, poll = open_to_broker(load, log)
        for _, events in poll.ipoll(10_000):
            log.append(events)
        try:
            socket.write(b"x")
        except OSError as error:
            log.append(error.args[0])
        socket.close()

    world.broker.stop()
    world.device.boot_function = main
    world.device.power_on()
    world.run_for(10 * SECONDS)
    assert log == [115, 29, 111], log
    assert world.device.open_sockets == 0 and world.device.sockets_opened == 1


def test_a_lost_syn_times_out(world):
    log = []

    def main(load):
        _, poll = open_to_broker(load, log)
        begin_ms = world.now_ms()
        for _, events in poll.ipoll(60_000):
            log.append(events)
        log.append(world.now_ms() - begin_ms)

    world.lan.lose_syns("1.2.3.4")
    world.device.boot_function = main
    world.device.power_on()
    world.run_for(60 * SECONDS)
    assert log == [115, 29, 18_002], log


def test_broker_answers_and_redelivers(world):
    log = []

    def main(load):
        while True:
            socket, poll = open_to_broker(load, [])
            try:
                log.append(socket.write(CONNECT_PERSISTENT))
                for _ in poll.ipoll(1000):
                    socket.write(CONNECT_PERSISTENT)
                poll.modify(socket, 1)
                first = len(log) == 1
                for _ in range(20):
                    for _, _ in poll.ipoll(1000):
                        data = socket.read(200)
                        log.append(data)
                        if first and data[:1] == b"\x20":
                            socket.write(SUBSCRIBE)
                        if data == b"":
                            raise OSError(0)
            except OSError:
                pass
            socket.close()

    broker = world.broker
    world.device.boot_function = main
    world.device.power_on()
    assert world.run_until(lambda: broker.subscriptions("toy-plug"), 60 * SECONDS)
    world.run_for(100)
    broker.publish("cmnd/toy", "1", qos=1)
    world.run_for(100)
    broker.publish("other/toy", "2", qos=1)
    broker.close_clients()
    world.run_for(5 * SECONDS)
    publish = b"\x32\x0d\x00\x08cmnd/toy\x00\x01" + b"1"
    again = b"\x3a" + publish[1:]
    # The first write comes before the connection stands: None, as whenever it would block.
    assert log[:4] == [None, b"\x20\x02\x00\x00", b"\x90\x03\x00\x01\x01", publish], log
    assert log[4:6] == [b"", None] and b"".join(log[6:]) == b"\x20\x02\x01\x00" + again, log


def test_a_half_open_connection_tells_nobody_but_the_broker_notices(world):
    log = []

    def main(load):
        socket, _ = open_to_broker(load, [])
        load("time").sleep_ms(100)
        socket.write(CONNECT)
        load("time").sleep_ms(1000)
        log.append(socket.read(10))
        world.broker.half_open()
        while True:
            log.append(socket.write(b"\xc0\x00" * 1000))
            load("time").sleep_ms(10 * SECONDS)

    world.device.boot_function = main
    world.device.power_on()
    world.run_for(20 * SECONDS)
    assert log[0] == b"\x20\x02\x00\x00" and log[1] == 2000, log
    assert world.broker.connections == ["toy-plug"]
    # One and a half times the keepalive of 30 s.
    world.run_for(60 * SECONDS)
    assert world.broker.connections == []
    # The send buffer is full, and that is all the device can know.
    assert log[-1] is None, log


def test_bus_transfers_take_their_time(world):
    seen = []

    class Memory:
        present = True
        failing = False

        def i2c_write(self, data):
            seen.append(data)

        def i2c_read(self, n):
            return bytes(n)

    def main(load):
        machine = load("machine")
        bus = machine.I2C(0, scl=machine.Pin(22), sda=machine.Pin(21), freq=400_000)
        begin_us = world.now_us
        bus.writeto_mem(0x50, 7, bytes(98))
        seen.append(world.now_us - begin_us)
        for address in (0x50, 0x51):
            try:
                bus.readfrom(address, 1)
            except OSError as error:
                seen.append(error.args[0])
            memory.failing = True

    memory = Memory()
    device = world.device
    device.bench.i2c(0, 0x50, memory)
    device.boot_function = main
    device.power_on()
    world.run_for(1 * SECONDS)
    assert seen == [b"\x07" + bytes(98), 2250, 19], seen


def test_the_same_seed_gives_the_same_numbers(world):
    seen = []

    def main(load):
        random = load("random")
        seen.append([random.randrange(1000) for _ in range(5)])
        seen.append(random.randint(5, 5))

    world.device.boot_function = main
    world.device.power_on()
    world.run_for(1 * SECONDS)
    if world.seed == 1:
        assert seen == [[490, 379, 205, 274, 708], 5], seen


def exchange(world, seen):
    """A toy that connects, subscribes with QoS 1 to cmnd/#, and keeps what it reads and loses."""

    def main(load):
        while True:
            socket, poll = open_to_broker(load, [])
            try:
                if [events for _, events in poll.ipoll(30_000) if events & 8]:
                    raise OSError(socket_error(socket))
                socket.write(CONNECT)
                socket.write(SUBSCRIBE)
                poll.modify(socket, 1)
                while True:
                    for _ in poll.ipoll(60_000):
                        data = socket.read(500)
                        if not data:
                            raise OSError(0)
                        seen.append((world.now_ms(), data))
            except OSError as error:
                seen.append((world.now_ms(), error.args[0]))
            poll.unregister(socket)
            socket.close()
            load("time").sleep_ms(1000)

    world.device.boot_function = main
    world.device.power_on()


def socket_error(socket):
    try:
        socket.write(b"")
    except OSError as error:
        return error.args[0]
    return None


def read_later(seen, since_ms):
    return b"".join([data for ms, data in seen if ms > since_ms and isinstance(data, bytes)])


def test_broker_refuses_and_then_takes_the_client(world):
    seen = []
    world.broker.refuse(2, code=3)
    exchange(world, seen)
    world.run_for(20 * SECONDS)
    refused = b"\x20\x02\x00\x03"
    assert [data for _, data in seen][:4] == [refused, 0, refused, 0], seen
    assert world.broker.connections == ["toy-plug"]
    assert len(world.broker.connects) == 3
    assert world.device.open_sockets == 1 and world.device.sockets_opened == 3


def test_a_frozen_broker_answers_when_it_thaws(world):
    seen = []
    world.broker.freeze()
    exchange(world, seen)
    world.run_for(10 * SECONDS)
    assert seen == []
    world.broker.thaw()
    world.run_for(1 * SECONDS)
    assert read_later(seen, 10 * SECONDS) == b"\x20\x02\x00\x00\x90\x03\x00\x01\x01", seen


def test_a_stopped_broker_refuses_and_comes_back(world):
    seen = []
    exchange(world, seen)
    world.run_for(5 * SECONDS)
    world.broker.restart(down_ms=10_000)
    world.run_for(20 * SECONDS)
    errors = [data for _, data in seen if not isinstance(data, bytes)]
    assert errors[0] == 0 and 111 in errors, errors
    assert world.broker.connections == ["toy-plug"]


def test_a_cut_connection_is_reset_on_both_sides(world):
    seen = []
    world.lan.cut_after(30)
    exchange(world, seen)
    world.run_for(20 * SECONDS)
    assert seen[0][1] == b"\x20\x02\x00\x00" or seen[0][1] == 104, seen
    assert 104 in [data for _, data in seen], seen
    assert world.broker.connections == ["toy-plug"]


def test_retained_messages_come_with_the_subscription_and_others_at_once(world):
    seen = []
    broker = world.broker
    broker.publish("cmnd/kept", "old", retain=True)
    exchange(world, seen)
    world.run_for(5 * SECONDS)
    assert read_later(seen, 0)[9:] == b"\x31\x0e\x00\x09cmnd/keptold", seen
    broker.publish("cmnd/kept", "new", retain=True)
    world.run_for(100)
    assert read_later(seen, 5 * SECONDS) == b"\x30\x0e\x00\x09cmnd/keptnew", seen
    assert broker.retained("cmnd/kept") == b"new"
    broker.publish("cmnd/kept", "", retain=True)
    assert broker.retained("cmnd/kept") is None


def test_a_last_will_is_published_when_the_client_is_lost(world):
    will = b"\x00\x04stat\x00\x04gone"

    def main(load):
        socket, poll = open_to_broker(load, [])
        for _ in poll.ipoll(5000):
            body = b"\x00\x04MQTT\x04\x26\x00\x0a\x00\x03toy" + will
            socket.write(bytes((0x10, len(body))) + body)
        load("time").sleep_ms(100 * SECONDS)

    world.device.boot_function = main
    world.device.power_on()
    world.run_for(10 * SECONDS)
    assert world.broker.last("stat") is None
    world.run_for(10 * SECONDS)
    # The keepalive is 10 s: gone 15 s after the CONNECT.
    (sent,) = world.broker.sent("stat")
    assert 15_000 <= sent[0] - world.broker.connects[0][0] <= 16_000
    assert world.broker.retained("stat") == b"gone"


def test_switching_the_interface_off_breaks_its_sockets(world):
    seen = []

    def main(load):
        socket, poll = open_to_broker(load, [])
        for _ in poll.ipoll(5000):
            socket.write(CONNECT)
        load("time").sleep_ms(100)
        load("network").WLAN(0).active(False)
        for _, events in poll.ipoll(5000):
            seen.append(events)
        seen.append(socket_error(socket))
        world.device.wifi.poll_raises = True
        try:
            poll.ipoll(0)
        except OSError:
            seen.append("poll raises")

    world.device.boot_function = main
    world.device.power_on()
    world.run_for(10 * SECONDS)
    assert seen == [29, 103, "poll raises"], seen


def test_a_slow_reader_holds_the_sender_back(world):
    seen = []

    def main(load):
        socket, poll = open_to_broker(load, [])
        for _ in poll.ipoll(5000):
            seen.append(socket.write(bytes(4000)))
            seen.append(socket.write(bytes(4000)))
            seen.append(socket.write(bytes(4000)))
            seen.append(poll.ipoll(0))

    world.broker.freeze()
    world.device.boot_function = main
    world.device.power_on()
    world.run_for(10 * SECONDS)
    assert seen == [4000, 1744, None, []], seen


def test_interrupts_come_for_every_pulse(world):
    class Pulses:
        total = 0

        def count_at(self, now_us):
            return self.total

    seen = []
    pulses = Pulses()

    def main(load):
        machine = load("machine")
        pin = machine.Pin(14, machine.Pin.IN)
        pin.irq(seen.append, machine.Pin.IRQ_RISING)
        load("time").sleep_ms(3000)

    device = world.device
    device.bench.counter(14, pulses)
    device.boot_function = main
    device.power_on()
    world.call_after(1000, lambda: setattr(pulses, "total", 7))
    world.run_for(10 * SECONDS)
    assert len(seen) == 7
