"""Back data: four for each peripheral, in order, until a receipt comes."""

import unittest

from now_fakes import Central, identity, run, said

from epx.nowback import BackData
from epx.nowpeers import Peer

ONE, OTHER = identity(1), identity(2)


class TestBackData(unittest.TestCase):
    def setUp(self):
        self.central = Central()
        self.back = BackData(self.central)

    def sent(self, ms=0):
        """(peer, payload) of what goes out meanwhile."""
        self.central.sent.clear()
        run(ms)
        return [(peer, payload) for _, _, peer, _, payload in self.central.sent]

    def tid(self):
        return self.central.sent[-1][3]

    def receipt(self, peer=ONE, tid=None):
        self.back.received(Peer(peer), self.tid() if tid is None else tid)

    def test_nothing_waits_at_first(self):
        self.assertFalse(self.back.waits_for(ONE))
        self.back.heard(Peer(ONE))
        self.assertEqual(self.sent(1000), [])

    def test_it_is_sent_at_once_and_five_times(self):
        self.back.add(ONE, b"hello")
        self.assertEqual(self.sent(), [(ONE, b"hello")])
        self.assertEqual(self.sent(10000), [(ONE, b"hello")] * 4)
        self.assertEqual({entry[3] for entry in self.central.sent}, {self.tid()})
        self.assertTrue(self.back.waits_for(ONE))
        self.assertFalse(self.back.waits_for(OTHER))

    def test_and_again_when_the_peripheral_is_heard(self):
        self.back.add(ONE, b"hello")
        self.sent(10000)
        self.back.heard(Peer(OTHER))
        self.assertEqual(self.sent(1000), [])
        self.back.heard(Peer(ONE))
        self.assertEqual(self.sent(10), [])
        self.assertEqual(self.sent(10), [(ONE, b"hello")])
        self.assertEqual(self.sent(10000), [(ONE, b"hello")] * 4)

    def test_a_receipt_ends_it(self):
        self.back.add(ONE, b"hello")
        self.sent()
        self.receipt()
        self.assertEqual(self.sent(10000), [])
        self.assertFalse(self.back.waits_for(ONE))

    def test_a_receipt_of_another_does_not(self):
        self.back.add(ONE, b"hello")
        self.sent()
        self.receipt(OTHER)
        self.receipt(ONE, b"twelve bytes")
        self.receipt(ONE, b"")
        self.assertTrue(self.back.waits_for(ONE))
        self.assertEqual(self.sent(310), [(ONE, b"hello")])

    def test_who_is_unpaired_gets_nothing_more(self):
        self.back.add(ONE, b"hello")
        self.back.add(OTHER, b"hello")
        self.sent()
        self.back.drop(ONE)
        self.assertFalse(self.back.waits_for(ONE))
        self.assertEqual(self.sent(310), [(OTHER, b"hello")])

    def test_one_after_the_other(self):
        for payload in (b"1", b"2", b"3"):
            self.back.add(ONE, payload)
        for payload in (b"1", b"2", b"3"):
            self.assertEqual(self.sent(310)[0], (ONE, payload))
            self.receipt()
        self.assertEqual(self.sent(10000), [])

    def test_the_second_does_not_overtake_the_first(self):
        self.back.add(ONE, b"1")
        self.back.add(ONE, b"2")
        self.assertEqual(self.sent(60000), [(ONE, b"1")] * 5)
        self.back.heard(Peer(ONE))
        self.assertEqual(self.sent(60000), [(ONE, b"1")] * 5)

    def test_several_at_once(self):
        self.back.add(ONE, b"1")
        self.back.add(OTHER, b"2")
        self.assertEqual(self.sent(), [(ONE, b"1"), (OTHER, b"2")])
        self.receipt(OTHER)
        self.assertEqual(self.sent(310), [(ONE, b"1")])

    def test_the_oldest_of_five_is_lost(self):
        for number in range(5):
            self.back.add(ONE, b"%d" % number)
        self.assertTrue(said("warn netnow: too much back data waits"))
        self.assertEqual([m[2] for m in self.back.waits], [b"1", b"2", b"3", b"4"])

    def test_the_oldest_of_seventeen_is_lost(self):
        for number in range(16):
            self.back.add(identity(number // 4), b"%d" % number)
        self.assertFalse(said("too much"))
        self.back.add(identity(9), b"16")
        self.assertTrue(said("too much"))
        self.assertEqual([m[2] for m in self.back.waits], [b"%d" % n for n in range(1, 17)])
        # One that has four loses its own.
        self.back.add(identity(2), b"17")
        self.assertNotIn(b"8", [m[2] for m in self.back.waits])
        self.assertIn(b"1", [m[2] for m in self.back.waits])
        self.assertEqual(len(self.back.waits), 16)

    def test_how_long_it_may_be(self):
        self.back.add(ONE, b"x" * 176)
        self.assertRaises(ValueError, self.back.add, ONE, b"x" * 177)
        self.assertEqual(len(self.back.waits), 1)


if __name__ == "__main__":
    unittest.main()
