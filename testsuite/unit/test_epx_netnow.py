"""What the radio's driver does to both roles on a board: nothing of it ends a program."""

import unittest

import network
from espnow import ESPNow
from now_fakes import run, said

from epx.netnow import LENGTH, OTHER_VERSION, NetNow

FRIEND = b"\x02\0\0\0\0\x07"
OTHERS = b"\xff" * 6


class Config:
    espnowpsk, espnowgroup, espnowlongrange = "bla", "ble", False


class RadioCase(unittest.TestCase):
    def setUp(self):
        self.now = NetNow(Config)
        self.now._open_radio(6)
        self.came = []
        self.radio = ESPNow()
        self.taken = self.radio.recvinto
        self.bench = network._bench.radio
        self.bench.take = self._take
        self.bench.waiting = lambda: bool(self.came)

    def _take(self, timeout_ms):
        return self.came.pop(0) if self.came else None

    def comes(self, data, mac=FRIEND):
        self.came.append((mac, data, -50, 7))
        run(1)


class TestDriver(RadioCase):
    def test_its_table_of_senders_stays_small(self):
        """It is read-only: a reference that a program cannot empty, says its source."""
        for number in range(200):
            self.comes(b"\x01", b"\x02\0\0\0\0" + bytes((number,)))
        self.assertLessEqual(len(self.radio.peers_table), 33)
        self.assertEqual(self.now.refused[OTHER_VERSION], 200)

    def test_a_long_packet_of_others_costs_what_waits_and_no_more(self):
        self.now._know(FRIEND)
        self.comes(b"x" * 300)
        self.assertEqual(self.now.refused[LENGTH], 1)
        self.assertTrue(said("no packet has this length"))
        self.comes(b"\x01")
        self.assertEqual(self.now.refused[OTHER_VERSION], 1)
        # Those that it sends to are known as before.
        self.assertTrue(self.now._send(OTHERS, b"x"))
        self.assertTrue(self.now._send(FRIEND, b"x"))


if __name__ == "__main__":
    unittest.main()
