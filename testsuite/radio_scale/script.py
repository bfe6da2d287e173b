"""A scale on a battery and its gateway: what happens to either, and that no reading gets lost."""

from struct import pack

from testmock.simworld.device import Device
from testsuite.nowstory import NowInsight, PlayedPeripheral, in_program
from testsuite.story import HOURS, MINUTES, SECONDS, command, sent, up, with_keys

CONFIG = """ssid (none)
espnowpsk bla
espnowgroup ble
calibration_a 10
calibration_b 20
watchdog 1
"""
OTAKEY = "a secret of 20 signs"


class House:
    """The gateway, on the network and ready to pair; a scale with power, if not told otherwise."""

    def __init__(self, world, starts=True):
        self.world = world
        self.gateway = world.device
        self.scale = Device(world, "scale_sensor", CONFIG, name="scale")
        self.cell = self.scale.bench.parts["cell"]
        self.at_gateway = NowInsight(world)
        self.at_scale = NowInsight(world, device=self.scale)
        self.gateway.wifi.channel = 6
        up(world)
        world.run_for(35 * SECONDS)
        if starts:
            self.scale.power_on()
            self.sleeps()
            assert self.weights() == ["7.000"], self.scale.console()[-3000:]

    def weights(self):
        return [payload for _, payload in sent(self.world, "Weight")]

    def sleeps(self, limit_ms=90 * MINUTES):
        """Until it sleeps once more."""
        count = len(self.scale.slept)
        slept = lambda: len(self.scale.slept) > count
        assert self.world.run_until(slept, limit_ms), self.scale.console()[-3000:]
        self.world.run_for(1 * SECONDS)

    def weighs(self, kilograms):
        """The next wake, with that on the scale."""
        self.cell.mass_kg = kilograms
        self.sleeps()
        return self.weights()

    def pair(self):
        """As the scale has it in NVRAM."""
        return self.scale.nvram["now"].get("pair")

    def identity(self):
        return self.scale.wifi.mac.hex()

    def restart(self):
        """Power of the scale off and on; its next sleep."""
        self.scale.power_cut()
        self.world.run_for(1 * SECONDS)
        self.scale.power_on()
        self.sleeps()

    def replace_gateway(self, mac=b"\x24\x0a\xc4\x00\x77\x01"):
        """Another board with the same config.txt."""
        gateway = self.gateway
        gateway.power_cut()
        self.world.run_for(1 * SECONDS)
        gateway.nvram.clear()
        gateway.wifi.mac = gateway.bench.unique_id = mac
        gateway.power_on()
        self.world.run_for(60 * SECONDS)


def test_pairs_from_nothing(world):
    house = House(world, starts=False)
    assert house.weights() == [] and "pair" not in house.scale.nvram.get("now", {})
    house.scale.power_on()
    house.sleeps(2 * MINUTES)
    assert house.weights() == ["7.000"] and house.scale.slept[-1][1] == 1 * HOURS
    assert house.pair()[:6] == house.gateway.wifi.mac
    assert house.scale.nvram["now"]["channel"] == 6
    assert house.at_gateway.now.roster.pairs.secret(house.scale.wifi.mac) == house.pair()[6:38]
    assert [house.weighs(kg)[-1] for kg in (1, 2, 3)] == ["1.000", "2.000", "3.000"]
    assert len(house.weights()) == 4 and house.scale.resets == house.gateway.resets == []


def test_a_scale_that_is_known_pairs_again_when_the_house_lets_it(world):
    house = House(world)
    house.scale.power_cut()
    world.run_for(1 * SECONDS)
    house.scale.nvram.clear()
    house.scale.power_on()
    house.sleeps()
    assert house.pair() is None and house.weights() == ["7.000"]
    assert house.gateway.said("warn netnow: a known device wants to pair")
    assert house.scale.said("warn netnow: the central knows this device")
    world.run_for(1 * HOURS - 30 * SECONDS)
    command(world, "Pair", "on")
    house.sleeps()
    assert house.pair() is not None
    # The reading of the wake that found no pair was kept.
    assert house.weights() == ["7.000"] * 3, house.scale.console()[-2000:]


def test_one_that_was_given_up_pairs_again_by_itself_at_its_next_wake(world):
    house = House(world)
    before = house.pair()
    command(world, "Unpair", house.identity())
    world.run_for(10 * SECONDS)
    assert house.gateway.said("info netnow: %s is not paired any more" % house.identity())
    assert house.weighs(8) == ["7.000", "8.000"], house.scale.console()[-2000:]
    assert house.pair()[:6] == before[:6] and house.pair()[6:] != before[6:]


def test_one_that_made_room_for_the_hundred_and_first_does_so_too(world):
    house = House(world)
    house.gateway.power_cut()
    world.run_for(1 * SECONDS)
    kept = house.gateway.nvram["nowpairs"]
    for number in range(1, 100):
        kept["p%d" % number] = pack(">6s32sI", b"pee%03d" % number, b"s" * 32, 100 + number)
    house.gateway.power_on()
    peer = PlayedPeripheral(world, channel=6)
    peer.pair()
    assert house.gateway.said("warn netnow: too many pairs")
    pairs = house.at_gateway.now.roster.pairs
    assert house.scale.wifi.mac not in pairs.index and len(pairs.index) == 100
    assert house.weighs(8) == ["7.000", "8.000"]
    assert peer.mac in pairs.index and b"pee001" not in pairs.index and len(pairs.index) == 100


def test_another_gateway_with_the_psk_does_not_take_its_place(world):
    house = House(world)
    before = house.pair()
    house.replace_gateway(house.gateway.wifi.mac)
    for kilograms in (1, 2):
        assert house.weighs(kilograms) == ["7.000"]
    assert house.scale.said("not the central that we were paired with")
    assert house.pair() == before
    # Its owner knows better.
    house.scale.flash.load("/pair.txt", "")
    assert house.weighs(3) == ["7.000", "1.000", "2.000", "3.000"]
    assert house.pair()[6:] != before[6:] and "/pair.txt" not in house.scale.flash.files


def test_a_new_board_with_the_old_settings_is_found_again(world):
    with_keys(world, otakey=OTAKEY)
    house = House(world)
    house.replace_gateway()
    for kilograms in (1, 2, 3):
        house.weighs(kilograms)
    assert house.weights() == ["7.000", "1.000", "2.000", "3.000"], house.scale.console()[-3000:]
    assert house.pair()[:6] == house.gateway.wifi.mac


def test_a_new_board_is_found_when_all_that_was_saved_up_for_searches_is_spent(world):
    with_keys(world, otakey=OTAKEY)
    house = House(world)
    house.gateway.power_cut()
    world.run_for(48 * HOURS)
    house.replace_gateway()
    house.cell.mass_kg = 1
    for _ in range(12):
        house.sleeps()
        if house.pair()[:6] == house.gateway.wifi.mac:
            break
    assert house.weighs(2)[-2:] == ["1.000", "2.000"], house.scale.console()[-3000:]


def test_a_new_board_without_an_otakey_needs_pair_txt(world):
    house = House(world)
    house.replace_gateway()
    assert house.weighs(1) == ["7.000"]
    house.scale.flash.load("/pair.txt", "")
    assert house.weighs(2) == ["7.000", "1.000", "2.000"]
    assert house.pair()[:6] == house.gateway.wifi.mac


def test_the_same_gateway_with_its_flash_erased_is_known_by_its_otakey(world):
    with_keys(world, otakey=OTAKEY)
    house = House(world)
    before = house.pair()
    house.replace_gateway(house.gateway.wifi.mac)
    assert house.weighs(1) == ["7.000", "1.000"], house.scale.console()[-2000:]
    assert house.pair()[:6] == before[:6] and house.pair()[6:] != before[6:]


def test_the_access_point_moves_while_the_scale_sleeps(world):
    house = House(world)
    before = house.pair()
    house.gateway.wifi.channel = 11
    woken_ms = house.scale.slept[-1][0] + 1 * HOURS
    assert house.weighs(8) == ["7.000", "8.000"]
    assert world.now_ms() - woken_ms < 70 * SECONDS
    assert house.pair() == before and house.scale.nvram["now"]["channel"] == 11
    # Next time it looks there first.
    house.scale.bench.radio.forget_on_ms()
    assert house.weighs(9) == ["7.000", "8.000", "9.000"]
    assert house.scale.bench.radio.on_ms() < 500


def test_it_was_unpaired_and_the_access_point_has_moved(world):
    house = House(world)
    command(world, "Unpair", house.identity())
    world.run_for(1 * SECONDS)
    house.gateway.wifi.channel = 11
    for kilograms in (1, 2):
        house.weighs(kilograms)
    assert house.weights() == ["7.000", "1.000", "2.000"], house.scale.console()[-2000:]


def test_the_access_point_moves_every_night(world):
    house = House(world)
    wanted = ["7.000"]
    for night, channel in enumerate((1, 13, 7, 3)):
        house.gateway.wifi.channel = channel
        for hour in range(2):
            wanted.append("%d.000" % (10 + 2 * night + hour))
            assert house.weighs(10 + 2 * night + hour) == wanted
    assert house.scale.resets == []


def test_the_gateway_is_reset_while_the_scale_sleeps(world):
    house = House(world)
    for kilograms in (1, 2, 3):
        house.gateway.reset()
        house.weighs(kilograms)
    assert house.weights() == ["7.000", "1.000", "2.000", "3.000"]


def reset_when(house, wanted, action):
    """Call action at the next packet for which wanted(Transmission) holds."""
    fired = []

    def listen(sent):
        if not fired and wanted(sent):
            fired.append(house.world.now_ms())
            action()

    house.world.ether.sniff(listen)
    return fired


def from_scale(house, type):
    return lambda sent: sent.source == house.scale.wifi.mac and sent.data[1] == type


def test_the_gateway_is_reset_within_an_exchange(world):
    house = House(world)
    for type in (5, 1):  # wakeup, data
        fired = reset_when(house, from_scale(house, type), house.gateway.reset)
        house.weighs(type)
        house.weighs(type + 10)
        assert len(fired) == 1
    assert house.weights() == ["7.000", "5.000", "15.000", "1.000", "11.000"]


def test_the_power_of_the_gateway_fails_within_an_exchange(world):
    house = House(world)

    def cut():
        house.gateway.power_cut()
        world.call_after(10 * MINUTES, house.gateway.power_on)

    fired = reset_when(house, from_scale(house, 1), cut)
    assert house.weighs(1) == ["7.000"] and len(fired) == 1
    assert house.weighs(2) == ["7.000", "1.000", "2.000"]


def test_the_power_of_the_gateway_fails_before_its_broker_has_the_reading(world):
    """It has confirmed nothing, so the scale tells it again."""
    house = House(world)
    world.broker.freeze()
    house.cell.mass_kg = 1
    told = reset_when(house, from_scale(house, 1), lambda: None)
    assert world.run_until(lambda: told, 65 * MINUTES)
    world.run_for(1 * SECONDS)
    house.gateway.power_cut()
    world.broker.thaw()
    world.run_for(1 * SECONDS)
    house.gateway.power_on()
    world.run_for(5 * SECONDS)
    house.sleeps()
    assert house.weighs(2)[-2:] == ["1.000", "2.000"], house.weights()


def test_the_power_of_the_scale_is_cut(world):
    house = House(world)
    counters = []
    world.ether.sniff(
        lambda sent: (
            from_scale(house, sent.data[1])(sent)
            and counters.append(int.from_bytes(sent.data[12:16], "big"))
        )
    )
    for kilograms in (1, 2, 3):
        house.cell.mass_kg = kilograms
        house.restart()
    assert house.weights() == ["7.000", "1.000", "2.000", "3.000"]
    assert counters == sorted(set(counters)) and counters[0] >= 1024, counters
    assert len({counter // 1024 for counter in counters}) == 3
    # It lost its time, too; but it asks only its own gateway for it, and pairs with nobody.
    assert house.gateway.nvram["nowpairs"].keys() == {"p0"}


def test_the_power_of_the_scale_is_cut_within_an_exchange(world):
    house = House(world)
    for number, type in enumerate((5, 1)):

        def cut():
            house.scale.power_cut()
            world.call_after(1 * SECONDS, house.scale.power_on)

        fired = reset_when(house, from_scale(house, type), cut)
        house.cell.mass_kg = 1 + number
        house.sleeps()
        assert len(fired) == 1
    # What was confirmed when the power went is told once more, weighed anew.
    found = [words for i, words in enumerate(house.weights()) if words not in house.weights()[:i]]
    assert found == ["7.000", "1.000", "2.000"] and len(house.weights()) <= 4


def test_while_the_broker_is_away_readings_wait_and_come_in_order(world):
    with_keys(world, mqttreboot=0)
    house = House(world)
    world.broker.stop()
    for kilograms in range(1, 9):
        house.weighs(kilograms)
    assert house.weights() == ["7.000"]
    world.broker.start()
    world.run_for(5 * MINUTES)
    house.weighs(9)
    house.weighs(10)
    # The gateway had some of them itself; the scale has kept the last six.
    assert house.weights() == ["7.000"] + ["%d.000" % kg for kg in range(1, 11)]


def test_a_battery_does_not_wait_for_a_broker_that_is_away(world):
    with_keys(world, mqttreboot=0)
    house = House(world)
    world.broker.stop()
    radio = house.scale.bench.radio
    for kilograms in range(1, 9):
        radio.forget_on_ms()
        house.weighs(kilograms)
        assert radio.on_ms() < 3 * SECONDS, radio.on_ms()


def test_while_the_gateway_is_away_the_last_six_readings_wait(world):
    house = House(world)
    house.gateway.power_cut()
    for kilograms in range(1, 9):
        house.weighs(kilograms)
    assert house.scale.said("warn netnow: too many readings wait, the oldest is lost")
    house.gateway.power_on()
    world.run_for(60 * SECONDS)
    house.weighs(9)
    house.weighs(10)
    assert house.weights() == ["7.000"] + ["%d.000" % kg for kg in range(4, 11)]


def test_a_day_without_its_gateway_costs_little(world):
    house = House(world)
    house.gateway.power_cut()
    house.weighs(7)
    radio = house.scale.bench.radio
    radio.forget_on_ms()
    world.run_for(24 * HOURS)
    # 120 s of looking for it, and a wakeup or two of each hour.
    assert radio.on_ms() < 24 * 20 * SECONDS, radio.on_ms()
    assert house.scale.resets == []


def test_a_disturbed_air_loses_no_reading(world):
    house = House(world)
    world.ether.loss = 0.3
    world.ether.duplicate = 0.2
    world.ether.delay_ms = (0, 60)
    for kilograms in range(1, 13):
        house.weighs(kilograms)
    world.ether.loss = 0
    house.weighs(13)
    assert house.weights() == ["7.000"] + ["%d.000" % kg for kg in range(1, 14)]


WORDS = b"stat/X/Y\n" + b"long " * 20


def say(house):
    """Something that the gateway has to say to the scale -> list of the packets with it."""
    now = house.at_gateway.now
    mac = house.scale.wifi.mac
    in_program(house.gateway, lambda: now.send_back(mac, WORDS) or True)
    house.world.run_for(10 * MINUTES)
    assert now.back.waits_for(mac)
    said = []

    def listen(sent):
        if sent.source == house.gateway.wifi.mac and len(sent.data) > len(WORDS) > 100:
            said.append(sent)

    house.world.ether.sniff(listen)
    return said


def test_what_the_gateway_has_to_say_waits_for_the_next_wake(world):
    house = House(world)
    said = say(house)
    assert house.weighs(8) == ["7.000", "8.000"]
    assert len(said) == 1 and house.scale.bench.radio in said[0].heard_by
    assert not house.at_gateway.now.back.waits_for(house.scale.wifi.mac)


def test_its_receipt_is_lost(world):
    house = House(world)
    said = say(house)

    def lose(_):
        if len(said) == 1:
            world.ether.lose(house.scale, house.gateway, 1)
        if len(said) == 2:
            world.ether.lose(house.scale, house.gateway, None)

    world.ether.sniff(lose)
    # It hears nothing of the second try; the third one finds it awake still.
    assert house.weighs(8)[-1] == "8.000"
    assert len(said) == 3 and len({sent.data[16:28] for sent in said}) == 1
    assert not house.at_gateway.now.back.waits_for(house.scale.wifi.mac)
    assert house.weights() == ["7.000", "8.000"]
