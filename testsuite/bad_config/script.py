"""A config.txt with mistakes in it, and none at all."""

from testsuite.story import (
    MINUTES,
    SECONDS,
    Insight,
    command,
    is_online,
    sent,
    stat,
    up,
    with_keys,
)


def test_with_bad_keys_of_its_profile_it_can_be_reached_and_says_what_is_wrong(world):
    insight = Insight(world)
    up(world)
    world.run_for(2 * SECONDS)
    errors = [line for _, line in sent(world, "Log") if "config.txt" in line]
    assert len(errors) == 4, errors
    expected = (
        ("line 7", "keepalive", "want an integer from 5 to 3600", "'soon'"),
        ("line 9", "capacity", "want a number from 0.001 to 1000000", "'much'"),
        ("line 10", "levelsensor", "unknown key", "did you mean 'levelsensors'?"),
        ("levelsensors", "missing"),
    )
    for line, words in zip(errors, expected):
        for word in words:
            assert word in line, (word, line)
    # No tank: its values are unknown, and it is not driven half right.
    assert stat(world, "CoarseLevelPct") is None
    assert [line for _, line in sent(world, "Log") if "h2o does not start" in line]
    assert stat(world, "Uptime") == "0"
    command(world, "Refresh", "1")
    world.run_for(1 * SECONDS)
    assert insight.app.mqtt.commands == 1
    world.run_for(30 * MINUTES)
    assert world.device.resets == []
    assert is_online(world)


def test_a_bad_key_of_the_framework_does_not_stop_the_tank(world):
    with_keys(world, capacity="1000", levelsensor=None, levelsensors="20,40,60,80,100")
    up(world)
    world.run_for(10 * SECONDS)
    assert stat(world, "CoarseLevelPct") == "100"
    assert len([line for _, line in sent(world, "Log") if "config.txt" in line]) == 1


def test_without_settings_it_waits_and_says_on_the_console_what_is_missing(world):
    device = world.device
    device.flash.remove("/config.txt")
    device.power_on()
    world.run_for(20 * MINUTES)
    assert device.said("no config.txt on this device")
    assert device.said("pcp_conf")
    assert device.resets == []
    assert device.wifi.activations == 0
    # Somebody is at the bench: no watchdog gets in the way.
    assert device.bench.watchdog_timeout_ms == 0
    # The outputs of an h2o are its display only: dark.
    assert not device.bench.parts["display"].is_lit()


def test_settings_that_come_later_are_taken_at_the_next_start(world):
    device = world.device
    text = device.flash.text("/config.txt")
    device.flash.remove("/config.txt")
    device.power_on()
    world.run_for(1 * MINUTES)
    device.flash.load("/config.txt", text)
    with_keys(world, capacity="1000", levelsensor=None, levelsensors="20,40,60,80,100")
    device.reset()
    up(world)


def test_secrets_are_never_shown(world):
    with_keys(world, mqttpassword="", mqttuser="x")
    up(world)
    world.run_for(10 * SECONDS)
    shown = world.device.console() + "".join([p for _, p in sent(world, "Log")])
    assert "secret word" not in shown


def test_without_a_broker_it_runs_and_joins_the_network(world):
    insight = Insight(world)
    with_keys(
        world,
        mqttbroker=None,
        keepalive=None,
        capacity="1000",
        levelsensor=None,
        levelsensors="20,40,60,80,100",
    )
    world.device.power_on()
    world.run_for(30 * MINUTES)
    assert insight.app.net.connected()
    assert insight.mqtt == []
    assert world.device.bench.parts["display"].is_lit()
    assert world.device.resets == []
    assert world.device.said("mqttbroker and mqttname are needed")


def test_without_a_network_it_runs(world):
    insight = Insight(world)
    with_keys(
        world,
        ssid="(none)",
        keepalive=None,
        capacity="1000",
        levelsensor=None,
        levelsensors="20,40,60,80,100",
    )
    world.device.power_on()
    world.run_for(30 * MINUTES)
    assert insight.net == [] and "connecting" not in [name for _, name in insight.mqtt]
    assert world.device.bench.parts["display"].is_lit()
    assert world.device.wifi.activations == 0
    assert world.device.resets == []
