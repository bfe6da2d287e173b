"""Pairing: fresh keys, and answers that only fit where they belong.

The bytes themselves are in test_nowvectors.py.
"""

import unittest

from now_fakes import Watchdog, identity

from epx import nowpair
from epx.nowwire import Group

PROOF = b"proof of central"
EARLIER = b"the one before.."
ONE = identity(1)


class TestPair(unittest.TestCase):
    def setUp(self):
        self.watchdog = Watchdog()
        self.group = Group("bla", "ble")
        self.central = nowpair.new_keys(self.watchdog)
        self.peripheral = nowpair.new_keys(self.watchdog)

    def answer(self, group=None, peer=ONE, public=None, proof=PROOF, earlier=EARLIER):
        """(secret, answer) of the central."""
        public = public or self.peripheral[1]
        return nowpair.answer(
            self.watchdog, group or self.group, self.central, peer, public, proof, earlier
        )

    def accepts(self, answer, own=None, peer=ONE, earlier=None):
        own = own or self.peripheral
        return nowpair.accept(self.watchdog, self.group, own, peer, answer, earlier)

    def refuses(self, words, *arguments, **options):
        with self.assertRaises(ValueError) as caught:
            self.accepts(*arguments, **options)
        self.assertIn(words, str(caught.exception))

    def test_keys_are_fresh(self):
        keys = [nowpair.new_keys(self.watchdog) for _ in range(5)]
        self.assertEqual(len({secret for secret, _ in keys}), 5)
        self.assertEqual(len({public for _, public in keys}), 5)
        self.assertEqual({len(part) for pair in keys for part in pair}, {32})

    def test_both_agree(self):
        secret, answer = self.answer()
        self.assertEqual(len(answer), nowpair.ANSWER_BYTES)
        self.assertEqual(self.accepts(answer), (secret, PROOF))
        self.assertEqual(self.accepts(answer, earlier=EARLIER), (secret, PROOF))

    def test_no_proof_is_in_the_clear(self):
        for proof in (PROOF, EARLIER):
            self.assertNotIn(proof, self.answer()[1])

    def test_another_central_is_refused_by_who_was_paired(self):
        answer = self.answer(earlier=b"another's proof!")[1]
        self.refuses("not the central that we were paired with", answer, earlier=EARLIER)
        # Nor does it help to show the one that is given for the next time.
        self.refuses("not the central that we were paired with", answer, earlier=PROOF)
        self.assertEqual(self.accepts(answer)[1], PROOF)

    def test_an_answer_that_was_heard_serves_nobody_else(self):
        answer = self.answer()[1]
        other = nowpair.new_keys(self.watchdog)
        self.refuses("does not fit", answer, own=other)
        self.refuses("does not fit", answer, peer=identity(2))
        self.refuses("not the central", answer, own=other, earlier=EARLIER)

    def test_an_answer_of_another_group_is_refused(self):
        for words in (("bla", "blu"), ("blu", "ble")):
            self.refuses("does not fit", self.answer(group=Group(*words))[1])

    def test_other_lengths_are_refused(self):
        answer = self.answer()[1]
        for wrong in (b"", answer[:-1], answer + b"x"):
            self.refuses("an answer of %d bytes" % len(wrong), wrong)

    def test_keys_that_agree_with_anybody_are_refused(self):
        for public in (bytes(32), b"\x01" + bytes(31)):
            self.assertRaises(ValueError, self.answer, public=public)
            self.assertRaises(ValueError, self.accepts, public + self.answer()[1][32:])
        self.assertEqual(self.watchdog.inside, 0)

    def test_the_watchdog_knows_how_long_it_takes(self):
        before = self.watchdog.blocked
        self.accepts(self.answer()[1])
        self.assertEqual((self.watchdog.blocked - before, self.watchdog.inside), (2, 0))


if __name__ == "__main__":
    unittest.main()
