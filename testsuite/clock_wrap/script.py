"""ticks_ms() wraps after 12.4 days, the loop's own epoch after three: nobody notices either."""

from testsuite.story import HOURS, MINUTES, SECONDS, Insight, is_online, sent, stat, up, with_keys

DAYS = 24 * HOURS
WRAP_MS = 30 * SECONDS


def gaps_ms(found):
    return [found[i + 1][0] - found[i][0] for i in range(len(found) - 1)]


def test_nothing_happens_when_the_clock_wraps(world):
    insight = Insight(world)
    device = world.device
    ticks = []
    up(world)
    device.bench.parts["flow"].rate_hz = 24
    world.call_at(WRAP_MS - 1, lambda: ticks.append(world.ticks))
    world.call_at(WRAP_MS + 1, lambda: ticks.append(world.ticks))
    world.run_for(5 * MINUTES)
    assert ticks[0] == (1 << 30) - 1 and ticks[1] == 1
    # Flow is published every ten seconds while it flows, and is 5.0 before, at and after the wrap.
    flow = [(ms, payload) for ms, payload in sent(world, "Flow") if payload != "0.0"]
    assert {payload for _, payload in flow[1:]} == {"5.0"}, flow
    assert all(abs(gap - 10 * SECONDS) <= 100 for gap in gaps_ms(flow)), gaps_ms(flow)
    assert all(abs(gap - MINUTES) <= 100 for gap in gaps_ms(sent(world, "Uptime"))[1:])
    assert insight.times("mqtt", "lost") == [] and insight.times("net", "connlost") == []
    assert len(world.broker.connects) == 1
    assert device.resets == []


def test_an_outage_over_the_wrap_is_like_any_other(world):
    insight = Insight(world)
    up(world)
    world.device.wifi.available = False
    world.run_until(lambda: insight.times("net", "connlost"), 30 * SECONDS)
    lost_ms = world.now_ms()
    assert lost_ms < WRAP_MS
    world.device.wifi.available = True
    assert world.run_until(lambda: is_online(world), 60 * SECONDS)
    assert 30 * SECONDS <= insight.times("net", "idle")[-1] - lost_ms <= 45 * SECONDS


def test_thirteen_days_without_a_network(world):
    """Two wraps of the ticks, the first one half a minute after the start; four epochs."""
    hours = []

    def more(app, load):
        loop = load("epx.loop")
        for entry in list(loop._heap):
            entry[6].cancel()  # a collection per minute takes long in the simulator's large heap
        loop.Task(lambda: hours.append((world.now_ms(), loop.uptime_s())), HOURS, HOURS)
        loop.Task(lambda: days.append(world.now_ms()), 5 * DAYS, 4 * DAYS)
        loop.Task(lambda: late.append(world.now_ms()), 13 * DAYS - HOURS)

    days = []
    late = []
    with_keys(world, ssid="(none)", mqttbroker=None, watchdog=0)
    insight = Insight(world, lambda app, load: None)
    # Not the tank with its displays: a day of that takes seconds.
    insight._build = lambda app, build, load: more(app, load)
    device = world.device
    device.power_on()
    world.run_for(13 * DAYS + 1 * MINUTES)
    assert len(hours) == 13 * 24, len(hours)
    booted_ms = 300
    for i in range(len(hours)):
        at_ms, uptime_s = hours[i]
        assert abs(at_ms - booted_ms - (i + 1) * HOURS) <= 20, (i, at_ms)
        assert uptime_s == (i + 1) * 3600, (i, uptime_s)
    assert [round((ms - booted_ms) / DAYS, 3) for ms in days] == [5, 9, 13], days
    assert [round((ms - booted_ms) / HOURS, 3) for ms in late] == [13 * 24 - 1], late
    assert insight.app.uptime_min() == 13 * 24 * 60 + 0
    assert device.resets == []


def started_long_ago(world, ms):
    """An Insight of a tank whose loop counts from ms ago: three days take too long to wait."""

    def more(app, load):
        app.net._lost_s = load("epx.loop").uptime_s()

    insight = Insight(world, more)
    boot = world.device.boot_function

    def boot_later(load):
        load("epx.loop")._now = ms
        boot(load)

    world.device.boot_function = boot_later
    return insight


def test_the_tank_lives_on_over_an_epoch_of_the_loop(world):
    """After 268,000 s the loop moves its origin of time."""
    insight = started_long_ago(world, 267_000_000)
    up(world)
    world.run_for(2 * MINUTES)
    for _ in range(3):
        world.broker.forget_publications()
        world.run_for(31 * MINUTES)
        gaps = gaps_ms(sent(world, "Uptime"))
        assert len(gaps) >= 29 and all(abs(gap - MINUTES) <= 100 for gap in gaps), gaps
        assert 1 <= len(sent(world, "VolUnit")) <= 2
    assert world.device.module("epx.loop")._epochs == 1
    since_boot_min = (world.now_ms() - 300 + 267_000_000) // MINUTES
    assert stat(world, "Uptime") == str(int(since_boot_min)), stat(world, "Uptime")
    assert insight.times("mqtt", "lost") == []
    assert world.device.resets == []


def test_an_outage_over_an_epoch_of_the_loop(world):
    insight = started_long_ago(world, 267_900_000)
    up(world)
    world.run_for(1 * MINUTES)
    world.device.wifi.available = False
    world.broker.stop()
    world.run_for(8 * MINUTES)
    assert world.device.module("epx.loop")._epochs == 1
    world.device.wifi.available = True
    assert world.run_until(insight.app.net.connected, 60 * SECONDS)
    world.run_for(2 * MINUTES)
    world.broker.start()
    assert world.run_until(lambda: is_online(world), 61 * SECONDS)
    assert world.device.resets == []
