"""The gateway of a scale against a scale that is played (T30)."""

from testsuite.nowstory import CONTENT, NowInsight, PlayedPeripheral, wire
from testsuite.story import MINUTES, SECONDS, command, sent, up, with_keys

WEIGHT = b"stat/LPScale/Weight\n"
MALFUNCTION = b"stat/LPScale/Malfunction\n"
# What it makes nothing of.
NONSENSE = (
    WEIGHT + b"bah",
    WEIGHT,
    WEIGHT + b"nan",
    WEIGHT + b"inf",
    WEIGHT + b"1e9",
    WEIGHT + b"\xff\xfe",
    MALFUNCTION + b"bah",
    MALFUNCTION + b"1.5",
    MALFUNCTION + b"-1",
    MALFUNCTION + b"256",
    b"stat/LPScale/Height\n7.0",
    b"stat/Other/Weight\n7.0",
    b"Weight\n7.0",
    b"stat/LPScale/Weight 7.0",
    b"stat/LPScale/Weight\r7.0",
    b"\n7.0",
    b"\n",
    b"",
    b"\xff\xfe\xfd\n\xff\xfe",
    b"x" * 176,
)


SENSE = (WEIGHT + b"7.0", MALFUNCTION + b"1")


def start(world):
    """The insight and a scale that is paired."""
    insight = NowInsight(world)
    scale = PlayedPeripheral(world)
    world.device.power_on()
    scale.pair()
    return insight, scale


def published(world):
    """[(name, payload)] of what scales have said."""
    return [
        (p.topic.split("/")[2], p.payload.decode())
        for p in world.broker.publications()
        if p.topic.split("/")[2] in ("Weight", "Malfunction")
    ]


def test_publishes_what_makes_sense_and_confirms_all(world):
    insight, scale = start(world)
    for payload in SENSE + NONSENSE:
        assert scale.is_confirmed(scale.tell(payload)), payload
    world.run_for(2 * MINUTES)
    assert published(world) == [("Weight", "7.000"), ("Malfunction", "1")]
    assert all(
        p.qos == 1 and not p.retain for p in world.broker.publications("stat/LPScale/Weight")
    )
    refused = [0] * 9
    refused[CONTENT] = len(NONSENSE)
    assert insight.now.refused == refused
    assert world.device.module("epx.diag").faults == 0 and world.device.resets == []


def test_says_what_it_makes_nothing_of(world):
    _, scale = start(world)
    scale.tell(WEIGHT + b"bah")
    scale.tell(b"stat/LPScale/Height\n7.0")
    world.run_for(1 * SECONDS)
    assert world.device.said("warn netnow: want kilograms, a number")
    assert world.device.said("warn netnow: unknown topic")


def test_weights_have_three_decimals_and_any_sign(world):
    _, scale = start(world)
    for words in (b"7.0004", b"-0.25", b"0", b"123.4567", b" 5 "):
        assert scale.is_confirmed(scale.tell(WEIGHT + words))
    weights = ["7.000", "-0.250", "0.000", "123.457", "5.000"]
    assert published(world) == [("Weight", words) for words in weights]


def test_confirms_when_the_broker_has_it(world):
    _, scale = start(world)
    up(world)
    world.broker.drop_next_puback(1)
    tid = scale.tell(WEIGHT + b"7.0")
    world.run_for(1 * SECONDS)
    assert published(world) == [("Weight", "7.000")] and not scale.confirms(tid)


def test_while_the_broker_is_away_nothing_is_confirmed(world):
    _, scale = start(world)
    up(world)
    world.broker.stop()
    tid = scale.tell(WEIGHT + b"7.0")
    assert not scale.is_confirmed(tid, 30 * SECONDS)
    world.broker.start()
    world.run_for(1 * MINUTES)
    # It has kept it all the same; the scale repeats it, and now hears that it has arrived.
    assert published(world) == [("Weight", "7.000")] and not scale.confirms(tid)
    scale.tell(WEIGHT + b"7.0", tid=tid)
    assert scale.is_confirmed(tid)
    assert published(world) == [("Weight", "7.000")]


def test_a_reading_is_not_repeated_and_survives_no_refresh(world):
    _, scale = start(world)
    scale.tell(WEIGHT + b"7.0")
    world.run_for(1 * SECONDS)
    command(world, "Refresh", "x")
    world.run_for(60 * MINUTES)
    assert [payload for _, payload in sent(world, "Weight")] == ["7.000"]


def test_without_a_network_it_confirms_at_once(world):
    """As this story was told at first: its network never comes up."""
    with_keys(world, ssid="(none)", mqttbroker=None, mqttname=None)
    insight, scale = start(world)
    for payload in SENSE + NONSENSE:
        assert scale.is_confirmed(scale.tell(payload), 100), payload
    assert insight.now.refused[CONTENT] == len(NONSENSE)
    assert world.broker.connects == []


def test_a_network_that_never_comes_up_is_no_reason_to_be_silent(world):
    world.device.ethernet.plugged = False
    insight = NowInsight(world)
    scale = PlayedPeripheral(world)
    world.device.power_on()
    scale.pair()
    assert scale.hears(wire.TIME, wire.BROADCAST, 60 * SECONDS)
    tid = scale.tell(WEIGHT + b"7.0")
    assert not scale.is_confirmed(tid, 20 * SECONDS)
    assert scale.is_confirmed(scale.send(wire.PING))
    assert insight.now.refused == [0] * 9
    world.device.ethernet.plugged = True
    world.run_for(2 * MINUTES)
    scale.tell(WEIGHT + b"7.0", tid=tid)
    assert scale.is_confirmed(tid) and published(world) == [("Weight", "7.000")]
