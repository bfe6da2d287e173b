"""stat/<name>/Availability is the truth: from the device, else from the broker with its will."""

from testsuite.story import MINUTES, SECONDS, Insight, is_online, up

TOPIC = "stat/H2OControl/Availability"
KEEPALIVE_MS = 30 * SECONDS


def said(world):
    return [payload.decode() for _, payload in world.broker.sent(TOPIC)]


def test_the_will_is_left_with_the_broker_before_anything_is_said(world):
    up(world)
    will = world.broker.links[-1].will
    assert (will.topic, will.payload, will.retain) == (TOPIC, b"offline", True)
    online = world.broker.publications(TOPIC)[0]
    assert (online.payload, online.retain, online.qos) == (b"online", True, 1)


def test_online_is_said_first_and_only_after_the_subscription(world):
    up(world)
    world.run_for(5 * SECONDS)
    events = [what for _, who, what in world.trace if who == "broker"]
    kinds = [what.split()[0] for what in events]
    assert kinds[0] == "connect" and kinds[1] == "subscribe", events[:4]
    assert events[2].startswith(TOPIC), events[:4]


def test_without_the_answer_to_the_subscription_it_is_not_online(world):
    insight = Insight(world)
    world.broker.drop_next_suback(1)
    world.device.power_on()
    assert world.run_until(lambda: insight.times("mqtt", "subscribing"), 30 * SECONDS)
    world.run_for(4 * SECONDS)
    assert said(world) == []
    assert insight.times("mqtt", "online") == []
    # No answer within five seconds: the connection is bad, a new one is made.
    assert world.run_until(lambda: is_online(world), 10 * SECONDS)
    assert world.device.said("mqtt: no SUBACK")
    world.run_for(1 * SECONDS)
    # The broken connection ended without a goodbye, so its will was published.
    assert said(world) == ["offline", "online"], said(world)


def test_a_command_that_is_sent_when_online_is_seen_is_not_lost(world):
    insight = Insight(world)

    def answer(message):
        if message.topic == TOPIC and message.payload == b"online":
            world.broker.publish("cmnd/H2OControl/Refresh", "1")

    world.broker.watchers.append(answer)
    up(world)
    world.run_for(1 * SECONDS)
    assert insight.app.mqtt.commands == 1


def test_a_power_cut_is_told_by_the_broker_within_one_and_a_half_keepalives(world):
    up(world)
    world.run_for(33 * SECONDS)
    cut_ms = world.now_ms()
    world.device.power_cut()
    assert world.run_until(lambda: world.broker.retained(TOPIC) == b"offline", 2 * KEEPALIVE_MS)
    assert KEEPALIVE_MS // 2 <= world.now_ms() - cut_ms <= KEEPALIVE_MS * 3 // 2
    assert said(world) == ["online", "offline"]
    world.device.power_on()
    up(world)
    assert said(world)[-1] == "online"


def test_a_restart_of_the_device_ends_online(world):
    up(world)
    for _ in range(3):
        world.run_for(20 * SECONDS)
        world.device.reset()
        world.run_for(1 * SECONDS)
        up(world)
    world.run_for(2 * MINUTES)
    assert world.broker.retained(TOPIC) == b"online"
    # The broker found out by the new connection that the old one was dead.
    assert said(world) == ["online"] + ["offline", "online"] * 3


def test_a_lost_network_is_told_and_taken_back(world):
    up(world)
    world.run_for(1 * SECONDS)
    world.device.wifi.available = False
    world.run_for(60 * SECONDS)
    assert world.broker.retained(TOPIC) == b"offline"
    world.device.wifi.available = True
    assert world.run_until(lambda: is_online(world), 90 * SECONDS)
    world.run_for(5 * SECONDS)
    assert said(world) == ["online", "offline", "online"]


def test_it_is_said_again_to_a_broker_that_forgot_it(world):
    up(world)
    world.broker.restart(3000, forget=True)
    world.run_for(100)
    assert world.broker.retained(TOPIC) is None
    assert world.run_until(lambda: is_online(world), 10 * SECONDS)
