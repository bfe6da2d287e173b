"""A central whose network, broker or flash fails."""

import unittest

from now_fakes import Watchdog, identity, run, secret

from epx.netnowc import NetNowCentral
from epx.nowwire import CONFIRM, CONFIRMED, DATA, NOT_CONFIRMED, PLAIN_BYTES, TIME, Channel


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

    def hears(self, number, kind, value, tid):
        self.count += 1
        up = Channel(secret(number), b"up", self.now.group.network)
        packet = up.seal(
            (DATA, kind),
            identity(number),
            self.count,
            tid,
            self.now.time.now(),
            0,
            b"stat/Scale/Weight\n" + value,
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


if __name__ == "__main__":
    unittest.main()
