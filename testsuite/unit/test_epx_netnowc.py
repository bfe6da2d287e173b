"""A central whose network, broker or flash fails."""

import json
import os
import unittest
from binascii import hexlify

import network
from now_fakes import Watchdog, identity, run, said, secret

from epx import log
from epx.netnowc import NetNowCentral
from epx.nowhouse import House
from epx.nowpeers import Peer
from epx.nowwire import CONFIRM, CONFIRMED, DATA, NOT_CONFIRMED, PLAIN_BYTES, TIME, WAKEUP, Channel


class Machine:
    state = "online"

    def observe(self, callback):
        self.heard = callback


class Net:
    def __init__(self):
        self.sm = Machine()


class Outbox:
    def __init__(self):
        self.events = []


class Client:
    in_flight = ()


class Mqtt:
    """A broker that is away until has_broker is set."""

    has_broker = True

    def __init__(self):
        self.sm = Machine()
        self.outbox = Outbox()
        self.client = Client()

    def bind(self, source, table):
        pass

    def connected(self):
        return self.has_broker


class Config:
    espnowpsk, espnowgroup, espnowlongrange, espnowchannel = "bla", "ble", False, 6
    otakey, ssid = None, "(none)"


class Row:
    """What peripherals say is an event for the broker."""

    topic, command = "stat/Scale/Weight", "heard"

    def parse(self, data):
        return data


class CentralCase(unittest.TestCase):
    """sent: packets it has sent."""

    def setUp(self):
        self.net = Net()
        self.mqtt = Mqtt()
        self.now = NetNowCentral(Config, self.net, self.mqtt, Watchdog())
        self.sent = []
        self.count = 0
        self.now._send = self._send
        self.now.bind(self, (Row(),))
        run(100)

    def heard(self, data):
        self.mqtt.outbox.events.append(data)

    def _send(self, mac, packet, acknowledged=False):
        self.sent.append(packet)
        return True

    def pair(self, number):
        self.now.roster.pairs.put(identity(number), secret(number), [])

    def hears(self, number, kind, value, tid, payload=None, type=DATA):
        self.count += 1
        up = Channel(secret(number), b"up", self.now.group.network)
        packet = up.seal(
            (type, kind),
            identity(number),
            self.count,
            tid,
            self.now.time.now(),
            0,
            b"stat/Scale/Weight\n" + value if payload is None else payload,
        )
        self.now._buffer[: len(packet)] = packet
        self.now._take(len(packet))

    def confirmed(self, number):
        """TIDs."""
        down = Channel(secret(number), b"down", self.now.group.network)
        tids = []
        for packet in self.sent:
            if packet[1] == TIME and packet[6:12] == identity(number):
                body = down.body(packet[12:28], packet[28:-16])
                if body[1] == CONFIRM:
                    tids.append(body[PLAIN_BYTES : PLAIN_BYTES + 12])
        return tids


class TestBroker(CentralCase):
    def test_no_reading_is_confirmed_that_it_had_no_room_for(self):
        """While the broker is away, 16 events wait: more than that push out the oldest ones."""
        self.mqtt.has_broker = False
        for number in range(20):
            self.pair(number)
            self.hears(number, CONFIRMED, b"%d" % number, b"reading 0%03d" % number)
        self.assertLessEqual(len(self.mqtt.outbox.events), 16)
        waited = list(self.mqtt.outbox.events)
        self.mqtt.has_broker = True
        self.mqtt.outbox.events.clear()
        run(1000)
        for number in range(20):
            self.hears(number, CONFIRMED, b"%d" % number, b"reading 0%03d" % number)
            waited += self.mqtt.outbox.events
            self.mqtt.outbox.events.clear()
            run(1000)
        self.assertEqual(sorted(waited), sorted([b"%d" % number for number in range(20)]))
        for number in range(20):
            self.assertIn(b"reading 0%03d" % number, self.confirmed(number))

    def test_what_wants_no_confirmation_does_not_push_out_what_has_to_arrive(self):
        self.mqtt.has_broker = False
        self.pair(1)
        self.hears(1, CONFIRMED, b"first", b"reading 0001")
        for number in range(30):
            self.hears(1, NOT_CONFIRMED, b"more", b"more....%04d" % number)
        self.assertLessEqual(len(self.mqtt.outbox.events), 16)
        self.assertEqual(self.mqtt.outbox.events[0], b"first")


class TestRadio(CentralCase):
    def test_a_radio_that_is_off_for_a_while_ends_nothing(self):
        """As when the network switches it off and on: the next time, all is well."""
        interface = self.now._interface
        config = interface.config

        def fails(name):
            if name == "mac":
                return config(name)
            raise OSError("Wifi Not Started")

        interface.config = fails
        self.now.broadcast_time()
        self.pair(1)
        self.hears(1, CONFIRMED, b"1", b"reading 0001")
        interface.config = config
        before = len(self.sent)
        self.now.broadcast_time()
        self.assertEqual(len(self.sent), before + 1)

    def test_the_time_begins_where_nobody_can_guess(self):
        """The chip's random numbers are good once the radio is on, and not before."""
        asked = []
        urandom = os.urandom

        def noted(size):
            asked.append((size, network.WLAN(network.STA_IF).active()))
            return urandom(size)

        network.WLAN(network.STA_IF).active(False)
        os.urandom = noted
        try:
            NetNowCentral(Config, self.net, self.mqtt, Watchdog())
        finally:
            os.urandom = urandom
        self.assertEqual([on for size, on in asked if size == 12], [False, True])


class TestTalk(CentralCase):
    def test_nonsense_does_not_fill_the_log(self):
        self.pair(1)
        said("")
        for number in range(50):
            tid = b"nonsense%04d" % number
            self.hears(1, NOT_CONFIRMED, b"", tid, b"nonsense")
        lines = 0
        while log.peek():
            lines += 1
            log.drop()
        self.assertLessEqual(lines, 10)

    def test_what_a_device_says_of_itself_does_not_spoil_the_list_of_all(self):
        self.pair(1)
        for number in range(4):
            word = ('"', "\\", "\n", "b")[number].encode()
            self.hears(1, 0, b"", b"wakes up%04d" % number, word, WAKEUP)
            from epx import nowlist

            rows = json.loads(nowlist.page(self.now.roster))["peers"]
            self.assertEqual(rows[0].get("set"), "b" if number == 3 else None)


class TestUnpair(CentralCase):
    def test_who_is_not_wanted_does_not_come_back_by_a_pairing_that_waits(self):
        class Waits:
            peer = Peer(identity(1))

        self.pair(1)
        house = House(self.now)
        self.now.desk.pending = Waits
        house.unpair(hexlify(identity(2)).decode())
        self.assertIs(self.now.desk.pending, Waits)
        house.unpair(hexlify(identity(1)).decode())
        self.assertIsNone(self.now.desk.pending)
        self.assertEqual(self.now.roster.pairs.index, {})


class TestFlash(CentralCase):
    def test_without_room_in_nvram_pairing_goes_on(self):
        from epx import nowpending

        class Full:
            def __init__(self, name):
                pass

            def fails(self, *arguments):
                raise OSError(-4357, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")

            get_blob = set_blob = commit = fails

        nowpending.NVS = Full
        proof = nowpending._proof(None, identity(1), secret(1))
        self.assertEqual(len(proof), 16)


if __name__ == "__main__":
    unittest.main()
