"""Keyfobs are pressed, held, pressed again; the broker goes away; the firmware has an RMT."""

from testsuite.story import MINUTES, SECONDS, command, sent, stat, up, with_keys

GATE = "EV1527:11259365"
GARAGE = "HT6P20:19088741"
STRANGER = "EV1527:4711"
FIRST_MS = 12 * SECONDS


def start(world):
    up(world)
    world.run_for(FIRST_MS)


def press(world, code, frames=4):
    world.device.bench.parts["keyfob"].press(code, frames)


def payloads(world, topic):
    return [payload for _, payload in sent(world, topic)]


def test_a_press_is_one_event(world):
    start(world)
    for code in (GATE, GARAGE, STRANGER):
        press(world, code)
        world.run_for(2 * SECONDS)
    assert payloads(world, "Keyfob") == [GATE, GARAGE, STRANGER]
    assert payloads(world, "Button") == ["gate", "garage"]
    world.run_for(60 * SECONDS)
    assert len(sent(world, "Keyfob")) == 3
    assert not world.broker.retained("stat/Keyfobs/Keyfob")
    assert {p.qos for p in world.broker.publications("stat/Keyfobs/Keyfob")} == {1}


def test_a_press_is_told_at_once(world):
    start(world)
    press(world, GATE)
    began_ms = world.now_ms()
    assert world.run_until(lambda: sent(world, "Keyfob"), 1 * SECONDS)
    # Two frames of 45 ms behind the delay of the model, and the rest of a window.
    assert world.now_ms() - began_ms < 300


def test_a_held_button_is_one_event_and_let_go_it_may_be_pressed_anew(world):
    start(world)
    press(world, GATE, 200)  # nine seconds
    world.run_for(9 * SECONDS)
    assert payloads(world, "Keyfob") == [GATE]
    world.run_for(1 * SECONDS)
    press(world, GATE)
    world.run_for(1 * SECONDS)
    press(world, GATE)
    world.run_for(1 * SECONDS)
    assert payloads(world, "Keyfob") == [GATE] * 3
    times = [ms for ms, _ in sent(world, "Keyfob")]
    assert all(times[i + 1] - times[i] >= 250 for i in range(2))


def test_one_frame_is_no_press(world):
    start(world)
    for _ in range(5):
        press(world, GATE, 1)
        world.run_for(1 * SECONDS)
    assert sent(world, "Keyfob") == []
    words = world.device.module("rx433.sensor") and stat(world, "Statistics")
    assert words.startswith("recv 0 good 0 bad 0 ook_start 0"), words


def test_two_fobs_at_the_same_time_make_no_press(world):
    fob = world.device.bench.parts["keyfob"]
    start(world)
    for _ in range(6):
        fob.press(GATE, 1)
        fob.press(STRANGER, 1)
    world.run_for(3 * SECONDS)
    assert sent(world, "Keyfob") == []


def test_as_many_frames_as_the_key_says(world):
    with_keys(world, frames=5)
    start(world)
    press(world, GATE, 4)
    world.run_for(2 * SECONDS)
    assert sent(world, "Keyfob") == []
    # A window may cut one frame, no more: five of eight are in a row.
    press(world, GATE, 8)
    world.run_for(2 * SECONDS)
    assert payloads(world, "Keyfob") == [GATE]


def test_refresh_and_a_new_connection_do_not_repeat_a_press(world):
    start(world)
    press(world, GATE)
    world.run_for(2 * SECONDS)
    command(world, "Refresh", b"1")
    world.run_for(5 * SECONDS)
    world.broker.restart(5 * SECONDS)
    world.run_for(2 * MINUTES)
    assert payloads(world, "Keyfob") == [GATE]
    assert payloads(world, "Button") == ["gate"]


def test_what_is_pressed_while_the_broker_is_away_is_told_later_in_its_order(world):
    start(world)
    world.broker.stop()
    world.run_for(5 * SECONDS)
    for code in (GATE, STRANGER, GATE):
        press(world, code)
        world.run_for(2 * SECONDS)
    world.broker.start()
    world.run_for(2 * MINUTES)
    assert payloads(world, "Keyfob") == [GATE, STRANGER, GATE]


def test_nobody_is_heard_in_the_first_twelve_seconds_and_statistics_come_every_hour(world):
    world.device.power_on()
    world.run_for(5 * SECONDS)
    press(world, GATE)
    up(world)
    assert world.device.bench.frequency_hz == 240000000
    world.run_for(10 * SECONDS)
    assert sent(world, "Keyfob") == []
    for _ in range(3):
        press(world, GATE)
        world.run_for(1 * SECONDS)
    world.run_for(61 * MINUTES)
    found = payloads(world, "Statistics")
    assert len(found) == 2
    words = found[1].split()
    counts = {words[i]: int(words[i + 1]) for i in range(0, len(words), 2)}
    assert counts["good"] == counts["recv"] == counts["ook_ok"] == 12, counts
    assert counts["ook_start"] == 12 and counts["ook_restart"] == 9, counts
    assert counts["bad"] == counts["ook_nok"] == counts["ook_overflow"] == 0, counts


def test_a_window_is_the_longest_turn_and_the_watchdog_lives_with_it(world):
    start(world)
    world.device.longest_turn_ms = 0
    before = world.device.turns
    world.run_for(1 * MINUTES)
    assert 70 <= world.device.longest_turn_ms <= 80, world.device.longest_turn_ms
    world.device.bench.parts["keyfob"].noise(40000)
    world.run_for(1 * MINUTES)
    assert 75 <= world.device.longest_turn_ms <= 125, world.device.longest_turn_ms
    assert 1300 < world.device.turns - before < 2000
    # Somebody's transmitter that does not stop.
    world.device.bench.parts["keyfob"].add([(1, 30000000)])
    world.run_for(1 * MINUTES)
    assert 120 <= world.device.longest_turn_ms <= 125, world.device.longest_turn_ms
    assert world.device.resets == []


def test_the_hardware_listens_where_the_firmware_has_it(world):
    with_keys(world, rmt=1)
    world.device.bench.has_rmt_receiver = True
    start(world)
    world.device.longest_turn_ms = 0
    for code in (GATE, GARAGE, STRANGER):
        press(world, code)
        world.run_for(2 * SECONDS)
    press(world, GATE, 100)
    world.run_for(6 * SECONDS)
    assert payloads(world, "Keyfob") == [GATE, GARAGE, STRANGER, GATE]
    assert world.device.longest_turn_ms <= 1


def test_without_it_the_processor_listens_and_says_so(world):
    with_keys(world, rmt=1)
    start(world)
    press(world, GATE)
    world.run_for(1 * SECONDS)
    assert payloads(world, "Keyfob") == [GATE]
    assert world.device.said("no esp32.RMTRX")
