"""Where a central pairs: what each request gets, how often, and what that costs."""

import sys
import unittest

import _sim
from now_fakes import Central, Watchdog, identity, run, said, secret

from epx import nowpair
from epx.netnow import CONTENT, WRONG_TIME
from epx.nowdesk import Desk
from epx.nowwire import AGREED, ASK, EXCHANGE, KNOWN, LATER, PAIRING

TID = b"twelve bytes"
PERIPHERAL = nowpair.new_keys(Watchdog())
SECOND = 1000
MINUTE = 60 * SECOND


class DeskCase(unittest.TestCase):
    def setUp(self):
        self.central = Central()
        self.watchdog = Watchdog()
        self.desk = Desk(self.central, self.watchdog)

    def ready(self):
        """It has keys for the next exchange."""
        run(30 * SECOND + 10)

    def body(self, kind, payload, ahead_ms=0):
        now = int.from_bytes(self.central.time.now(), "big") + ahead_ms
        return bytes((len(payload), kind)) + now.to_bytes(12, "big") + bytes(2) + payload

    def ask(self, number=1, **options):
        self.desk.heard(self.body(ASK, b"", **options), identity(number), TID)

    def wants(self, number=1, public=None, tid=TID, **options):
        """What comes of a request to pair: (status, payload), None if nothing does."""
        self.central.sent.clear()
        body = self.body(EXCHANGE, PERIPHERAL[1] if public is None else public, **options)
        self.desk.heard(body, identity(number), tid)
        if not self.central.sent:
            return None
        self.assertEqual(len(self.central.sent), 1)
        type, status, peer, _, payload = self.central.sent[0]
        self.assertEqual((type, peer, payload[:12]), (PAIRING, identity(number), tid))
        return status, payload[12:]

    def knows(self, number):
        self.central.roster.pairs.put(identity(number), secret(number), [])


class TestAsking(DeskCase):
    def test_who_is_there_is_answered_for_all_every_half_minute(self):
        times = []
        for number in range(100):
            self.ask(number)
            times.append(self.central.broadcasts)
            run(1 * SECOND)
        self.assertEqual([times.index(count) for count in (1, 2, 3, 4)], [0, 30, 60, 90])
        self.assertEqual(self.central.sent, [])

    def test_whatever_time_they_believe_in(self):
        self.ask(ahead_ms=1 << 80)
        self.assertEqual((self.central.broadcasts, self.central.refusals), (1, []))


class TestExchange(DeskCase):
    def accepts(self, payload, earlier=None, own=PERIPHERAL, number=1):
        return nowpair.accept(
            self.watchdog, self.central.group, own, identity(number), payload, earlier
        )

    def test_its_keys_are_made_when_it_has_time(self):
        self.assertEqual(self.wants(), (LATER, b""))
        self.assertEqual(self.watchdog.blocked, 0)
        run(29 * SECOND)
        self.assertEqual(self.watchdog.blocked, 0)
        run(2 * SECOND)
        self.assertEqual((self.watchdog.blocked, self.watchdog.inside), (1, 0))

    def test_both_have_the_same_secret_then(self):
        self.ready()
        status, payload = self.wants()
        self.assertEqual(status, AGREED)
        pending = self.desk.pending
        found, _ = self.accepts(payload)
        self.assertEqual(found, pending.peer.secret)
        self.assertEqual(pending.peer.identity, identity(1))
        self.assertTrue(pending.peer.up and pending.peer.down)
        # It counts once the peripheral has used it.
        self.assertEqual(self.central.roster.pairs.index, {})
        self.assertEqual((self.watchdog.blocked, self.watchdog.inside), (3, 0))

    def again(self, own, earlier_public, number=1):
        """One that was paired before, with that key, pairs again with its own keys."""
        run(2 * MINUTE)
        self.desk.pending = None
        return self.wants(number, own[1] + earlier_public)[1]

    def test_the_central_proves_that_it_is_the_same(self):
        self.ready()
        _, proof = self.accepts(self.wants()[1])
        second = nowpair.new_keys(self.watchdog)
        payload = self.again(second, PERIPHERAL[1])
        _, next_proof = self.accepts(payload, proof, second)
        self.assertNotEqual(proof, next_proof)
        wrong = bytes((proof[0] ^ 1,)) + proof[1:]
        self.assertRaises(ValueError, self.accepts, payload, wrong, second)
        third = nowpair.new_keys(self.watchdog)
        payload = self.again(third, second[1])
        self.accepts(payload, next_proof, third)
        self.assertRaises(ValueError, self.accepts, payload, proof, third)

    def test_even_after_a_reset_or_with_another_board_that_has_the_otakey(self):
        for otakey in (None, "sixteen letters and more"):
            self.central.otakey = otakey
            self.desk = Desk(self.central, self.watchdog)
            run(2 * MINUTE)
            _, proof = self.accepts(self.wants()[1])
            if otakey:
                _sim.bench.nvs.clear()
            self.central = Central()
            self.central.otakey = otakey
            self.desk = Desk(self.central, self.watchdog)
            second = nowpair.new_keys(self.watchdog)
            self.accepts(self.again(second, PERIPHERAL[1]), proof, second)
            # ... but not one that has another key, or none.
            for stranger in ("sixteen letters and less", None if otakey else "x" * 16):
                self.central.otakey = stranger
                payload = self.again(second, PERIPHERAL[1])
                self.assertRaises(ValueError, self.accepts, payload, proof, second)

    def test_who_knows_the_psk_does_not_get_the_proof_of_another(self):
        """Not by asking in its name, with a key of one's own beside that of the other."""
        self.ready()
        _, proof = self.accepts(self.wants()[1])
        thief = nowpair.new_keys(self.watchdog)
        _, found = self.accepts(self.again(thief, b""), None, thief)
        self.assertNotEqual(found, proof)
        _, found = self.accepts(self.again(thief, PERIPHERAL[1]), None, thief)
        self.assertNotEqual(found, proof)
        _, found = self.accepts(self.again(thief, PERIPHERAL[1], 2), None, thief, 2)
        self.assertNotEqual(found, proof)

    def test_an_answer_that_was_lost_is_given_again_and_costs_nothing(self):
        self.ready()
        first = self.wants()
        self.assertIsNone(self.wants())  # within the second
        for count in range(5):
            run(1 * SECOND)
            again = self.wants(tid=b"another TID%d" % count)
            self.assertEqual(again, first)
        # Its first keys, the exchange, and the keys of the next one.
        self.assertEqual(self.watchdog.blocked, 3)

    def test_one_exchange_per_minute(self):
        self.ready()
        self.assertEqual(self.wants(1)[0], AGREED)
        for _ in range(29):
            run(2 * SECOND)
            self.assertEqual(self.wants(2), (LATER, b""))
        run(2 * SECOND)
        self.assertEqual(self.wants(2)[0], AGREED)
        self.assertEqual(self.desk.pending.peer.identity, identity(2))

    def test_answers_come_once_per_second(self):
        for number in range(10):
            self.wants(number)
        self.central.sent.clear()
        answers = 0
        for number in range(50):
            if self.wants(number):
                answers += 1
            run(100)
        self.assertTrue(4 <= answers <= 6, answers)

    def test_each_exchange_has_keys_of_its_own(self):
        publics = set()
        for number in range(5):
            run(2 * MINUTE)
            publics.add(self.wants(number)[1][:32])
        self.assertEqual(len(publics), 5)

    def test_one_with_keys_that_agree_with_anybody_is_refused(self):
        """RFC 7748, section 6.1: all zeros must not become a secret."""
        self.ready()
        for public in (bytes(32), b"\x01" + bytes(31)):
            self.assertIsNone(self.wants(public=public))
            self.assertTrue(said("warn netnow: pairing:"))
            self.assertIsNone(self.desk.pending)
            run(2 * MINUTE)
        self.assertEqual(self.watchdog.inside, 0)
        self.assertEqual(self.wants()[0], AGREED)

    def test_another_time_is_refused(self):
        self.ready()
        for ahead_ms in (1100, -1100, 1 << 40):
            self.assertIsNone(self.wants(ahead_ms=ahead_ms))
        self.assertEqual(self.central.refusals, [WRONG_TIME] * 3)
        self.assertEqual(self.wants(ahead_ms=900)[0], AGREED)

    def test_other_content_is_refused(self):
        self.ready()
        for public in (b"", bytes(31), bytes(33), bytes(63), bytes(65), bytes(96)):
            self.assertIsNone(self.wants(public=public))
        self.desk.heard(self.body(2, PERIPHERAL[1]), identity(1), TID)
        self.desk.heard(b"\xff" + self.body(EXCHANGE, PERIPHERAL[1])[1:], identity(1), TID)
        self.assertEqual(self.central.refusals, [CONTENT] * 8)
        self.assertEqual(self.watchdog.blocked, 1)

    def test_what_it_needs_for_that_is_forgotten_soon(self):
        self.ready()
        self.wants()
        self.assertIn("epx.nowpending", sys.modules)
        run(15 * SECOND)
        for name in ("nowpending", "nowpair", "x25519"):
            self.assertNotIn("epx." + name, sys.modules)
        run(MINUTE)
        self.assertEqual(self.wants(5)[0], AGREED)


class TestKnown(DeskCase):
    def setUp(self):
        super().setUp()
        self.knows(1)
        self.ready()

    def test_one_that_is_known_waits_for_the_window(self):
        self.assertEqual(self.wants(), (KNOWN, b""))
        self.assertTrue(said("open the window with Pair on"))
        self.assertEqual(self.watchdog.blocked, 1)

    def test_the_window_is_open_for_five_minutes(self):
        self.desk.open_window(True)
        run(299 * SECOND)
        self.assertEqual(self.wants()[0], AGREED)
        run(2 * MINUTE)
        self.desk.pending = None
        self.assertEqual(self.wants()[0], KNOWN)

    def test_it_can_be_closed(self):
        self.desk.open_window(True)
        self.desk.open_window(False)
        self.assertEqual(self.wants()[0], KNOWN)

    def test_others_need_no_window(self):
        self.assertEqual(self.wants(2)[0], AGREED)

    def test_one_that_was_unpaired_needs_none(self):
        self.central.roster.unpair(identity(1))
        self.assertEqual(self.wants()[0], AGREED)


if __name__ == "__main__":
    unittest.main()
