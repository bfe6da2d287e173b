"""The driver of the mains meter, against a model that speaks its protocol, on a line."""

import unittest
from errno import EIO, ETIMEDOUT

import _sim
from machine import UART

from testmock.models.pzem004t import PZEM004T as Model
from testmock.models.pzem004t import with_crc
from third.pzem004t import PZEM004T

BENCH = _sim.bench
SETTINGS, VALUES, ALARM, RESET = 3, 4, 6, 0x42


class TestDriver(unittest.TestCase):
    def setUp(self):
        self.model = BENCH.uart(2, Model(BENCH.clock.now_us))
        self.model.w = 0.0
        self.chip = PZEM004T(UART(2, 9600))

    def get(self, what, watts=0):
        self.chip.ask(what, watts)
        BENCH.clock.spend_us(200000)
        self.chip.read()

    def error(self, what=VALUES):
        with self.assertRaises(OSError) as caught:
            self.get(what)
        return caught.exception.args[0]

    def test_all_values_at_their_resolution(self):
        model = self.model
        model.v, model.a, model.hz, model.pf, model.wh = 231.4, 99.987, 49.9, 0.87, 9999999
        model.w = 22999.9
        self.get(VALUES)
        self.assertEqual(self.chip.values, (2314, 99987, 229999, 499, 87, 9999999, 0))

    def test_the_request_is_the_one_of_the_manual(self):
        self.get(VALUES)
        self.assertEqual(self.model.requests, [b"\xf8\x04\x00\x00\x00\x0a\x64\x64"])

    def test_asking_and_reading_do_not_wait(self):
        before_us = BENCH.clock.now_us()
        self.chip.ask(VALUES)
        self.assertRaises(OSError, self.chip.read)
        self.assertEqual(BENCH.clock.now_us(), before_us)

    def test_the_alarm_is_at_more_than_its_threshold(self):
        self.model.alarm_w = 100
        self.model.w = 100.0
        self.get(VALUES)
        self.assertEqual(self.chip.values[6], 0)
        self.model.w = 100.1
        self.get(VALUES)
        self.assertEqual(self.chip.values[6], 0xFFFF)

    def test_the_threshold_is_read_and_written(self):
        self.get(SETTINGS)
        self.assertEqual(self.chip.alarm_w, 23000)
        self.get(ALARM, 4242)
        self.assertEqual((self.chip.alarm_w, self.model.alarm_w), (4242, 4242))

    def test_the_counter_begins_anew(self):
        self.model.wh = 1234
        self.get(RESET)
        self.get(VALUES)
        self.assertEqual((self.chip.values[5], self.model.resets), (0, 1))

    def test_nobody_there(self):
        self.model.present = False
        self.assertEqual(self.error(), ETIMEDOUT)

    def test_wrong_bits_and_half_answers(self):
        self.model.flips = 1
        self.assertEqual(self.error(), EIO)
        self.chip.ask(VALUES)
        BENCH.clock.spend_us(30000)
        self.assertRaises(OSError, self.chip.read)
        BENCH.clock.spend_us(200000)
        self.get(VALUES)
        self.assertEqual(self.chip.values[0], 2200)

    def test_noise_around_the_answer(self):
        self.model.noise = bytes(range(30))
        self.model.tail = b"\xff"
        self.get(VALUES)
        self.assertEqual(self.chip.values[0], 2200)

    def test_what_came_before_the_question_is_no_answer(self):
        self.get(VALUES)
        BENCH.uart_send(2, bytes(250))
        BENCH.clock.spend_us(1000000)
        self.get(VALUES)
        self.assertEqual(self.chip.values[0], 2200)

    def test_a_line_that_never_falls_silent_does_not_stop_the_program(self):
        class Babble:
            written = b""

            def any(self):
                return 64

            def readinto(self, buffer):
                buffer[:] = bytes(64)
                return 64

            def write(self, frame):
                self.written = bytes(frame)

        line = Babble()
        chip = PZEM004T(line)
        chip.ask(VALUES)
        self.assertEqual(len(line.written), 8)
        self.assertRaises(OSError, chip.read)

    def test_a_refusal(self):
        self.model._obey = lambda function, body: 4
        self.assertIn("code 4", self.error())

    def test_values_that_no_mains_have(self):
        right = self.model.inputs()
        before = self.chip.values
        for register, value in ((0, 3001), (2, 2), (4, 5), (6, 153), (7, 701), (8, 101)):
            wrong = list(right)
            wrong[register] = value
            self.model.inputs = lambda wrong=wrong: wrong
            self.assertEqual(self.error(), EIO)
            self.assertEqual(self.chip.values, before)

    def test_a_meter_with_an_address_of_its_own_answers_as_well(self):
        self.model.address = 7
        answer = self.model.uart_write
        # Some firmware answers with its own address.
        self.model.uart_write = lambda data: with_crc(b"\x07" + answer(data)[1:-2])
        self.get(VALUES)
        self.assertEqual(self.chip.values[0], 2200)


class TestModel(unittest.TestCase):
    """What the model refuses, as the meter does."""

    def setUp(self):
        self.model = Model(BENCH.clock.now_us)

    def ask(self, frame):
        return self.model.uart_write(with_crc(frame))

    def test_wrong_questions(self):
        for frame, code in (
            (b"\x01\x05\x00\x00\x00\x00", 1),
            (b"\x01\x04\x00\x00\x00", 3),
            (b"\x01\x04\x00\x05\x00\x06", 2),
            (b"\x01\x03\x00\x00\x00\x01", 2),
            (b"\x01\x06\x00\x03\x00\x01", 2),
            (b"\x01\x06\x00\x02\x00\xf8", 3),
        ):
            answer = with_crc(bytes((1, frame[1] | 0x80, code)))
            self.assertEqual(self.ask(frame), answer, frame)

    def test_questions_that_it_does_not_hear(self):
        self.assertIsNone(self.ask(b"\x02\x04\x00\x00\x00\x0a"))
        self.assertIsNone(self.model.uart_write(b"\x01\x04\x00\x00\x00\x0a\x00\x00"))
        self.assertIsNone(self.model.uart_write(b"\x01"))
        self.model.failing = True
        self.assertIsNone(self.ask(b"\x01\x04\x00\x00\x00\x0a"))

    def test_a_new_address_counts_from_the_next_question(self):
        self.assertEqual(
            self.ask(b"\x01\x06\x00\x02\x00\x05"), with_crc(b"\x01\x06\x00\x02\x00\x05")
        )
        self.assertIsNone(self.ask(b"\x01\x04\x00\x00\x00\x01"))
        self.assertEqual(self.ask(b"\x05\x04\x00\x00\x00\x01"), with_crc(b"\x05\x04\x02\x08\x98"))

    def test_energy_is_counted_while_there_are_mains(self):
        self.model.w = 3600.0
        BENCH.clock.spend_us(10000000)
        self.assertEqual(self.model.wh, 10)
        self.model._count()
        self.model.present = False
        BENCH.clock.spend_us(10000000)
        self.assertEqual(self.model.wh, 10)


if __name__ == "__main__":
    unittest.main()
