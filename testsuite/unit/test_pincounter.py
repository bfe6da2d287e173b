"""Counting pulses by interrupt, where the firmware has no pulse counter."""

import unittest

import micropython

from third.pincounter import Counter


class Pin:
    IRQ_RISING = 1

    def __init__(self):
        self.handler = None
        self.trigger = None

    def irq(self, handler, trigger):
        self.handler = handler
        self.trigger = trigger


class TestCounter(unittest.TestCase):
    def test_counts_rising_edges(self):
        pin = Pin()
        counter = Counter(0, pin, filter_ns=1000)
        self.assertEqual((counter.value(), pin.trigger), (0, pin.IRQ_RISING))
        for _ in range(5):
            pin.handler(pin)
        self.assertEqual(counter.value(), 5)

    def test_the_interrupt_handler_allocates_nothing(self):
        if not hasattr(micropython, "heap_lock"):
            self.skipTest("CPython")
        pin = Pin()
        counter = Counter(0, pin, filter_ns=1000)
        handler = pin.handler
        micropython.heap_lock()
        try:
            for _ in range(1000):
                handler(pin)
        finally:
            micropython.heap_unlock()
        self.assertEqual(counter.value(), 1000)

    def test_the_count_wraps_as_a_small_integer(self):
        pin = Pin()
        counter = Counter(0, pin, filter_ns=1000)
        counter._count = (1 << 30) - 1
        pin.handler(pin)
        self.assertEqual(counter.value(), 0)


if __name__ == "__main__":
    unittest.main()
