"""espnow of the simulator: what a board refuses, and with which error."""

import unittest

import _sim
import network
from espnow import MAX_TOTAL_PEER_NUM, ESPNow

BROADCAST = b"\xff\xff\xff\xff\xff\xff"
FRIEND = b"\x02\x00\x00\x00\x00\x07"


class TestESPNow(unittest.TestCase):
    def setUp(self):
        self.wlan = network.WLAN(network.STA_IF)
        self.wlan.active(True)
        self.now = ESPNow()

    def refuses(self, number, name, function, *arguments):
        with self.assertRaises(OSError) as caught:
            function(*arguments)
        self.assertEqual(caught.exception.args, (number, name))

    def test_nothing_works_before_it_is_active(self):
        now = self.now
        self.assertFalse(now.active())
        for function, arguments in (
            (now.recv, (0,)),
            (now.irecv, (0,)),
            (now.any, ()),
            (now.send, (BROADCAST, b"x")),
            (now.add_peer, (BROADCAST,)),
            (now.del_peer, (BROADCAST,)),
            (now.get_peer, (BROADCAST,)),
            (now.get_peers, ()),
            (now.peer_count, ()),
        ):
            self.refuses(-12389, "ESP_ERR_ESPNOW_NOT_INIT", function, *arguments)
        self.assertTrue(now.active(True))
        self.assertEqual(now.recv(0), (None, None))

    def test_a_peer_must_be_known(self):
        now = self.now
        now.active(True)
        for function, arguments in (
            (now.send, (BROADCAST, b"x")),
            (now.send, (b"x",)),
            (now.del_peer, (FRIEND,)),
            (now.get_peer, (FRIEND,)),
            (now.mod_peer, (FRIEND,)),
        ):
            self.refuses(-12393, "ESP_ERR_ESPNOW_NOT_FOUND", function, *arguments)

    def test_peers(self):
        now = self.now
        now.active(True)
        now.add_peer(BROADCAST)
        now.add_peer(FRIEND, channel=1)
        self.refuses(-12395, "ESP_ERR_ESPNOW_EXIST", now.add_peer, FRIEND)
        self.assertEqual(now.peer_count(), (2, 0))
        self.assertEqual(now.get_peer(FRIEND), (FRIEND, bytes(16), 1, 0, False))
        self.assertEqual([peer[0] for peer in now.get_peers()], [FRIEND])
        now.mod_peer(FRIEND, channel=0)
        self.assertEqual(now.get_peer(FRIEND)[2], 0)
        now.del_peer(FRIEND)
        self.assertEqual(now.get_peers(), ())
        for number in range(MAX_TOTAL_PEER_NUM - 1):
            now.add_peer(FRIEND[:5] + bytes((number,)))
        self.refuses(-12392, "ESP_ERR_ESPNOW_FULL", now.add_peer, b"\x04\0\0\0\0\0")
        now.active(False)
        now.active(True)
        self.assertEqual(now.peer_count(), (0, 0))

    def test_a_wrong_address_is_a_value_error(self):
        now = self.now
        now.active(True)
        for mac in (b"", b"12345", b"1234567"):
            with self.assertRaises(ValueError):
                now.add_peer(mac)

    def test_what_cannot_be_sent(self):
        now = self.now
        now.active(True)
        now.add_peer(BROADCAST)
        self.assertTrue(now.send(BROADCAST, b"x" * 250))
        self.refuses(-12390, "ESP_ERR_ESPNOW_ARG", now.send, BROADCAST, b"x" * 251)
        self.refuses(-12390, "ESP_ERR_ESPNOW_ARG", now.send, BROADCAST, b"")
        self.wlan.active(False)
        self.refuses(-12396, "ESP_ERR_ESPNOW_IF", now.send, BROADCAST, b"x")

    def test_a_peer_on_another_channel(self):
        now = self.now
        now.active(True)
        self.wlan.config(channel=5)
        self.refuses(-12397, "ESP_ERR_ESPNOW_CHAN", lambda: now.add_peer(FRIEND, channel=6))
        now.add_peer(FRIEND, channel=5)
        self.wlan.config(channel=6)
        self.refuses(-12397, "ESP_ERR_ESPNOW_CHAN", now.send, FRIEND, b"x")

    def test_the_table_of_senders_is_read_only(self):
        table = self.now.peers_table
        self.now.active(True)
        _sim.bench.radio.take = lambda timeout_ms: (FRIEND, b"x", -50, 7)
        self.now.recvinto([None, bytearray(250)], 0)
        self.assertEqual(table, {FRIEND: [-50, 7]})
        self.assertRaises(TypeError, table.clear)
        with self.assertRaises(TypeError):
            table[BROADCAST] = [1, 2]

    def test_a_packet_of_version_2_leads_it_astray_until_it_is_restarted(self):
        now = self.now
        now.active(True)
        packets = [(FRIEND, b"x" * 251, -50, 7), (FRIEND, b"x", -50, 7), (FRIEND, b"y", -50, 7)]
        _sim.bench.radio.take = lambda timeout_ms: packets.pop(0)
        into = [None, bytearray(250)]
        for _ in range(2):
            self.assertRaises(ValueError, now.recvinto, into, 0)
        now.active(False)
        now.active(True)
        self.assertEqual(now.recvinto(into, 0), 1)

    def test_settings(self):
        now = self.now
        self.assertEqual(now.config("rxbuf"), 526)
        self.assertEqual(now.config("timeout_ms"), 300_000)
        now.config(rxbuf=2000, timeout_ms=-1)
        self.assertEqual(ESPNow().config("rxbuf"), 2000)
        with self.assertRaises(ValueError):
            now.config("rate")
        with self.assertRaises(TypeError):
            now.config(buffer=5)

    def test_reading_stops_when_the_time_is_over(self):
        now = self.now
        now.active(True)
        clock = _sim.bench.clock
        begin_us = clock.now_us()
        self.assertEqual(now.irecv(250), (None, None))
        self.assertEqual(clock.now_us() - begin_us, 250_000)

    def test_channels_that_an_interface_takes(self):
        wlan = self.wlan
        wlan.config(channel=13)
        self.assertEqual(wlan.config("channel"), 13)
        with self.assertRaises(OSError):
            wlan.config(channel=14)
        wlan.active(False)
        with self.assertRaises(OSError):
            wlan.config(channel=1)
        self.assertEqual(wlan.config("protocol"), wlan.PROTOCOL_DEFAULT)
        wlan.config(protocol=network.MODE_LR)
        self.assertEqual(wlan.config("protocol"), wlan.PROTOCOL_LR)
