"""The log: levels, and a ring of the last lines."""

import unittest

import fakes


class TestLog(unittest.TestCase):
    def setUp(self):
        self.world = fakes.World()
        self.log = self.world.load("epx.log")

    def take(self):
        lines = []
        while self.log._ring:
            lines.append(self.log.peek())
            self.log.drop()
        return lines

    def test_lines_go_to_the_console_at_once_and_wait_in_the_ring(self):
        self.log.info("net: connected, address %s", "10.0.0.7")
        self.log.error("broken")
        lines = ["info net: connected, address 10.0.0.7", "error broken"]
        self.assertEqual(self.world.console, lines)
        self.assertEqual(len(self.log._ring), 2)
        self.assertEqual(self.take(), lines)
        self.assertEqual(self.world.console, lines)

    def test_a_line_without_values_may_contain_percent_signs(self):
        self.log.warn("level 100 % and %s")
        self.assertEqual(self.take(), ["warn level 100 % and %s"])

    def test_debug_is_silent_unless_asked_for(self):
        self.log.debug("x")
        self.assertEqual(self.world.console, [])
        self.log.set_level("debug")
        self.log.debug("y %d", 5)
        self.assertEqual(self.world.console, ["debug y 5"])

    def test_a_level_hides_what_matters_less(self):
        for level, count in (("error", 1), ("warn", 2), ("info", 3), ("debug", 4)):
            self.log.set_level(level)
            self.log.error("a")
            self.log.warn("b")
            self.log.info("c")
            self.log.debug("d")
            self.assertEqual(len(self.take()), count)

    def test_the_ring_keeps_the_last_lines_and_counts_the_lost(self):
        for number in range(30):
            self.log.info("%d", number)
        self.assertEqual(len(self.log._ring), 24)
        lines = self.take()
        self.assertEqual(lines[0], "warn 6 log lines lost")
        self.assertEqual(lines[1:], ["info %d" % number for number in range(6, 30)])

    def test_the_count_of_lost_lines_starts_again_once_told(self):
        for number in range(26):
            self.log.info("%d", number)
        self.assertEqual(self.log.peek(), "warn 2 log lines lost")
        self.log.drop()
        self.log.info("x")
        self.assertEqual(self.log.peek(), "warn 1 log lines lost")

    def test_peek_changes_nothing(self):
        self.log.info("a")
        self.assertEqual(self.log.peek(), self.log.peek())
        self.assertEqual(len(self.log._ring), 1)

    def test_an_empty_ring_has_nothing_to_show_or_drop(self):
        self.assertIsNone(self.log.peek())
        self.log.drop()
        self.assertEqual(len(self.log._ring), 0)

    def test_a_long_line_is_cut_in_the_ring_but_not_on_the_console(self):
        self.log.info("x" * 300)
        self.log.info("y" * 155)
        lines = self.take()
        self.assertEqual(lines[0], "info " + "x" * 152 + "...")
        self.assertEqual(lines[1], "info " + "y" * 155)
        self.assertEqual(len(self.world.console[0]), 305)

    def test_the_ring_turns_for_ever(self):
        for number in range(1000):
            self.log.info("%d", number)
            if number % 3 == 0:
                self.assertEqual(len(self.take()), 1 if not number else 3)

    def test_running_out_of_memory_is_said_without_allocating(self):
        self.log.out_of_memory()
        self.assertEqual(self.take(), ["error out of memory, collected"])
        if fakes.ON_MICROPYTHON:
            self.check_without_allocating()

    def check_without_allocating(self):
        import micropython

        self.log.print = bool
        failed = None
        micropython.heap_lock()
        try:
            for _ in range(30):
                self.log.out_of_memory()
        except MemoryError as error:
            failed = error
        micropython.heap_unlock()
        self.assertIsNone(failed)


if __name__ == "__main__":
    unittest.main()
