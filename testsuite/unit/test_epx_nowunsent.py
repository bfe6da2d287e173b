"""What a peripheral keeps over a sleep, a reset, a power cut: counter, time, messages, pair."""

import time
import unittest
from struct import pack

import _sim
from esp32 import NVS
from now_fakes import said

from epx import rtcmemory
from epx.nowtime import NetworkTime
from epx.nowunsent import Memory, Pairing

BENCH = _sim.bench
START = bytes(range(1, 13))


def tid(number):
    return b"TID %08d" % number


def power_cut():
    BENCH.rtc_memory = b""


def as_number(data):
    return int.from_bytes(data, "big")


class TestCounter(unittest.TestCase):
    def use(self, memory, count):
        return [memory.next_counter() for _ in range(count)]

    def test_it_rises_by_one(self):
        self.assertEqual(self.use(Memory(), 50), list(range(1, 51)))

    def test_after_a_sleep_it_goes_on(self):
        memory = Memory()
        self.use(memory, 50)
        memory.save()
        self.assertEqual(self.use(Memory(), 3), [51, 52, 53])

    def test_no_number_is_used_twice_whenever_it_is_reset(self):
        last = 0
        for count in list(range(1, 40)) + [1, 0, 0, 1, 1, 40]:
            numbers = self.use(Memory(), count)
            if numbers:
                self.assertTrue(last < numbers[0] <= last + 17)
                self.assertEqual(numbers, list(range(numbers[0], numbers[0] + count)))
                last = numbers[-1]

    def test_nor_whenever_its_power_is_cut(self):
        last = 0
        for count in (0, 1, 1, 5, 1023, 1024, 1025, 1, 3000, 0, 0, 7):
            power_cut()
            numbers = self.use(Memory(), count)
            if numbers:
                self.assertTrue(numbers[0] > last)
                last = numbers[-1]

    def test_nor_when_its_power_is_cut_after_it_slept(self):
        last = 0
        for count in (1, 1100, 20, 2000):
            for _ in range(3):
                memory = Memory()
                numbers = self.use(memory, count)
                self.assertTrue(numbers[0] > last)
                last = numbers[-1]
                memory.save()
            power_cut()

    def test_flash_is_written_once_per_1024_numbers(self):
        memory = Memory()
        before = BENCH.nvs_writes
        self.use(memory, 10240)
        self.assertTrue(9 <= BENCH.nvs_writes - before <= 10)
        for _ in range(100):
            memory.save()
            memory = Memory()
            self.use(memory, 2)
        self.assertTrue(BENCH.nvs_writes - before <= 11)

    def test_once_per_power_cut_too(self):
        before = BENCH.nvs_writes
        for _ in range(10):
            power_cut()
            self.use(Memory(), 1)
        self.assertEqual(BENCH.nvs_writes - before, 10)

    def test_nvram_that_fails_is_no_reason_to_be_silent(self):
        def fails(*_):
            raise OSError(-0x1105)

        good = NVS.set_i32
        NVS.set_i32 = fails
        try:
            self.assertEqual(self.use(Memory(), 2000), list(range(1, 2001)))
        finally:
            NVS.set_i32 = good
        self.assertTrue(said("error netnow: counter not kept"))


class TestTime(unittest.TestCase):
    def test_it_is_unknown_at_first(self):
        memory = Memory()
        self.assertIsNone(memory.time)
        memory.save()
        self.assertIsNone(Memory().time)

    def test_it_goes_on_in_a_sleep(self):
        memory = Memory()
        memory.time = NetworkTime(START)
        memory.save()
        for hours in (1, 24, 24 * 14):
            time.sleep_ms(hours * 3600000)
            memory = Memory()
            passed_ms = as_number(memory.time.now()) - as_number(START)
            slept_ms = memory.slept_ms
            self.assertTrue(abs(passed_ms - slept_ms) <= 1000)
            self.assertTrue(abs(slept_ms - hours * 3600000) <= 1000)
            memory.time = NetworkTime(START)
            memory.save()

    def test_after_three_weeks_and_more_it_is_unknown(self):
        memory = Memory()
        memory.time = NetworkTime(START)
        memory.save()
        time.sleep_ms(2000001000)
        self.assertIsNone(Memory().time)

    def test_a_clock_that_goes_back_is_not_believed(self):
        rtcmemory.write("now", pack(">I12sIi", 7, START, int(time.time()) + 5, 4711))
        memory = Memory()
        self.assertIsNone(memory.time)
        self.assertEqual((memory.slept_ms, memory.scan_ms, memory.next_counter()), (0, 4711, 8))

    def test_after_a_power_cut_it_is_unknown(self):
        memory = Memory()
        memory.time = NetworkTime(START)
        memory.save()
        power_cut()
        self.assertIsNone(Memory().time)

    def test_what_may_be_spent_on_scans_is_kept(self):
        for scan_ms in (4711, 0, -29850):  # below 0: spent in advance
            memory = Memory()
            memory.scan_ms = scan_ms
            memory.save()
            self.assertEqual(Memory().scan_ms, scan_ms)
        power_cut()
        self.assertEqual(Memory().scan_ms, 130000)

    def test_what_is_not_whole_counts_as_nothing(self):
        for data in (b"", b"x" * 23, b"x" * 25):
            rtcmemory.write("now", data)
            self.assertIsNone(Memory().time)


class TestUnsent(unittest.TestCase):
    def test_messages_wait_in_order_through_a_reset(self):
        memory = Memory()
        for number in range(3):
            memory.keep(tid(number), b"payload %d" % number)
        wanted = [tid(number) + b"payload %d" % number for number in range(3)]
        self.assertEqual(memory.unsent, wanted)
        self.assertEqual(Memory().unsent, wanted)

    def test_the_oldest_of_seven_is_lost(self):
        memory = Memory()
        for number in range(6):
            memory.keep(tid(number), b"%d" % number)
        self.assertFalse(said("warn"))
        for number in (6, 7):
            memory.keep(tid(number), b"%d" % number)
        self.assertTrue(said("warn netnow: too many readings wait, the oldest is lost"))
        for found in (memory, Memory()):
            self.assertEqual([m[12:] for m in found.unsent], [b"2", b"3", b"4", b"5", b"6", b"7"])

    def test_what_was_confirmed_is_gone(self):
        memory = Memory()
        for number in range(4):
            memory.keep(tid(number), b"%d" % number)
        self.assertTrue(memory.sent(tid(1)))
        self.assertFalse(memory.sent(tid(1)))
        self.assertFalse(memory.sent(tid(9)))
        for found in (memory, Memory()):
            self.assertEqual([m[12:] for m in found.unsent], [b"0", b"2", b"3"])
        for number in (0, 2, 3):
            self.assertTrue(memory.sent(tid(number)))
        self.assertEqual(Memory().unsent, [])

    def test_six_of_the_longest_and_all_else_have_room(self):
        rtcmemory.write("failures", b"1")
        rtcmemory.write("update", b"1")
        memory = Memory()
        memory.time = NetworkTime(START)
        for number in range(8):
            memory.keep(tid(number), bytes((number,)) * 176)
            self.assertTrue(memory.is_new(tid(100 + number)))
            memory.next_counter()
        memory.save()
        self.assertEqual([m[12] for m in Memory().unsent], [2, 3, 4, 5, 6, 7])
        self.assertTrue(len(BENCH.rtc_memory) <= 2048 - 512)

    def test_an_empty_one_waits_too(self):
        memory = Memory()
        memory.keep(tid(1), b"")
        self.assertEqual(Memory().unsent, [tid(1)])


class TestBackData(unittest.TestCase):
    def test_each_is_new_once_even_after_a_reset(self):
        memory = Memory()
        self.assertTrue(memory.is_new(tid(1)))
        self.assertFalse(memory.is_new(tid(1)))
        self.assertFalse(Memory().is_new(tid(1)))
        self.assertTrue(Memory().is_new(tid(2)))

    def test_the_last_four_are_known(self):
        memory = Memory()
        for number in range(6):
            self.assertTrue(memory.is_new(tid(number)))
        self.assertEqual([memory.is_new(tid(n)) for n in (5, 4, 3, 2)], [False] * 4)
        self.assertTrue(memory.is_new(tid(0)))


class TestPairing(unittest.TestCase):
    MANAGER = b"centra"
    SECRET = b"s" * 32
    PROOF = b"p" * 16
    PUBLIC = b"k" * 32
    ALL = (MANAGER, SECRET, PROOF, PUBLIC)
    NOTHING = (None,) * 4

    def values(self, pairing):
        return (pairing.manager, pairing.secret, pairing.proof, pairing.public)

    def test_none_at_first(self):
        self.assertEqual(self.values(Pairing()), self.NOTHING)
        self.assertEqual(Pairing().channel, 0)

    def test_it_survives_a_power_cut(self):
        pairing = Pairing()
        pairing.put_channel(7)
        pairing.put(*self.ALL)
        power_cut()
        for found in (pairing, Pairing()):
            self.assertEqual(self.values(found), self.ALL)
            self.assertEqual(found.channel, 7)

    def test_a_channel_is_written_when_it_changes(self):
        pairing = Pairing()
        pairing.put(*self.ALL)
        before = BENCH.nvs_writes
        for _ in range(10):
            pairing.put_channel(7)
        self.assertEqual(BENCH.nvs_writes - before, 1)
        self.assertEqual(self.values(Pairing()), self.ALL)
        self.assertEqual(Pairing().channel, 7)

    def test_it_can_be_forgotten(self):
        pairing = Pairing()
        pairing.put(*self.ALL)
        pairing.forget()
        for found in (pairing, Pairing()):
            self.assertEqual(self.values(found), self.NOTHING)
        pairing.put(*self.ALL)
        self.assertEqual(self.values(Pairing())[1], self.SECRET)

    def test_what_is_not_whole_is_none(self):
        Pairing().put(*self.ALL)
        for data in (b"", b"x" * 54, b"x" * 85, b"x" * 87, None):
            if data is None:
                del BENCH.nvs["now"]["pair"]
            else:
                BENCH.nvs["now"]["pair"] = data
            self.assertEqual(self.values(Pairing()), self.NOTHING)

    def test_nvram_that_fails_costs_the_pairing_at_the_next_power_cut_only(self):
        def fails(*_):
            raise OSError(-0x1105)

        pairing = Pairing()
        good = NVS.set_blob
        NVS.set_blob = fails
        try:
            pairing.put(*self.ALL)
        finally:
            NVS.set_blob = good
        self.assertTrue(said("error netnow: pairing not kept"))
        self.assertEqual(self.values(pairing), self.ALL)
        self.assertEqual(self.values(Pairing()), self.NOTHING)


if __name__ == "__main__":
    unittest.main()
