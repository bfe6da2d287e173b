"""The blocking client: each call waits, and no longer than it was told."""

import errno
import select
import unittest

from uumqtt_fakes import CONNACK, FakeTLS, Peer, ack, publish

from uumqtt import blocking
from uumqtt.blocking import BlockingClient
from uumqtt.connection import MQTTError


class FakePoller:
    """poll() whose waiting moves the clock; a script answers what the client has sent."""

    def __init__(self, desk):
        self._desk = desk
        self._stream = None
        self._events = 0

    def register(self, stream, events):
        self._stream = stream
        self._events = events

    def modify(self, stream, events):
        assert stream is self._stream
        self._events = events

    def ipoll(self, timeout_ms):
        desk = self._desk
        stream = desk.peer.stream
        desk.answer(stream)
        ready = self._events & select.POLLOUT if stream.room or stream.error else 0
        if stream.unread() or stream._ended or stream.error:
            ready |= self._events & select.POLLIN
        if ready:
            return [(self._stream, ready)]
        if timeout_ms > 0:
            desk.peer.clock.sleep_ms(timeout_ms)
        return []


class Desk:
    """A blocking client, and a broker that answers each packet by the table `answers`."""

    def __init__(self, **options):
        self.peer = Peer(BlockingClient, **options)
        self.client = self.peer.client
        self.answers = {
            0x10: lambda packet: CONNACK,
            0x82: lambda packet: ack(0x90, packet[3], packet[-1]),
            0xA2: lambda packet: ack(0xB0, packet[3]),
            0x32: lambda packet: ack(0x40, packet[4 + packet[3]] << 8 | packet[5 + packet[3]]),
        }
        self.seen = []
        self.later = []  # (ms, bytes) that come by themselves
        blocking.select = self
        blocking.socket = self
        blocking.ticks_ms = self.peer.clock.ticks_ms

    def poll(self):
        return FakePoller(self)

    def getaddrinfo(self, host, port):
        return [(2, 1, 6, "", (host, port))]

    def answer(self, stream):
        while self.later and self.later[0][0] <= self.peer.clock.now_ms:
            stream.feed(self.later.pop(0)[1])
        sent = stream.take()
        while sent:
            packet = sent[: 2 + sent[1]]
            sent = sent[2 + sent[1] :]
            self.seen.append(packet)
            if packet[0] in self.answers:
                stream.feed(self.answers[packet[0]](packet))

    def come_in(self, delay_ms, data):
        self.later.append((self.peer.clock.now_ms + delay_ms, data))


class BlockingTest(unittest.TestCase):
    def setUp(self):
        self.desk = Desk()
        self.client = self.desk.client
        self.clock = self.desk.peer.clock

    def passed_ms(self, call, *arguments):
        """Runs call, which must raise MQTTError -> its reason, and how long it took."""
        start_ms = self.clock.now_ms
        with self.assertRaises(MQTTError) as caught:
            call(*arguments)
        return caught.exception.args[0], self.clock.now_ms - start_ms

    def test_connect_waits_for_connack(self):
        self.assertIs(self.client.connect("192.0.2.1"), False)
        self.assertTrue(self.client.connected)
        self.assertEqual(self.desk.peer.stream.address, ("192.0.2.1", 1883))

    def test_connect_tells_of_a_kept_session(self):
        self.desk.answers[0x10] = lambda packet: b"\x20\x02\x01\x00"
        self.assertIs(self.client.connect("192.0.2.1", 1884), True)

    def test_connect_by_tls(self):
        context = FakeTLS(refusals=2)
        self.client.connect("broker.example", 8883, tls_context=context)
        self.assertEqual(context.hostname, "broker.example")

    def test_connect_gives_up_in_time(self):
        del self.desk.answers[0x10]
        self.assertEqual(
            self.passed_ms(self.client.connect, "a", 1883, 2), ("no answer in time", 2000)
        )
        self.assertEqual(self.desk.peer.network.open_sockets, 0)
        self.assertEqual(self.passed_ms(self.client.connect, "a"), ("no CONNACK", 5000))
        self.assertEqual(self.desk.peer.network.open_sockets, 0)

    def test_connect_is_refused(self):
        self.desk.answers[0x10] = lambda packet: b"\x20\x02\x00\x05"
        self.assertEqual(self.passed_ms(self.client.connect, "a")[0], "not authorized")
        self.assertEqual(self.desk.peer.network.open_sockets, 0)

    def test_everything_needs_a_connection(self):
        for call in (
            lambda: self.client.publish("a", "b"),
            lambda: self.client.subscribe("a"),
            lambda: self.client.unsubscribe("a"),
            self.client.check_msg,
            self.client.wait_msg,
        ):
            self.assertEqual(self.passed_ms(call), ("not connected", 0))

    def test_publish_with_qos_0_does_not_wait(self):
        self.client.connect("a")
        self.assertEqual(self.client.publish("a", "b"), 0)
        self.assertEqual(bytes(self.desk.peer.stream.sent), publish(b"a", b"b"))

    def test_publish_with_qos_0_waits_for_room(self):
        self.client.connect("a")
        self.desk.peer.stream.room = 0
        self.assertEqual(
            self.passed_ms(self.client.publish, "a", "b", False, 0, 3), ("no answer in time", 3000)
        )

    def test_publish_with_qos_1_waits_for_puback(self):
        self.client.connect("a")
        packet_id = self.client.publish("a", "b", qos=1)
        self.assertEqual(self.desk.peer.delivered, [packet_id])
        self.assertEqual(len(self.client.in_flight), 0)

    def test_publish_without_puback_gives_up_and_is_sent_again(self):
        self.client.connect("a")
        answer = self.desk.answers.pop(0x32)
        self.assertEqual(
            self.passed_ms(self.client.publish, "a", "b", False, 1, 2), ("no answer in time", 2000)
        )
        self.desk.answers[0x3A] = answer
        self.client.connect("a")
        self.client.check_msg()
        self.client.check_msg()
        self.assertEqual(len(self.client.in_flight), 0)

    def test_publish_waits_for_the_window(self):
        desk = Desk(window=1)
        desk.client.connect("a")
        answer = desk.answers.pop(0x32)
        with self.assertRaises(MQTTError):
            desk.client.publish("a", "1", qos=1, timeout_s=1)
        desk.answers[0x32] = desk.answers[0x3A] = answer
        desk.client.connect("a")
        desk.client.publish("a", "2", qos=1)
        self.assertEqual(len(desk.client.in_flight), 0)
        self.assertEqual([packet[-1:] for packet in desk.seen[-2:]], [b"1", b"2"])

    def test_subscribe_tells_what_was_granted(self):
        self.client.connect("a")
        self.assertEqual(self.client.subscribe("a/#"), 1)
        self.assertEqual(self.client.subscribe("b", 0), 0)

    def test_subscribe_is_refused(self):
        self.client.connect("a")
        self.desk.answers[0x82] = lambda packet: ack(0x90, packet[3], 0x80)
        self.assertEqual(self.passed_ms(self.client.subscribe, "a")[0], "subscription refused")
        self.assertTrue(self.client.connected)

    def test_subscribe_waits_for_room(self):
        desk = Desk(tx_bytes=136)
        desk.client.connect("a")
        desk.peer.stream.room = 0
        while super(BlockingClient, desk.client).publish("topic", "x" * 30) is not None:
            pass
        desk.peer.stream.room = 1000
        desk.client.stream.room = 0
        steps = []

        def make_room(stream):
            steps.append(1)
            stream.room = 1000
            Desk.answer(desk, stream)

        desk.answer = make_room
        self.assertEqual(desk.client.subscribe("a" * 60), 1)
        self.assertTrue(len(steps) > 1)

    def test_subscribe_gives_up_in_time(self):
        self.client.connect("a")
        del self.desk.answers[0x82]
        self.assertEqual(
            self.passed_ms(self.client.subscribe, "a", 1, 3), ("no answer in time", 3000)
        )

    def test_unsubscribe_waits_for_its_answer(self):
        self.client.connect("a")
        self.client.unsubscribe("a")
        self.assertEqual(len(self.client._asked), 0)

    def test_check_msg_takes_what_is_there(self):
        self.client.connect("a")
        self.assertEqual(self.client.check_msg(), 0)
        self.desk.come_in(0, publish(b"a", b"1") + publish(b"a", b"2"))
        self.assertEqual(self.client.check_msg(), 2)
        self.assertEqual([call[1] for call in self.desk.peer.heard], [b"1", b"2"])

    def test_wait_msg_waits_and_pings(self):
        self.client.connect("a")
        self.desk.answers[0xC0] = lambda packet: b"\xd0\x00"
        self.desk.come_in(300000, publish(b"a", b"1"))
        self.assertIs(self.client.wait_msg(), True)
        self.assertEqual(self.desk.seen.count(b"\xc0\x00"), 13)

    def test_wait_msg_gives_up_in_time_and_stays_connected(self):
        self.client.connect("a")
        start_ms = self.clock.now_ms
        self.assertIs(self.client.wait_msg(2.5), False)
        self.assertEqual(self.clock.now_ms - start_ms, 2500)
        self.assertTrue(self.client.connected)

    def test_wait_msg_notices_a_frozen_broker(self):
        self.client.connect("a")
        reason, passed_ms = self.passed_ms(self.client.wait_msg)
        self.assertEqual(reason, "no PINGRESP")
        self.assertTrue(37500 <= passed_ms < 45000)

    def test_messages_need_no_callback(self):
        self.client.connect("a")
        self.client.on_message = None
        self.desk.come_in(0, publish(b"a", b"1"))
        self.assertIs(self.client.wait_msg(1), True)

    def test_inside_a_callback_nothing_waits(self):
        asked = []

        def obey(topic, payload, retain, dup, packet_id):
            asked.append(self.client.publish("b", payload, qos=1))
            asked.append(self.client.subscribe("c"))
            self.client.unsubscribe("d")

        self.client.connect("a")
        self.client.on_message = obey
        self.desk.come_in(0, publish(b"a", b"1"))
        self.client.wait_msg()
        self.assertEqual(asked, [1, 2])
        self.client.wait_msg(1)
        self.assertEqual(len(self.client.in_flight) + len(self.client._asked), 0)

    def test_a_callback_may_disconnect(self):
        self.client.connect("a")
        self.client.on_message = lambda *_: self.client.disconnect()
        self.desk.come_in(0, publish(b"a", b"1"))
        self.assertIs(self.client.wait_msg(), True)
        self.assertEqual(self.desk.peer.network.open_sockets, 0)

    def test_a_lost_connection_is_told_at_once_and_closed(self):
        self.client.connect("a")
        self.desk.peer.stream.error = errno.ECONNRESET
        with self.assertRaises(OSError):
            self.client.wait_msg()
        self.assertEqual(self.desk.peer.network.open_sockets, 0)


if __name__ == "__main__":
    unittest.main()
