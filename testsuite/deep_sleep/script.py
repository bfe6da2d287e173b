"""machine.deepsleep() of the simulated device: what ends, what stays, when it wakes."""

from testmock.simworld.device import DEEPSLEEP_RESET, HARD_RESET, PWRON_RESET
from testmock.simworld.ether import Station

SECONDS = 1000
FRIEND = b"\x02\x00\x00\x00\x00\x07"


def boot(world, program):
    world.device.boot_function = program
    world.device.power_on()


def test_it_wakes_by_the_clock_with_its_memory(world):
    seen = []

    def program(load):
        machine = load("machine")
        rtc = machine.RTC()
        seen.append((world.now_ms(), machine.reset_cause(), machine.wake_reason(), rtc.memory()))
        rtc.memory(b"boot %d" % len(seen))
        load("time").sleep_ms(700)
        try:
            machine.deepsleep(60 * SECONDS)
        except Exception:
            seen.append("no sleep at all")
        seen.append("returned")

    boot(world, program)
    device = world.device
    world.run_for(30 * SECONDS)
    assert device.sleeping and device.powered and device.resets == []
    world.run_for(100 * SECONDS)
    assert seen == [
        (300, PWRON_RESET, 0, b""),
        (61_300, DEEPSLEEP_RESET, 4, b"boot 1"),
        (122_300, DEEPSLEEP_RESET, 4, b"boot 2"),
    ], seen
    assert device.slept == [(1000 + 61_000 * n, 60 * SECONDS) for n in range(3)]
    assert device.awake_ms == 3000


def test_threads_files_and_the_watchdog_end(world):
    seen = []

    def program(load):
        time, machine = load("time"), load("machine")
        if machine.reset_cause() == DEEPSLEEP_RESET:
            seen.append(load("os").listdir("/"))
            time.sleep_ms(1000 * SECONDS)

        def beat():
            while True:
                time.sleep_ms(100)
                seen.append(world.now_ms())

        load("_thread").start_new_thread(beat, ())
        machine.WDT(timeout=5000)
        unfinished = world.device.flash.open("a.txt", "w")
        unfinished.write("never closed")
        time.sleep_ms(250)
        machine.deepsleep(20 * SECONDS)

    boot(world, program)
    world.run_for(40 * SECONDS)
    assert seen == [400, 500, ["a.txt"]] and world.device.resets == [], seen
    assert world.device.flash.text("a.txt") == ""


def test_nothing_is_heard_and_no_pin_driven(world):
    friend = Station(world.ether, FRIEND)

    def program(load):
        machine = load("machine")
        machine.Pin(2, machine.Pin.OUT, value=1)
        load("network").WLAN(0).active(True)
        load("time").sleep_ms(700)
        if machine.reset_cause() != DEEPSLEEP_RESET:
            machine.deepsleep(10 * SECONDS)

    boot(world, program)
    device = world.device
    world.run_for(900)
    assert device.bench.output(2) == 1
    world.run_for(1 * SECONDS)
    sent = friend.send(b"hello", device.wifi.mac)
    world.run_for(10)
    assert not sent.acknowledged and device.bench.output(2) is None
    assert device.bench.radio.on_ms() == 700
    device.bench.radio.forget_on_ms()
    world.run_for(10 * SECONDS)
    sent = friend.send(b"hello", device.wifi.mac)
    world.run_for(10)
    assert sent.acknowledged and device.bench.radio.on_ms() == 620, device.bench.radio.on_ms()


def test_a_pad_that_can_hold_keeps_its_level(world):
    levels = []
    bench = world.device.bench

    def see():
        levels.append((bench.output(4), bench.output(5)))

    def program(load):
        machine, time = load("machine"), load("time")
        pin = machine.Pin
        see()
        if machine.reset_cause() != DEEPSLEEP_RESET:
            pin(4, pin.OUT, value=1, hold=True)
            pin(5, pin.OUT, value=1, hold=True)
            pin(4).value(0)
            see()
            machine.deepsleep(1 * SECONDS)
        # Still frozen, whatever is set; then it becomes what was set.
        clock = pin(4, pin.OUT, value=0)
        see()
        clock.init(pin.OUT, value=1, hold=False)
        see()
        clock.value(0)
        see()
        time.sleep_ms(100 * SECONDS)

    boot(world, program)
    world.run_for(800)
    see()
    world.run_for(5 * SECONDS)
    assert levels == [
        (None, None),
        (1, 1),
        (1, None),
        (1, None),
        (1, None),
        (1, None),
        (0, None),
    ], levels
    assert [level for _, level in bench.pin(4).history] == [1, 0]


def test_a_held_pad_outlives_a_reset_but_not_the_power(world):
    def program(load):
        pin = load("machine").Pin
        if load("machine").reset_cause() == PWRON_RESET and not world.device.resets:
            pin(4, pin.OUT, value=1, hold=True)
        load("time").sleep_ms(100 * SECONDS)

    boot(world, program)
    device = world.device
    world.run_for(500)
    device.reset()
    world.run_for(500)
    assert device.bench.output(4) == 1
    device.power_cut()
    device.power_on()
    assert device.bench.output(4) is None


def test_its_clock_is_wrong_meanwhile(world):
    seen = []

    def program(load):
        seen.append((world.now_ms(), load("time").time()))
        load("machine").deepsleep(100 * SECONDS)

    world.device.sleep_error = 0.03
    boot(world, program)
    world.run_for(250 * SECONDS)
    assert seen == [(300, 0), (103_600, 100), (206_900, 200)], seen
    assert world.device.slept[1] == (103_600, 100 * SECONDS)


def sleep_for_ever(load):
    load("time").sleep_ms(700)
    load("machine").deepsleep()


def test_without_a_time_only_the_button_wakes_it(world):
    boot(world, sleep_for_ever)
    device = world.device
    world.run_for(100_000 * SECONDS)
    assert device.slept == [(1000, None)] and device.sleeping
    device.awake_ms = 0
    device.reset()
    world.run_for(500)
    assert not device.sleeping and device.bench.cause == HARD_RESET and device.awake_ms == 500
    world.run_for(1 * SECONDS)
    assert device.slept == [(1000, None), (100_001_000, None)]
    assert device.awake_ms == 1000


def test_the_power_goes_while_it_sleeps(world):
    seen = []

    def program(load):
        machine = load("machine")
        seen.append((machine.reset_cause(), machine.RTC().memory()))
        machine.RTC().memory(b"kept")
        machine.deepsleep(60 * SECONDS)

    boot(world, program)
    world.run_for(10 * SECONDS)
    device = world.device
    device.power_cut()
    assert not device.sleeping and not device.powered
    world.run_for(100 * SECONDS)
    device.power_on()
    world.run_for(1 * SECONDS)
    assert seen == [(PWRON_RESET, b""), (PWRON_RESET, b"")]
    assert device.awake_ms == 600
