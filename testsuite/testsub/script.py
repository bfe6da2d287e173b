"""Commands that nobody knows, and texts that no command is (T06)."""

from testsuite.story import SECONDS, Insight, command, is_online, sent, up


def warnings(world):
    return [line for _, line in sent(world, "Log") if line.startswith("warn")]


def expect_still_obeying(world, insight):
    obeyed = insight.app.mqtt.commands
    world.broker.forget_publications()
    command(world, "Refresh", "x")
    world.run_for(3 * SECONDS)
    assert insight.app.mqtt.commands == obeyed + 1
    assert [p for _, p in sent(world, "VolUnit")] == ["L"]
    assert is_online(world)
    assert world.device.resets == []
    assert world.device.open_sockets == 1 and world.device.sockets_opened == 1


def test_unknown_commands_are_logged_and_change_nothing(world):
    insight = Insight(world)
    up(world)
    world.run_for(30 * SECONDS)
    for name in ("test", "invalid", "Refresh/deeper", "0/State"):
        command(world, name, "1")
    world.run_for(1 * SECONDS)
    assert warnings(world) == [
        "warn mqtt: cmnd/H2OControl/%s: unknown command" % name
        for name in ("test", "invalid", "Refresh/deeper", "0/State")
    ], warnings(world)
    assert insight.app.mqtt.commands == 0
    expect_still_obeying(world, insight)


def test_commands_of_others_are_not_even_sent(world):
    insight = Insight(world)
    up(world)
    for topic in ("cmnd/H2OControl2/Refresh", "cmnd/Other/Refresh", "stat/H2OControl/Refresh"):
        world.broker.publish(topic, "1")
    world.run_for(1 * SECONDS)
    assert warnings(world) == []
    assert world.broker.subscriptions() == {"cmnd/H2OControl/#": 1}
    expect_still_obeying(world, insight)


def test_an_empty_payload_is_no_command(world):
    insight = Insight(world)
    up(world)
    command(world, "Refresh", b"")
    world.run_for(1 * SECONDS)
    assert insight.app.mqtt.commands == 0
    assert len(warnings(world)) == 1
    expect_still_obeying(world, insight)


def test_names_and_payloads_that_are_no_text_are_survived(world):
    insight = Insight(world)
    up(world)
    command(world, "t\u00e9st \u4e2d", b"\xff\xfe\x00")
    command(world, "Refresh", b"\xff\xfe\x00")
    world.run_for(1 * SECONDS)
    assert warnings(world) == ["warn mqtt: cmnd/H2OControl/t\u00e9st \u4e2d: unknown command"]
    # Any payload refreshes, also one that is no text.
    assert insight.app.mqtt.commands == 1
    expect_still_obeying(world, insight)


def test_a_packet_longer_than_the_key_allows_is_skipped_and_acknowledged(world):
    insight = Insight(world)
    up(world)
    for qos in (0, 1):
        command(world, "Refresh", b"x" * 5000, qos=qos)
    world.run_for(2 * SECONDS)
    assert insight.app.mqtt.commands == 0
    assert len(world.broker.acknowledged) == 1
    lines = warnings(world)
    assert len(lines) == 2 and "longer than mqttpacket, dropped" in lines[0], lines
    expect_still_obeying(world, insight)


def test_a_flood_of_nonsense_is_not_a_flood_of_log_lines(world):
    insight = Insight(world)
    up(world)
    world.run_for(5 * SECONDS)
    for _ in range(100):
        command(world, "invalid", "1")
    world.run_for(2 * SECONDS)
    assert 1 <= len(warnings(world)) <= 10, len(warnings(world))
    expect_still_obeying(world, insight)


def test_a_malformed_packet_closes_the_connection_with_a_reason_and_nothing_else(world):
    insight = Insight(world)
    up(world)
    for data in (
        b"\xf0\x00",
        b"\x36\x05\x00\x01a\x00\x01",
        b"\x30\xff\xff\xff\xff\x01",
        b"\x20\x02\x00\x00",
    ):
        world.run_for(2 * SECONDS)
        lost = len(insight.times("mqtt", "lost"))
        world.broker.send_raw(data)
        world.run_for(100)
        assert len(insight.times("mqtt", "lost")) == lost + 1, data
        assert world.run_until(lambda: is_online(world), 2 * SECONDS)
    world.run_for(1 * SECONDS)
    assert len(warnings(world)) == 4, warnings(world)
    assert world.device.resets == []
    assert world.device.open_sockets == 1
