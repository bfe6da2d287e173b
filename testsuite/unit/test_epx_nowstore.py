"""The pairs of a central in NVRAM: a hundred, who makes room, and NVRAM that fails."""

import unittest

import _sim
from esp32 import NVS
from now_fakes import identity, said, secret

from epx.nowstore import MOST_PAIRS, Pairs


def fails(*_):
    raise OSError(-0x1105)


class TestPairs(unittest.TestCase):
    def setUp(self):
        self.pairs = Pairs()

    def fill(self, count):
        for number in range(count):
            self.assertIsNone(self.pairs.put(identity(number), secret(number), []))

    def test_none_at_first(self):
        self.assertEqual(self.pairs.index, {})
        self.assertFalse(self.pairs.remove(identity(1)))

    def test_a_hundred_survive_a_power_cut(self):
        self.fill(MOST_PAIRS)
        for pairs in (self.pairs, Pairs()):
            self.assertEqual(len(pairs.index), 100)
            self.assertEqual(len(set(pairs.index.values())), 100)
            for number in range(100):
                self.assertEqual(pairs.secret(identity(number)), secret(number))

    def test_each_costs_one_write(self):
        before = _sim.bench.nvs_writes
        self.fill(10)
        self.assertEqual(_sim.bench.nvs_writes - before, 10)

    def test_paired_again_it_keeps_its_place(self):
        self.fill(3)
        self.assertIsNone(self.pairs.put(identity(1), secret(7), []))
        for pairs in (self.pairs, Pairs()):
            self.assertEqual(pairs.secret(identity(1)), secret(7))
            self.assertEqual(len(pairs.index), 3)

    def test_a_place_that_is_free_is_used_again(self):
        self.fill(MOST_PAIRS)
        self.assertTrue(self.pairs.remove(identity(50)))
        self.assertIsNone(self.pairs.put(identity(200), secret(200), []))
        for pairs in (self.pairs, Pairs()):
            self.assertEqual(len(pairs.index), 100)
            self.assertNotIn(identity(50), pairs.index)
            self.assertEqual(pairs.secret(identity(200)), secret(200))

    def test_who_was_paired_first_and_not_heard_makes_room(self):
        self.fill(MOST_PAIRS)
        self.pairs.put(identity(0), secret(0), [])  # is now the youngest
        seen = [identity(1), identity(3)]
        victims = [
            self.pairs.put(identity(number), secret(number), seen) for number in (101, 102, 103)
        ]
        self.assertEqual(victims, [identity(2), identity(4), identity(5)])
        for pairs in (self.pairs, Pairs()):
            self.assertEqual(len(pairs.index), 100)
            for number in (0, 1, 3, 6, 101, 102, 103):
                self.assertEqual(pairs.secret(identity(number)), secret(number))

    def test_the_order_survives_a_power_cut(self):
        self.fill(MOST_PAIRS)
        self.pairs.put(identity(0), secret(0), [])
        pairs = Pairs()
        self.assertEqual(pairs.put(identity(101), secret(1), []), identity(1))
        self.assertEqual(Pairs().put(identity(102), secret(1), []), identity(2))

    def test_if_all_were_heard_the_longest_unheard_one_makes_room(self):
        self.fill(MOST_PAIRS)
        seen = [identity(number) for number in range(99, -1, -1)]
        self.assertEqual(self.pairs.put(identity(101), secret(1), seen), identity(99))
        self.assertNotIn(identity(99), Pairs().index)


class TestBrokenNvram(unittest.TestCase):
    def setUp(self):
        self.pairs = Pairs(4)
        self.good = (NVS.set_blob, NVS.erase_key)
        for number in range(4):
            self.pairs.put(identity(number), secret(number), [])

    def tearDown(self):
        NVS.set_blob, NVS.erase_key = self.good

    def breaks(self):
        NVS.set_blob = NVS.erase_key = fails

    def test_a_pair_that_cannot_be_kept_is_not_known(self):
        self.breaks()
        self.assertEqual(self.pairs.put(identity(9), secret(9), []), identity(0))
        self.assertTrue(said("error netnow: pair not kept"))
        self.assertNotIn(identity(9), self.pairs.index)
        self.assertNotIn(identity(9), Pairs(4).index)

    def test_who_was_heard_but_could_not_be_kept_has_no_place_to_give(self):
        seen = [identity(9), identity(3), identity(2), identity(1), identity(0)]
        self.assertEqual(self.pairs.put(identity(8), secret(8), seen), identity(3))

    def test_nobody_gets_the_secret_of_another(self):
        _sim.bench.nvs["nowpairs"]["p1"] = _sim.bench.nvs["nowpairs"]["p2"]
        self.assertIsNone(self.pairs.secret(identity(1)))
        self.assertEqual(self.pairs.secret(identity(2)), secret(2))

    def test_one_that_is_gone_has_no_secret_and_makes_room_first(self):
        for damaged in (None, b"", b"x" * 41):
            if damaged is None:
                del _sim.bench.nvs["nowpairs"]["p2"]
            else:
                _sim.bench.nvs["nowpairs"]["p2"] = damaged
            self.assertIsNone(self.pairs.secret(identity(2)))
        self.assertEqual(self.pairs.put(identity(9), secret(9), []), identity(2))
        self.assertEqual(self.pairs.secret(identity(9)), secret(9))

    def test_what_is_longer_is_not_read(self):
        _sim.bench.nvs["nowpairs"]["p2"] = b"x" * 43
        pairs = Pairs(4)
        self.assertEqual(len(pairs.index), 3)
        self.assertIsNone(pairs.put(identity(9), secret(9), []))
        self.assertEqual(Pairs(4).secret(identity(9)), secret(9))

    def test_one_that_cannot_be_removed_is_not_known_for_now(self):
        self.breaks()
        self.assertTrue(self.pairs.remove(identity(1)))
        self.assertNotIn(identity(1), self.pairs.index)
        self.assertTrue(said("error netnow: pair not kept"))


if __name__ == "__main__":
    unittest.main()
