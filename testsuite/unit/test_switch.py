"""The switch's parts by themselves: the language, the program, debouncing, what is kept."""

import unittest

from esp32 import NVS

from epx import diag, loop
from epx.nvram import Nvram
from switch import boards, settings
from switch.actuator import Outputs
from switch.language import parse, resume
from switch.program import Program
from switch.sensor import Inputs

_DEFAULT = "0:P:-0/+0; 1:P:-1/+1; "


def reason(text, inputs=4, outputs=4):
    """Why it is refused."""
    try:
        parse(text, inputs, outputs)
    except ValueError as error:
        return str(error)
    return None


class TestLanguage(unittest.TestCase):
    def test_a_program_is_kinds_and_phases(self):
        text = "0:P:-0/+0;3:T:+1,-2"
        found, manuals, outcome = parse(text, 4, 4)
        self.assertEqual((found, outcome), (text, "Success"))
        self.assertEqual(
            manuals, {0: ("P", [(1, 0, 1, 0), (1, 1, 0, 1)]), 3: ("T", [(6, 2, 4, 2)])}
        )

    def test_blanks_and_empty_parts_do_not_count(self):
        self.assertEqual(
            parse(" ;; 0 : R : - 0 , +1 / + 0 ; ", 4, 4)[1], parse("0:R:-0,+1/+0", 4, 4)[1]
        )

    def test_every_mistake_has_a_text_of_its_own(self):
        for text, why in (
            ("", "Program is nil"),
            (" ; ;", "Program is nil"),
            ("0:P", "Program manual unexp: 0:P"),
            ("0:P:+0:1", "Program manual unexp: 0:P:+0:1"),
            ("x:P:+0", "Program manual# unexp: x"),
            (":P:+0", "Program manual# unexp: "),
            ("1_0:P:+0", "Program manual# unexp: 1_0"),
            ("- 1:P:+0", "Program manual# unexp: - 1"),
            ("0:p:+0", "Program kind unexp: p"),
            ("0::+0", "Program kind unexp: "),
            ("0:P: /+0", "Phase empty"),
            ("0:P:+0,", "Switch len unexp: "),
            ("0:P:+", "Switch len unexp: +"),
            ("0:P:00", "Switch sign unexp: 00"),
            ("0:P:+x", "Phase switch# unexp: x"),
            ("0:P:+0x1", "Phase switch# unexp: 0x1"),
            ("0:P:+\xb2", "Phase switch# unexp: \xb2"),
            ("4:P:+0", "Program manual# out of range: 4, want 0 to 3"),
            ("-1:P:+0", "Program manual# out of range: -1, want 0 to 3"),
            ("0:P:-4", "Phase switch# out of range: 4, want 0 to 3"),
            ("0:P:+0;0:P:+1", "Program manual# repeated: 0"),
            ("0:P:+0,+1,-0", "Phase switch# repeated: 0"),
        ):
            self.assertEqual(reason(text), why, text)

    def test_the_same_output_in_two_phases_is_no_repeat(self):
        self.assertIsNone(reason("0:P:+0/+0;1:P:+0"))

    def test_a_program_of_old_is_read_modulo_and_its_last_words_count(self):
        _, manuals, outcome = resume("0:P:+1;4:T:+-1,+0,-4", 4, 4)
        self.assertEqual(manuals, {0: ("T", [(9, 9, 1, 8)])})
        self.assertTrue(outcome.startswith("Success, but"), outcome)

    def test_without_a_program_each_input_has_its_output(self):
        self.assertEqual(resume(None, 2, 2)[0], _DEFAULT)
        self.assertEqual(resume(None, 3, 1)[0], "0:P:-0/+0; 1:P:-0/+0; 2:P:-0/+0; ")
        for board in boards.BOARDS:
            sizes = len(board.inputs), len(board.outputs)
            self.assertIsNone(reason(resume(None, *sizes)[0], *sizes))


class Port:
    """readings: one per poll, the last one for ever. written: every change of the outputs."""

    def __init__(self, readings=(0,), levels=0):
        self.levels = levels
        self.written = []
        self._readings = list(readings)

    def read(self):
        return self._readings.pop(0) if len(self._readings) > 1 else self._readings[0]

    def write(self, levels):
        self.levels = levels
        self.written.append(levels)


class Heard:
    """A program that remembers what it was told."""

    def __init__(self):
        self.words = []

    def found(self, number, on):
        self.words.append(("found", number, on))

    def moved(self, number, on):
        self.words.append(("moved", number, on))
        return "P" if on else None

    def held(self, number):
        self.words.append(("held", number))
        return "L"


class Config:
    poll = 10
    debounce = 30
    longpress = 100


class TestInputs(unittest.TestCase):
    def hear(self, readings, size=1):
        """What the program hears of these readings."""
        program = Heard()
        port = Port(list(readings) + list(readings[-1:]) * 40)
        self.inputs = Inputs(self.config, port, size, program)
        for _ in range(len(readings) + 40):
            loop.step()
        return program.words

    def setUp(self):
        self.config = Config()

    def test_the_first_steady_reading_is_no_movement(self):
        self.assertEqual(self.hear([0] * 4), [("found", 0, 0)])
        self.assertEqual(self.inputs.health(), "ok")

    def test_a_change_counts_when_it_has_stayed(self):
        self.assertEqual(self.hear([0] * 9 + [1] * 3 + [0] * 9), [("found", 0, 0)])

    def test_it_stays_for_the_whole_time(self):
        self.assertEqual(
            self.hear([0] * 9 + [1] * 4 + [0] * 9),
            [("found", 0, 0), ("moved", 0, 1), ("moved", 0, 0)],
        )

    def test_any_deviation_starts_over(self):
        self.assertEqual(self.hear([0] * 9 + [1, 1, 1, 0] * 9 + [0] * 9), [("found", 0, 0)])

    def test_without_debouncing_every_reading_counts(self):
        self.config.debounce = 0
        self.assertEqual(self.hear([0, 1, 0]), [("found", 0, 0), ("moved", 0, 1), ("moved", 0, 0)])

    def test_a_press_is_long_after_its_time_and_once(self):
        words = [("found", 0, 0), ("moved", 0, 1)]
        # Four polls until it counts, ten more until it is long.
        self.assertEqual(self.hear([0] * 9 + [1] * 13 + [0] * 30), words + [("moved", 0, 0)])
        self.assertEqual(
            self.hear([0] * 9 + [1] * 14 + [0] * 30), words + [("held", 0), ("moved", 0, 0)]
        )
        self.assertEqual(self.hear([0] * 9 + [1] * 90), words + [("held", 0)])

    def test_a_release_that_does_not_count_yet_is_no_long_press(self):
        words = self.hear([0] * 9 + [1] * 12 + [0] * 3 + [1] * 20)
        self.assertEqual(words, [("found", 0, 0), ("moved", 0, 1), ("held", 0)])
        words = self.hear([0] * 9 + [1] * 12 + [0] * 20)
        self.assertEqual(words, [("found", 0, 0), ("moved", 0, 1), ("moved", 0, 0)])

    def test_inputs_do_not_disturb_each_other(self):
        words = self.hear([0] * 9 + [1] * 2 + [3] * 2 + [2, 3] * 20 + [3] * 4, 2)
        self.assertEqual(words[:2], [("found", 0, 0), ("found", 1, 0)])
        self.assertEqual(words[2:], [("moved", 0, 1), ("moved", 1, 1), ("held", 0), ("held", 1)])

    def test_one_that_never_rests_is_not_known(self):
        self.assertEqual(self.hear([0, 1] * 40 + [2] * 1, 2)[:1], [("found", 1, 0)])
        self.hear([0, 1] * 60, 2)
        self.assertEqual(self.inputs.health(), "ok")

    def test_what_is_told_is_announced(self):
        class Listener:
            def __init__(self, source):
                self.row = self
                self.on = "moved"
                self.events = []
                self._source = source

            def look(self):
                self.events.append(self._source.event)

        inputs = Inputs(self.config, Port([0] * 9 + [1]), 1, Heard())
        source = inputs.each[0]
        listener = Listener(source)
        source.listeners += (listener,)
        for _ in range(40):
            loop.step()
        self.assertEqual(listener.events, ["P", "L"])


class TestProgram(unittest.TestCase):
    def setUp(self):
        self.nvram = Nvram("switch")
        self.port = Port(levels=0)

    def make(self, text, levels=0):
        self.port.levels = levels
        self.outputs = Outputs(self.port, 4, self.nvram)
        if text is not None:
            self.nvram.set_text("program", text)
        return Program(self.nvram, self.outputs, 4)

    def test_the_next_phase_is_after_the_first_that_describes_the_outputs(self):
        program = self.make("0:P:+0/+0,+1/-0,-1")
        # At 3 the first phase fits, too, though the second one says more; at 2 none does.
        for present, wanted in ((1, 3), (3, 3), (0, 1), (2, 3)):
            self.outputs.levels = present
            program.moved(0, 1)
            self.assertEqual(self.outputs.levels, wanted)

    def test_one_phase_leads_to_itself(self):
        program = self.make("0:P:+2;1:R:-2")
        self.assertEqual(program.moved(0, 1), "P")
        self.assertEqual(self.outputs.levels, 4)
        self.assertEqual(program.moved(1, 1), "R+")
        self.assertEqual(self.outputs.levels, 0)
        self.assertEqual(self.port.written, [4, 0])

    def test_each_kind_has_its_events(self):
        program = self.make("0:P:-0/+0;1:T:-1/+1;2:R:-2/+2")
        words = [(program.moved(i, 1), program.moved(i, 0), program.held(i)) for i in range(4)]
        self.assertEqual(
            words, [("P", None, "L"), ("T+", "T-", None), ("R+", "R-", None), (None, None, None)]
        )

    def test_only_a_position_counts_when_it_is_found(self):
        program = self.make("0:P:-0/+0;1:T:-1/+1;2:R:-2/+2;3:R:-3/+3", 8)
        for i in range(4):
            program.found(i, 1 if i < 3 else 0)
        self.assertEqual(self.outputs.levels, 4)

    def test_a_refused_program_changes_nothing(self):
        program = self.make("0:P:-0/+0")
        program.take("0:P:+9")
        self.assertEqual(program.text, "0:P:-0/+0")
        self.assertEqual(self.nvram.get_text("program"), "0:P:-0/+0")
        self.assertEqual(program.outcome, "Phase switch# out of range: 9, want 0 to 3")
        self.assertEqual(program.moved(0, 1), "P")
        program.take("0:P:-1/+1")
        self.assertEqual((program.outcome, program.text), ("Success", "0:P:-1/+1"))
        self.assertEqual(self.nvram.get_text("program"), "0:P:-1/+1")


class TestOutputs(unittest.TestCase):
    def setUp(self):
        self.nvram = Nvram("switch")
        self.port = Port(levels=5)
        self.outputs = Outputs(self.port, 4, self.nvram)

    def kept(self):
        return [self.nvram.get_int(str(i)) for i in range(4)]

    def test_what_is_so_already_is_not_done(self):
        self.outputs.change(15, 5)
        self.assertEqual((self.port.written, self.kept()), ([], [None] * 4))

    def test_only_what_changes_is_written_at_once_and_then_after_a_second(self):
        self.outputs.each[1].switch(True)
        self.assertEqual(self.kept(), [None, 1, None, None])
        for wanted in (False, True, False):
            self.outputs.each[1].switch(wanted)
        self.outputs.each[0].switch(False)
        self.assertEqual(self.kept(), [None, 1, None, None])
        loop.step()
        self.assertEqual(self.kept(), [0, 0, None, None])
        self.assertEqual([output.level() for output in self.outputs.each], [0, 0, 1, 0])

    def test_a_restart_on_purpose_keeps_what_waits(self):
        for wanted in (True, False):
            self.outputs.each[3].switch(wanted)
        self.assertEqual(self.kept()[3], 1)
        for callback in diag.before_reboot:
            callback()
        self.assertEqual(self.kept()[3], 0)


class TestBoards(unittest.TestCase):
    def restored(self, text):
        if text is not None:
            with open("config.txt", "wb") as file:
                file.write(text)
        return boards.restore()

    def test_the_settings_know_every_board(self):
        for board in boards.BOARDS:
            self.assertEqual(settings.KEYS[0].parse(board.driver), board.driver)
            self.assertIs(boards.board_of(board.driver), board)
        words = ""
        try:
            settings.KEYS[0].parse("")
        except ValueError as error:
            words = error.args[0]
        self.assertEqual(words, "want one of " + " ".join([b.driver for b in boards.BOARDS]))

    def test_no_pin_is_used_twice(self):
        for board in boards.BOARDS:
            pins = list(board.registers or board.inputs + board.outputs)
            if board.led[0] is not None:
                pins.append(board.led[0])
            self.assertEqual(len(set(pins)), len(pins), board.driver)

    def test_without_a_board_there_is_nothing_to_restore(self):
        self.assertIsNone(self.restored(None))
        for text in (b"", b"driver\n", b"driver x\n", b"# driver minir4\n", b"driver \xff\n"):
            self.assertIsNone(self.restored(text), text)

    def test_the_outputs_are_as_nvram_says(self):
        kept = NVS("switch")
        for i, level in ((0, 1), (1, 0), (3, 2)):
            kept.set_i32(str(i), level)
        kept.commit()
        port, board = self.restored(b"ssid x\r\ndriver hoffer6\r\n driver  Direct4 \r\n")
        self.assertEqual(board.driver, "Direct4")
        self.assertEqual(port.levels, 1)
        self.assertEqual(self.restored(b"\xef\xbb\xbfdriver\tminir4")[1].driver, "minir4")
        # Nothing is connected: the pull-ups, and two pins that have none.
        self.assertEqual(port.read() & 0b0101, 0)


if __name__ == "__main__":
    unittest.main()
