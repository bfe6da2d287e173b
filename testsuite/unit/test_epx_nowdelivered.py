"""What a central remembers of each peripheral: no reading is delivered twice."""

import unittest

from epx.nowpeers import Peer, Roster
from epx.nowwire import CONFIRMED, DATA, NOT_CONFIRMED, PING, RECEIPT, WAKEUP

TID = bytes(range(12))


def mark(type, number):
    return bytes((type, number)) + bytes(11)


class TestDelivered(unittest.TestCase):
    def setUp(self):
        self.peer = Peer(b"peer 1")

    def test_what_is_new(self):
        self.assertFalse(self.peer.knows(TID))

    def test_a_reading_outlasts_all_other_packets(self):
        """As while the broker is away: after four tries a peripheral asks who is there."""
        peer = self.peer
        peer.remember(bytes((DATA,)) + TID, CONFIRMED)
        for number in range(100):
            for type, kind in ((WAKEUP, 0), (PING, 0), (DATA, RECEIPT), (DATA, NOT_CONFIRMED)):
                peer.remember(mark(type, number), kind)
        self.assertTrue(peer.knows(TID))
        self.assertTrue(peer.knows(bytes((DATA,)) + TID))
        self.assertFalse(peer.knows(bytes((PING,)) + TID))

    def test_a_ping_keeps_its_tid_for_itself(self):
        self.peer.remember(bytes((PING,)) + TID, 0)
        self.assertTrue(self.peer.knows(TID))
        self.assertFalse(self.peer.knows(bytes((DATA,)) + TID))

    def test_little_is_kept(self):
        for number in range(100):
            self.peer.remember(mark(DATA, number), CONFIRMED)
            self.peer.remember(mark(PING, 100 + number), 0)
        self.assertEqual([n for n in range(256) if self.peer.knows(mark(DATA, n))], [98, 99])
        self.assertEqual([n for n in range(256) if self.peer.knows(mark(PING, n))], [198, 199])


class TestPacked(unittest.TestCase):
    """Whatever a peripheral has said of itself must fit."""

    def setUp(self):
        self.roster = Roster(b"net!")

    def unpacked(self, peer):
        self.roster.heard[peer.identity] = peer.packed()
        return self.roster.peer_of(peer.identity)

    def test_everything_comes_back(self):
        peer = Peer(b"peer 1")
        peer.counter, peer.seen_s, peer.received, peer.lost = 0xFFFFFFFF, 7, 8, 9
        peer.battery_mv, peer.rssi_dbm, peer.cannot, peer.set = 0x3FFF, -128, 0x8000, "b"
        peer.remember(bytes((DATA,)) + TID, CONFIRMED)
        again = self.unpacked(peer)
        for name in "identity counter seen_s received lost battery_mv rssi_dbm set".split():
            self.assertEqual(getattr(again, name), getattr(peer, name), name)
        self.assertIs(again.cannot, True)
        self.assertTrue(again.knows(TID))

    def test_a_word_of_another_alphabet(self):
        peer = Peer(b"peer 1")
        peer.set = "\u20ac"
        self.assertEqual(len(self.unpacked(peer).set), 1)
        peer.set = ""
        self.assertEqual(self.unpacked(peer).set, "")


if __name__ == "__main__":
    unittest.main()
