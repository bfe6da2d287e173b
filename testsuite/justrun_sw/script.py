"""A switch with the default program: buttons, new programs and their mistakes, commands (T20)."""

from testsuite.story import MINUTES, SECONDS, Insight, command, sent, stat, up
from testsuite.switchstory import expect, levels, states

INPUTS = (26, 34, 33, 35)
DEFAULT = "0:P:-0/+0; 1:P:-1/+1; 2:P:-2/+2; 3:P:-3/+3; "


def press(world, number, ms):
    pin = INPUTS[number]
    world.device.bench.set_input(pin, 0)
    world.run_for(ms)
    world.device.bench.set_input(pin, 1)
    world.run_for(5 * SECONDS)


def send_program(world, text):
    """What becomes of it: all that is said after it was sent."""
    before = len(sent(world, "ProgramCompilation"))
    command(world, "Program", text)
    world.run_for(1 * SECONDS)
    return [words for _, words in sent(world, "ProgramCompilation")[before:]]


def start(world):
    up(world)
    world.run_for(5 * SECONDS)


def test_each_button_switches_its_output_and_short_pulses_do_nothing(world):
    start(world)
    expect(world, 0, 0, 0, 0)
    assert stat(world, "Program") == DEFAULT
    assert stat(world, "ProgramCompilation") == "Success"
    assert world.device.nvram["switch"]["program"] == DEFAULT.encode()
    assert world.device.nvram["switch"]["program_len"] == len(DEFAULT)
    press(world, 0, 1 * SECONDS)
    expect(world, 1, 0, 0, 0)
    press(world, 0, 1 * SECONDS)
    expect(world, 0, 0, 0, 0)
    press(world, 0, 200)
    press(world, 0, 500)
    expect(world, 0, 0, 0, 0)
    press(world, 3, 1 * SECONDS)
    expect(world, 0, 0, 0, 1)
    assert [words for _, words in sent(world, "Manual0/Event")] == ["P", "P"]
    assert [words for _, words in sent(world, "Manual3/Event")] == ["P"]
    assert sent(world, "Manual1/Event") == []


REFUSED = (
    (";", "Program is nil"),
    ("P:a", "Program manual unexp: P:a"),
    ("P:a:b", "Program manual# unexp: P"),
    ("0:X:b", "Program kind unexp: X"),
    ("0:P:", "Phase empty"),
    ("0:P:+0//-0", "Phase empty"),
    ("0:P:+0/0", "Switch len unexp: 0"),
    ("0:P:+0/x0", "Switch sign unexp: x0"),
    ("0:P:+0/-a", "Phase switch# unexp: a"),
    ("4:P:+0", "Program manual# out of range: 4, want 0 to 3"),
    ("0:P:+4", "Phase switch# out of range: 4, want 0 to 3"),
    ("0:P:+-1", "Phase switch# out of range: -1, want 0 to 3"),
    ("0:P:+0;1:P:+1;0:T:+0", "Program manual# repeated: 0"),
    ("0:P:+1,-1", "Phase switch# repeated: 1"),
)


def test_a_wrong_program_is_refused_with_its_reason_and_the_old_one_stays(world):
    start(world)
    assert send_program(world, "0:P:+0") == ["Success"]
    assert stat(world, "Program") == "0:P:+0"
    writes = world.device.bench.nvs_writes
    for text, reason in REFUSED:
        assert send_program(world, text) == [reason], text
        assert stat(world, "Program") == "0:P:+0"
    # The same words once more are an answer once more.
    assert send_program(world, ";") == ["Program is nil"]
    assert world.device.bench.nvs_writes == writes
    press(world, 0, 1 * SECONDS)
    expect(world, 1, 0, 0, 0)


def test_a_new_program_counts_at_once(world):
    start(world)
    assert send_program(world, " 0 : P : + 1 / - 1 ; ; ") == ["Success"]
    assert stat(world, "Program") == " 0 : P : + 1 / - 1 ; ; "
    press(world, 0, 1 * SECONDS)
    expect(world, 0, 1, 0, 0)
    press(world, 0, 1 * SECONDS)
    expect(world, 0, 0, 0, 0)
    # No program, no event.
    press(world, 3, 1 * SECONDS)
    expect(world, 0, 0, 0, 0)
    assert sent(world, "Manual3/Event") == []
    world.device.reset()
    start(world)
    press(world, 0, 1 * SECONDS)
    expect(world, 0, 1, 0, 0)


def test_commands_switch_and_nonsense_does_not(world):
    start(world)
    for name, payload in (("0/State", "1"), ("1/State", "On"), ("3/State", "moo")):
        command(world, name, payload)
    command(world, "4/State", "1")
    expect(world, 1, 1, 0, 0)
    assert world.device.said("want on or off")
    command(world, "1/State", "1")
    expect(world, 1, 1, 0, 0)
    command(world, "0/State", "off")
    command(world, "1/State", "0")
    expect(world, 0, 0, 0, 0)
    command(world, "2/State", "UP")
    expect(world, 0, 0, 1, 0)
    command(world, "2/State", "Down")
    expect(world, 0, 0, 0, 0)
    assert sent(world, "Manual0/Event") == []


def test_a_retained_command_never_switches(world):
    world.broker.publish("cmnd/Switch/0/State", b"1", retain=True)
    world.broker.publish("cmnd/Switch/Program", b"0:P:+3", retain=True)
    start(world)
    expect(world, 0, 0, 0, 0)
    world.broker.restart(5000)
    world.run_for(1 * MINUTES)
    assert [level for _, level in world.device.bench.pin(17).history] == [0]
    assert stat(world, "Program") == DEFAULT
    assert world.device.said("dropped")


def test_states_are_said_again_and_events_never(world):
    start(world)
    press(world, 1, 1 * SECONDS)
    world.broker.forget_publications()
    world.run_for(30 * MINUTES)
    for i in range(4):
        said = [words for _, words in sent(world, "%d/State" % i)]
        assert said == ["1" if i == 1 else "0"] * 3, said
    command(world, "Refresh", "1")
    world.run_for(1 * SECONDS)
    assert states(world) == ["0", "1", "0", "0"]
    assert [words for _, words in sent(world, "Program")] == [DEFAULT]
    assert [words for _, words in sent(world, "ProgramCompilation")] == ["Success"]
    assert sent(world, "Manual1/Event") == []


def test_a_press_while_the_broker_is_away_works_and_is_told_later(world):
    start(world)
    world.broker.stop()
    press(world, 2, 1 * SECONDS)
    assert levels(world) == [0, 0, 1, 0]
    world.broker.start()
    assert world.run_until(lambda: len(sent(world, "Manual2/Event")) == 1, 3 * MINUTES)
    expect(world, 0, 0, 1, 0)


def test_an_output_is_written_to_nvram_on_change_and_once_per_second(world):
    start(world)
    world.run_for(2 * MINUTES)  # what the framework writes once
    bench = world.device.bench
    before = bench.nvs_writes
    command(world, "0/State", "0")
    press(world, 0, 200)
    world.run_for(1 * MINUTES)
    assert bench.nvs_writes == before
    command(world, "0/State", "1")
    world.run_for(100)
    assert world.device.nvram["switch"]["0"] == 1
    began_ms = world.now_ms()
    for i in range(100):
        command(world, "0/State", str(i & 1))
        world.run_for(100)
    seconds = (world.now_ms() - began_ms) // 1000
    assert bench.nvs_writes - before <= seconds + 2, bench.nvs_writes - before
    world.run_for(2 * SECONDS)
    assert world.device.nvram["switch"]["0"] == 1
    assert levels(world) == [1, 0, 0, 0]
    # Four at once wait for nobody, and a restart on purpose waits for what is not written yet.
    world.run_for(2 * SECONDS)
    for i in range(4):
        command(world, "%d/State" % i, "1")
    command(world, "OTA", "reboot")
    assert world.run_until(lambda: world.device.resets, 20 * SECONDS)
    assert [world.device.nvram["switch"][str(i)] for i in range(4)] == [1, 1, 1, 1]


def test_an_update_on_trial_asks_whether_the_inputs_are_known(world):
    insight = Insight(world)
    up(world)
    assert insight.app.health() == "ok"
    world.device.reset()
    assert world.run_until(lambda: insight.app.health() == "unsure", 10 * SECONDS)
