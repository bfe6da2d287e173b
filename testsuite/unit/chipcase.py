"""What tests of a chip that measures have in common: chip is the driver, BENCH holds the model."""

import unittest

import _sim

BENCH = _sim.bench


class ChipCase(unittest.TestCase):
    """A test sets self.chip, which has trigger() and read()."""

    def measure(self, wait_us):
        self.chip.trigger()
        BENCH.clock.spend_us(wait_us)
        return self.chip.read()

    def expect_error(self, number, call, *arguments):
        with self.assertRaises(OSError) as caught:
            call(*arguments)
        self.assertEqual(caught.exception.args[0], number)
