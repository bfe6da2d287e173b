"""A thousand connections, ended in every way: never more than one socket is open, none is left."""

from testsuite.story import MINUTES, SECONDS, Insight, is_online, up


def test_no_socket_is_ever_left_open(world):
    insight = Insight(world)
    device, broker = world.device, world.broker
    most = [0]

    def refuse():
        broker.refuse(1)
        broker.reset_clients()

    def stop_and_start():
        broker.restart(100)

    faults = (broker.close_clients, broker.reset_clients, refuse, stop_and_start)

    def online_and_counted():
        most[0] = max(most[0], device.open_sockets)
        return insight.app.mqtt.connected()

    up(world)
    turn = 0
    while device.sockets_opened < 1000:
        faults[turn % 4]()
        turn += 1
        world.run_for(20)
        assert not insight.app.mqtt.connected()
        assert world.run_until(online_and_counted, 10 * SECONDS), turn
        assert device.open_sockets == 1
    assert most[0] == 1
    # All but the one of now are closed at the other end too.
    world.run_for(1 * SECONDS)
    assert len(broker.links) == 1
    assert len([c for c in world.lan.connections if c.client.state == "open"]) == 1
    assert device.resets == []
    world.run_for(1 * MINUTES)
    assert is_online(world)
    device.wifi.available = False
    world.run_for(1 * MINUTES)
    assert device.open_sockets == 0


def test_attempts_that_lead_nowhere_close_their_sockets(world):
    device, broker = world.device, world.broker
    device.power_on()
    world.lan.lose_syns("1.2.3.4")
    world.run_for(2 * MINUTES)
    world.lan.lose_syns("1.2.3.4", False)
    broker.hang()
    world.run_for(2 * MINUTES)
    broker.hang(False)
    broker.stop()
    world.run_for(2 * MINUTES)
    assert device.sockets_opened > 10
    assert device.open_sockets == 0
    broker.start()
    assert world.run_until(lambda: is_online(world), 61 * SECONDS)
    assert device.open_sockets == 1
