"""What comes in: any cutting into pieces, every malformed packet, packets too large, no room."""

import select
import unittest

from uumqtt_fakes import ADDRESS, CONNACK, Peer, ack, frame, publish

from uumqtt.connection import MQTTError

STREAM = (
    publish(b"a", b"")
    + publish(b"stat/x/y", b"first", qos=1, packet_id=0x1234)
    + b"\xd0\x00"
    + publish(b"stat/x/y", b"second", retain=True)
    + publish("k\u00fcche/x".encode(), b"\xff\x00", qos=1, packet_id=7, dup=True)
    + publish(b"stat/x/z", b"third")
    + publish(b"long", b"l" * 300)
    + publish(b"a", b"last")
)
HEARD = [
    (b"a", b"", False, False, 0),
    (b"stat/x/y", b"first", False, False, 0x1234),
    (b"stat/x/y", b"second", True, False, 0),
    ("k\u00fcche/x".encode(), b"\xff\x00", False, True, 7),
    (b"stat/x/z", b"third", False, False, 0),
    (b"long", b"l" * 300, False, False, 0),
    (b"a", b"last", False, False, 0),
]
PUBACKS = ack(0x40, 0x1234) + ack(0x40, 7)


class PiecesTest(unittest.TestCase):
    def setUp(self):
        self.peer = Peer(rx_bytes=512)
        self.client = self.peer.connect()

    def check(self):
        self.assertEqual(self.peer.heard, HEARD)
        self.assertEqual(self.peer.stream.take(), PUBACKS)
        self.peer.heard.clear()

    def test_everything_at_once(self):
        self.peer.stream.feed(STREAM)
        self.client.ready(select.POLLIN)
        self.client.ready(select.POLLIN)
        self.check()

    def test_byte_by_byte(self):
        for position in range(len(STREAM)):
            self.peer.stream.feed(STREAM[position : position + 1])
            self.client.ready(select.POLLIN)
        self.check()

    def test_cut_in_two_at_every_byte(self):
        for position in range(1, len(STREAM)):
            self.peer.stream.feed(STREAM[:position])
            self.client.ready(select.POLLIN)
            self.client.ready(select.POLLIN)
            self.peer.stream.feed(STREAM[position:])
            self.client.ready(select.POLLIN)
            self.client.ready(select.POLLIN)
            self.check()

    def test_in_pieces_of_every_size(self):
        for size in range(1, 100):
            self.peer.stream.chunk = size
            self.peer.stream.feed(STREAM)
            while self.peer.stream.unread():
                self.client.ready(select.POLLIN)
            self.check()

    def test_in_buffers_of_every_small_size(self):
        stream = publish(b"abc", b"0123456789") * 20 + publish(b"b", b"", qos=1, packet_id=1) * 3
        for rx_bytes in range(64, 130):
            peer = Peer(rx_bytes=rx_bytes)
            peer.connect()
            acks = peer.receive(stream)
            self.assertEqual(len(peer.heard), 23)
            self.assertEqual(peer.heard[19], (b"abc", b"0123456789", False, False, 0))
            self.assertEqual(acks, ack(0x40, 1) * 3)

    def test_a_spurious_event_is_harmless(self):
        self.client.ready(select.POLLIN)
        self.assertEqual(self.peer.heard, [])

    def test_acknowledgements_of_one_turn_are_one_write(self):
        self.peer.stream.writes.clear()
        self.peer.receive(publish(b"a", b"", qos=1, packet_id=1) * 5)
        self.assertEqual(self.peer.stream.writes, [20])

    def test_one_turn_reads_a_few_buffers_only(self):
        self.peer.stream.feed(publish(b"a", b"x" * 100) * 100)
        self.client.ready(select.POLLIN)
        self.assertTrue(10 < len(self.peer.heard) < 50)

    def test_without_a_callback_messages_are_acknowledged_all_the_same(self):
        self.client.on_message = None
        for data in (
            publish(b"a", b"", qos=1, packet_id=9),
            publish(b"a", b"") + publish(b"a", b"", qos=1, packet_id=9),
        ):
            self.assertEqual(self.peer.receive(data), ack(0x40, 9))

    def test_remaining_length_may_be_longer_than_needed(self):
        self.peer.receive(b"\x30\x84\x80\x80\x00\x00\x01ab")
        self.assertEqual(self.peer.heard, [(b"a", b"b", False, False, 0)])


class MalformedTest(unittest.TestCase):
    def check(self, reason, data):
        """Data, and each beginning of it, ends the connection with this reason, or waits."""
        for size in range(1, len(data) + 1):
            peer = Peer(rx_bytes=64)
            peer.connect()
            try:
                peer.receive(data[:size])
            except MQTTError as error:
                self.assertEqual(error.args[0], reason)
                self.assertEqual(peer.heard, [])
                self.assertEqual(peer.delivered + peer.subscribed, [])
                return
        self.fail("not noticed: %r" % data)

    def test_packets_that_only_clients_send(self):
        for head in (0x10, 0x82, 0xA2, 0xC0, 0xE0, 0x00, 0xF0):
            self.check("bad packet 0x%02x with length 0" % head, bytes((head, 0)))

    def test_packets_of_qos_2(self):
        for head in (0x50, 0x62, 0x70):
            self.check("bad packet 0x%02x with length 2" % head, ack(head, 1))
        self.check("QoS 2, never asked for", publish(b"a", b"b", qos=2, packet_id=1))

    def test_reserved_flags(self):
        for head, size in ((0x21, 2), (0x41, 2), (0x48, 2), (0x92, 3), (0xB1, 2), (0xD1, 0)):
            text = "bad packet 0x%02x with length %d" % (head, size)
            self.check(text, frame(head, bytes(size)))

    def test_wrong_lengths(self):
        for head, size in ((0x40, 0), (0x40, 1), (0x40, 3), (0x90, 2), (0x90, 4), (0xB0, 3)):
            text = "bad packet 0x%02x with length %d" % (head, size)
            self.check(text, frame(head, bytes(size)))
        self.check("bad packet 0xd0 with length 1", b"\xd0\x01\x00")

    def test_a_reply_is_never_long_enough_for_a_second_length_byte(self):
        with self.assertRaises(MQTTError) as caught:
            Peer().connect_and_receive(b"\x40\x80")
        self.assertIn("bad packet 0x40", caught.exception.args[0])

    def test_a_remaining_length_without_end(self):
        self.check("remaining length of more than 4 bytes", b"\x30\x80\x80\x80\x80\x01")
        self.check("remaining length of more than 4 bytes", b"\x30\xff\xff\xff\xff")

    def test_qos_3(self):
        self.check("QoS 3", publish(b"a", b"b", qos=3, packet_id=1))
        self.check("QoS 3", publish(b"a", bytes(100), qos=3, packet_id=1))

    def test_dup_without_qos(self):
        self.check("DUP with QoS 0", publish(b"a", b"b", dup=True))

    def test_packet_id_0(self):
        self.check("packet id 0", publish(b"a", b"b", qos=1, packet_id=0))
        self.check("packet id 0", publish(b"a", bytes(100), qos=1, packet_id=0))
        for head in (0x40, 0xB0):
            self.check("packet id 0", ack(head, 0))
        self.check("packet id 0", ack(0x90, 0, 1))

    def test_a_publish_that_ends_too_early(self):
        for size in range(3):
            self.check("PUBLISH too short", frame(0x30, b"\x00\x02a"[:size]))
        self.check("PUBLISH too short", b"\x30\x03\x00\x02a")
        self.check("PUBLISH too short", b"\x30\x03\xff\xffa")
        for size in range(5):
            self.check("PUBLISH too short", frame(0x32, b"\x00\x01a\x00\x01"[:size]))
        self.check("PUBLISH too short", frame(0x32, b"\x00\xff" + bytes(100)))

    def test_a_short_publish_at_the_very_end_of_the_buffer(self):
        for tail in (b"\x30\x00", b"\x30\x01\x00", b"\x32\x00"):
            peer = Peer(rx_bytes=64)
            peer.connect()
            fill = publish(b"a", b"x" * (64 - 5 - len(tail)))
            with self.assertRaises(MQTTError) as caught:
                peer.receive(fill + tail)
            self.assertEqual(caught.exception.args[0], "PUBLISH too short")

    def test_a_topic_never_goes_on_in_what_the_buffer_had_before(self):
        for head, tail in ((0x30, b""), (0x32, b"\x00\x01")):
            peer = Peer()
            peer.connect()
            peer.receive(publish(b"abc", b"abcabc"))
            with self.assertRaises(MQTTError) as caught:
                peer.receive(bytes((head, 4)) + b"\x00\x03ab" + tail)
            self.assertEqual(caught.exception.args[0], "PUBLISH too short")

    def test_bad_topics(self):
        self.check("bad topic", publish(b"", b"abc"))
        self.check("bad topic", publish(b"a/+", b""))
        self.check("bad topic", publish(b"#", b""))
        self.check("bad topic", publish(b"\0", b""))
        self.check("bad topic", publish(b"\xff", b""))

    def test_a_bad_topic_is_not_remembered_as_good(self):
        peer = Peer()
        for _ in range(2):
            peer.connect()
            with self.assertRaises(MQTTError):
                peer.receive(publish(b"a/#", b""))

    def test_answers_to_no_question(self):
        self.check("answer to no question", ack(0x90, 1, 0))
        self.check("answer to no question", ack(0xB0, 1))

    def test_subacks_with_nonsense(self):
        for code in (2, 3, 0x7F, 0x81, 0xFF):
            peer = Peer()
            client = peer.connect()
            packet_id = client.subscribe("a")
            with self.assertRaises(MQTTError):
                peer.receive(ack(0x90, packet_id, code))

    def test_a_malformed_packet_behind_a_good_one(self):
        peer = Peer()
        client = peer.connect()
        with self.assertRaises(MQTTError):
            peer.receive(publish(b"a", b"", qos=1, packet_id=1) + b"\xf0\x00")
        self.assertEqual(len(peer.heard), 1)
        client.close()
        peer.connect()
        peer.receive(publish(b"a", b""))
        self.assertEqual(len(peer.heard), 2)


class TooLargeTest(unittest.TestCase):
    def check_skipped(self, peer, data, size_bytes, acks):
        self.assertEqual(peer.receive(data + publish(b"ok", b"1")), acks)
        self.assertEqual(peer.skipped, [size_bytes])
        self.assertEqual(peer.heard, [(b"ok", b"1", False, False, 0)])
        self.assertEqual(peer.client.skipped, 1)

    def test_a_packet_above_the_buffer_is_dropped(self):
        peer = Peer(rx_bytes=64)
        peer.connect()
        self.check_skipped(peer, publish(b"big", bytes(5000)), 5005, b"")

    def test_a_packet_above_the_limit_is_dropped_though_the_buffer_has_it(self):
        peer = Peer(packet_limit=100)
        peer.connect()
        self.check_skipped(peer, publish(b"big", bytes(200)), 205, b"")

    def test_it_is_acknowledged_with_qos_1(self):
        peer = Peer(rx_bytes=64)
        peer.connect()
        data = publish(b"big", bytes(5000), qos=1, packet_id=0xABCD)
        self.check_skipped(peer, data, 5007, ack(0x40, 0xABCD))

    def test_a_topic_longer_than_the_buffer_is_no_obstacle(self):
        peer = Peer(rx_bytes=64)
        peer.connect()
        data = publish(b"t" * 300, b"", qos=1, packet_id=3)
        self.check_skipped(peer, data, 304, ack(0x40, 3))

    def test_the_limit_itself_is_not_too_large(self):
        peer = Peer(packet_limit=100)
        peer.connect()
        peer.receive(publish(b"a", bytes(97)) + publish(b"a", bytes(98)))
        self.assertEqual(len(peer.heard), 1)
        self.assertEqual(peer.skipped, [101])

    def test_cut_at_every_byte(self):
        data = publish(b"topic", bytes(80), qos=1, packet_id=5)
        peer = Peer(rx_bytes=64)
        peer.connect()
        for position in range(1, len(data)):
            peer.stream.feed(data[:position])
            peer.client.ready(select.POLLIN)
            self.assertEqual(peer.receive(data[position:]), ack(0x40, 5))
        self.assertEqual(len(peer.skipped), len(data) - 1)
        self.assertEqual(peer.heard, [])

    def test_without_a_callback_it_is_counted(self):
        peer = Peer(rx_bytes=64)
        peer.connect()
        peer.client.on_skipped = None
        peer.receive(publish(b"big", bytes(5000)))
        self.assertEqual(peer.client.skipped, 1)

    def test_half_of_it_is_forgotten_with_the_connection(self):
        peer = Peer(rx_bytes=64)
        peer.connect()
        peer.receive(publish(b"big", bytes(5000))[:2000])
        peer.client.close()
        peer.connect()
        peer.receive(publish(b"a", b""))
        self.assertEqual(len(peer.heard), 1)

    def test_its_acknowledgement_waits_for_room(self):
        peer = Peer(rx_bytes=64, tx_bytes=136)
        client = peer.connect()
        peer.stream.room = 0
        while client.publish("a", "xxx") is not None:
            pass
        peer.stream.feed(publish(b"big", bytes(80), qos=1, packet_id=5) + publish(b"a", b""))
        for _ in range(3):
            client.ready(select.POLLIN)
        self.assertEqual(client.events(), select.POLLOUT)
        self.assertEqual(peer.skipped, [])
        peer.stream.room = 1000
        client.ready(select.POLLOUT)
        self.assertEqual(client.events(), select.POLLIN)
        client.ready(select.POLLIN)
        self.assertEqual(peer.skipped, [87])
        self.assertEqual(bytes(peer.stream.sent[-4:]), ack(0x40, 5))
        self.assertEqual(len(peer.heard), 1)


class CallbackTest(unittest.TestCase):
    def setUp(self):
        self.peer = Peer(tx_bytes=136)
        self.client = self.peer.connect()

    def test_the_acknowledgement_follows_the_callback(self):
        def reply(topic, payload, retain, dup, packet_id):
            self.client.publish("b", payload)

        self.client.on_message = reply
        self.peer.stream.writes.clear()
        sent = self.peer.receive(publish(b"a", b"1", qos=1, packet_id=2))
        self.assertEqual(sent, publish(b"b", b"1") + ack(0x40, 2))
        self.assertEqual(len(self.peer.stream.writes), 1)

    def test_a_callback_may_fill_the_buffer_and_the_acknowledgement_still_fits(self):
        def flood(*_):
            while self.client.publish("b", "x") is not None:
                pass

        self.client.on_message = flood
        self.peer.stream.room = 0
        self.peer.receive(publish(b"a", b"1", qos=1, packet_id=2))
        self.peer.stream.room = 1000
        self.client.ready(select.POLLOUT)
        self.assertEqual(bytes(self.peer.stream.sent[-4:]), ack(0x40, 2))

    def test_a_message_waits_until_its_acknowledgement_has_room(self):
        self.peer.stream.room = 0
        while self.client.publish("a", "xxx") is not None:
            pass
        self.peer.stream.feed(publish(b"a", b"1", qos=1, packet_id=2) * 2)
        self.client.ready(select.POLLIN)
        self.client.ready(select.POLLIN)
        self.assertEqual(self.peer.heard, [])
        self.assertEqual(self.client.events(), select.POLLOUT)
        self.peer.stream.room = 1000
        self.client.ready(select.POLLOUT)
        self.assertEqual(len(self.peer.heard), 2)
        self.assertEqual(self.client.events(), select.POLLIN)
        self.assertEqual(bytes(self.peer.stream.sent[-8:]), ack(0x40, 2) * 2)

    def test_a_callback_that_raises_is_not_called_twice(self):
        def fail(*_):
            raise RuntimeError

        self.client.on_message = fail
        self.peer.stream.feed(publish(b"a", b"1", qos=1, packet_id=2) + publish(b"a", b"2"))
        with self.assertRaises(RuntimeError):
            self.client.ready(select.POLLIN)
        self.client.on_message = self.peer._on_message
        self.client.ready(select.POLLIN)
        self.assertEqual([call[1] for call in self.peer.heard], [b"2"])
        self.assertEqual(self.peer.stream.sent, b"")  # not obeyed, not acknowledged
        self.assertEqual(self.client.publish("a", "b"), 0)
        self.assertEqual(self.peer.stream.sent, publish(b"a", b"b"))

    def test_a_callback_may_close(self):
        def close(*_):
            self.peer.heard.append(1)
            self.client.close()

        self.client.on_message = close
        self.peer.stream.feed(publish(b"a", b"1", qos=1, packet_id=2) * 3)
        self.client.ready(select.POLLIN)
        self.assertEqual(self.peer.heard, [1])
        self.assertEqual(self.peer.network.open_sockets, 0)

    def test_a_callback_may_open_again(self):
        def reopen(*_):
            self.client.open(ADDRESS)

        first = self.peer.stream
        self.client.on_message = reopen
        first.feed(publish(b"a", b"1", qos=1, packet_id=2) * 3)
        self.client.ready(select.POLLIN)
        self.assertEqual(first.sent, b"")
        self.client.ready(select.POLLOUT)
        self.assertEqual(bytes(self.peer.stream.sent[:1]), b"\x10")
        self.peer.receive(CONNACK)
        self.assertTrue(self.client.connected)

    def test_the_callback_of_a_dropped_packet_may_close(self):
        peer = Peer(rx_bytes=64)
        client = peer.connect()
        client.on_skipped = lambda _: client.close()
        peer.receive(publish(b"big", bytes(100), qos=1, packet_id=2) + publish(b"a", b""))
        self.assertEqual(peer.heard, [])
        self.assertEqual(peer.stream.sent, b"")

    def test_the_callback_of_a_reply_may_close(self):
        self.client.on_delivered = lambda _: self.client.close()
        packet_id = self.client.publish("a", "b", qos=1)
        self.peer.stream.feed(ack(0x40, packet_id) + publish(b"a", b""))
        self.client.ready(select.POLLIN)
        self.assertEqual(self.peer.heard, [])


if __name__ == "__main__":
    unittest.main()
