"""What waits to be published: in order, bounded, and not lost when the client is full."""

import unittest

import fakes


class Client:
    def __init__(self):
        self.sent = []
        self.room = 1000

    def gather(self, on):
        self.gathering = on

    def publish(self, topic, payload, retain=False, qos=0):
        if len(payload) > 1000:
            raise ValueError("packet larger than tx_bytes")
        if self.room < 1:
            return None
        self.room -= 1
        assert self.gathering, "what one turn publishes leaves together"
        self.sent.append((topic, payload, retain, qos))
        return qos


class Bound:
    """As much of a BoundPub as the outbox sees."""

    def __init__(self, name):
        self.name = name
        self.pending = False
        self.error = None

    def send(self, client):
        if self.error:
            raise self.error
        return client.publish(self.name, b"x") is not None


class TestOutbox(unittest.TestCase):
    def setUp(self):
        self.world = fakes.World()
        self.log, module = self.world.load("epx.log", "epx.topics")
        self.client = Client()
        self.woken = 0
        self.faults = []
        self.outbox = module.Outbox(self._wake, "stat/n/Log")

    def _wake(self):
        self.woken += 1

    def _on_fault(self, bound, error):
        self.faults.append((bound, error))

    def drain(self):
        self.client.sent = []
        self.outbox.drain(self.client, self._on_fault)
        self.assertFalse(self.client.gathering)
        return [topic for topic, _, _, _ in self.client.sent]

    def test_events_go_first_then_states_then_the_log(self):
        self.log.info("boot")
        self.outbox.post(Bound("a"))
        self.outbox.post_event("event", b"1")
        self.outbox.post(Bound("b"))
        self.outbox.post_event("event", b"2")
        self.assertEqual(self.drain(), ["event", "event", "a", "b", "stat/n/Log"])
        self.assertEqual(self.client.sent[-1], ("stat/n/Log", b"info boot", False, 0))
        self.assertEqual([payload for _, payload, _, _ in self.client.sent[:2]], [b"1", b"2"])
        self.assertEqual(self.drain(), [])

    def test_each_post_wakes(self):
        self.outbox.post(Bound("a"))
        self.outbox.post_event("event", b"1")
        self.assertEqual(self.woken, 2)

    def test_a_state_waits_once(self):
        bound = Bound("a")
        for _ in range(5):
            self.outbox.post(bound)
        self.assertTrue(bound.pending)
        self.assertEqual(self.drain(), ["a"])
        self.assertFalse(bound.pending)
        self.outbox.post(bound)
        self.assertEqual(self.drain(), ["a"])

    def test_a_full_client_loses_nothing_and_keeps_the_order(self):
        self.log.info("boot")
        for number in range(3):
            self.outbox.post_event("event", b"%d" % number)
            self.outbox.post(Bound("state%d" % number))
        seen = []
        for _ in range(20):
            self.client.room = 1
            seen.extend(self.drain())
        self.assertEqual(
            seen,
            ["event", "event", "event", "state0", "state1", "state2", "stat/n/Log"],
        )

    def test_too_many_events_lose_the_oldest_which_is_counted_and_said(self):
        for number in range(20):
            self.outbox.post_event("event", b"%d" % number)
        self.assertEqual(self.outbox.lost_events, 4)
        self.assertEqual(len(self.world.console), 4)
        self.assertIn("event: too many events", self.world.console[0])
        self.drain()
        events = [payload for topic, payload, _, _ in self.client.sent if topic == "event"]
        self.assertEqual(events, [b"%d" % number for number in range(4, 20)])

    def test_a_source_that_fails_is_told_and_leaves_its_place(self):
        bad, good = Bound("bad"), Bound("good")
        bad.error = KeyError("x")
        self.outbox.post(bad)
        self.outbox.post(good)
        self.assertEqual(self.drain(), ["good"])
        self.assertEqual(self.faults, [(bad, bad.error)])
        self.assertFalse(bad.pending)

    def test_an_event_that_never_fits_does_not_stop_the_others(self):
        self.outbox.post_event("event", b"x" * 5000)
        self.outbox.post(Bound("a"))
        self.assertEqual(self.drain(), ["a", "stat/n/Log"])
        self.assertIn("packet larger", self.world.console[0])

    def test_log_lines_are_sent_in_any_script(self):
        self.log.info("é")
        self.drain()
        self.assertEqual(self.client.sent[0][1], b"info \xc3\xa9")

    def test_a_log_line_that_was_refused_is_sent_later(self):
        self.log.info("a")
        self.log.info("b")
        self.client.room = 1
        self.drain()
        self.client.room = 5
        self.drain()
        self.assertEqual([payload for _, payload, _, _ in self.client.sent], [b"info b"])


if __name__ == "__main__":
    unittest.main()
