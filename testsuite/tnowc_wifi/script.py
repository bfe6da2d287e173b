"""A central on the Wi-Fi of the house: its channel, resets, windows, and radios that fail."""

from testsuite.nowstory import BrokenRadio, NowInsight, PlayedPeripheral, wire
from testsuite.story import HOURS, MINUTES, SECONDS, Insight, is_online, sent, stat, up, with_keys

VALUE = b"stat/TNow/Value\n1"


def start(world, channel=6):
    """The insight, and a peripheral that is paired."""
    world.device.wifi.channel = channel
    insight = NowInsight(world)
    peer = PlayedPeripheral(world, channel=channel)
    up(world)
    peer.pair()
    return insight, peer


def values(world):
    return [payload for _, payload in sent(world, "Value")]


def test_is_on_the_channel_of_its_access_point_and_says_so(world):
    _, peer = start(world)
    tid = peer.tell(VALUE)
    assert peer.is_confirmed(tid)
    assert peer.confirms(tid)[0].payload == tid + b"\x06"
    assert {p.payload for p in peer.of(wire.TIME, wire.BROADCAST)} == {
        world.device.wifi.mac + b"\x06"
    }
    assert values(world) == ["1"]


def test_its_radio_does_not_nap_between_beacons(world):
    """With power saving, as MicroPython has it by itself, nine packets of ten would be lost."""
    insight, peer = start(world)
    assert world.device.wifi.config("pm") == 0
    for _ in range(50):
        assert peer.is_confirmed(peer.tell(VALUE), 200)
    # Nor after it was away from the network.
    world.device.wifi.drop()
    world.run_for(2 * MINUTES)
    for _ in range(50):
        assert peer.is_confirmed(peer.tell(VALUE), 200)
    assert world.device.wifi.config("pm") == 0 and insight.now.refused == [0] * 9


def test_the_access_point_moves_and_it_says_where_it_is_now(world):
    insight, peer = start(world)
    wifi = world.device.wifi
    wifi.channel = 11
    assert not peer.is_confirmed(peer.tell(VALUE), 10 * SECONDS)
    peer.station.tuned = 11
    assert world.run_until(wifi.is_up, 2 * MINUTES)
    assert peer.hears(wire.TIME, wire.BROADCAST, 40 * SECONDS).payload == wifi.mac + b"\x0b"
    assert world.run_until(lambda: is_online(world), 1 * MINUTES)
    tid = peer.tell(b"stat/TNow/Value\n2")
    assert peer.is_confirmed(tid)
    assert peer.confirms(tid)[0].payload == tid + b"\x0b"
    # The first one may have come before the old channel was given up.
    assert values(world) in (["2"], ["1", "2"]) and insight.now.refused == [0] * 9


def test_the_access_point_is_away_for_an_hour(world):
    _, peer = start(world)
    world.device.wifi.available = False
    tid = peer.tell(VALUE)
    assert not peer.is_confirmed(tid, 1 * MINUTES)
    world.run_for(1 * HOURS)
    world.device.wifi.available = True
    assert peer.hears(wire.TIME, wire.BROADCAST, 5 * MINUTES)
    before = len(values(world))
    peer.tell(VALUE, tid=tid)
    assert peer.is_confirmed(tid) and len(values(world)) <= before + 1
    assert values(world)[-1] == "1"


def test_after_a_reset_it_knows_its_peripherals_and_has_another_time(world):
    insight, peer = start(world)
    before = peer.now()
    world.device.reset()
    told = len(peer.of(wire.TIME, wire.BROADCAST))
    assert world.run_until(lambda: len(peer.of(wire.TIME, wire.BROADCAST)) > told, MINUTES)
    assert abs(peer.now() - before) > 1 << 60
    tid = peer.tell(VALUE)
    assert peer.is_confirmed(tid) and values(world) == ["1"]
    assert insight.now.refused == [0] * 9


def test_what_was_sent_before_a_reset_is_worth_nothing_after_it(world):
    insight, peer = start(world)
    recording = [
        peer.sealed(type, kind, VALUE)
        for type, kind in ((wire.DATA, wire.CONFIRMED), (wire.PING, 0), (wire.WAKEUP, 0))
    ]
    world.device.reset()
    world.run_for(1 * MINUTES)
    answers = len(peer.of(wire.TIME, wire.CONFIRM))
    for data in recording:
        peer.station.send(data)
        world.run_for(1 * SECONDS)
    assert len(peer.of(wire.TIME, wire.CONFIRM)) == answers and values(world) == []
    assert insight.now.refused[6] == 3  # wrong time


def test_a_power_cut_costs_a_central_nothing_it_needs(world):
    _, peer = start(world)
    proof = peer.proof
    world.device.power_cut()
    world.run_for(1 * SECONDS)
    world.device.power_on()
    assert peer.hears(wire.TIME, wire.BROADCAST, 1 * MINUTES)
    assert peer.is_confirmed(peer.tell(VALUE))
    # And it can still show that it is the same.
    up(world)
    world.broker.publish("cmnd/TNow/Pair", "on")
    world.run_for(35 * SECONDS)
    assert peer.exchange(b"t" * 32) == wire.AGREED
    assert peer.shows(proof) and peer.proof != proof


def test_its_time_goes_on_over_every_wrap(world):
    """Of 32 bits, and of 64; that of ticks comes 30 s after the start of each world."""
    insight, peer = start(world)
    for high in (0x7FFFFFFF00000000, 0xFFFFFFFFFFFFFFFF):
        wrap = (high + 1) << 32
        insight.now.time.set(((wrap - 20 * SECONDS) % (1 << 96)).to_bytes(12, "big"))
        assert peer.hears(wire.TIME, wire.BROADCAST, 40 * SECONDS)
        for _ in range(60):
            assert peer.is_confirmed(peer.tell(VALUE))
            world.run_for(1 * SECONDS)
        assert (peer.now() - wrap) % (1 << 96) < 2 * MINUTES
    assert insight.now.refused == [0] * 9


def test_a_known_peripheral_waits_for_the_window(world):
    insight, peer = start(world)
    world.run_for(1 * MINUTES)
    secret = insight.now.roster.pairs.secret(peer.mac)
    assert peer.exchange(b"t" * 32) == wire.KNOWN
    assert world.device.said("a known device wants to pair: open the window with Pair on")
    world.broker.publish("cmnd/TNow/Pair", "on")
    world.run_for(10 * SECONDS)
    assert peer.exchange(b"t" * 32) == wire.AGREED
    # The pair that was counts until it uses the new one.
    assert insight.now.roster.pairs.secret(peer.mac) == secret
    assert peer.is_confirmed(peer.send(wire.WAKEUP))
    assert insight.now.roster.pairs.secret(peer.mac) not in (None, secret)
    world.broker.publish("cmnd/TNow/Pair", "off")
    world.run_for(1 * MINUTES)
    assert peer.exchange(b"u" * 32) == wire.KNOWN


def test_somebody_else_in_its_name_changes_nothing(world):
    """Who knows the PSK and not the pair's key, while the window is open."""
    insight, peer = start(world)
    world.broker.publish("cmnd/TNow/Pair", "on")
    world.run_for(1 * MINUTES)
    thief = PlayedPeripheral(world, channel=6)
    thief.station.mac = b"\x02thief"
    assert thief.hears(wire.TIME, wire.BROADCAST, 40 * SECONDS)
    thief.mac = peer.mac
    public = thief.sealed(wire.PAIRING, wire.EXCHANGE, b"\x05" + b"\x07" * 31)
    thief.station.send(public)
    world.run_for(5 * SECONDS)
    # The answer was for a key that it cannot use; the true one goes on with the pair that it has.
    assert peer.is_confirmed(peer.tell(VALUE)) and values(world) == ["1"]
    assert insight.now.refused[5] == 0


def test_unpaired_it_is_a_stranger_and_may_pair_again_without_a_window(world):
    insight, peer = start(world)
    world.broker.publish("cmnd/TNow/Unpair", "020000000077")
    world.run_for(1 * MINUTES)
    assert world.device.said("info netnow: 020000000077 is not paired any more")
    assert not peer.is_confirmed(peer.tell(VALUE), 2 * SECONDS)
    assert insight.now.refused[4] == 1 and "p0" not in world.device.nvram["nowpairs"]
    assert peer.exchange(b"t" * 32) == wire.AGREED
    assert peer.is_confirmed(peer.send(wire.WAKEUP)) and peer.is_confirmed(peer.tell(VALUE))
    assert values(world) == ["1"]


def test_nonsense_from_the_house_is_answered(world):
    start(world)
    for topic, payload in (
        ("Unpair", "020000000078"),
        ("Unpair", "0200000000"),
        ("Unpair", "zz0000000077"),
        ("Update", "x"),
        ("Pair", "maybe"),
    ):
        before = len(sent(world, "Log"))
        world.broker.publish("cmnd/TNow/" + topic, payload)
        world.run_for(10 * SECONDS)
        assert len(sent(world, "Log")) == before + 1, topic
    assert "p0" in world.device.nvram["nowpairs"]


def test_long_range_beside_wifi_is_refused_and_said(world):
    with_keys(world, espnowlongrange=1)
    insight, peer = start(world)
    assert world.device.said("error netnow: long range only beside a wire")
    assert world.device.wifi.config("protocol") == 7
    assert peer.is_confirmed(peer.tell(VALUE)) and insight.now.refused == [0] * 9


def test_long_range_beside_a_wire(world):
    with_keys(world, espnowlongrange=1, ssid="(wired)", espnowchannel=3)
    NowInsight(world)
    peer = PlayedPeripheral(world, channel=3)
    peer.station.long_range = True
    up(world)
    peer.pair()
    assert world.device.wifi.config("protocol") == 8
    assert peer.is_confirmed(peer.tell(VALUE)) and values(world) == ["1"]


def test_a_radio_that_does_not_start_is_tried_again_each_minute(world):
    radio = BrokenRadio(world.device)
    world.device.wifi.channel = 6
    peer = PlayedPeripheral(world, channel=6)
    up(world)
    world.run_for(5 * MINUTES)
    lines = [line for _, line in world.device.output if "error netnow" in line]
    assert 4 <= len(lines) <= 6 and "ESP_ERR_ESPNOW_BASE" in lines[0], lines
    assert peer.heard == [] and world.device.resets == []
    # The house may still command it.
    world.broker.publish("cmnd/TNow/Pair", "on")
    world.broker.publish("cmnd/TNow/Trigger", "x")
    world.run_for(2 * SECONDS)
    radio.is_broken = False
    assert peer.hears(wire.TIME, wire.BROADCAST, 75 * SECONDS)
    peer.pair()
    assert peer.is_confirmed(peer.tell(VALUE)) and values(world) == ["1"]
    assert world.device.module("epx.diag").faults == 0


def test_without_a_radio_in_the_firmware_the_rest_is_there(world):
    def boot(load):
        espnow = load("espnow")
        del espnow.ESPNow
        insight._boot(load)

    insight = Insight(world)
    world.device.boot_function = boot
    up(world)
    assert world.device.said("error tnowc could not start")
    assert stat(world, "Uptime") is not None and world.device.resets == []
