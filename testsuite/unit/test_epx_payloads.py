"""Parsers of commands: a value, or a ValueError that says what is wanted."""

import unittest

import fakes


class TestPayloads(unittest.TestCase):
    def setUp(self):
        self.payloads = fakes.World().load("epx.payloads")

    def refuses(self, parse, payload, wanted):
        with self.assertRaises(ValueError) as context:
            parse(payload)
        self.assertEqual(context.exception.args[0], wanted)

    def test_on_and_off(self):
        for payload in (b"on", b"On", b"ON", b"1", b"up", b" on \n"):
            self.assertIs(self.payloads.on_off(payload), True)
        for payload in (b"off", b"OFF", b"0", b"down"):
            self.assertIs(self.payloads.on_off(payload), False)
        for payload in (b"", b"moo", b"2", b"true", b"\xff"):
            self.refuses(self.payloads.on_off, payload, "want on or off")

    def test_integer(self):
        parse = self.payloads.integer(-1, 600)
        for payload, value in ((b"-1", -1), (b"0", 0), (b"600", 600), (b" 30 ", 30)):
            self.assertEqual(parse(payload), value)
        for payload in (b"", b"foo", b"-2", b"601", b"1.5", b"1e2", b"0x10", b"\xff", b"9" * 50):
            self.refuses(parse, payload, "want an integer from -1 to 600")

    def test_text(self):
        parse = self.payloads.text(5)
        self.assertEqual(parse(b"h\xc3\xa9llo"[:5]), "héll")
        self.assertEqual(parse(b""), "")
        for payload in (b"123456", b"\xff\xfe"):
            self.refuses(parse, payload, "want UTF-8 text of at most 5 bytes")


if __name__ == "__main__":
    unittest.main()
