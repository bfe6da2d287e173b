"""The broker restarts, or an acknowledgement gets lost, while messages are on their way.

An event source is added to the water tank: a bell that rings with a number.
"""

from testsuite.story import MINUTES, SECONDS, Insight, is_online, sent, up


def with_bell(world):
    """(Insight, ring): ring(n) announces event n; call it from an alarm or between runs."""
    bells = []

    def more(app, load):
        topics = load("epx.topics")

        class Bell(topics.Source):
            number = None

        bell = Bell()
        app.mqtt.bind(bell, (topics.Pub("Bell", "number", 0, on="rung", event=True),))
        bells.append(bell)

    def ring(n):
        # As a part of the program: announcements come out of tasks.
        bell = bells[-1]

        def announce():
            bell.number = n
            bell.announce("rung")

        world.device.module("epx.loop").Task(announce)

    return Insight(world, more), ring


def ring_all(world, ring, numbers, every_ms):
    for n in numbers:
        ring(n)
        world.run_for(every_ms)


def rung(world):
    return [int(payload) for _, payload in sent(world, "Bell")]


def test_each_event_arrives_once_when_nothing_happens(world):
    _, ring = with_bell(world)
    up(world)
    ring_all(world, ring, range(50), 1100)
    world.run_for(1 * SECONDS)
    assert rung(world) == list(range(50))
    found = world.broker.publications("stat/H2OControl/Bell")
    assert {(p.qos, p.dup, p.retain) for p in found} == {(1, False, False)}


def test_none_is_lost_and_none_comes_twice_over_restarts_of_the_broker(world):
    insight, ring = with_bell(world)
    up(world)
    number = 0
    for down_ms in (500, 2000, 5000, 9000):
        # The restart falls on the very moment of a publication: it is in the network then.
        ring_all(world, ring, range(number, number + 3), 1000)
        ring(number + 3)
        world.run_for(1)
        world.broker.restart(down_ms)
        ring_all(world, ring, range(number + 4, number + 12), 1000)
        number += 12
        assert world.run_until(lambda: is_online(world), 60 * SECONDS)
        world.run_for(5 * SECONDS)
    found = rung(world)
    assert sorted(set(found)) == list(range(number)), found
    twice = [n for n in found if found.count(n) > 1]
    repeated = [p for p in world.broker.publications("stat/H2OControl/Bell") if p.dup]
    # The protocol allows a second time only for what went out again with DUP.
    assert len(found) - number <= len(repeated), (twice, len(repeated))
    assert insight.app.mqtt.outbox.lost_events == 0
    assert world.broker.violations == []


def test_events_that_were_acknowledged_are_not_sent_again(world):
    _, ring = with_bell(world)
    up(world)
    for i in range(5):
        ring_all(world, ring, range(10 * i, 10 * i + 10), 300)
        world.run_for(1 * SECONDS)
        world.broker.restart(2000)
        world.run_for(100)
        assert world.run_until(lambda: is_online(world), 30 * SECONDS)
    world.run_for(5 * SECONDS)
    assert rung(world) == list(range(50))


def test_a_lost_acknowledgement_means_once_more_with_dup_and_the_same_id(world):
    insight, ring = with_bell(world)
    up(world)
    world.run_for(5 * SECONDS)
    world.broker.drop_next_puback(1)
    ring_all(world, ring, range(3), 500)
    # Nobody waits for ever: after five seconds the connection is made anew.
    assert world.run_until(lambda: insight.times("mqtt", "lost"), 7 * SECONDS)
    assert world.device.said("mqtt: no PUBACK")
    assert world.run_until(lambda: is_online(world), 5 * SECONDS)
    world.run_for(5 * SECONDS)
    found = world.broker.publications("stat/H2OControl/Bell")
    assert [int(p.payload) for p in found] == [0, 1, 2, 0]
    assert [p.dup for p in found] == [False, False, False, True]
    assert found[3].packet_id == found[0].packet_id
    ring(3)
    world.run_for(1 * SECONDS)
    assert rung(world) == [0, 1, 2, 0, 3]


def test_a_long_absence_keeps_the_newest_and_counts_the_lost(world):
    insight, ring = with_bell(world)
    up(world)
    world.broker.stop()
    world.run_for(5 * SECONDS)
    ring_all(world, ring, range(40), 1000)
    world.broker.start()
    assert world.run_until(lambda: is_online(world), 2 * MINUTES)
    world.run_for(3 * SECONDS)
    found = rung(world)
    kept = len(found)
    # Bounded: 16 wait, besides those that the client may have taken already.
    assert 16 <= kept <= 24, found
    assert found == list(range(40 - kept, 40)), found
    assert insight.app.mqtt.outbox.lost_events == 40 - kept
    assert [line for _, line in sent(world, "Log") if "too many events" in line]


def test_availability_comes_first_and_is_the_truth_after_each_restart(world):
    _, ring = with_bell(world)
    up(world)
    for _ in range(4):
        world.broker.forget_publications()
        ring(1)
        world.broker.restart(1500, forget=True)
        world.run_for(100)
        assert world.run_until(lambda: is_online(world), 10 * SECONDS)
        world.run_for(1 * SECONDS)
        said = [p.decode() for _, p in world.broker.sent("stat/H2OControl/Availability")]
        assert said[-1] == "online" and "offline" not in said, said
        assert world.broker.retained("stat/H2OControl/Availability") == b"online"
        topics = [p.topic for p in world.broker.publications() if not p.dup]
        assert topics[0] == "stat/H2OControl/Availability", topics[:3]


def test_events_of_before_a_reset_are_gone_and_nothing_else_is(world):
    _, ring = with_bell(world)
    up(world)
    world.broker.stop()
    world.run_for(2 * SECONDS)
    ring_all(world, ring, range(5), 1000)
    world.device.reset()
    world.broker.start()
    up(world)
    world.run_for(5 * SECONDS)
    assert rung(world) == []
    ring(7)
    world.run_for(1 * SECONDS)
    assert rung(world) == [7]
