"""Six boards by their rows; outputs as they were before anything else runs, without flicker."""

from testsuite.story import MINUTES, SECONDS, command, sent, stat, up, with_keys

# driver, inputs, level of one that is on, outputs
PINS = (
    ("Direct4", (26, 34, 33, 35), 0, (17, 16, 32, 12)),
    ("dtwonder2", (36, 39), 0, (16, 2)),
    ("dtwonder4", (36, 39, 33, 35), 0, (16, 2, 32, 12)),
    ("hoffer6", (36, 39, 32, 33, 25, 26, 27, 14), 1, (4, 16, 17, 18, 19, 23)),
    ("minir4", (27, 0), 0, (26,)),
)


def remember(world, *levels):
    world.device.nvram["switch"] = {str(i): level for i, level in enumerate(levels)}


def history(world, pin):
    return [level for _, level in world.device.bench.pin(pin).history]


def expect_boot_restores(world, outputs, wanted):
    """Look at the outputs when boot.py has run, and nothing else has."""
    bench = world.device.bench
    seen = []

    def boot(load):
        load("boot")
        seen.append([bench.output(pin) for pin in outputs])
        load("main")

    world.device.boot_function = boot
    up(world)
    world.run_for(10 * SECONDS)
    assert seen == [list(wanted)], seen
    # Each was driven to its level once, and to no other.
    for pin, level in zip(outputs, wanted):
        assert history(world, pin) == [level], (pin, history(world, pin))
    states = [stat(world, "%d/State" % i) for i in range(len(outputs))]
    assert states == [str(level) for level in wanted], states
    world.device.reset()
    world.run_for(1 * MINUTES)
    assert seen == [list(wanted)] * 2, seen
    for pin, level in zip(outputs, wanted):
        assert history(world, pin) == [level], (pin, history(world, pin))


def expect_buttons_work(world, inputs, on_level, outputs):
    bench = world.device.bench
    for i, pin in enumerate(inputs):
        output = outputs[i % len(outputs)]
        before = bench.output(output)
        bench.set_input(pin, on_level)
        world.run_for(2 * SECONDS)
        bench.set_input(pin, 1 - on_level)
        world.run_for(2 * SECONDS)
        assert bench.output(output) == 1 - before, (i, pin, output)
        assert [words for _, words in sent(world, "Manual%d/Event" % i)][-1] == "P"


def board(world, row):
    driver, inputs, on_level, outputs = PINS[row]
    with_keys(world, driver=driver, led="none" if driver.startswith("dtw") else None)
    for pin in inputs:
        world.device.bench.set_input(pin, 1 - on_level)
    levels = [1 - i % 2 for i in range(len(outputs))]
    remember(world, *levels)
    expect_boot_restores(world, outputs, levels)
    expect_buttons_work(world, inputs, on_level, outputs)


def test_direct4(world):
    board(world, 0)


def test_dtwonder2(world):
    board(world, 1)


def test_dtwonder4(world):
    board(world, 2)


def test_hoffer6_has_more_inputs_than_outputs(world):
    board(world, 3)
    assert stat(world, "Program").endswith("5:P:-5/+5; 6:P:-0/+0; 7:P:-1/+1; ")


def test_minir4(world):
    board(world, 4)


def test_the_led_of_the_board_is_lit_unless_the_key_says_otherwise(world):
    with_keys(world, driver="minir4")
    up(world)
    assert 0 in history(world, 19) and history(world, 19)[-1] == 1
    assert history(world, 2) == []


def test_without_a_key_led_an_output_on_the_usual_pin_of_the_led_is_left_alone(world):
    with_keys(world, driver="dtwonder2")
    remember(world, 1, 1)
    up(world)
    world.run_for(1 * MINUTES)
    assert history(world, 2) == [1]


def test_a_key_led_counts(world):
    with_keys(world, led="5 inverted")
    up(world)
    assert 0 in history(world, 5) and history(world, 2) == []


def test_shift_registers_drive_nothing_before_all_outputs_are_set(world):
    with_keys(world, driver="dtwonder8")
    remember(world, 1, 0, 0, 1, 0, 0, 1, 1)
    chips = world.device.bench.parts["registers"]
    up(world)
    world.run_for(10 * SECONDS)
    wanted = 0b11001001
    assert chips.history == [wanted] and chips.driven() == wanted
    states = [stat(world, "%d/State" % i) for i in range(8)]
    assert states == ["1", "0", "0", "1", "0", "0", "1", "1"]
    command(world, "7/State", "0")
    command(world, "1/State", "1")
    world.run_for(3 * SECONDS)
    assert chips.history == [wanted, 0b01001001, 0b01001011]
    # A warm start: the registers have kept what they drive.
    world.device.reset()
    up(world)
    world.run_for(5 * SECONDS)
    assert chips.history[-1] == 0b01001011 and len(chips.history) == 3


def test_inputs_at_shift_registers_are_buttons(world):
    with_keys(world, driver="dtwonder8")
    chips = world.device.bench.parts["registers"]
    up(world)
    world.run_for(5 * SECONDS)
    for i in range(8):
        chips.inputs = 0xFF & ~(1 << i)
        world.run_for(2 * SECONDS)
        chips.inputs = 0xFF
        world.run_for(2 * SECONDS)
        assert chips.driven() == (1 << i + 1) - 1, i
        assert [words for _, words in sent(world, "Manual%d/Event" % i)] == ["P"]
    assert world.device.longest_turn_ms <= 15


def test_without_a_board_in_the_settings_nothing_is_driven(world):
    for driver in (None, "Direct5"):
        with_keys(world, driver=driver)
        world.device.power_on()
        assert world.run_until(lambda: world.device.said("does not start"), 10 * SECONDS)
        assert world.device.said("driver: ")
        for pin in (17, 16, 32, 12, 26, 15):
            assert world.device.bench.output(pin) is None
        world.device.power_cut()
        world.run_for(1 * SECONDS)


def kept_program(world, data):
    kept = {"program_len": len(data), "program": data}
    world.device.nvram["switch"] = kept
    up(world)
    world.run_for(3 * SECONDS)
    return stat(world, "Program"), stat(world, "ProgramCompilation")


def test_a_stored_program_of_old_goes_on_with_a_warning(world):
    # 7 is 3, -1 is the last output, and the last of two for an input counts.
    text = "7:P:+0;3:P:+-1,+5,-5/-3"
    assert kept_program(world, text.encode()) == (
        text,
        "Success, but such a program is refused today: "
        "Program manual# out of range: 7, want 0 to 3",
    )
    assert world.device.said("refused today")
    bench = world.device.bench
    for wanted in ([0, 0, 0, 1], [0, 0, 0, 0]):
        bench.set_input(35, 0)
        world.run_for(1 * SECONDS)
        assert [bench.output(pin) for pin in (17, 16, 32, 12)] == wanted
        bench.set_input(35, 1)
        world.run_for(2 * SECONDS)
    assert world.device.nvram["switch"]["program"] == text.encode()
    # Sent anew it is refused, and the old one still runs.
    command(world, "Program", text)
    world.run_for(1 * SECONDS)
    assert stat(world, "ProgramCompilation") == "Program manual# out of range: 7, want 0 to 3"
    assert stat(world, "Program") == text


def test_a_stored_program_that_is_wrong_gives_way_to_the_default(world):
    found = kept_program(world, b"0:P:+0//-0")
    default = "0:P:-0/+0; 1:P:-1/+1; 2:P:-2/+2; 3:P:-3/+3; "
    assert found == (default, "Phase empty"), found
    assert world.device.nvram["switch"]["program"] == default.encode()
    assert world.device.said("the default one takes its place")


def test_a_stored_program_that_is_no_text_counts_as_none(world):
    found = kept_program(world, b"0:P:\xff")
    assert found == ("0:P:-0/+0; 1:P:-1/+1; 2:P:-2/+2; 3:P:-3/+3; ", "Success"), found


def test_a_program_in_bytes_that_are_no_text_is_refused(world):
    up(world)
    command(world, "Program", b"0:P:\xff")
    world.run_for(1 * SECONDS)
    assert world.device.said("want UTF-8 text of at most 2000 bytes")
    assert len(sent(world, "ProgramCompilation")) == 1


def test_a_power_cut_leaves_each_output_as_it_was_within_a_second(world):
    up(world)
    world.run_for(5 * SECONDS)
    for i in range(4):
        command(world, "%d/State" % i, "1")
        world.run_for(200)
    world.run_for(2 * SECONDS)
    world.device.power_cut()
    world.run_for(1 * SECONDS)
    up(world)
    world.run_for(2 * SECONDS)
    assert [stat(world, "%d/State" % i) for i in range(4)] == ["1"] * 4
