"""Commands that were not meant for now: retained ones, and ones that come twice."""

from testsuite.story import SECONDS, Insight, command, is_online, sent, up


def warnings(world):
    return [line for _, line in sent(world, "Log") if line.startswith("warn")]


def test_a_retained_command_is_dropped_and_logged(world):
    insight = Insight(world)
    command(world, "Refresh", "1", retain=True)
    up(world)
    world.run_for(5 * SECONDS)
    assert insight.app.mqtt.commands == 0
    assert len(sent(world, "VolUnit")) == 1
    assert [line for line in warnings(world) if "retained" in line and "Refresh" in line]


def test_it_is_dropped_at_every_return_to_the_broker(world):
    insight = Insight(world)
    command(world, "Refresh", "1", retain=True, qos=1)
    up(world)
    for _ in range(3):
        world.run_for(5 * SECONDS)
        world.broker.reset_clients()
        world.run_for(100)
        assert world.run_until(lambda: is_online(world), 5 * SECONDS)
    world.run_for(2 * SECONDS)
    assert insight.app.mqtt.commands == 0
    # Dropped, but acknowledged: else it would come for ever.
    assert len(world.broker.acknowledged) == 4
    assert len([line for line in warnings(world) if "retained" in line]) == 4


def test_a_command_published_with_retain_while_online_is_obeyed_now(world):
    # To a subscription that exists a broker passes it on without the flag (3.3.1.3).
    insight = Insight(world)
    up(world)
    world.run_for(5 * SECONDS)
    command(world, "Refresh", "1", retain=True)
    world.run_for(1 * SECONDS)
    assert insight.app.mqtt.commands == 1


def test_a_redelivered_command_is_obeyed_once(world):
    insight = Insight(world)
    up(world)
    world.run_for(5 * SECONDS)
    world.broker.forget_publications()
    command(world, "Refresh", "1", qos=1, packet_id=77)
    world.run_for(2 * SECONDS)
    command(world, "Refresh", "1", qos=1, packet_id=77, dup=True)
    world.run_for(2 * SECONDS)
    assert insight.app.mqtt.commands == 1
    assert len(sent(world, "VolUnit")) == 1
    assert [line for line in warnings(world) if "repeated command dropped" in line]
    # Both were acknowledged.
    assert [packet_id for _, packet_id in world.broker.acknowledged] == [77, 77]


def test_a_redelivered_command_that_never_arrived_is_obeyed(world):
    insight = Insight(world)
    up(world)
    command(world, "Refresh", "1", qos=1, packet_id=78, dup=True)
    world.run_for(2 * SECONDS)
    assert insight.app.mqtt.commands == 1


def test_a_new_command_with_a_used_id_is_obeyed(world):
    insight = Insight(world)
    up(world)
    for n in range(3):
        command(world, "Refresh", "1", qos=1, packet_id=79)
        world.run_for(2 * SECONDS)
        assert insight.app.mqtt.commands == n + 1
    assert warnings(world) == []


def test_ids_are_forgotten_with_the_session(world):
    insight = Insight(world)
    up(world)
    command(world, "Refresh", "1", qos=1, packet_id=80)
    world.run_for(2 * SECONDS)
    world.broker.reset_clients()
    world.run_for(100)
    assert world.run_until(lambda: is_online(world), 5 * SECONDS)
    command(world, "Refresh", "1", qos=1, packet_id=80, dup=True)
    world.run_for(2 * SECONDS)
    assert insight.app.mqtt.commands == 2


def test_commands_with_qos_0_and_1_are_obeyed_and_only_the_latter_acknowledged(world):
    insight = Insight(world)
    up(world)
    for qos in (0, 1, 0, 1):
        command(world, "Refresh", "1", qos=qos)
        world.run_for(1 * SECONDS)
    assert insight.app.mqtt.commands == 4
    assert len(world.broker.acknowledged) == 2
