"""What survives a power loss: integers, texts, counters, written only when they change."""

import unittest

import fakes


class TestNvram(unittest.TestCase):
    def setUp(self):
        self.world = fakes.World()
        module = self.world.load("epx.nvram")
        self.nvram = module.Nvram("test")
        self.stored = self.world.nvram["test"]

    def test_an_unknown_integer_is_its_default(self):
        self.assertIsNone(self.nvram.get_int("x"))
        self.assertEqual(self.nvram.get_int("x", 7), 7)

    def test_an_integer_is_kept(self):
        for value in (0, 1, -1, 2147483647, -2147483648):
            self.assertTrue(self.nvram.set_int("x", value))
            self.assertEqual(self.nvram.get_int("x"), value)

    def test_an_integer_is_written_only_when_it_changes(self):
        self.assertTrue(self.nvram.set_int("x", 0))
        self.assertFalse(self.nvram.set_int("x", 0))
        self.assertTrue(self.nvram.set_int("x", 1))
        self.assertEqual(self.world.nvram_writes, ["x", "x"])
        self.assertEqual(self.world.nvram_commits, 2)

    def test_an_unknown_text_is_none(self):
        self.assertIsNone(self.nvram.get_text("name"))

    def test_texts_are_kept_in_any_script(self):
        for text in ("bla", "héllo ☃", "", "x" * 2000):
            self.nvram.set_text("name", text)
            self.assertEqual(self.nvram.get_text("name"), text)

    def test_bytes_that_are_no_utf8_are_none(self):
        self.stored["name"] = b"h\xe9llo"
        self.stored["name_len"] = 5
        self.assertIsNone(self.nvram.get_text("name"))

    def test_a_length_without_its_bytes_is_none(self):
        self.stored["name_len"] = 5
        self.assertIsNone(self.nvram.get_text("name"))

    def test_bytes_without_their_length_are_none(self):
        self.stored["name"] = b"hello"
        self.assertIsNone(self.nvram.get_text("name"))

    def test_a_text_that_is_not_whole_is_none(self):
        self.stored["name"] = b"hello"
        for length in (4, 6, -1, 2001, 2147483647):
            self.stored["name_len"] = length
            self.assertIsNone(self.nvram.get_text("name"))

    def test_a_text_is_written_only_when_it_changes(self):
        self.assertTrue(self.nvram.set_text("name", "a"))
        self.assertFalse(self.nvram.set_text("name", "a"))
        self.assertEqual(self.world.nvram_writes, ["name", "name_len"])
        self.assertEqual(self.world.nvram_commits, 1)

    def test_a_text_that_is_too_long_is_refused(self):
        with self.assertRaises(ValueError):
            self.nvram.set_text("name", "x" * 2001)
        self.assertEqual(self.world.nvram_writes, [])

    def test_what_cannot_be_written_is_said(self):
        self.world.nvram_full = True
        self.assertFalse(self.nvram.set_int("x", 5))
        self.assertFalse(self.nvram.set_text("name", "a"))
        self.assertIsNone(self.nvram.get_text("name"))


if __name__ == "__main__":
    unittest.main()
