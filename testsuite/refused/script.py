"""The broker refuses the connection, or the subscription, and says why."""

from testsuite.story import MINUTES, SECONDS, Insight, is_online, sent, stat, up, with_keys

REASONS = {
    1: "protocol version refused",
    2: "client identifier refused",
    3: "broker unavailable",
    4: "bad user name or password",
    5: "not authorized",
    77: "CONNACK code 77",
}


def test_each_code_is_said_in_words_and_the_connection_tried_again(world):
    insight = Insight(world)
    device = world.device
    up(world)
    for code in sorted(REASONS):
        world.broker.refuse(2, code)
        world.broker.reset_clients()
        world.run_for(100)
        assert world.run_until(lambda: is_online(world), 10 * SECONDS)
        world.run_for(1 * SECONDS)
        lines = [line for _, line in sent(world, "Log") if REASONS[code] in line]
        assert len(lines) == 2, (code, lines)
    assert len(world.broker.connects) == 1 + 3 * len(REASONS)
    # Only what was connected can be lost.
    assert insight.count("mqttlost") == len(REASONS)
    assert device.open_sockets == 1
    assert device.resets == []


def test_a_broker_that_refuses_for_ever_is_asked_at_growing_intervals(world):
    insight = Insight(world)
    world.broker.refuse(1000, 5)
    world.device.power_on()
    assert world.run_until(lambda: insight.times("net", "connected"), 30 * SECONDS)
    world.run_for(9 * MINUTES)
    assert 15 <= len(world.broker.connects) <= 30, len(world.broker.connects)
    assert world.device.resets == []
    world.broker.refuse(0)
    assert world.run_until(lambda: is_online(world), 61 * SECONDS)


def test_user_and_password_are_sent_and_never_shown(world):
    with_keys(world, mqttuser="tank", mqttpassword="very secret")
    up(world)
    link = world.broker.links[-1]
    assert (link.user, link.password) == (b"tank", b"very secret")
    world.broker.refuse(1, 4)
    world.broker.reset_clients()
    world.run_for(20 * SECONDS)
    shown = world.device.console() + "".join([p for _, p in sent(world, "Log")])
    assert "secret" not in shown
    assert "bad user name or password" in shown


def test_a_refused_subscription_is_an_error_that_is_told(world):
    insight = Insight(world)
    world.broker.refused_filters.add("cmnd/H2OControl/#")
    world.device.power_on()
    assert world.run_until(lambda: insight.times("mqtt", "online"), 30 * SECONDS)
    world.run_for(10 * SECONDS)
    # It cannot be commanded, but it measures and says so.
    assert [line for _, line in sent(world, "Log") if "refuses cmnd/H2OControl/#" in line]
    assert stat(world, "CoarseLevelPct") == "100"
    assert world.device.resets == []
    # The next connection asks again.
    world.broker.refused_filters.clear()
    world.broker.reset_clients()
    world.run_for(100)
    assert world.run_until(lambda: is_online(world), 5 * SECONDS)
    assert world.broker.subscriptions() == {"cmnd/H2OControl/#": 1}
