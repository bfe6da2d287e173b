"""A peripheral among people who know the PSK, or have recorded what was said once."""

import unittest

from now_fakes import Watchdog, run

from epx import keyed, x25519
from epx.netnow import CONTENT
from epx.netnowp import NetNowPeripheral
from epx.nowtime import NetworkTime
from epx.nowwire import (
    AGREED,
    BROADCAST,
    CONFIRM,
    EVERYBODY,
    EXCHANGE,
    LATER,
    PAIRING,
    TIME,
    WAKEUP,
    Channel,
    derived,
)

CENTRAL = b"\x02\0\0\0\0\x99"
FORMER = b"\x02\0\0\0\0\x98"
SECRET = b"s" * 32
SECOND = 1000


class Config:
    espnowpsk, espnowgroup, espnowlongrange = "bla", "ble", False


class PeripheralCase(unittest.TestCase):
    """sent: what it has said: (MAC, packet)."""

    on_battery = False

    def setUp(self):
        self.now = now = NetNowPeripheral(Config, Watchdog(), on_battery=self.on_battery)
        self.sent = []
        now._send = self._send
        self.time = NetworkTime(bytes(range(12)))
        self.down = Channel(SECRET, b"down", now.group.network)

    def _send(self, mac, packet, acknowledged=False):
        self.sent.append((mac, packet))
        return True

    def of(self, type):
        return [packet for _, packet in self.sent if packet[1] == type]

    def hears(self, packet):
        self.now._buffer[: len(packet)] = packet
        self.now._take(len(packet))

    def packet(self, kinds, payload=b"", time=None, peer=None, channel=None):
        peer = self.now._me if peer is None else peer
        time = time or self.time.now()
        return (channel or self.down).seal(kinds, peer, 1, self.now.new_tid(), time, 0, payload)

    def broadcast(self, manager=CENTRAL, time=None):
        payload = manager + b"\x01"
        return self.packet((TIME, BROADCAST), payload, time, EVERYBODY, self.now.group.down)

    def confirm(self, tid, time=None):
        return self.packet((TIME, CONFIRM), tid + b"\x01", time)

    def pairs(self):
        """It has paired before, and finds its central."""
        self.now.pairing.put(CENTRAL, SECRET, bytes(16), bytes(32))
        self.now.start()
        run(10)
        self.hears(self.confirm(self.of(WAKEUP)[-1][16:28]))
        run(10)
        self.assertEqual(self.now.sm.state, "ready")

    def state_after(self, ms):
        run(ms)
        return self.now.sm.state


class TestPacketsOfTheGroup(PeripheralCase):
    def test_a_broadcast_that_is_cut_short_is_refused(self):
        self.pairs()
        packet = bytearray(self.broadcast())
        group = self.now.group.down
        body = b"\x07\x00" + bytes(14)
        head = bytes(packet[:28])
        from cryptolib import aes

        cut = head + aes(group._key, 2, group._block.encrypt(head[12:])).encrypt(body)
        self.hears(cut + group._tag(cut))
        self.assertEqual(self.now.refused[CONTENT], 1)


class TestPairing(PeripheralCase):
    def setUp(self):
        super().setUp()
        self.now.start()
        run(10)
        self.hears(self.broadcast())
        run(100)
        self.assertEqual(self.now.sm.state, "pairing")

    def requests(self):
        return [packet for packet in self.of(PAIRING) if len(packet) > 76]

    def answer(self, request, status, payload=b""):
        group = self.now.group
        packet = self.packet((PAIRING, status), request[16:28] + payload, channel=group.down)
        self.hears(packet)
        return packet

    def agreement(self, request):
        group = self.now.group
        body = group.up.body(request[12:28], request[28:-16])
        public = body[16:48]
        self.assertEqual(body[1], EXCHANGE)
        own = b"c" * 32
        publics = x25519.public(own) + public
        shared = x25519.shared(own, public)
        secret = group.pair_secret(shared, self.now._me, publics[:32], public)
        mask = derived(secret, b"epx now 3 hide")[:16]
        confirmation = derived(secret, b"epx now 3 central" + bytes(16))[:16]
        earlier = keyed.hmac(bytes(16), b"epx now 3 again", publics)[:16]
        return publics[:32] + mask + confirmation + earlier

    def test_who_repeats_that_it_has_to_wait_does_not_make_it_wait_longer(self):
        packet = self.answer(self.requests()[-1], LATER)
        count = len(self.requests())
        for _ in range(10):
            run(4 * SECOND)
            self.hears(packet)
        self.assertGreaterEqual(len(self.requests()), count + 3)

    def test_a_recording_of_another_central_does_not_become_its_central(self):
        """The answer was asked for with the time of one, so it is of that one."""
        request = self.requests()[-1]
        old = bytes(11) + b"\x01"
        self.hears(self.broadcast(FORMER, old))
        self.answer(request, AGREED, self.agreement(request))
        self.assertEqual(self.now.pairing.manager, CENTRAL)

    def test_an_answer_that_comes_after_the_next_request_is_not_believed(self):
        request = self.requests()[-1]
        self.hears(self.broadcast(FORMER, bytes(11) + b"\x01"))
        run(4 * SECOND)
        self.answer(request, AGREED, self.agreement(request))
        self.assertIsNone(self.now.pairing.secret)


if __name__ == "__main__":
    unittest.main()
