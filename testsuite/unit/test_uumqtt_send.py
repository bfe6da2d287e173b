"""What goes out: one write per packet, no room at any byte, the window, sending again."""

import select
import sys
import unittest

import micropython
from uumqtt_fakes import CONNACK, Peer, ack, frame, publish

ON_MICROPYTHON = sys.implementation.name == "micropython"


class PublishTest(unittest.TestCase):
    def setUp(self):
        self.peer = Peer()
        self.client = self.peer.connect()

    def check_sizes(self, qos):
        peer = Peer(tx_bytes=1024)
        client = peer.connect()
        for topic_bytes in (1, 2, 60, 120, 127, 128, 129, 300):
            for payload_bytes in (0, 1, 2, 60, 64, 120, 127, 128, 129, 600):
                topic = b"t" * topic_bytes
                payload = bytes([i & 255 for i in range(payload_bytes)])
                for _ in range(2):  # the second time the topic is known
                    packet_id = client.publish(topic, payload, qos=qos, retain=True)
                    expected = publish(topic, payload, qos, packet_id, retain=True)
                    self.assertEqual(peer.stream.take(), expected)
                    self.assertEqual(peer.stream.writes[-1], len(expected))
                    if qos:
                        peer.receive(ack(0x40, packet_id))

    def test_qos_0_of_every_size_is_one_write(self):
        self.check_sizes(0)

    def test_qos_1_of_every_size_is_one_write(self):
        self.check_sizes(1)

    def test_what_is_gathered_leaves_in_one_write(self):
        expected = b""
        self.client.gather(True)
        for qos in (0, 1, 0):
            packet_id = self.client.publish(b"a", b"1", qos=qos)
            expected += publish(b"a", b"1", qos, packet_id)
        self.assertEqual(self.peer.stream.take(), b"")
        writes = len(self.peer.stream.writes)
        self.client.gather(False)
        self.assertEqual(self.peer.stream.take(), expected)
        self.assertEqual(len(self.peer.stream.writes), writes + 1)

    def test_more_than_the_buffer_is_gathered_in_as_many_writes_as_needed(self):
        peer = Peer(tx_bytes=200)
        client = peer.connect()
        client.gather(True)
        for _ in range(5):
            self.assertEqual(client.publish(b"a", bytes(90)), 0)
        client.gather(False)
        self.assertEqual(peer.stream.take(), publish(b"a", bytes(90)) * 5)

    def test_gathering_without_a_connection_does_no_harm(self):
        self.client.close()
        self.client.gather(True)
        self.assertIsNone(self.client.publish(b"a", b"1"))
        self.client.gather(False)
        self.assertEqual(self.peer.stream.take(), b"")

    def test_takes_str_and_everything_like_bytes(self):
        for topic, payload in (
            ("t\u00e4", "p\u00f6"),
            ("t\u00e4".encode(), bytearray("p\u00f6".encode())),
            (bytearray("t\u00e4".encode()), memoryview("p\u00f6".encode())),
        ):
            for qos in (0, 1):
                for _ in range(2):
                    packet_id = self.client.publish(topic, payload, qos=qos)
                    expected = publish("t\u00e4".encode(), "p\u00f6".encode(), qos, packet_id)
                    self.assertEqual(self.peer.stream.take(), expected)
            # The same object as topic, payload as str: never taken for one byte per character.
            self.client.publish(self.client._good_topic, "p\u00f6")
            self.assertEqual(
                self.peer.stream.take(), publish("t\u00e4".encode(), "p\u00f6".encode())
            )

    def test_a_changed_buffer_does_not_change_a_message_in_flight(self):
        payload = bytearray(b"1")
        packet_id = self.client.publish("a", payload, qos=1)
        payload[0] = 0x32
        self.peer.stream.take()
        self.client.close()
        self.peer.link()
        self.peer.stream.take()
        sent = self.peer.receive(CONNACK)
        self.assertEqual(sent, publish(b"a", b"1", 1, packet_id, dup=True))

    def test_nonsense_is_refused_and_not_sent(self):
        for topic in ("", "a/+", "#", "a\0", b"\xff", "x" * 65536):
            for _ in range(2):
                with self.assertRaises(ValueError):
                    self.client.publish(topic, b"")
        for qos in (2, 3, -1):
            with self.assertRaises(ValueError):
                self.client.publish("a", b"", qos=qos)
        with self.assertRaises(ValueError):
            self.client.subscribe("a", 2)
        for topic_filter in ("", "a#", "+a", "a\0"):
            with self.assertRaises(ValueError):
                self.client.subscribe(topic_filter)
            with self.assertRaises(ValueError):
                self.client.unsubscribe(topic_filter)
        self.assertEqual(self.peer.stream.sent, b"")

    def test_what_never_fits_is_refused(self):
        for qos in (0, 1):
            with self.assertRaises(ValueError):
                self.client.publish("a", bytes(1020), qos=qos)
        with self.assertRaises(ValueError):
            self.client.subscribe("a" * 1020)
        self.assertEqual(len(self.client.in_flight), 0)
        self.assertEqual(self.client.publish("a", bytes(1014)), 0)

    def test_not_connected_means_not_now(self):
        self.client.close()
        for qos in (0, 1):
            self.assertIsNone(self.client.publish("a", b"b", qos=qos))
        self.assertIsNone(self.client.subscribe("a"))
        self.assertIsNone(self.client.unsubscribe("a"))
        self.assertEqual(len(self.client.in_flight), 0)
        self.peer.link()
        self.peer.stream.take()
        self.assertIsNone(self.client.publish("a", b"b"))
        self.assertEqual(self.peer.stream.sent, b"")


class RoomTest(unittest.TestCase):
    def test_the_kernel_is_full_at_every_byte(self):
        packets = publish(b"a", b"first") + publish(b"a", b"x" * 140) + publish(b"a", b"third")
        for room in range(len(packets)):
            peer = Peer()
            client = peer.connect()
            peer.stream.room = room
            self.assertEqual(client.publish(b"a", b"first"), 0)
            self.assertEqual(client.publish(b"a", b"x" * 140), 0)
            self.assertEqual(client.publish(b"a", b"third"), 0)
            self.assertEqual(bytes(peer.stream.sent), packets[:room])
            self.assertEqual(client.events(), select.POLLIN | select.POLLOUT)
            peer.stream.room = 1000
            client.ready(select.POLLOUT)
            self.assertEqual(bytes(peer.stream.sent), packets)
            self.assertEqual(client.events(), select.POLLIN)

    def test_the_kernel_takes_one_byte_at_a_time(self):
        peer = Peer()
        client = peer.connect()
        peer.stream.room = 0
        packet_id = client.publish(b"a", b"first", qos=1)
        client.publish(b"a", b"second")
        expected = publish(b"a", b"first", 1, packet_id) + publish(b"a", b"second")
        for _ in range(len(expected)):
            peer.stream.room = 1
            client.ready(select.POLLOUT)
        self.assertEqual(peer.stream.take(), expected)
        self.assertEqual(client.events(), select.POLLIN)

    def test_the_connect_itself_may_be_cut(self):
        peer = Peer()
        peer.client.open(("192.0.2.1", 1883))
        peer.stream.room = 5
        peer.client.ready(select.POLLOUT)
        self.assertEqual(peer.client.events(), select.POLLIN | select.POLLOUT)
        peer.stream.room = 100
        peer.client.ready(select.POLLOUT)
        self.assertEqual(len(peer.stream.sent), 16)

    def test_no_room_means_not_now_and_nothing_is_cut(self):
        for qos in (0, 1):
            peer = Peer(tx_bytes=136, window=100)
            client = peer.connect()
            peer.stream.room = 0
            taken = 0
            while client.publish(b"topic", b"0123456789", qos=qos) is not None:
                taken += 1
            self.assertEqual(taken, 136 // len(publish(b"topic", b"0123456789", qos, 1)))
            peer.stream.room = 1000
            self.assertTrue(client.publish(b"topic", b"0123456789", qos=qos) is not None)
            client.ready(select.POLLOUT)
            sent = peer.stream.take()
            self.assertEqual(
                len(sent), (taken + 1) * len(publish(b"topic", b"0123456789", qos, 1))
            )

    def test_subscribe_finds_no_room(self):
        peer = Peer(tx_bytes=136)
        client = peer.connect()
        peer.stream.room = 0
        while client.publish(b"topic", b"0123456789") is not None:
            pass
        self.assertIsNone(client.subscribe("a" * 60))
        self.assertIsNone(client.unsubscribe("a" * 60))
        self.assertEqual(len(client._asked), 0)
        peer.stream.room = 1000
        self.assertTrue(client.subscribe("a" * 60))
        self.assertEqual(len(client._asked), 1)

    def test_a_long_message_finds_no_room(self):
        peer = Peer()
        client = peer.connect()
        peer.stream.room = 0
        self.assertEqual(client.publish(b"a", bytes(600)), 0)
        self.assertIsNone(client.publish(b"a", bytes(600)))
        self.assertIsNone(client.publish(b"a", bytes(600), qos=1))
        self.assertEqual(len(client.in_flight), 0)


class WindowTest(unittest.TestCase):
    def setUp(self):
        self.peer = Peer(window=3)
        self.client = self.peer.connect()

    def publish_three(self):
        return [self.client.publish("a", str(number), qos=1) for number in range(3)]

    def test_the_window_bounds_what_is_in_flight(self):
        ids = self.publish_three()
        self.assertEqual(len(self.client.in_flight), 3)
        self.assertIsNone(self.client.publish("a", "4", qos=1))
        self.assertEqual(self.client.publish("a", "5"), 0)
        self.peer.receive(ack(0x40, ids[0]))
        self.assertEqual(self.peer.delivered, [ids[0]])
        self.assertEqual(len(self.client.in_flight), 2)
        self.assertTrue(self.client.publish("a", "4", qos=1))

    def test_pubacks_in_any_order(self):
        for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)):
            ids = self.publish_three()
            for position in order:
                self.peer.receive(ack(0x40, ids[position]))
            self.assertEqual(len(self.client.in_flight), 0)
            self.assertEqual(self.peer.delivered, [ids[position] for position in order])
            self.peer.delivered.clear()

    def test_a_puback_for_nothing_is_counted_and_ignored(self):
        self.peer.receive(ack(0x40, 77))
        packet_id = self.client.publish("a", "1", qos=1)
        self.peer.receive(ack(0x40, packet_id) * 2)
        self.assertEqual(self.client.stray_acks, 2)
        self.assertEqual(self.peer.delivered, [packet_id])

    def test_works_without_callbacks(self):
        self.client.on_delivered = self.client.on_subscribed = None
        packet_id = self.client.publish("a", "1", qos=1)
        asked = self.client.subscribe("b")
        self.peer.receive(ack(0x40, packet_id) + ack(0x90, asked, 1))
        self.assertEqual((self.client.in_flight, self.client._asked), ([], []))

    def test_publishing_from_a_delivery_is_written_once_per_turn(self):
        def again(packet_id):
            self.peer.delivered.append(packet_id)
            if len(self.peer.delivered) <= 2:
                self.client.publish("a", "more", qos=1)

        self.client.on_delivered = again
        ids = self.publish_three()
        self.peer.stream.take()
        self.peer.stream.writes.clear()
        sent = self.peer.receive(ack(0x40, ids[0]) + ack(0x40, ids[1]))
        self.assertEqual(len(sent), 2 * len(publish(b"a", b"more", 1, 1)))
        self.assertEqual(len(self.peer.stream.writes), 1)

    def test_ids_are_never_used_twice_while_in_flight(self):
        self.assertEqual(self.client.publish("a", "kept", qos=1), 1)
        self.assertEqual(self.client.subscribe("b"), 2)
        self.client._last_id = 0xFFFE
        self.assertEqual(self.client.publish("a", "", qos=1), 0xFFFF)
        self.assertEqual(self.client.publish("a", "", qos=1), 3)


class AgainTest(unittest.TestCase):
    def setUp(self):
        self.peer = Peer(window=4)
        self.client = self.peer.connect()
        self.ids = [
            self.client.publish("a", str(number), qos=1, retain=number == 1) for number in range(4)
        ]
        self.client.close()

    def again(self, *numbers):
        return b"".join(
            [
                publish(b"a", b"%d" % number, 1, self.ids[number], number == 1, True)
                for number in numbers
            ]
        )

    def test_unacknowledged_messages_go_out_again_in_order_with_dup(self):
        self.assertEqual(len(self.client.in_flight), 4)
        self.peer.link()
        self.peer.stream.take()
        self.assertEqual(self.peer.receive(CONNACK), self.again(0, 1, 2, 3))
        self.peer.receive(b"".join([ack(0x40, packet_id) for packet_id in self.ids]))
        self.assertEqual(self.peer.delivered, self.ids)
        self.assertEqual(len(self.client.in_flight), 0)
        self.client.close()
        self.peer.link()
        self.peer.stream.take()
        self.assertEqual(self.peer.receive(CONNACK), b"")

    def test_only_those_without_puback(self):
        self.peer.connect()
        self.peer.receive(ack(0x40, self.ids[1]) + ack(0x40, self.ids[3]))
        self.client.close()
        self.peer.link()
        self.peer.stream.take()
        self.assertEqual(self.peer.receive(CONNACK), self.again(0, 2))

    def test_again_and_again(self):
        for _ in range(5):
            self.peer.link()
            self.peer.stream.take()
            self.assertEqual(self.peer.receive(CONNACK), self.again(0, 1, 2, 3))
            self.client.close()

    def test_more_than_the_buffer_holds(self):
        peer = Peer(window=20, tx_bytes=136)
        client = peer.connect()
        ids = [client.publish("a", b"x" * 50, qos=1) for _ in range(20)]
        client.close()
        peer.link()
        peer.stream.take()
        expected = [publish(b"a", b"x" * 50, 1, packet_id, dup=True) for packet_id in ids]
        self.assertEqual(peer.receive(CONNACK), b"".join(expected))

    def test_more_than_the_kernel_takes(self):
        peer = Peer(window=20, tx_bytes=136)
        client = peer.connect()
        ids = [client.publish("a", b"x" * 50, qos=1) for _ in range(20)]
        client.close()
        peer.link()
        peer.stream.take()
        expected = [publish(b"a", b"x" * 50, 1, packet_id, dup=True) for packet_id in ids]
        peer.stream.room = 70
        sent = peer.receive(CONNACK)
        while client.events() & select.POLLOUT:
            self.assertIsNone(client.publish("a", "new", qos=1))
            peer.stream.room = 70
            client.ready(select.POLLOUT)
            sent += peer.stream.take()
        self.assertEqual(sent, b"".join(expected))

    def test_a_puback_may_come_before_its_turn(self):
        peer = Peer(window=4, tx_bytes=136)
        client = peer.connect()
        ids = [client.publish("a", b"x" * 100, qos=1) for _ in range(4)]
        client.close()
        peer.link()
        peer.stream.take()
        peer.stream.room = 0
        peer.receive(CONNACK)
        peer.receive(ack(0x40, ids[2]) + ack(0x40, ids[3]))
        peer.stream.room = 1000
        while client.events() & select.POLLOUT:
            client.ready(select.POLLOUT)
        expected = [publish(b"a", b"x" * 100, 1, packet_id, dup=True) for packet_id in ids[:2]]
        self.assertEqual(peer.stream.take(), b"".join(expected))

    def test_all_pubacks_may_come_before_their_turn(self):
        peer = Peer(window=4, tx_bytes=136)
        client = peer.connect()
        ids = [client.publish("a", b"x" * 100, qos=1) for _ in range(4)]
        client.close()
        peer.link()
        peer.stream.room = 0
        peer.receive(CONNACK)
        peer.receive(b"".join([ack(0x40, packet_id) for packet_id in ids]))
        self.assertEqual(peer.delivered, ids)
        self.assertEqual(len(client.in_flight), 0)
        peer.stream.room = 1000
        client.ready(select.POLLOUT)
        peer.stream.take()
        packet_id = client.publish("a", "next", qos=1)
        self.assertEqual(peer.stream.take(), publish(b"a", b"next", 1, packet_id))

    def test_new_messages_follow_the_old_ones(self):
        self.peer.connect()
        self.peer.receive(ack(0x40, self.ids[0]))
        self.client.close()

        def publish_new(_):
            self.client.publish("a", "new", qos=1)

        self.client.on_connected = publish_new
        self.peer.link()
        self.peer.stream.take()
        sent = self.peer.receive(CONNACK)
        old = self.again(1, 2, 3)
        self.assertEqual(sent[: len(old)], old)
        self.assertEqual(sent[len(old) :], publish(b"a", b"new", 1, 5))

    def test_subscriptions_are_not_asked_again_by_themselves(self):
        self.peer.connect()
        self.client.subscribe("b")
        self.client.close()
        self.assertEqual(len(self.client._asked), 0)


class SubscribeTest(unittest.TestCase):
    def setUp(self):
        self.peer = Peer()
        self.client = self.peer.connect()

    def test_a_subscription_is_granted(self):
        packet_id = self.client.subscribe("a/#", 0)
        self.assertEqual(self.peer.stream.take(), frame(0x82, b"\x00\x01\x00\x03a/#\x00"))
        self.assertEqual(len(self.client._asked), 1)
        self.peer.receive(ack(0x90, packet_id, 0))
        self.assertEqual(self.peer.subscribed, [(packet_id, 0)])
        self.assertEqual(len(self.client._asked), 0)

    def test_a_subscription_is_refused(self):
        packet_id = self.client.subscribe(b"a/+")
        self.peer.receive(ack(0x90, packet_id, 0x80))
        self.assertEqual(self.peer.subscribed, [(packet_id, 0x80)])

    def test_a_subscription_is_ended(self):
        packet_id = self.client.unsubscribe("a")
        self.assertEqual(self.peer.stream.take(), frame(0xA2, b"\x00\x01\x00\x01a"))
        self.peer.receive(ack(0xB0, packet_id))
        self.assertEqual(len(self.client._asked), 0)
        self.assertEqual(self.peer.subscribed, [])

    def test_answers_in_any_order(self):
        first = self.client.subscribe("a")
        second = self.client.subscribe("b")
        self.peer.receive(ack(0x90, second, 1) + ack(0x90, first, 0))
        self.assertEqual(self.peer.subscribed, [(second, 1), (first, 0)])

    def test_a_long_filter_has_a_long_length(self):
        self.client.subscribe(b"f" * 200)
        self.assertEqual(
            self.peer.stream.take(), frame(0x82, b"\x00\x01\x00\xc8" + b"f" * 200 + b"\x01")
        )


class NullStream:
    """Takes everything, allocates nothing."""

    def write(self, buffer, size):
        return size


class HeapTest(unittest.TestCase):
    def setUp(self):
        if not ON_MICROPYTHON:
            self.skipTest("CPython's heap cannot be locked")
        self.peer = Peer(window=2)
        self.peer.clock.now_ms = 1000  # the mock of ticks_add() allocates near the wrap
        self.client = self.peer.connect()
        self.client.stream = NullStream()

    def test_qos_0_of_prebuilt_bytes_allocates_nothing(self):
        client = self.client
        topic = b"stat/H2OControl/Level"
        payload = b"x" * 64
        client.publish(topic, payload)
        taken = 0
        micropython.heap_lock()
        try:
            for _ in range(100):
                taken += client.publish(topic, payload) == 0
        finally:
            micropython.heap_unlock()
        self.assertEqual(taken, 100)

    def test_qos_1_of_prebuilt_bytes_and_its_puback_allocate_nothing(self):
        client = self.client
        client.on_delivered = None
        topic = b"stat/H2OControl/Level"
        payload = b"x" * 64
        client.publish(topic, payload)
        micropython.heap_lock()
        try:
            for _ in range(100):
                client._puback(client.publish(topic, payload, False, 1))
        finally:
            micropython.heap_unlock()
        self.assertEqual((client.in_flight, client.stray_acks), ([], 0))

    def test_a_tick_allocates_nothing(self):
        micropython.heap_lock()
        try:
            for _ in range(10):
                self.client.tick()
        finally:
            micropython.heap_unlock()


if __name__ == "__main__":
    unittest.main()
