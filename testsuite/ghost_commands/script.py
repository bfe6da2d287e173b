"""Commands sent while the device was away: nothing is switched by a ghost of the past."""

from testsuite.story import MINUTES, SECONDS, Insight, command, is_online, sent, up


def test_commands_of_an_absence_are_not_obeyed_after_it(world):
    insight = Insight(world)
    device = world.device
    up(world)
    device.wifi.available = False
    world.run_for(60 * SECONDS)
    assert world.broker.connections == []
    for qos in (0, 1):
        command(world, "Refresh", "1", qos=qos)
        command(world, "Refresh", "1", qos=qos, retain=True)
    device.wifi.available = True
    assert world.run_until(lambda: is_online(world), 90 * SECONDS)
    world.run_for(10 * SECONDS)
    assert insight.app.mqtt.commands == 0
    assert [line for _, line in sent(world, "Log") if "retained" in line]


def test_commands_into_a_dead_link_are_lost_not_late(world):
    insight = Insight(world)
    up(world)
    world.run_for(10 * SECONDS)
    world.broker.half_open()
    for qos in (0, 1, 0, 1):
        command(world, "Refresh", "1", qos=qos)
        world.run_for(2 * SECONDS)
    assert world.run_until(lambda: is_online(world), 60 * SECONDS)
    world.run_for(30 * SECONDS)
    assert insight.app.mqtt.commands == 0
    command(world, "Refresh", "1", qos=1)
    world.run_for(1 * SECONDS)
    assert insight.app.mqtt.commands == 1


def test_commands_before_the_first_boot_are_not_obeyed(world):
    insight = Insight(world)
    command(world, "Refresh", "1", qos=1)
    command(world, "Refresh", "1", qos=1, retain=True)
    up(world)
    world.run_for(10 * SECONDS)
    assert insight.app.mqtt.commands == 0
    assert len(sent(world, "VolUnit")) == 1


def test_commands_during_a_restart_are_not_obeyed_after_it(world):
    insight = Insight(world)
    up(world)
    world.device.reset()
    world.run_for(1 * SECONDS)
    command(world, "Refresh", "1", qos=1)
    up(world)
    world.run_for(1 * MINUTES)
    assert insight.app.mqtt.commands == 0


def test_a_removed_retained_command_is_no_command(world):
    insight = Insight(world)
    command(world, "Refresh", "1", retain=True)
    up(world)
    command(world, "Refresh", b"", retain=True)
    world.run_for(1 * SECONDS)
    world.broker.reset_clients()
    world.run_for(100)
    assert world.run_until(lambda: is_online(world), 5 * SECONDS)
    world.run_for(1 * SECONDS)
    assert insight.app.mqtt.commands == 0
    assert len([line for _, line in sent(world, "Log") if "command dropped" in line]) == 2
