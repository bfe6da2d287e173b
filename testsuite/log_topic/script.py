"""What the console says is on stat/<name>/Log too, once somebody can hear it."""

from testsuite.story import MINUTES, SECONDS, Insight, command, sent, up, with_keys

RING_LINES = 24


def lines(world):
    return [line for _, line in sent(world, "Log")]


def console(world):
    return [line for _, line in world.device.output]


def test_the_lines_of_the_boot_are_told_once_connected_in_their_order(world):
    up(world)
    world.run_for(1 * SECONDS)
    found = lines(world)
    assert found == console(world), (found, console(world))
    for start in (
        "info epx ",
        "info reset by power-on",
        "info appliance: h2o",
        "info net: connected",
    ):
        assert [line for line in found if line.startswith(start)], start
    assert found[-1] == "info mqtt: connected"
    for publication in world.broker.publications("stat/H2OControl/Log"):
        assert publication.qos == 0 and not publication.retain


def test_later_lines_are_told_at_once(world):
    up(world)
    world.run_for(1 * MINUTES)
    command(world, "nonsense", "1")
    world.run_for(100)
    assert lines(world)[-1] == "warn mqtt: cmnd/H2OControl/nonsense: unknown command"
    assert lines(world) == console(world)


def test_lines_of_an_absence_are_told_after_it(world):
    up(world)
    world.run_for(1 * MINUTES)
    world.broker.stop()
    world.run_for(4 * SECONDS)
    world.broker.start()
    world.run_for(10 * SECONDS)
    assert lines(world) == console(world)
    assert len([line for line in lines(world) if "mqtt: connected" in line]) == 2


def test_what_does_not_fit_is_lost_from_the_front_and_counted(world):
    def more(app, load):
        log = load("epx.log")
        for i in range(100):
            log.info("line %d", i)

    Insight(world, more)
    up(world)
    world.run_for(1 * SECONDS)
    found = lines(world)
    said = console(world)
    assert len(found) == RING_LINES + 1
    assert found[0] == "warn %d log lines lost" % (len(said) - RING_LINES)
    assert found[1:] == said[-RING_LINES:]
    # Once.
    command(world, "nonsense", "1")
    world.run_for(1 * SECONDS)
    assert len(lines(world)) == RING_LINES + 2


def test_a_long_line_is_cut(world):
    def more(app, load):
        load("epx.log").warn("%s", "\u00e4" * 500)

    Insight(world, more)
    up(world)
    world.run_for(1 * SECONDS)
    (line,) = [line for line in lines(world) if "\u00e4" in line]
    assert len(line) == 160 and line.endswith("...")


def test_the_level_is_a_key(world):
    with_keys(world, loglevel="error")
    up(world)
    command(world, "nonsense", "1")
    world.run_for(1 * MINUTES)
    assert lines(world) == [] and console(world) == []


def test_debug_lines_tell_of_every_state(world):
    with_keys(world, loglevel="debug")
    up(world)
    world.run_for(1 * SECONDS)
    for name in ("net: connecting -> connected", "mqtt: subscribing -> online"):
        assert "debug " + name in lines(world), lines(world)
