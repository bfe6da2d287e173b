"""The connection's socket dies underneath the program: it is polled no more and replaced (T05)."""

from testmock import errors
from testsuite.story import MINUTES, SECONDS, Insight, is_online, up


def the_socket(insight):
    return insight.app.mqtt.client.stream


def expect_replaced(world, insight, old):
    device = world.device
    device.turns = 0
    began_ms = world.now_ms()
    assert world.run_until(lambda: insight.times("mqtt", "lost"), 2 * SECONDS)
    assert world.run_until(lambda: insight.times("mqtt", "online")[1:], 5 * SECONDS)
    # No busy loop around the dead socket: about six seconds' worth of turns at the most.
    assert device.turns <= 60, (device.turns, world.now_ms() - began_ms)
    assert len(insight.times("mqtt", "lost")) == 1
    assert the_socket(insight) is not old
    assert old._pollers == []
    assert device.open_sockets == 1
    assert world.run_until(lambda: is_online(world), 1 * SECONDS)
    device.turns = 0
    world.run_for(1 * MINUTES)
    assert device.turns < 90
    assert device.resets == []


def test_an_error_of_the_socket(world):
    insight = Insight(world)
    up(world)
    world.run_for(20 * SECONDS)
    old = the_socket(insight)
    old._end.fail(errors.ECONNABORTED)
    expect_replaced(world, insight, old)


def test_a_socket_that_was_closed_underneath(world):
    insight = Insight(world)
    up(world)
    world.run_for(20 * SECONDS)
    old = the_socket(insight)
    old.close()
    expect_replaced(world, insight, old)


def test_a_poll_that_raises_while_the_interface_is_down(world):
    insight = Insight(world)
    device = world.device
    up(world)
    device.wifi.poll_raises = True
    device.turns = 0
    device.wifi.available = False
    world.run_for(20 * SECONDS)
    # The healthy parts of the appliance go on: its display still counts the seconds.
    display = device.bench.parts["display"]
    before = display.data_bytes
    world.run_for(20 * SECONDS)
    assert display.data_bytes > before
    assert device.turns < 200, device.turns
    device.wifi.available = True
    assert world.run_until(insight.app.mqtt.connected, 90 * SECONDS)
    assert device.open_sockets == 1
    assert device.resets == []
