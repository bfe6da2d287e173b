"""A value that becomes unknown is said to be so, once."""

from testsuite.story import MINUTES, SECONDS, command, is_online, sent, up


def maps(world):
    return [payload for _, payload in sent(world, "LevelSensorMap")]


def test_none_is_said_once_and_then_the_value_again(world):
    expander = world.device.bench.parts["expander"]
    up(world)
    world.run_for(20 * SECONDS)
    assert maps(world) == ["1,1,1,1,1"]
    expander.failing = True
    world.run_for(9 * MINUTES)
    assert maps(world) == ["1,1,1,1,1", "None"]
    expander.failing = False
    world.run_for(5 * MINUTES)
    assert maps(world) == ["1,1,1,1,1", "None", "1,1,1,1,1"]


def test_it_is_not_repeated_for_as_long_as_it_lasts(world):
    expander = world.device.bench.parts["expander"]
    up(world)
    world.run_for(20 * SECONDS)
    expander.failing = True
    world.run_for(65 * MINUTES)
    assert maps(world) == ["1,1,1,1,1", "None"]


def test_a_value_that_was_never_known_is_not_said(world):
    world.device.bench.parts["expander"].present = False
    up(world)
    world.run_for(65 * MINUTES)
    assert maps(world) == []
    command(world, "Refresh", "1")
    world.run_for(1 * SECONDS)
    assert maps(world) == []


def test_a_new_listener_is_told_after_a_new_connection_or_when_it_asks(world):
    expander = world.device.bench.parts["expander"]
    up(world)
    world.run_for(20 * SECONDS)
    expander.failing = True
    world.run_for(20 * SECONDS)
    world.broker.restart(2000, forget=True)
    world.run_for(100)
    assert world.run_until(lambda: is_online(world), 10 * SECONDS)
    world.run_for(2 * SECONDS)
    assert maps(world) == ["1,1,1,1,1", "None", "None"]
    command(world, "Refresh", "1")
    world.run_for(1 * SECONDS)
    assert maps(world) == ["1,1,1,1,1", "None", "None", "None"]


def test_a_value_that_was_unknown_only_while_nobody_listened_is_not_mentioned(world):
    expander = world.device.bench.parts["expander"]
    up(world)
    world.run_for(20 * SECONDS)
    world.broker.stop()
    expander.failing = True
    world.run_for(20 * SECONDS)
    expander.failing = False
    world.run_for(10 * MINUTES - 30 * SECONDS)
    world.broker.start()
    world.run_for(3 * MINUTES)
    assert "None" not in maps(world), maps(world)
