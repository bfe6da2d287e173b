"""Numbers as text: halves away from zero, on every interpreter and with 32-bit floats."""

import struct
import unittest

import fakes


def scaled(number, digits):
    """Text of the integer number counted in units of 10**-digits."""
    words = "%0*d" % (digits + 1, abs(number))
    point = len(words) - digits
    words = words[:point] + "." + words[point:] if digits else words
    return "-" + words if number < 0 else words


class TextCase(unittest.TestCase):
    def setUp(self):
        self.textfmt = fakes.World().load("epx.textfmt")

    def check(self, value, digits, wanted):
        self.assertEqual(self.textfmt.decimal(value, digits), wanted)


class TestDecimal(TextCase):
    def test_every_digit_stands_at_its_place(self):
        for number, digits, wanted in (
            (0, 0, "0"),
            (0, 2, "0.00"),
            (5, 1, "0.5"),
            (-5, 1, "-0.5"),
            (-5, 3, "-0.005"),
            (12345, 2, "123.45"),
            (-12300, 2, "-123.00"),
            (7, 0, "7"),
            (-7, 0, "-7"),
            (1234567890123, 3, "1234567890.123"),
        ):
            self.check(number / 10**digits, digits, wanted)

    def test_halves_go_away_from_zero(self):
        for value, digits, wanted in (
            (6.25, 1, "6.3"),
            (0.05, 1, "0.1"),
            (0.15, 1, "0.2"),
            (2.675, 2, "2.68"),
            (1.005, 2, "1.01"),
            (0.5, 0, "1"),
            (1.5, 0, "2"),
            (2.5, 0, "3"),
            (-2.5, 0, "-3"),
            (-6.25, 1, "-6.3"),
            (-0.05, 1, "-0.1"),
            (1013.25, 1, "1013.3"),
        ):
            self.check(value, digits, wanted)

    def test_what_is_no_half_goes_to_the_nearer_side(self):
        for value, digits, wanted in (
            (6.24, 1, "6.2"),
            (6.249, 1, "6.2"),
            (0.04, 1, "0.0"),
            (0.449, 0, "0"),
            (99.96, 1, "100.0"),
            (99.94, 1, "99.9"),
        ):
            self.check(value, digits, wanted)

    def test_there_is_no_negative_zero(self):
        self.check(-0.04, 1, "0.0")
        self.check(-0.0, 1, "0.0")
        self.check(-0.4, 0, "0")

    def test_integers_stay_exact_however_large(self):
        self.check(0, 1, "0.0")
        self.check(-3, 0, "-3")
        self.check(123456789012345678, 1, "123456789012345678.0")

    def test_large_floats_that_are_integers_stay_so(self):
        for number in (125000, 1250000, 2000000, 8388607, 8388608, 8388609, 16777215, 20000000):
            self.check(float(number), 0, str(number))
            self.check(-float(number), 0, str(-number))
        self.check(125000.0, 1, "125000.0")
        self.check(1234567.5, 0, "1234568")
        self.check(1234567.25, 0, "1234567")

    def test_what_is_no_number_has_no_text(self):
        for value in (None, float("nan"), float("inf"), float("-inf")):
            self.check(value, 1, None)

    def test_true_and_false_are_one_and_zero(self):
        self.check(True, 0, "1")
        self.check(False, 0, "0")

    def test_a_table_of_two_hundred_values_is_the_same_everywhere(self):
        """Thousandths computed with integers; also after a trip through 32-bit floats."""
        dice = fakes.Dice(2)
        for case in range(200):
            limit = (1000, 100000, 5000000)[case % 3]
            thousandths = dice.below(limit) - limit // 4
            if case % 5 == 0:
                thousandths = thousandths // 100 * 100 + 50  # a half at one digit
            value = thousandths / 1000
            for digits, unit in ((0, 1000), (1, 100), (2, 10)):
                rounded = (abs(thousandths) * 2 + unit) // (2 * unit)
                if thousandths < 0:
                    rounded = -rounded
                wanted = scaled(rounded, digits)
                self.check(value, digits, wanted)
                self.check(struct.unpack("<f", struct.pack("<f", value))[0], digits, wanted)

    def test_integers_get_their_decimals(self):
        self.check(7, 2, "7.00")
        self.check(6.25, 0, "6")


if __name__ == "__main__":
    unittest.main()
