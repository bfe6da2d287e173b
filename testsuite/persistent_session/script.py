"""With `mqttsession persistent` commands sent while the device was away are obeyed, once."""

from testsuite.story import MINUTES, SECONDS, Insight, command, is_online, up, with_keys


def subscriptions_made(world):
    return len([1 for _, who, what in world.trace if who == "broker" and "subscribe" in what])


def test_commands_of_the_absence_are_obeyed_once_after_the_return(world):
    insight = Insight(world)
    device = world.device
    up(world)
    obeyed = insight.app.mqtt.commands
    device.wifi.available = False
    world.run_for(60 * SECONDS)
    for _ in range(3):
        command(world, "Refresh", "1", qos=1)
    device.wifi.available = True
    assert world.run_until(lambda: is_online(world), 90 * SECONDS)
    world.run_for(2 * SECONDS)
    assert insight.app.mqtt.commands == obeyed + 3
    assert len({packet_id for _, packet_id in world.broker.acknowledged}) == 3
    assert device.resets == []


def test_a_session_that_is_there_is_not_subscribed_again(world):
    insight = Insight(world)
    up(world)
    assert subscriptions_made(world) == 1
    for _ in range(5):
        world.run_for(20 * SECONDS)
        world.broker.reset_clients()
        world.run_for(100)
        assert world.run_until(lambda: is_online(world), 5 * SECONDS)
    assert subscriptions_made(world) == 1
    assert "subscribing" not in [name for _, name in insight.mqtt[3:]]
    command(world, "Refresh", "1", qos=1)
    world.run_for(1 * SECONDS)
    assert insight.app.mqtt.commands == 1
    assert world.device.resets == []


def test_a_broker_that_forgot_the_session_is_subscribed_to_again(world):
    insight = Insight(world)
    up(world)
    world.broker.restart(2000, forget=True)
    world.run_for(1 * SECONDS)
    assert world.run_until(lambda: is_online(world), 10 * SECONDS)
    assert subscriptions_made(world) == 2
    command(world, "Refresh", "1", qos=1)
    world.run_for(1 * SECONDS)
    assert insight.app.mqtt.commands == 1


def test_a_device_that_restarted_subscribes_once_more(world):
    insight = Insight(world)
    up(world)
    world.device.reset()
    world.run_for(1 * SECONDS)
    command(world, "Refresh", "1", qos=1)
    up(world)
    world.run_for(2 * SECONDS)
    assert subscriptions_made(world) == 2
    assert insight.app.mqtt.commands == 1
    assert world.device.resets[1:] == []


def test_a_command_that_was_obeyed_before_its_acknowledgement_got_lost_is_not_obeyed_again(world):
    insight = Insight(world)
    up(world)
    world.run_for(10 * SECONDS)
    # The acknowledgement is the next thing to leave the device.
    world.lan.cut_after(1)
    command(world, "Refresh", "1", qos=1)
    world.run_for(100)
    assert world.broker.acknowledged == []
    assert insight.app.mqtt.commands == 1
    assert world.run_until(lambda: is_online(world), 5 * SECONDS)
    world.run_for(2 * SECONDS)
    assert len(world.broker.acknowledged) == 1
    assert insight.app.mqtt.commands == 1
    assert world.device.said("repeated command dropped")


def test_clean_sessions_are_the_default(world):
    insight = Insight(world)
    with_keys(world, mqttsession=None)
    up(world)
    world.device.wifi.available = False
    world.run_for(60 * SECONDS)
    command(world, "Refresh", "1", qos=1)
    world.device.wifi.available = True
    assert world.run_until(lambda: is_online(world), 90 * SECONDS)
    world.run_for(2 * SECONDS)
    assert insight.app.mqtt.commands == 0
    assert subscriptions_made(world) == 2


def test_a_long_life_in_one_session(world):
    insight = Insight(world)
    device = world.device
    up(world)
    expected = 0
    for i in range(12):
        if i % 3 == 0:
            world.broker.restart(3000)
        elif i % 3 == 1:
            device.wifi.drop()
        else:
            world.broker.half_open()
        command(world, "Refresh", "%d" % i, qos=1)
        expected += 1
        world.run_for(90 * SECONDS)
        assert is_online(world), i
    assert insight.app.mqtt.commands == expected
    assert device.resets == []
    assert world.now_ms() > 17 * MINUTES
