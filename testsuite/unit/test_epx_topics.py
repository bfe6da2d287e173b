"""What an appliance publishes and obeys, row by row."""

import unittest

import fakes

SECONDS = 1000
MINUTES = 60 * SECONDS


class Client:
    """Takes what is published, or refuses it."""

    def gather(self, on):
        pass

    def __init__(self):
        self.sent = []
        self.room = 1000

    def publish(self, topic, payload, retain=False, qos=0):
        if self.room < 1:
            return None
        self.room -= 1
        self.sent.append((topic, payload, retain, qos))
        return qos


class TopicCase(unittest.TestCase):
    def setUp(self):
        self.world = fakes.World()
        self.topics = self.world.load("epx.topics")
        self.client = Client()
        self.woken = 0
        self.faults = []
        self.outbox = self.topics.Outbox(self._wake, "stat/n/Log")
        topics = self.topics

        class Tank(topics.Source):
            """What is published."""

            level = 5
            unit = "L"

            def __init__(self):
                self.taken = 0
                self.error = None

            def flow(self):
                if self.error:
                    raise self.error
                return self.level / 2

            def take(self):
                self.taken += 1
                self.level = 0

        self.tank = Tank()

    def _wake(self):
        self.woken += 1

    def _on_fault(self, bound, error):
        self.faults.append((bound, error))

    def bind(self, *arguments, **options):
        row = self.topics.Pub(*arguments, **options)
        bound = self.topics.BoundPub(row, self.tank, "stat/n/" + row.topic, self.outbox)
        if row.on:
            self.tank.listeners = tuple(self.tank.listeners) + (bound,)
        return bound

    def drain(self):
        """What goes out now, as [(last level of the topic, payload)]."""
        self.client.sent = []
        self.outbox.drain(self.client, self._on_fault)
        return [(topic.split("/")[-1], payload) for topic, payload, _, _ in self.client.sent]

    def beats(self, bound, seconds):
        """All that goes out in so many seconds."""
        payloads = []
        for _ in range(seconds):
            bound.beat()
            payloads.extend([payload for _, payload in self.drain()])
        return payloads


class TestRows(TopicCase):
    def test_times_are_whole_seconds(self):
        for options in ({"every_ms": 1500}, {"refresh_ms": 100}):
            with self.assertRaises(ValueError):
                self.topics.Pub("T", "value", **options)

    def test_an_event_must_be_announced(self):
        with self.assertRaises(ValueError):
            self.topics.Pub("T", "value", event=True)

    def test_an_unknown_option_is_refused(self):
        with self.assertRaises(ValueError):
            self.topics.Pub("T", "value", evry_ms=1000)

    def test_payloads_are_bytes(self):
        for digits, value, payload in (
            (None, "60% + 6L", b"60% + 6L"),
            (None, b"raw", b"raw"),
            (None, 5, b"5"),
            (0, 5, b"5"),
            (1, 5, b"5.0"),
            (1, 6.25, b"6.3"),
            (0, True, b"1"),
            (None, "é", b"\xc3\xa9"),
            (None, None, None),
            (1, None, None),
            (1, float("nan"), None),
        ):
            self.assertEqual(self.topics.Pub("T", "value", digits).payload(value), payload)

    def test_full_topics(self):
        full = self.topics.full_topic
        self.assertEqual(full("stat", "H2O", "Flow"), "stat/H2O/Flow")
        self.assertEqual(full("cmnd", "Relay", "State", 2), "cmnd/Relay/2/State")
        self.assertEqual(full("stat", "Relay", "Manual%d/Event", 0), "stat/Relay/Manual0/Event")


class TestLooking(TopicCase):
    def test_the_first_look_is_at_the_first_beat(self):
        bound = self.bind("Level", "level", 0, every_ms=10 * SECONDS)
        self.assertEqual(self.beats(bound, 1), [b"5"])
        self.assertEqual(self.woken, 1)

    def test_a_value_is_looked_at_as_often_as_said(self):
        bound = self.bind("Level", "level", 0, every_ms=10 * SECONDS)
        self.beats(bound, 1)
        self.tank.level = 6
        self.assertEqual(self.beats(bound, 9), [])
        self.assertEqual(self.beats(bound, 1), [b"6"])

    def test_what_did_not_change_is_not_sent(self):
        bound = self.bind("Level", "level", 0, every_ms=1 * SECONDS)
        self.assertEqual(self.beats(bound, 60), [b"5"])

    def test_what_looks_the_same_is_not_sent(self):
        bound = self.bind("Flow", "flow", 1, every_ms=1 * SECONDS)
        self.tank.level = 5
        self.beats(bound, 1)
        self.tank.level = 5.02
        self.assertEqual(self.beats(bound, 5), [])
        self.tank.level = 5.2
        self.assertEqual(self.beats(bound, 5), [b"2.6"])

    def test_it_is_repeated_after_its_refresh_time(self):
        bound = self.bind("Level", "level", 0, every_ms=1 * SECONDS, refresh_ms=10 * SECONDS)
        self.assertEqual(len(self.beats(bound, 1)), 1)
        self.assertEqual(len(self.beats(bound, 9)), 0)
        self.assertEqual(len(self.beats(bound, 100)), 10)

    def test_a_change_starts_the_refresh_time_anew(self):
        bound = self.bind("Level", "level", 0, every_ms=1 * SECONDS, refresh_ms=10 * SECONDS)
        self.beats(bound, 6)
        self.tank.level = 9
        self.assertEqual(self.beats(bound, 1), [b"9"])
        self.assertEqual(self.beats(bound, 9), [])
        self.assertEqual(self.beats(bound, 1), [b"9"])

    def test_every_value_but_the_idle_one_is_sent_at_each_look(self):
        bound = self.bind("Flow", "level", 1, every_ms=10 * SECONDS, idle=0)
        self.assertEqual(self.beats(bound, 30), [b"5.0"] * 3)
        self.tank.level = 0
        self.assertEqual(self.beats(bound, 60), [b"0.0"])
        self.tank.level = 0.01
        self.assertEqual(self.beats(bound, 60), [])
        self.tank.level = 2
        self.assertEqual(self.beats(bound, 21), [b"2.0"] * 3)

    def test_a_value_that_is_idle_from_the_beginning_is_sent_once(self):
        self.tank.level = 0
        bound = self.bind("Flow", "level", 1, every_ms=10 * SECONDS, idle=0)
        self.assertEqual(self.beats(bound, 100), [b"0.0"])

    def test_methods_are_called(self):
        bound = self.bind("Flow", "flow", 1, every_ms=1 * SECONDS)
        self.assertEqual(self.beats(bound, 1), [b"2.5"])

    def test_retained_rows_are_retained_and_all_states_go_out_with_qos_0(self):
        self.bind("A", "level", every_ms=SECONDS, retain=True).beat()
        self.bind("B", "level", every_ms=SECONDS).beat()
        self.drain()
        self.assertEqual(
            self.client.sent, [("stat/n/A", b"5", True, 0), ("stat/n/B", b"5", False, 0)]
        )

    def test_the_source_is_told_once_a_value_has_gone_out(self):
        bound = self.bind("Pumped", "level", 1, every_ms=10 * SECONDS, idle=0, sent="take")
        bound.beat()
        self.assertEqual(self.tank.taken, 0)
        self.client.room = 0
        self.assertEqual(self.drain(), [])
        self.assertEqual(self.tank.taken, 0)
        self.client.room = 10
        self.assertEqual(self.drain(), [("Pumped", b"5.0")])
        self.assertEqual(self.tank.taken, 1)
        self.assertEqual(self.beats(bound, 20), [b"0.0"])


class TestUnknown(TopicCase):
    def test_what_was_never_known_is_not_sent(self):
        self.tank.level = None
        bound = self.bind("Level", "level", 0, every_ms=SECONDS, refresh_ms=5 * SECONDS)
        self.assertEqual(self.beats(bound, 20), [])
        bound.refresh()
        self.assertEqual(self.drain(), [])
        self.assertFalse(bound.pending)

    def test_what_becomes_unknown_is_told_once(self):
        for unknown in (None, float("nan")):
            self.tank.level = 5
            bound = self.bind("Level", "level", 0, every_ms=SECONDS)
            self.beats(bound, 2)
            self.tank.level = unknown
            self.assertEqual(self.beats(bound, 20), [b"None"])
            self.tank.level = 5
            self.assertEqual(self.beats(bound, 20), [b"5"])

    def test_what_was_forgotten_before_it_was_ever_sent_is_not_sent(self):
        bound = self.bind("Level", "level", 0, every_ms=SECONDS)
        bound.beat()
        self.tank.level = None
        self.assertEqual(self.drain(), [])
        self.assertFalse(bound.pending)

    def test_an_unknown_value_is_repeated_only_if_somebody_asks(self):
        bound = self.bind("Level", "level", 0, every_ms=SECONDS, refresh_ms=10 * SECONDS)
        self.beats(bound, 1)
        self.tank.level = None
        self.assertEqual(self.beats(bound, 60), [b"None"])
        bound.refresh()
        self.assertEqual(self.drain(), [("Level", b"None")])
        self.tank.level = 5
        self.assertEqual(self.beats(bound, 20), [b"5"] * 2)

    def test_what_is_known_again_before_it_was_sent_is_sent_as_it_is(self):
        bound = self.bind("Level", "level", 0, every_ms=SECONDS)
        self.beats(bound, 1)
        self.tank.level = None
        bound.beat()
        self.tank.level = 7
        self.assertEqual(self.drain(), [("Level", b"7")])


class TestCoalescing(TopicCase):
    def test_a_topic_waits_once_and_goes_out_with_its_newest_value(self):
        bound = self.bind("Level", "level", 0, every_ms=SECONDS)
        for level in range(100):
            self.tank.level = level
            bound.beat()
        self.assertEqual(self.drain(), [("Level", b"99")])
        self.assertEqual(self.drain(), [])

    def test_a_refused_topic_keeps_its_place(self):
        first = self.bind("A", "level", every_ms=SECONDS)
        second = self.bind("B", "level", every_ms=SECONDS)
        first.beat()
        second.beat()
        self.client.room = 1
        self.assertEqual(self.drain(), [("A", b"5")])
        self.tank.level = 6
        first.beat()
        second.beat()
        self.client.room = 10
        self.assertEqual(self.drain(), [("B", b"6"), ("A", b"6")])

    def test_faults_while_it_waits_do_not_queue_it_again(self):
        bound = self.bind("Flow", "flow", 1, every_ms=SECONDS)
        for turn in range(400):
            self.tank.level = turn
            self.tank.error = ValueError("broken") if turn % 70 == 5 else None
            try:
                bound.beat()
            except ValueError:
                bound.failed()
        self.tank.error = None
        self.assertEqual(len(self.drain()), 1)
        self.assertEqual(self.drain(), [])

    def test_only_the_first_post_wakes(self):
        bound = self.bind("Level", "level", 0, every_ms=SECONDS)
        for level in range(5):
            self.tank.level = level
            bound.beat()
        self.assertEqual(self.woken, 1)


class TestFaults(TopicCase):
    def test_a_source_that_fails_is_left_alone_for_a_minute(self):
        bound = self.bind("Flow", "flow", 1, every_ms=SECONDS, refresh_ms=10 * SECONDS)
        self.tank.error = ValueError("broken")
        with self.assertRaises(ValueError):
            bound.beat()
        bound.failed()
        self.assertEqual(self.beats(bound, 59), [])
        self.tank.error = None
        self.assertEqual(self.beats(bound, 1), [b"2.5"])

    def test_a_source_that_fails_as_it_is_sent_does_not_block_the_others(self):
        bound = self.bind("Flow", "flow", 1, every_ms=SECONDS)
        other = self.bind("Level", "level", 0, every_ms=SECONDS)
        bound.beat()
        other.beat()
        self.tank.error = ValueError("broken")
        self.assertEqual(self.drain(), [("Level", b"5")])
        self.assertEqual(len(self.faults), 1)
        self.assertIs(self.faults[0][0], bound)
        self.assertFalse(bound.pending)
        self.tank.error = None
        self.tank.level = 8
        bound.beat()
        self.assertEqual(self.drain(), [("Flow", b"4.0")])

    def test_what_raises_in_a_row_is_the_appliances_own(self):
        self.assertFalse(self.bind("Flow", "flow", 1, every_ms=SECONDS).core)
        self.assertFalse(self.topics.BoundPub.core)


class TestAnnouncing(TopicCase):
    def test_rows_look_when_their_name_is_announced(self):
        self.bind("V", "level", 0, on="minute")
        self.bind("Vnow", "flow", 1, on="reading")
        self.tank.announce("minute")
        self.assertEqual(self.drain(), [("V", b"5")])
        self.tank.announce("reading")
        self.assertEqual(self.drain(), [("Vnow", b"2.5")])
        self.tank.announce("nothing")
        self.assertEqual(self.drain(), [])

    def test_a_source_without_rows_may_announce(self):
        self.tank.announce("minute")

    def test_an_event_is_sent_each_time_with_qos_1(self):
        self.bind("Event", "unit", on="press", event=True)
        for word in ("P", "P", "L"):
            self.tank.unit = word
            self.tank.announce("press")
        self.assertEqual(self.drain(), [("Event", b"P"), ("Event", b"P"), ("Event", b"L")])
        self.assertEqual(self.client.sent[0], ("stat/n/Event", b"P", False, 1))

    def test_an_event_is_never_repeated(self):
        bound = self.bind("Event", "unit", on="press", event=True)
        self.tank.announce("press")
        self.drain()
        bound.refresh()
        self.assertEqual(self.beats(bound, 100), [])

    def test_an_event_without_a_value_says_so(self):
        self.bind("Event", "unit", on="press", event=True)
        self.tank.unit = None
        self.tank.announce("press")
        self.assertEqual(self.drain(), [("Event", b"None")])


class TestRefresh(TopicCase):
    def test_refresh_sends_a_state_though_it_did_not_change(self):
        bound = self.bind("Level", "level", 0, every_ms=SECONDS)
        self.beats(bound, 3)
        bound.refresh()
        bound.refresh()
        self.assertEqual(self.drain(), [("Level", b"5")])

    def test_refresh_sends_a_state_that_was_never_sent(self):
        bound = self.bind("Level", "level", 0, every_ms=MINUTES)
        bound.refresh()
        self.assertEqual(self.drain(), [("Level", b"5")])


class TestCommands(TopicCase):
    def test_a_row_says_method_and_parser(self):
        row = self.topics.Sub("State", "switch", int)
        self.assertEqual((row.topic, row.command), ("State", "switch"))
        self.assertIs(row.parse, int)


if __name__ == "__main__":
    unittest.main()
