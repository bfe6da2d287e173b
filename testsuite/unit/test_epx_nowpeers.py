"""What a central knows of its peripherals: whose keys are ready, what was lost, who makes room."""

import time
import unittest

import _sim
from now_fakes import identity, said, secret

from epx.nowpeers import Peer, Roster
from epx.nowstore import MOST_PAIRS
from epx.nowwire import CONFIRMED, Channel

NETWORK = b"net!"


class TestPeer(unittest.TestCase):
    def setUp(self):
        self.peer = Peer(identity(1))

    def hears(self, *counters):
        for counter in counters:
            self.peer.note(counter, -70)
        return self.peer.received, self.peer.lost

    def test_gaps_are_losses(self):
        self.assertEqual(self.hears(1000), (1, 0))
        self.assertEqual(self.hears(1001, 1002), (3, 0))
        self.assertEqual(self.hears(1005, 1007), (5, 3))

    def test_a_restart_skips_numbers_and_loses_nothing(self):
        self.assertEqual(self.hears(1000, 1000 + 66), (2, 0))
        self.assertEqual(self.hears(1000 + 66 + 65), (3, 64))
        self.assertEqual(self.hears(5000), (4, 64))

    def test_when_and_how_loud(self):
        time.sleep_ms(90000)
        self.peer.note(7, -83)
        self.assertEqual((self.peer.seen_s, self.peer.rssi_dbm, self.peer.counter), (90, -83, 7))


class RosterCase(unittest.TestCase):
    def setUp(self):
        self.roster = Roster(NETWORK)

    def pair(self, number):
        peer = Peer(identity(number))
        peer.secret = secret(number)
        for direction in ("up", "down"):
            setattr(peer, direction, Channel(peer.secret, direction.encode(), NETWORK))
        self.roster.replace(peer)
        self.roster.keep_warm(peer)
        peer.note(1, -50)
        return peer

    def found(self, number):
        return self.roster.find(identity(number))


class TestRoster(RosterCase):
    def test_a_stranger_is_none(self):
        self.assertIsNone(self.found(1))
        self.assertEqual(self.roster.channel_to(identity(1)), (None, None))
        self.assertFalse(self.roster.unpair(identity(1)))
        self.assertEqual(self.roster.heard, {})

    def test_one_that_has_paired_is_kept(self):
        peer = self.pair(1)
        self.assertIs(self.found(1), peer)
        self.assertIs(self.roster.last, peer)
        self.assertIsNone(peer.secret)
        self.assertTrue(said("info netnow: paired, 1 known"))
        self.assertEqual(Roster(NETWORK).pairs.secret(identity(1)), secret(1))

    def test_it_is_found_after_a_reset_and_its_key_is_the_same(self):
        packet = self.pair(1).up.seal((1, 2), identity(1), 7, bytes(12), bytes(12))
        roster = Roster(NETWORK)
        peer = roster.find(identity(1))
        self.assertTrue(peer.up.is_authentic(packet[:-16], packet[-16:]))
        # Nothing was proved yet.
        self.assertEqual(roster.heard, {})
        self.assertIsNot(roster.last, peer)

    def test_both_directions(self):
        self.pair(1)
        roster = Roster(NETWORK)
        peer, down = roster.channel_to(identity(1))
        packet = self.found(1).down.seal((2, 1), identity(1), 7, bytes(12), bytes(12))
        self.assertTrue(down.is_authentic(packet[:-16], packet[-16:]))
        self.assertIs(peer.down, down)
        self.assertEqual(roster.heard, {identity(1): peer})

    def test_the_keys_of_four_are_ready(self):
        peers = [self.pair(number) for number in range(6)]
        self.assertEqual([bool(peer.up) for peer in peers], [False] * 2 + [True] * 4)
        self.assertEqual([bool(peer.down) for peer in peers], [False] * 2 + [True] * 4)
        # Who is heard again stays; the one that was not heard for longest goes.
        self.roster.keep_warm(self.found(2))
        self.roster.keep_warm(self.found(0))
        now = [self.roster.peer_of(identity(number)) for number in range(6)]
        self.assertEqual([bool(p.up) for p in now], [True, False, True, False, True, True])
        self.assertIs(self.roster.last, now[0])
        self.assertEqual(len(self.roster.heard), 6)

    def test_who_is_not_heard_lately_is_packed(self):
        first = self.pair(0)
        first.note(7, -60)
        first.note(9, -61)
        first.battery_mv = 3100
        first.cannot = True
        first.set = "b"
        first.remember(b"\x01" + b"t" * 12, CONFIRMED)
        for number in range(1, 5):
            self.pair(number)
        self.assertIsInstance(self.roster.heard[identity(0)], bytes)
        self.assertTrue(len(self.roster.heard[identity(0)]) < 64)
        again = self.roster.peer_of(identity(0))
        self.assertIsNot(again, first)
        for name in ("counter", "seen_s", "received", "lost", "battery_mv", "rssi_dbm", "set"):
            self.assertEqual(getattr(again, name), getattr(first, name), name)
        self.assertTrue(again.cannot)
        self.assertTrue(again.knows(b"t" * 12))

    def test_who_proves_nothing_takes_nobodys_place(self):
        peers = [self.pair(number) for number in range(6)]
        cold = self.found(0)
        self.roster.cool(cold)
        self.assertIsNone(cold.up)
        warm = self.found(5)
        self.roster.cool(warm)
        self.assertIs(warm, peers[5])
        self.assertEqual([bool(peer.up) for peer in peers], [False] * 2 + [True] * 4)

    def test_what_was_said_is_remembered_when_keys_are_given_back(self):
        peer = self.pair(0)
        peer.note(77, -60)
        for number in range(1, 6):
            self.pair(number)
        self.assertIsNone(peer.up)
        self.assertEqual(self.found(0).counter, 77)

    def test_paired_again_it_keeps_what_was_delivered(self):
        earlier = self.pair(1)
        earlier.note(70, -50)
        earlier.remember(b"\x01" + b"twelve bytes", 2)
        earlier.update = "waits"
        peer = self.pair(1)
        self.assertIsNot(peer, earlier)
        self.assertTrue(self.found(1).knows(b"\x01twelve bytes"))
        self.assertEqual((peer.counter, peer.update), (1, "waits"))
        self.assertEqual(list(self.roster.heard.values()), [peer])

    def test_unpaired_it_is_a_stranger(self):
        self.pair(1)
        self.assertTrue(self.roster.unpair(identity(1)))
        self.assertIsNone(self.found(1))
        self.assertEqual(self.roster.last.identity, b"")
        self.assertIsNone(Roster(NETWORK).find(identity(1)))
        self.assertFalse(self.roster.unpair(identity(1)))


class TestFull(RosterCase):
    def test_the_one_that_makes_room_is_a_stranger_then(self):
        for number in range(MOST_PAIRS):
            self.pair(number)
            time.sleep_ms(1000)
        first = self.roster.find(identity(0))
        self.roster.keep_warm(first)
        first.note(5, -50)  # was heard a moment ago
        self.pair(100)
        self.assertTrue(said("warn netnow: too many pairs"))
        self.assertIsNone(self.found(1))
        self.assertNotIn(identity(1), self.roster.heard)
        for number in (0, 2, 99, 100):
            self.assertEqual(self.found(number).identity, identity(number))

    def test_who_was_not_heard_since_the_reset_goes_first(self):
        for number in range(MOST_PAIRS):
            self.pair(number)
        self.roster = Roster(NETWORK)
        for number in range(50):
            self.roster.keep_warm(self.found(number))
        self.pair(100)
        self.assertIsNone(self.found(50))
        self.assertEqual(self.found(0).identity, identity(0))


class TestBrokenNvram(RosterCase):
    def test_one_whose_key_is_damaged_is_a_stranger(self):
        self.pair(1)
        roster = Roster(NETWORK)
        del _sim.bench.nvs["nowpairs"]["p0"]
        self.assertIsNone(roster.find(identity(1)))
        self.assertEqual(roster.channel_to(identity(1)), (None, None))

    def test_one_that_could_not_be_kept_works_while_its_keys_are_ready(self):
        nvs = self.roster.pairs._nvs

        class Full:
            get_blob = nvs.get_blob

            def set_blob(self, key, value):
                raise OSError(-0x1105)

        self.roster.pairs._nvs = Full()
        peer = self.pair(1)
        self.assertIs(self.found(1), peer)
        self.assertEqual(self.roster.channel_to(identity(1)), (peer, peer.down))
        self.roster.pairs._nvs = nvs
        for number in range(2, 6):
            self.pair(number)
        self.assertIsNone(peer.up)
        self.assertIsNone(self.found(1))
        self.assertEqual(self.roster.channel_to(identity(1)), (None, None))


if __name__ == "__main__":
    unittest.main()
