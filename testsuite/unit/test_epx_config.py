"""Settings: what may be in config.txt, and what is said about the rest."""

import unittest

import fakes


class ConfigCase(unittest.TestCase):
    def setUp(self):
        self.config = fakes.World().load("epx.config")
        key, number = self.config.Key, self.config.integer
        self.keys = (
            key("poll", number(5, 1000), 15, unit="ms"),
            key("capacity", number(1, 100000), unit="L"),
            key("label", default=None),
        )
        self.common = (key("ssid"), key("password", secret=True, default=None))

    def read(self, *lines):
        return self.config.Config(self.common, self.keys, lines)

    def problems(self, *lines):
        return self.read(*lines).problems

    def only_problem(self, line):
        problems = self.problems("ssid x", "capacity 5", line)
        self.assertEqual(len(problems), 1)
        return problems[0]

    def refuses(self, parse, words, wanted):
        with self.assertRaises(ValueError) as context:
            parse(words)
        self.assertEqual(context.exception.args[0], wanted)


class TestConfig(ConfigCase):
    def test_values_are_parsed_once_and_become_attributes(self):
        config = self.read("ssid house", "poll 30", "capacity 1000", "label roof")
        self.assertEqual(config.problems, [])
        self.assertTrue(config.ready)
        self.assertEqual(config.ssid, "house")
        self.assertEqual(config.poll, 30)
        self.assertEqual(config.capacity, 1000)
        self.assertEqual(config.label, "roof")
        self.assertIsNone(config.password)

    def test_defaults_stand_where_no_line_is(self):
        config = self.read("ssid house", "capacity 1000")
        self.assertEqual(config.poll, 15)
        self.assertIsNone(config.label)

    def test_a_row_of_the_appliance_takes_the_place_of_a_common_one(self):
        self.keys += (self.config.Key("password", self.config.integer(1, 9), 5),)
        self.assertEqual(self.read("ssid house", "capacity 5").password, 5)
        config = self.read("ssid house", "capacity 5", "password 7")
        self.assertEqual((config.password, config.problems), (7, []))
        config = self.read("ssid house", "capacity 5", "password x")
        self.assertFalse(config.ready)
        self.assertEqual(len(config.problems), 1)

    def test_the_first_blank_ends_the_key_and_the_others_belong_to_the_value(self):
        config = self.read("ssid My  Guest House ", "capacity 5", "password a b c")
        self.assertEqual(config.ssid, "My  Guest House")
        self.assertEqual(config.password, "a b c")

    def test_carriage_returns_tabs_and_blank_lines_do_no_harm(self):
        config = self.read(
            b"\xef\xbb\xbfssid\tMy House\r", b"\r", b"  ", b"  capacity \t 77 \r", b""
        )
        self.assertEqual(config.problems, [])
        self.assertEqual(config.ssid, "My House")
        self.assertEqual(config.capacity, 77)

    def test_comments_are_skipped_and_a_hash_in_a_value_is_kept(self):
        config = self.read("# ssid other", "  # label x", "ssid a#b", "capacity 5")
        self.assertEqual(config.problems, [])
        self.assertEqual(config.ssid, "a#b")

    def test_the_value_none_means_as_if_the_line_were_not_there(self):
        config = self.read("ssid x", "capacity 5", "poll None", "label None", "password None")
        self.assertEqual(config.problems, [])
        self.assertEqual(config.poll, 15)
        self.assertIsNone(config.password)

    def test_all_problems_are_told_at_once_in_the_order_of_the_lines(self):
        config = self.read("poll 3", "ssid x", "colour blue", "capacity many", "ssid y")
        self.assertEqual(
            config.problems,
            [
                "config.txt: line 1: poll: want an integer from 5 to 1000 (ms), not '3'",
                "config.txt: line 3: colour: unknown key",
                "config.txt: line 4: capacity: want an integer from 1 to 100000 (L), not 'many'",
                "config.txt: line 5: ssid: given twice, line 2 is not used",
            ],
        )
        self.assertFalse(config.ready)
        self.assertEqual(config.ssid, "y")

    def test_what_is_missing_stands_last_and_says_its_unit(self):
        problems = self.problems("colour blue")
        self.assertEqual(
            problems,
            [
                "config.txt: line 1: colour: unknown key",
                "config.txt: capacity: missing (L)",
                "config.txt: ssid: missing",
            ],
        )

    def test_none_for_a_required_key_is_missing_with_its_line(self):
        problem = self.problems("ssid None", "capacity 5")[0]
        self.assertEqual(problem, "config.txt: line 1: ssid: missing")

    def test_a_key_without_a_value_says_what_it_wants(self):
        config = self.read("ssid", "capacity 5", "poll")
        self.assertEqual(
            config.problems,
            [
                "config.txt: line 1: ssid: want a text, not ''",
                "config.txt: line 3: poll: want an integer from 5 to 1000 (ms), not ''",
            ],
        )

    def test_a_line_that_is_not_utf8_is_told_and_the_others_count(self):
        config = self.read(b"label \xff\xfe", b"ssid x", b"capacity 5")
        self.assertEqual(config.problems, ["config.txt: line 1: want UTF-8 text"])
        self.assertIsNone(config.label)
        self.assertTrue(config.ready)

    def test_other_scripts_are_welcome(self):
        config = self.read("ssid Gemütlich".encode(), b"capacity 5")
        self.assertEqual(config.ssid, "Gemütlich")

    def test_a_bad_common_key_keeps_its_default_and_the_appliance_starts(self):
        common = (self.config.Key("keepalive", self.config.integer(5, 3600), 30),)
        config = self.config.Config(common, self.keys, ("keepalive x", "capacity 5"))
        self.assertEqual(config.keepalive, 30)
        self.assertEqual(len(config.problems), 1)
        self.assertTrue(config.ready)

    def test_a_missing_common_key_lets_the_appliance_start(self):
        config = self.read("capacity 5")
        self.assertIsNone(config.ssid)
        self.assertTrue(config.ready)

    def test_a_bad_key_of_the_appliance_keeps_its_default_and_stops_it(self):
        config = self.read("ssid x", "poll x", "capacity 5")
        self.assertEqual(config.poll, 15)
        self.assertFalse(config.ready)

    def test_a_missing_key_of_the_appliance_stops_it(self):
        config = self.read("ssid x")
        self.assertIsNone(config.capacity)
        self.assertFalse(config.ready)

    def test_the_values_may_go_elsewhere(self):
        target = fakes.Module()
        config = self.config.Config(self.common, self.keys, ("ssid x",), target)
        self.assertEqual(target.ssid, "x")
        self.assertFalse(target.ready)
        self.assertEqual(len(config.problems), 1)
        self.assertFalse(hasattr(target, "problems"))

    def test_no_file_at_all_is_told_as_missing_keys(self):
        self.assertEqual(len(self.problems()), 2)


class TestSecrets(ConfigCase):
    def secret_config(self, *lines):
        keys = (self.config.Key("token", self.config.integer(0, 9), secret=True),)
        return self.config.Config(self.common, keys, lines)

    def test_a_secret_is_never_printed(self):
        config = self.secret_config("ssid x", "password hunter2", "token 7")
        self.assertEqual(config.problems, [])
        self.assertNotIn("hunter2", str(config))

    def test_no_problem_shows_a_secret(self):
        for line in (
            "token hunter2",
            "password=hunter2",
            "password:hunter2",
            "Password hunter2",
            "passwort hunter2",
            "token=hunter2 x",
        ):
            config = self.secret_config("ssid x", line, line)
            self.assertGreater(len(config.problems), 1)
            for problem in config.problems:
                self.assertNotIn("hunter2", problem)

    def test_a_bad_secret_says_what_is_wanted(self):
        config = self.secret_config("ssid x", "token hunter2")
        self.assertEqual(
            config.problems,
            ["config.txt: line 2: token: want an integer from 0 to 9, not what is there"],
        )


class TestTypos(ConfigCase):
    def test_the_nearest_known_key_is_named(self):
        for line, known in (
            ("capcity 5", "capacity"),
            ("capacitty 5", "capacity"),
            ("acpacity 5", "capacity"),
            ("CAPACITY 5", "capacity"),
            ("capacite 5", "capacity"),
            ("capcaity 5", "capacity"),
            ("pol 5", "poll"),
            ("plol 5", "poll"),
            ("sid x", "ssid"),
            ("pasword x", "password"),
        ):
            problem = self.only_problem(line)
            self.assertEqual(
                problem,
                "config.txt: line 3: %s: unknown key, did you mean '%s'?"
                % (line.split()[0], known),
            )

    def test_what_is_far_from_everything_gets_no_hint(self):
        for line in ("colour blue", "xx 1", "p 1", "capacities_of_all 1"):
            self.assertTrue(self.only_problem(line).endswith("unknown key"))

    def test_one_slip_of_the_finger_is_near_and_two_are_not(self):
        for name, known, near in (
            ("a", "b", True),
            ("abc", "abc", True),
            ("abc", "acb", True),
            ("abc", "bac", True),
            ("abc", "abd", True),
            ("abc", "xbc", True),
            ("abc", "abcd", True),
            ("abc", "xabc", True),
            ("abcd", "abc", True),
            ("abcd", "bcd", True),
            ("abcd", "badc", False),
            ("abcd", "abxy", False),
            ("abcd", "ab", False),
            ("ab", "abcd", False),
            ("ca", "abc", False),
            ("abcd", "cbad", False),
            ("kitten", "sitting", False),
        ):
            found = self.config.nearest(name, (self.config.Key(known),))
            self.assertEqual(found, known if near else None)


class TestParsers(ConfigCase):
    def test_flag(self):
        self.assertIs(self.config.flag("1"), True)
        self.assertIs(self.config.flag("0"), False)
        for words in ("", "2", "on", "True", "01"):
            self.refuses(self.config.flag, words, "want 1 or 0")

    def test_choice(self):
        parse = self.config.choice("a", "b")
        self.assertEqual(parse("b"), "b")
        self.refuses(parse, "c", "want one of a b")
        self.refuses(parse, "", "want one of a b")

    def test_integer(self):
        parse = self.config.integer(-5, 70000)
        self.assertEqual(parse("-5"), -5)
        self.assertEqual(parse("70000"), 70000)
        for words in ("", "-6", "70001", "1.0", "1e3", "0x10", "abc", "9" * 40):
            self.refuses(parse, words, "want an integer from -5 to 70000")

    def test_number(self):
        parse = self.config.number(0.5, 100)
        self.assertEqual(parse("0.5"), 0.5)
        self.assertEqual(parse("1e2"), 100)
        for words in ("", "0.49", "101", "nan", "inf", "-inf", "1,5", "1.2.3", "1e999"):
            self.refuses(parse, words, "want a number from 0.5 to 100")

    def test_rising_numbers(self):
        parse = self.config.numbers(0, 100, 4)
        self.assertEqual(parse("20,40.5,100"), (20.0, 40.5, 100.0))
        self.assertEqual(parse("0"), (0.0,))
        self.assertEqual(parse("1, 2"), (1.0, 2.0))
        wanted = "want up to 4 rising numbers from 0 to 100, with commas between"
        for words in (
            "",
            ",",
            "1,",
            "1,1",
            "2,1",
            "-1,2",
            "1,101",
            "1,2,3,4,5",
            "a",
            "nan",
            "1,nan",
            "nan,5",
            "1,nan,5",
        ):
            self.refuses(parse, words, wanted)

    def test_text(self):
        self.assertEqual(self.config.text("a b"), "a b")
        self.refuses(self.config.text, "", "want a text")


class TestCommonKeys(ConfigCase):
    def parse(self, *lines):
        return self.config.Config(self.config.COMMON, (), lines)

    def test_a_minimal_file_has_no_problem(self):
        config = self.parse("ssid house", "password x y", "mqttbroker 10.0.0.1", "mqttname H2O")
        self.assertEqual(config.problems, [])
        self.assertEqual(config.keepalive, 30)
        self.assertEqual(config.netreboot, 10)
        self.assertEqual(config.mqttreboot, 10)
        self.assertIs(config.watchdog, True)
        self.assertIs(config.mqtttls, False)
        self.assertEqual(config.mqttsession, "clean")
        self.assertEqual(config.led, (2, False))
        self.assertEqual(config.loglevel, "info")
        self.assertIsNone(config.mqttport)

    def test_led(self):
        led = self.config.led
        self.assertEqual(led("none"), (None, False))
        self.assertEqual(led("2"), (2, False))
        self.assertEqual(led("13 inverted"), (13, True))
        for words in ("", "x", "-1", "2 up", "2 inverted 3", "inverted", "None"):
            self.refuses(led, words, "want none, a pin, or a pin and 'inverted'")

    def test_topic_name(self):
        name = self.config.topic_name
        self.assertEqual(name("H2OControl"), "H2OControl")
        self.assertEqual(name("n" * 40), "n" * 40)
        for words in ("", "a/b", "a+", "#", "$SYS", "a b", "n" * 41):
            self.refuses(name, words, "want up to 40 characters without blank / + # $")

    def test_secrets_are_marked(self):
        config = self.parse("ssid x", "password hunter2", "mqttpassword hunter3")
        self.assertNotIn("hunter", str(config))

    def test_every_key_has_a_default_but_the_network(self):
        self.assertEqual(self.parse().problems, ["config.txt: ssid: missing"])

    def test_the_watchdog_can_be_switched_off(self):
        self.assertIs(self.parse("ssid x", "watchdog 0").watchdog, False)


if __name__ == "__main__":
    unittest.main()
