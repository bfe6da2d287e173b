"""Connections that are dead without anybody being told, and a broker that only stands still."""

from testsuite.story import MINUTES, SECONDS, Insight, is_online, sent, stat, up, with_keys

KEEPALIVE_MS = 30 * SECONDS
NOTICED_MS = KEEPALIVE_MS * 3 // 2


def noticed(world, insight, limit_ms):
    """After how long the loss was noticed."""
    began_ms = world.now_ms()
    before = len(insight.times("mqtt", "lost"))
    assert world.run_until(lambda: len(insight.times("mqtt", "lost")) > before, limit_ms)
    return world.now_ms() - began_ms


def test_a_frozen_broker_is_noticed_within_one_and_a_half_keepalives(world):
    insight = Insight(world)
    up(world)
    # Whenever in the rhythm of pings it happens.
    for pause_s in (1, 8, 15, 22, 29):
        world.run_for(pause_s * SECONDS)
        world.broker.freeze()
        taken_ms = noticed(world, insight, 2 * KEEPALIVE_MS)
        assert KEEPALIVE_MS // 2 <= taken_ms <= NOTICED_MS, taken_ms
        world.broker.thaw()
        world.run_for(100)
        assert world.run_until(lambda: is_online(world), 20 * SECONDS)


def test_a_frozen_broker_is_noticed_though_the_device_goes_on_publishing(world):
    insight = Insight(world)
    up(world)
    world.device.bench.parts["flow"].rate_hz = 30
    world.run_for(30 * SECONDS)
    world.broker.freeze()
    assert noticed(world, insight, 2 * KEEPALIVE_MS) <= NOTICED_MS


def test_a_silent_half_open_link_is_noticed_likewise(world):
    insight = Insight(world)
    up(world)
    for pause_s in (3, 13, 23):
        world.run_for(pause_s * SECONDS)
        world.broker.half_open()
        assert noticed(world, insight, 2 * KEEPALIVE_MS) <= NOTICED_MS
        assert world.run_until(lambda: is_online(world), 5 * SECONDS)
        assert len(world.broker.connections) == 1
        assert world.device.open_sockets == 1


def test_the_keepalive_is_a_key(world):
    insight = Insight(world)
    with_keys(world, keepalive=10)
    up(world)
    world.run_for(27 * SECONDS)
    world.broker.half_open()
    assert noticed(world, insight, 2 * KEEPALIVE_MS) <= 15 * SECONDS


def test_an_idle_connection_lasts(world):
    insight = Insight(world)
    up(world)
    world.run_for(65 * MINUTES)
    assert insight.times("mqtt", "lost") == []
    assert len(world.broker.connects) == 1
    assert world.device.open_sockets == 1


def test_a_broker_frozen_for_long_is_found_after_it_thaws(world):
    device = world.device
    up(world)
    world.broker.freeze()
    world.run_for(9 * MINUTES)
    assert device.resets == []
    world.broker.thaw()
    assert world.run_until(lambda: is_online(world), 66 * SECONDS)
    world.run_for(30 * SECONDS)
    assert world.broker.connections == world.broker.connections[:1]
    assert stat(world, "CoarseLevelPct") == "100"
    assert device.open_sockets == 1


def test_a_short_freeze_is_not_even_noticed(world):
    insight = Insight(world)
    up(world)
    for _ in range(5):
        world.run_for(11 * SECONDS)
        world.broker.freeze()
        world.run_for(9 * SECONDS)
        world.broker.thaw()
    world.run_for(60 * SECONDS)
    assert insight.times("mqtt", "lost") == []
    assert len(sent(world, "Uptime")) >= 2


def test_what_a_frozen_broker_does_not_take_does_not_fill_the_memory(world):
    insight = Insight(world)
    up(world)
    world.device.bench.parts["flow"].rate_hz = 30
    world.broker.freeze()
    outbox = insight.app.mqtt.outbox
    most = 0
    for _ in range(50):
        world.run_for(10 * SECONDS)
        most = max(most, len(outbox._states))
    # Each row waits once at most, whatever becomes of its value.
    assert most <= 13, most
    world.broker.thaw()
    assert world.run_until(lambda: is_online(world), 66 * SECONDS)
    world.run_for(2 * SECONDS)
    assert len(outbox._states) == 0


def test_what_is_pumped_into_a_dead_link_is_in_the_sum_all_the_same(world):
    up(world)
    world.device.bench.parts["flow"].rate_hz = 48
    for _ in range(3):
        told = len(sent(world, "Pumped"))
        world.run_until(lambda n=told: len(sent(world, "Pumped")) > n, 2 * MINUTES)
        # It goes out once per minute: three seconds before that the link dies.
        world.run_for(57 * SECONDS)
        world.broker.half_open()
        world.run_for(63 * SECONDS)
    world.device.bench.parts["flow"].rate_hz = 0
    world.run_for(3 * MINUTES)
    told = [payload for _, payload in sent(world, "Pumped")]
    pulses = world.device.bench.parts["flow"].count_at(world.now_us)
    tenths = (pulses * 20 + 288) // 576  # 288 pulses are a litre
    assert stat(world, "PumpedAfterLevelChange") == "%d.%d" % divmod(tenths, 10)
    assert sum([int(float(payload) * 10 + 0.5) for payload in told]) == tenths, told
