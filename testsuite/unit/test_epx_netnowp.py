"""A peripheral among people who know the PSK, or have recorded what was said once."""

import unittest

from now_fakes import Watchdog, run

from epx import diag, keyed, nowpair, rtcmemory, x25519
from epx.loop import uptime_s
from epx.netnow import CONTENT, REPLAY
from epx.netnowp import NetNowPeripheral
from epx.nowseek import _state
from epx.nowtime import NetworkTime
from epx.nowwire import (
    AGREED,
    BROADCAST,
    CONFIRM,
    DATA,
    EVERYBODY,
    EXCHANGE,
    LATER,
    PAIRING,
    PING,
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

    def broadcast(self, manager=CENTRAL, time=None, channel=1):
        payload = manager + bytes((channel,))
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
        self.hears(cut + group.digest(cut)[:16])
        self.assertEqual(self.now.refused[CONTENT], 1)


class TestRecordings(PeripheralCase):
    """What it has heard, or missed, and hears again turns its clock back by nothing."""

    def setUp(self):
        super().setUp()
        self.pairs()

    def late_ms(self):
        return self.now.memory.time.ahead_ms(self.time.now())

    def test_of_a_broadcast_that_a_confirmation_has_followed(self):
        broadcast = self.broadcast()
        self.hears(broadcast)
        run(300)
        self.now.send_data(b"stat/X/Y\n1")
        run(10)
        self.hears(self.confirm(self.of(DATA)[-1][16:28]))
        run(400)
        self.hears(broadcast)
        self.assertEqual(self.late_ms(), 0)

    def test_of_a_confirmation_that_it_has_missed(self):
        self.now._ping(self.time.now())
        missed = self.confirm(self.of(PING)[-1][16:28])
        run(20 * SECOND)
        self.hears(missed)
        self.assertEqual((self.late_ms(), self.now.refused[REPLAY]), (0, 1))

    def test_of_one_that_names_a_reading_that_still_waits(self):
        self.now.send_data(b"stat/X/Y\n1")
        run(10)
        missed = self.confirm(self.of(DATA)[-1][16:28])
        run(20 * SECOND)
        self.hears(missed)
        self.assertEqual((self.late_ms(), self.now.refused[REPLAY]), (0, 1))
        self.hears(self.confirm(self.of(DATA)[-1][16:28]))
        self.assertEqual(self.now.memory.unsent, [])

    def test_of_one_that_was_held_back_for_a_moment(self):
        self.now.send_data(b"stat/X/Y\n1")
        run(10)
        held_back = self.confirm(self.of(DATA)[-1][16:28])
        run(3 * SECOND)
        self.hears(held_back)
        self.assertEqual((self.late_ms(), self.now.memory.unsent), (0, []))


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
        secret = nowpair.pair_secret(group, shared, self.now._me, publics[:32], public)
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

    def test_that_it_is_not_wanted_any_more_is_no_news(self):
        """Its button may be pressed at any time."""
        self.now.unpair()
        self.assertEqual(self.state_after(100), "unpaired")
        self.now.unpair()
        self.assertEqual(self.state_after(100), "unpaired")

    def test_a_pairing_that_was_forgotten_meanwhile_does_not_come_back(self):
        self.now.wanted_pairing = True
        self.now.unpair()
        self.now.give_up_pairing()
        self.assertEqual(self.state_after(100), "unpaired")


class TestDelivery(PeripheralCase):
    def test_who_sends_often_hears_in_time_what_was_not_delivered(self):
        self.pairs()
        heard = []
        for number in range(30):
            done = heard.append if number == 0 else None
            self.now.send_data(b"%d" % number, 2, done or (lambda _: None), 15 * SECOND)
            run(5 * SECOND)
            if number == 1:
                self.assertEqual(heard, [])
            if number == 3:
                self.assertEqual(heard, [False])
        self.assertEqual(heard, [False])
        self.assertLessEqual(len(self.now._waiting.all), 6)

    def test_what_makes_room_for_newer_ones_is_told_so(self):
        self.pairs()
        heard = []
        for number in range(8):
            self.now.send_data(b"%d" % number, 2, heard.append)
        self.assertEqual(heard, [False, False])
        self.assertEqual(len(self.now._waiting.all), 6)

    def test_without_room_in_the_memory_of_the_clock_it_goes_on(self):
        """Others keep something there, too."""
        for number in range(8):
            rtcmemory.write("other%d" % number, b"x" * 200)
        self.pairs()
        for number in range(8):
            self.now.send_data(bytes((65 + number,)) * 176, 2)
        run(1 * SECOND)
        self.assertEqual(rtcmemory.read("other7"), b"x" * 200)
        self.assertEqual(self.now.sm.state, "ready")
        self.hears(self.confirm(self.of(DATA)[-1][16:28]))
        self.assertTrue(self.now.memory.is_new(b"twelve bytes"))
        self.now.memory.save()


class TestSearch(PeripheralCase):
    def lost(self):
        self.pairs()
        self.now.sm.go("waking")

    def test_a_recording_does_not_keep_it_from_other_channels(self):
        """Somebody repeats a broadcast on the channel where its central was."""
        self.lost()
        old = self.broadcast()
        channels = set()
        for _ in range(600):
            run(100)
            channels.add(self.now._channel)
            if self.now._channel == 1:
                self.hears(old)
        self.assertEqual(len(channels), 13)

    def test_a_central_that_has_forgotten_it_and_moved_is_found_again(self):
        """On another channel it tells the time to those that it does not know."""
        self.lost()
        for _ in range(700):
            run(100)
            if self.now._channel == 9:
                self.hears(self.broadcast(channel=9))
            if self.now.sm.state == "pairing":
                break
        self.assertEqual((self.now.sm.state, self.now._channel), ("pairing", 9))


class TestWords(PeripheralCase):
    def test_a_long_reason_in_another_alphabet_fits_its_packet(self):
        last_words = diag.last_words
        diag.last_words = lambda name, most: ("set b failed, back to a: " + "\u20ac" * 99)[:most]
        try:
            self.now._state = _state()
        finally:
            diag.last_words = last_words
        self.pairs()
        words = str(self.now._state, "utf-8")
        self.assertTrue(words.startswith("set b failed, back to a: \u20ac"))


class TestBattery(PeripheralCase):
    on_battery = True

    def searches(self):
        """It has something to say, and its central is gone."""
        self.pairs()
        self.now.send_data(b"1", 2)
        self.now.sm.go("waking")
        self.assertEqual(self.state_after(2400), "scanning")

    def exchanges(self):
        """Requests to pair; who asks who is there has no payload."""
        return [packet for packet in self.of(PAIRING) if len(packet) > 60]

    def test_with_another_central_it_may_pair_even_if_nothing_is_saved_up(self):
        """A search takes all that there is: so it would never have enough."""
        self.searches()
        self.now.memory.scan_ms = 200
        self.hears(self.broadcast(FORMER))
        self.assertEqual(self.state_after(10), "pairing")
        self.assertEqual(len(self.exchanges()), 1)
        self.assertLess(self.now.memory.scan_ms, -10 * SECOND)

    def test_that_is_paid_back_before_it_searches_or_tries_again(self):
        self.searches()
        self.now.memory.scan_ms = -1
        self.hears(self.broadcast(FORMER))
        self.assertEqual(self.state_after(1 * SECOND), "scanning")
        self.assertEqual(self.exchanges(), [])

    def patience_s(self, old):
        """Until it gives up a message, while it hears nothing but that recording."""
        heard = []
        self.now.send_data(b"1", 2, heard.append)
        begin_s = uptime_s()
        while not heard and uptime_s() - begin_s < 3600:
            run(100)
            self.hears(old)
        self.assertEqual(heard, [False])
        return uptime_s() - begin_s

    def test_recordings_do_not_cost_more_than_a_search(self):
        self.now.start()
        run(10)
        self.assertLessEqual(self.patience_s(self.broadcast()), 190)

    def test_nor_do_they_keep_one_awake_that_is_paired(self):
        self.pairs()
        self.assertLessEqual(self.patience_s(self.broadcast()), 31)


if __name__ == "__main__":
    unittest.main()
