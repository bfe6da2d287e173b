"""A scale on a battery against a gateway that is played: six runs of one wake each (T31)."""

from testsuite.nowstory import BrokenRadio, NowInsight, PlayedCentral, wire
from testsuite.story import HOURS, MINUTES, SECONDS, with_keys

WEIGHT = b"stat/LPScale/Weight\n"
MALFUNCTION = b"stat/LPScale/Malfunction\n"


class Kitchen:
    """A scale, its gateway, and the converter in it."""

    def __init__(self, world):
        self.world = world
        self.device = world.device
        self.cell = world.device.bench.parts["cell"]
        self.insight = NowInsight(world)
        self.central = PlayedCentral(world)

    def asleep(self, limit_ms=3 * MINUTES):
        """Until it sleeps once more -> (payloads that it has told meanwhile, asked ms)."""
        count = len(self.device.slept)
        before = len(self.central.told())
        slept = lambda: len(self.device.slept) > count
        assert self.world.run_until(slept, limit_ms), self.device.console()[-3000:]
        return self.central.told(before), self.device.slept[-1][1]

    def paired(self):
        """It has paired, told, and sleeps."""
        self.device.power_on()
        self.asleep()

    def wake(self, limit_ms=65 * MINUTES):
        return self.asleep(limit_ms)

    def sleeps_a_second_after(self, packet):
        after_ms = self.device.slept[-1][0] - packet.ms
        return 1 * SECONDS <= after_ms <= 1 * SECONDS + 150


def test_1_pairs_on_the_channel_of_its_gateway_and_tells_the_weight(world):
    kitchen = Kitchen(world)
    central = kitchen.central
    kitchen.device.power_on()
    told, asked_ms = kitchen.asleep()
    assert told == [WEIGHT + b"7.0000"] and asked_ms == 1 * HOURS
    data = central.of(wire.DATA)[0]
    assert kitchen.sleeps_a_second_after(data) and data.kind == wire.CONFIRMED
    assert kitchen.device.nvram["now"]["channel"] == 5
    assert kitchen.cell.is_down() and not kitchen.device.wifi.active()


def test_1b_the_file_pair_txt_forces_a_pairing(world):
    kitchen = Kitchen(world)
    kitchen.paired()
    first = kitchen.device.nvram["now"]["pair"]
    # The gateway was replaced by another one, which answers as if it was there for the first time.
    kitchen.central.station.on = False
    other = PlayedCentral(world, 7, b"\x02other")
    other.key = b"this is another!"
    kitchen.device.flash.load("/pair.txt", "")
    told = len(other.told())
    assert world.run_until(lambda: len(kitchen.device.slept) == 2, 65 * MINUTES)
    assert other.told()[told:] == [WEIGHT + b"7.0000"]
    kept = kitchen.device.nvram["now"]
    assert kept["pair"] != first and kept["pair"][:6] == b"\x02other" and kept["channel"] == 7
    own = kept["pair"][54:]
    assert kept["pair"][38:54] == other.proof(kitchen.device.wifi.mac, own)
    assert "/pair.txt" not in kitchen.device.flash.files


def test_1c_a_pairing_that_nobody_wants_leaves_the_old_one(world):
    kitchen = Kitchen(world)
    kitchen.paired()
    kept = dict(kitchen.device.nvram["now"])
    kitchen.device.flash.load("/pair.txt", "")
    kitchen.central.station.on = False
    told, asked_ms = kitchen.wake(75 * MINUTES)
    assert told == [] and asked_ms == 1 * HOURS
    assert kitchen.device.nvram["now"]["pair"] == kept["pair"]
    kitchen.central.station.on = True
    assert "/pair.txt" in kitchen.device.flash.files
    kitchen.device.flash.remove("/pair.txt")
    told, _ = kitchen.wake()
    assert set(told) == {WEIGHT + b"7.0000"} and len(told) == 2  # that of the hour before, too


def test_a_time_packet_before_its_start_is_nothing_to_it(world):
    kitchen = Kitchen(world)
    kitchen.central.broadcast()
    world.run_for(1 * SECONDS)
    kitchen.central.start += 5 << 60
    kitchen.device.power_on()
    told, _ = kitchen.asleep()
    assert told == [WEIGHT + b"7.0000"]
    assert kitchen.insight.now.refused == [0] * 9


def test_2_a_converter_that_is_not_there(world):
    kitchen = Kitchen(world)
    kitchen.paired()
    kitchen.cell.fault = "init"
    # The gateway says nothing until it is asked for, and then the wrong thing first.
    central = kitchen.central
    central.willing = False
    wakeups = len(central.of(wire.WAKEUP))
    assert world.run_until(lambda: len(central.of(wire.WAKEUP)) > wakeups, 65 * MINUTES)
    wakeup = central.of(wire.WAKEUP)[wakeups]
    central.broadcast()
    world.run_for(50)
    assert kitchen.insight.now.sm.state == "waking" and central.of(wire.DATA)[1:] == []
    central.willing = True
    central.confirm(wakeup.tid)
    told, asked_ms = kitchen.asleep()
    assert told == [MALFUNCTION + b"1"] and asked_ms == 1 * HOURS
    assert kitchen.sleeps_a_second_after(central.of(wire.DATA)[-1])


def test_2b_its_clock_has_gone_on_in_its_sleep(world):
    kitchen = Kitchen(world)
    kitchen.paired()
    kitchen.device.sleep_error = 0.03
    kitchen.wake()
    wakeup = kitchen.central.of(wire.WAKEUP)[-1]
    # It has slept for 62 minutes, and believes that it was an hour.
    late_ms = wakeup.time - (kitchen.central.start + wakeup.ms)
    assert abs(late_ms) <= 120 * SECONDS, late_ms
    assert len(kitchen.central.of(wire.WAKEUP)) == 2


def test_3_a_converter_that_cannot_be_read(world):
    kitchen = Kitchen(world)
    kitchen.paired()
    kitchen.cell.fault = "read"
    told, asked_ms = kitchen.wake()
    assert told == [MALFUNCTION + b"4"] and asked_ms == 1 * HOURS
    assert kitchen.sleeps_a_second_after(kitchen.central.of(wire.DATA)[-1])


def test_4_a_converter_that_does_not_switch_off(world):
    kitchen = Kitchen(world)
    kitchen.paired()
    kitchen.cell.fault = "power_off"
    told, asked_ms = kitchen.wake()
    assert told == [WEIGHT + b"7.0000"] and asked_ms == 1 * HOURS
    assert kitchen.device.said("converter is not off")


def test_5_somebody_leans_on_it_at_first(world):
    kitchen = Kitchen(world)
    kitchen.paired()
    woke_ms = kitchen.device.slept[-1][0] + 1 * HOURS
    world.run_for(1 * HOURS)
    kitchen.cell.disturb(1.0, 25)
    told, asked_ms = kitchen.asleep(90 * SECONDS)
    assert told == [WEIGHT + b"7.0000"] and asked_ms == 1 * HOURS
    assert world.now_ms() - woke_ms < 90 * SECONDS


def test_6_the_load_never_rests(world):
    kitchen = Kitchen(world)
    kitchen.paired()
    world.run_for(1 * HOURS)
    kitchen.cell.drift(0.5)
    told, asked_ms = kitchen.asleep(120 * SECONDS)
    assert told == [MALFUNCTION + b"8"] and asked_ms == 1 * HOURS
    assert kitchen.sleeps_a_second_after(kitchen.central.of(wire.DATA)[-1])


def test_the_weight_is_that_of_its_calibration(world):
    with_keys(world, calibration_a=-12.5, calibration_b=-1000)
    kitchen = Kitchen(world)
    kitchen.cell.counts_per_kg = -12.5
    kitchen.cell.zero = 1000
    kitchen.cell.mass_kg = 3.28
    kitchen.device.power_on()
    told, _ = kitchen.asleep()
    assert told == [WEIGHT + b"3.2800"], told


def test_the_battery_is_told_with_it(world):
    with_keys(world, batterypin=35)
    kitchen = Kitchen(world)
    kitchen.device.power_on()
    kitchen.asleep()
    data = kitchen.central.of(wire.DATA)[0]
    assert abs((data.flags & wire.MILLIVOLTS) - 3100) <= 5 and data.flags & wire.NO_UPDATE


def test_a_day_costs_a_wakeup_and_a_reading_an_hour(world):
    kitchen = Kitchen(world)
    kitchen.paired()
    kitchen.central.heard.clear()
    kitchen.device.bench.radio.forget_on_ms()
    world.run_for(24 * HOURS)
    assert kitchen.central.told() == [WEIGHT + b"7.0000"] * len(kitchen.central.told())
    count = len(kitchen.central.told())
    assert count in (23, 24) and len(kitchen.central.of(wire.WAKEUP)) == count
    assert len(kitchen.central.heard) == 2 * count
    assert kitchen.device.bench.radio.on_ms() <= count * 500
    assert kitchen.device.resets == []


def test_what_is_not_confirmed_is_told_again_at_the_next_wake(world):
    kitchen = Kitchen(world)
    kitchen.paired()
    central = kitchen.central
    central.station.on = False
    _, asked_ms = kitchen.wake()
    assert asked_ms == 1 * HOURS
    kitchen.cell.mass_kg = 8
    central.station.on = True
    told, _ = kitchen.wake()
    assert told == [WEIGHT + b"7.0000", WEIGHT + b"8.0000"], told


def test_a_radio_that_does_not_start_costs_a_rest(world):
    kitchen = Kitchen(world)
    kitchen.paired()
    radio = BrokenRadio(kitchen.device)
    kitchen.cell.mass_kg = 8
    assert [kitchen.wake()[1] for _ in range(2)] == [5 * MINUTES, 10 * MINUTES]
    radio.is_broken = False
    told, asked_ms = kitchen.wake()
    assert told[-1] == WEIGHT + b"8.0000" and asked_ms == 1 * HOURS
    assert kitchen.device.resets == []


def test_what_its_gateway_has_to_say_keeps_it_awake_a_little_longer(world):
    kitchen = Kitchen(world)
    kitchen.paired()
    central = kitchen.central
    central.willing = False
    known = len(central.of(wire.WAKEUP))
    assert world.run_until(lambda: len(central.of(wire.WAKEUP)) > known, 65 * MINUTES)
    central.confirm(central.of(wire.WAKEUP)[-1].tid, flags=wire.MORE_WAITS)
    assert world.run_until(lambda: central.told(1), 1 * SECONDS)
    central.confirm(central.of(wire.DATA)[-1].tid, flags=wire.MORE_WAITS)
    world.run_for(1200)
    assert len(kitchen.device.slept) == 1
    # The same twice, since the receipt was lost; and that was the last of it.
    tid = central.back(b"stat/X/Y\n1", flags=wire.MORE_WAITS)[16:28]
    world.run_for(300)
    central.back(b"stat/X/Y\n1", tid=tid)
    world.run_for(100)
    assert [p.payload for p in central.of(wire.DATA, wire.RECEIPT)] == [tid, tid]
    slept = lambda: len(kitchen.device.slept) == 2
    assert world.run_until(slept, 2 * SECONDS)
    assert kitchen.device.slept[-1][1] == 1 * HOURS


def test_a_promise_that_is_not_kept_does_not_keep_it_awake(world):
    kitchen = Kitchen(world)
    kitchen.paired()
    central = kitchen.central
    central.willing = False
    known = len(central.of(wire.WAKEUP))
    assert world.run_until(lambda: len(central.of(wire.WAKEUP)) > known, 65 * MINUTES)
    for _ in range(2):
        central.confirm(central.heard[-1].tid, flags=wire.MORE_WAITS)
        world.run_for(200)
    assert world.run_until(lambda: len(kitchen.device.slept) == 2, 2 * SECONDS)
    assert kitchen.insight.now.memory.unsent == []


def test_does_not_wait_for_a_broker_that_is_away_from_its_gateway(world):
    """The gateway says so with its first answer, and confirms nothing."""
    kitchen = Kitchen(world)
    kitchen.paired()
    central, radio = kitchen.central, kitchen.device.bench.radio
    central.willing = False
    for kilograms in (8, 9):
        kitchen.cell.mass_kg = kilograms
        radio.forget_on_ms()
        central.heard.clear()
        assert world.run_until(lambda: central.of(wire.WAKEUP), 65 * MINUTES)
        central.confirm(central.of(wire.WAKEUP)[-1].tid, flags=wire.HOLDS)
        kitchen.asleep(5 * SECONDS)
        assert 2 * SECONDS <= radio.on_ms() < 4 * SECONDS
        assert kitchen.device.slept[-1][1] == 1 * HOURS
    central.willing = True
    told, _ = kitchen.wake()
    assert told == [WEIGHT + b"8.0000", WEIGHT + b"9.0000", WEIGHT + b"9.0000"]


def test_finds_its_gateway_on_another_board(world):
    kitchen = Kitchen(world)
    kitchen.paired()
    kitchen.central.station.on = False
    other = PlayedCentral(world, 9, b"\x02other")
    # Half a day at most.
    for _ in range(12):
        kitchen.wake()
        if other.told():
            break
    assert other.told()[-1] == WEIGHT + b"7.0000", kitchen.device.console()[-2000:]
    assert kitchen.device.nvram["now"]["pair"][:6] == other.mac


def test_refuses_a_gateway_that_is_not_its_own(world):
    kitchen = Kitchen(world)
    kitchen.paired()
    before = kitchen.device.nvram["now"]["pair"]
    kitchen.central.station.on = False
    other = PlayedCentral(world, 9, b"\x02other")
    other.key = b"nobody's key...."
    kitchen.device.bench.radio.forget_on_ms()
    for _ in range(36):
        kitchen.wake()
    assert len(other.of(wire.PAIRING, wire.EXCHANGE)) >= 3 and other.told() == []
    assert kitchen.device.nvram["now"]["pair"] == before
    # What was saved up, 5 s an hour, 2.3 s of asking where it was, one attempt in advance.
    on_ms = kitchen.device.bench.radio.on_ms()
    assert on_ms < 130 * SECONDS + 36 * 8 * SECONDS + 30 * SECONDS, on_ms
