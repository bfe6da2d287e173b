"""A played peripheral with the real central, a played central with the real peripheral: in the
simulator, where entool's classes live as they do in real time."""

from contextlib import contextmanager

import pytest

from epxhost import nowattack, nowpackets
from epxhost.nowair import Attacker
from epxhost.nowcapture import Frame
from epxhost.nowcentral import PlayedCentral
from epxhost.nowcheck import Check
from epxhost.nowkeys import Pairs, Radio
from epxhost.nowperipheral import PlayedPeripheral
from testmock.simworld.scene import end_world, make_world

SECONDS = 1000
PSK, GROUP = "bla", "ble"
RADIO = Radio(PSK, GROUP)
ME = bytes.fromhex("02e570010001")
CENTRAL = f"""ssid House
password secret
mqttbroker 1.2.3.4
mqttname Gate
espnowpsk {PSK}
espnowgroup {GROUP}
"""
PERIPHERAL = f"ssid (none)\nespnowpsk {PSK}\nespnowgroup {GROUP}\n"


@contextmanager
def running(profile, config, channel=6):
    world = make_world(profile, config)
    world.device.wifi.channel = channel
    try:
        yield world
        assert world.device.crash is None, world.device.crash
    finally:
        end_world(world)


@pytest.fixture
def central():
    """A world with a tnowc that has its keys for a pairing at hand."""
    with running("tnowc", CENTRAL) as world:
        world.device.power_on()
        world.run_for(45 * SECONDS)
        yield world


def until(world, condition, limit_ms):
    assert world.run_until(condition, limit_ms), world.device.console()[-2000:]


def paired(world, **options):
    said = []
    played = PlayedPeripheral(world.ether, ME, RADIO, say=said.append, **options)
    played.start()
    until(world, lambda: played.state == "ready", 120 * SECONDS)
    assert f"paired with {world.device.wifi.mac.hex()} on channel 6" in said
    world.run_for(5 * SECONDS)  # it makes its next keys
    return played


def values(world):
    return [payload for _, payload in world.broker.sent("stat/Gate/Value")]


def test_it_finds_the_central_and_its_readings_are_published(central):
    played = paired(central)
    assert played.station.tuned == 6
    confirmed = []
    for text in (b"one", b"two"):
        played.send(b"stat/TNow/Value\n" + text, 2, lambda: confirmed.append(True))
    until(central, lambda: len(confirmed) == 2, 10 * SECONDS)
    assert values(central) == [b"one", b"two"]
    assert played.send(b"stat/TNow/Value\nthree", 0) is not None
    sent = played.send(b"stat/TNow/Value\nfour", 1)
    central.run_for(1 * SECONDS)
    assert sent.acknowledged and values(central)[2:] == [b"three", b"four"]
    assert played.refused == {}


def test_it_gets_back_data(central):
    played = paired(central)
    central.broker.publish("cmnd/Gate/Trigger", b"now")
    until(central, lambda: played.heard, 10 * SECONDS)
    assert [entry[1:] for entry in played.heard] == [(b"stat/TNowP/YourRSSI", b"-40")]
    central.run_for(5 * SECONDS)
    assert len(played.heard) == 1


def test_a_pairing_is_kept_and_a_known_device_needs_the_window(central, tmp_path):
    path = tmp_path / "pairs"
    first = paired(central, pairs=Pairs(path))
    first.close()
    again = PlayedPeripheral(central.ether, ME, RADIO, Pairs(path))
    again.start()
    until(central, lambda: again.state == "ready", 10 * SECONDS)
    assert again.counter > first.counter
    again.close()
    said = []
    stranger = PlayedPeripheral(central.ether, ME, RADIO, say=said.append, channel=6)
    stranger.start()
    until(central, lambda: any("Pair on" in words for words in said), 60 * SECONDS)
    central.broker.publish("cmnd/Gate/Pair", b"on")
    until(central, lambda: stranger.state == "ready", 120 * SECONDS)


def test_it_is_lost_and_found(central):
    played = paired(central)
    central.device.wifi.channel = 11
    played.send(b"stat/TNow/Value\nlater")
    until(central, lambda: values(central) == [b"later"], 120 * SECONDS)
    assert played.station.tuned == 11


def test_a_central_that_has_started_anew(central):
    played = paired(central)
    central.device.power_cut()
    central.device.power_on()
    central.run_for(20 * SECONDS)
    played.send(b"stat/TNow/Value\nnew")
    until(central, lambda: values(central) == [b"new"], 60 * SECONDS)


def test_a_long_payload_is_an_error(central):
    played = PlayedPeripheral(central.ether, ME, RADIO)
    with pytest.raises(nowpackets.ToolError, match="176"):
        played.send(bytes(177))


def test_the_recording_is_right_and_the_attacker_is_found(central):
    attacker = Attacker(central.ether)
    played = paired(central)
    played.send(b"stat/TNow/Value\none")
    central.run_for(1 * SECONDS)
    honest = len(central.ether.log)
    attacker.replay(-2)
    central.run_for(1 * SECONDS)
    attacker.flip_bits(-2)
    attacker.forge(1, ME)
    attacker.forge(1)
    central.run_for(1 * SECONDS)
    keys = RADIO.keys(played.pairs.secrets())
    check = Check(keys)
    reasons = [check.add(Frame(*entry)).reason for entry in central.ether.log[:honest]]
    assert set(reasons) == {None}, reasons
    assert {"ask", "time", "exchange", "agreed", "wakeup", "confirm"} <= set(check.names)
    assert check.names["data-confirmed"] == 1
    assert len(check.answers_ms) == check.names["wakeup"] + 1
    for entry in central.ether.log[honest:]:
        check.add(Frame(*entry))
    assert check.refused[nowpackets.REPLAY] == 1
    assert check.refused[nowpackets.NOT_AUTHENTIC] == 2
    assert values(central) == [b"one"]


def test_the_played_central_hears_the_real_peripheral(tmp_path):
    with running("tnowp", PERIPHERAL) as world:
        said = []
        path = tmp_path / "pairs"
        played = PlayedCentral(world.ether, ME, RADIO, Pairs(path), said.append, 9)
        played.start()
        world.device.power_on()
        until(world, lambda: len(played.heard) > 1, 200 * SECONDS)
        identity = world.device.wifi.mac
        assert {entry[1:3] for entry in played.heard} == {(identity, b"stat/TNow/YourRSSI")}
        played.send_back(identity, b"stat/TNowP/YourRSSI\n-52")
        until(world, lambda: f"{identity.hex()} has received back data" in said, 60 * SECONDS)
        assert "hears us with -52 dBm" in world.device.console()
        played.close()
        # The same central, started again: it knows the peripheral, but has another time.
        second = PlayedCentral(world.ether, ME, RADIO, Pairs(path), said.append, 3)
        second.start()
        until(world, lambda: second.heard, 300 * SECONDS)
        assert second.refused[nowpackets.NOT_AUTHENTIC] == 0
        check = Check(RADIO.keys(second.pairs.secrets()))
        refused = [check.add(Frame(*entry)).reason for entry in world.ether.log]
        assert nowpackets.NOT_AUTHENTIC not in refused and check.names["receipt"] == 1


def test_the_played_central_does_not_pair_a_known_one_unless_asked_to():
    with running("tnowp", PERIPHERAL) as world:
        said = []
        played = PlayedCentral(world.ether, ME, RADIO, say=said.append, channel=1)
        played.exchange_ms = 0
        played.start()
        world.device.power_on()
        until(world, lambda: played.heard, 200 * SECONDS)
        world.device.flash.files["/pair.txt"] = b""
        world.device.reset()
        known = f"{world.device.wifi.mac.hex()} is known, and wants to pair: --window lets it in"
        until(world, lambda: known in said, 100 * SECONDS)
        played.window = True
        count = said.count(f"{world.device.wifi.mac.hex()} is paired")
        until(
            world,
            lambda: said.count(f"{world.device.wifi.mac.hex()} is paired") > count,
            100 * SECONDS,
        )


def test_the_played_central_refuses_what_an_attacker_sends():
    with running("tnowp", PERIPHERAL) as world:
        attacker = Attacker(world.ether)
        played = PlayedCentral(world.ether, ME, RADIO)
        played.start()
        world.device.power_on()
        until(world, lambda: played.heard, 200 * SECONDS)
        count = len(played.heard)
        for _ in range(2):
            attacker.replay(attacker.of_type(1)[0])
            world.run_for(100)
        for _ in range(20):
            attacker.flip_bits(attacker.of_type(1)[0], begin=28)
            world.run_for(50)
        attacker.forge(66)
        world.run_for(100)
        assert len(played.heard) == count
        assert played.refused[nowpackets.REPLAY] == 2
        assert played.refused[nowpackets.NOT_AUTHENTIC] == 20
        assert played.refused[nowpackets.ROLE] == 1


def test_who_was_forgotten_and_whose_central_moved_pairs_again():
    with running("tnowp", PERIPHERAL) as world:
        first = PlayedCentral(world.ether, ME, RADIO, channel=9)
        first.start()
        world.device.power_on()
        until(world, lambda: first.heard, 200 * SECONDS)
        first.close()
        pairs = Pairs()
        pairs.key = first.pairs.key
        second = PlayedCentral(world.ether, ME, RADIO, pairs, channel=3)
        second.start()
        until(world, lambda: second.heard, 300 * SECONDS)


def test_no_attack_gets_through_and_honest_readings_do(central):
    attacker = Attacker(central.ether, channel=6)
    played = paired(central)
    played.send(b"stat/TNow/Value\none")
    central.run_for(5 * SECONDS)
    for way in nowattack.WAYS:
        attack = nowattack.Attack(attacker, way, 200, 50)
        attack.start()
        played.send(b"stat/TNow/Value\n" + way.encode())
        until(central, attack.is_over, 10 * SECONDS)
        assert attack.sent == 200
        until(central, lambda way=way: values(central)[-1] == way.encode(), 20 * SECONDS)
    assert values(central) == [b"one", *(way.encode() for way in nowattack.WAYS)]
    heard = sum(sent.source == ME for sent in attacker.recorded)
    assert attacker.sent == {"replay": 200, "flip_bits": 200, "forge": 400} and heard > 10


def test_an_attack_needs_a_recording(central):
    with pytest.raises(nowpackets.ToolError, match="nothing was recorded"):
        nowattack.Attack(Attacker(central.ether), "replay", 1, 1)
    attacker = Attacker(central.ether)
    nowattack.remember(attacker, [Frame(0, 6, ME, b"\xff" * 6, b"\x03\x01")])
    nowattack.Attack(attacker, "replay", 1, 1).start()
    assert central.ether.log[-1][1:] == (6, ME, b"\xff" * 6, b"\x03\x01")


def test_another_central_with_the_psk_cannot_take_its_place():
    with running("tnowp", PERIPHERAL) as world:
        first = PlayedCentral(world.ether, ME, RADIO, channel=9)
        first.start()
        world.device.power_on()
        until(world, lambda: first.heard, 200 * SECONDS)
        first.close()
        said = []
        insider = PlayedCentral(world.ether, ME, RADIO, say=said.append, channel=9)
        insider.start()
        until(world, lambda: "not the central" in world.device.console(), 300 * SECONDS)
        world.run_for(300 * SECONDS)
        assert insider.heard == [] and said == []
