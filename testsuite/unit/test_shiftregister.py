"""The driver of the shift registers, against a model that knows edges only."""

import unittest

from testmock.models.shiftregister import ShiftRegisters as Model
from third.shiftregister import ShiftRegisters

_ENABLE, _LATCH, _CLOCK, _IN, _OUT = 32, 15, 14, 16, 13


class State:
    """A pin as the model sees it."""

    def __init__(self, number):
        self.number = number
        self.changed = None
        self.latch = 0
        self.is_output = False

    def level(self):
        return self.latch


class Bench:
    """What the model uses of the simulated bench."""

    def __init__(self):
        self.pins = {}
        self.source = None

    def pin(self, number):
        if number not in self.pins:
            self.pins[number] = State(number)
        return self.pins[number]

    def output(self, number):
        state = self.pin(number)
        return state.latch if state.is_output else None

    def signal(self, number, source):
        self.source = source


class Pin:
    """What the driver uses of machine.Pin."""

    IN, OUT = 1, 3

    def __init__(self, bench, number):
        self._bench = bench
        self._state = bench.pin(number)

    def init(self, mode, value=None):
        if value is not None:
            self.value(value)
        self._state.is_output = mode == self.OUT

    def value(self, level=None):
        if level is None:
            return self._bench.source.level_at(0)
        self._state.latch = level
        if self._state.changed:
            self._state.changed(level)


class TestDriver(unittest.TestCase):
    def setUp(self):
        self.bench = Bench()
        self.model = Model(self.bench, _ENABLE, _LATCH, _CLOCK, _IN, _OUT)

    def open(self, levels=0, inverted=0):
        numbers = (_ENABLE, _LATCH, _CLOCK, _IN, _OUT)
        return ShiftRegisters([Pin(self.bench, number) for number in numbers], levels, inverted)

    def test_nothing_is_driven_before_all_levels_are_there(self):
        self.assertIsNone(self.model.driven())
        self.open(0b10010110)
        self.assertEqual(self.model.history, [0b10010110])

    def test_every_bit_goes_to_its_output(self):
        chips = self.open()
        for levels in [1 << i for i in range(8)] + [0xFF, 0, 0x5A]:
            chips.write(levels)
            self.assertEqual(self.model.driven(), levels)
            self.assertEqual(chips.levels, levels)

    def test_every_input_is_its_bit(self):
        chips = self.open(0xA7)
        for levels in [1 << i for i in range(8)] + [0xFF, 0, 0x5A]:
            self.model.inputs = levels
            self.assertEqual(chips.read(), levels)

    def test_reading_leaves_the_outputs_as_they_are(self):
        chips = self.open(0xA7)
        for levels in range(256):
            self.model.inputs = levels
            chips.read()
        self.assertEqual(self.model.history, [0xA7])

    def test_inverted_inputs_count_while_they_are_low(self):
        chips = self.open(0, 0x0F)
        self.model.inputs = 0b11111110
        self.assertEqual(chips.read(), 0b11110001)

    def test_what_changes_during_a_transfer_waits_for_the_next_one(self):
        chips = self.open()
        self.model.inputs = 0xFF
        clock = self.bench.pin(_CLOCK)
        clocked = clock.changed

        def change(level):
            self.model.inputs = 0
            clocked(level)

        clock.changed = change
        self.assertEqual(chips.read(), 0xFF)
        self.assertEqual(chips.read(), 0)

    def test_a_warm_start_changes_nothing_that_is_driven(self):
        self.open(0x3C)
        # A reset of the processor alone: pins become inputs, the registers stay.
        for state in self.bench.pins.values():
            state.is_output = False
        self.open(0x3C)
        self.assertEqual(self.model.history, [0x3C])

    def test_the_supply_brings_chance(self):
        self.open(0x3C)
        self.model.power_on()
        self.assertNotEqual(self.model.outputs, 0x3C)


if __name__ == "__main__":
    unittest.main()
