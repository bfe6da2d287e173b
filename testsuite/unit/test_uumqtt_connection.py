"""The connection: states, deadlines, every way it ends, and that no socket is ever leaked."""

import errno
import select
import unittest

from uumqtt_fakes import ADDRESS, CONNACK, FakeTLS, Peer, ack

from uumqtt.client import Client
from uumqtt.connection import MQTTError

CONNECT = b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x1e\x00\x02me"
PINGREQ = b"\xc0\x00"
PINGRESP = b"\xd0\x00"


class OpeningTest(unittest.TestCase):
    def setUp(self):
        self.peer = Peer()
        self.client = self.peer.client

    def test_open_returns_while_the_link_is_made(self):
        self.client.open(ADDRESS)
        self.assertEqual(self.peer.stream.address, ADDRESS)
        self.assertIs(self.client.stream, self.peer.stream)
        self.assertEqual(self.client.events(), select.POLLOUT)
        self.assertFalse(self.client.connected)
        self.assertEqual(self.peer.stream.sent, b"")

    def test_packets_do_not_wait_for_acknowledgements(self):
        self.client.open(ADDRESS)
        self.assertEqual(self.peer.stream.options, [(6, 1, 1)])  # TCP_NODELAY

    def test_connect_goes_out_in_one_write_when_the_link_is_up(self):
        self.client.open(ADDRESS)
        self.client.ready(select.POLLOUT)
        self.assertEqual(self.peer.stream.sent, CONNECT)
        self.assertEqual(self.peer.stream.writes, [len(CONNECT)])
        self.assertEqual(self.client.events(), select.POLLIN)

    def test_an_event_that_is_not_ours_changes_nothing(self):
        self.client.open(ADDRESS)
        self.client.ready(0)
        self.assertEqual(self.client.events(), select.POLLOUT)
        self.assertEqual(self.peer.stream.sent, b"")

    def test_connected_after_connack(self):
        self.peer.link()
        self.peer.receive(CONNACK)
        self.assertTrue(self.client.connected)
        self.assertEqual(self.peer.sessions, [False])

    def test_says_whether_the_broker_kept_the_session(self):
        self.peer.connect(b"\x20\x02\x01\x00")
        self.assertEqual(self.peer.sessions, [True])

    def test_works_without_callbacks(self):
        self.client.on_connected = None
        self.peer.connect()
        self.assertTrue(self.client.connected)

    def test_a_link_that_is_up_at_once_is_fine(self):
        self.peer.network.connect_error = None
        self.peer.connect()
        self.assertTrue(self.client.connected)

    def test_the_esp32_numbers_einprogress_its_own_way(self):
        self.peer.network.connect_error = 119
        self.peer.connect()
        self.assertTrue(self.client.connected)

    def test_connect_that_fails_at_once_frees_the_socket(self):
        self.peer.network.connect_error = errno.EHOSTUNREACH
        with self.assertRaises(OSError) as caught:
            self.client.open(ADDRESS)
        self.assertEqual(caught.exception.args[0], errno.EHOSTUNREACH)
        self.assertEqual(self.peer.network.open_sockets, 0)
        self.assertIsNone(self.client.stream)

    def test_a_refused_connection_tells_its_errno(self):
        self.client.open(ADDRESS)
        self.peer.stream.error = errno.ECONNREFUSED
        with self.assertRaises(OSError) as caught:
            self.client.ready(29)
        self.assertEqual(caught.exception.args[0], errno.ECONNREFUSED)

    def test_a_refused_connection_without_errno_is_refused_all_the_same(self):
        self.client.open(ADDRESS)
        with self.assertRaises(MQTTError) as caught:
            self.client.ready(select.POLLHUP)
        self.assertEqual(caught.exception.args[0], "broker not reachable")

    def test_each_refusal_of_the_broker_has_its_reason(self):
        for code, reason in (
            (1, "protocol version refused"),
            (2, "client identifier refused"),
            (3, "broker unavailable"),
            (4, "bad user name or password"),
            (5, "not authorized"),
            (9, "CONNACK code 9"),
        ):
            self.peer.link()
            with self.assertRaises(MQTTError) as caught:
                self.peer.receive(bytes((0x20, 2, 0, code)))
            self.assertEqual(caught.exception.args[0], reason)
            self.assertFalse(self.client.connected)

    def test_malformed_connacks_end_the_connection(self):
        for data in (b"\x20\x02\x02\x00", b"\x20\x02\x01\x05", b"\x20\x03", b"\x21\x02\x00\x00"):
            self.peer.link()
            with self.assertRaises(MQTTError):
                self.peer.receive(data)
            self.assertFalse(self.client.connected)

    def test_a_second_connack_ends_the_connection(self):
        self.peer.connect()
        with self.assertRaises(MQTTError) as caught:
            self.peer.receive(CONNACK)
        self.assertEqual(caught.exception.args[0], "second CONNACK")

    def test_nothing_may_come_before_connack(self):
        for data in (
            b"\x30\x03\x00\x01a",
            PINGRESP,
            ack(0x40, 1),
            ack(0x90, 1, 0),
            b"\x30\xd0\x0f\x00\x01a" + bytes(2000),
        ):
            self.peer.link()
            with self.assertRaises(MQTTError) as caught:
                self.peer.receive(data)
            self.assertIn("before CONNACK", caught.exception.args[0])

    def test_a_wild_mixture_of_connack_and_more_in_one_read_is_fine(self):
        self.peer.link()
        self.peer.receive(CONNACK + b"\x30\x03\x00\x01a" + PINGRESP)
        self.assertEqual(self.peer.heard, [(b"a", b"", False, False, 0)])

    def test_a_connect_too_large_for_the_buffer_opens_no_socket(self):
        self.client.set_will("w", b"x" * 2000)
        with self.assertRaises(ValueError):
            self.client.open(ADDRESS)
        self.assertIsNone(self.peer.stream)

    def test_nonsense_in_the_constructor_is_refused(self):
        for options in (
            {"client_id": "", "clean": False},
            {"client_id": "a", "tx_bytes": 10},
            {"client_id": "a", "tx_bytes": 20000},
            {"client_id": "a", "rx_bytes": 10},
            {"client_id": "a", "packet_limit": 5},
            {"client_id": "a", "window": 0},
        ):
            with self.assertRaises(ValueError):
                Client(**options)

    def test_nonsense_in_a_will_is_refused(self):
        with self.assertRaises(ValueError):
            self.client.set_will("a/+", b"")
        with self.assertRaises(ValueError):
            self.client.set_will("a", b"", qos=3)

    def test_the_will_goes_into_the_next_connect(self):
        self.client.set_will("w", "gone", retain=True, qos=1)
        self.peer.link()
        self.assertIn(b"\x04\x2e\x00\x1e\x00\x02me\x00\x01w\x00\x04gone", self.peer.stream.sent)


class EndingTest(unittest.TestCase):
    def setUp(self):
        self.peer = Peer()
        self.client = self.peer.connect()

    def test_the_broker_closes(self):
        self.peer.stream.end()
        with self.assertRaises(MQTTError) as caught:
            self.client.ready(select.POLLIN)
        self.assertEqual(caught.exception.args[0], "closed by the broker")

    def test_the_broker_closes_behind_its_last_words(self):
        self.peer.stream.feed(b"\x30\x03\x00\x01a")
        self.peer.stream.end()
        with self.assertRaises(MQTTError):
            self.client.ready(select.POLLIN | select.POLLHUP)
        self.assertEqual(len(self.peer.heard), 1)

    def test_last_words_of_any_length_are_heard(self):
        self.peer.stream.feed(b"\x30\x03\x00\x01a" * 2000)
        with self.assertRaises(MQTTError) as caught:
            self.client.ready(select.POLLERR)
        self.assertEqual(caught.exception.args[0], "link failed")
        self.assertEqual(len(self.peer.heard), 2000)

    def test_an_error_of_a_read_goes_up(self):
        self.peer.stream.error = errno.ECONNRESET
        with self.assertRaises(OSError):
            self.client.ready(select.POLLIN)

    def test_an_error_of_a_write_is_told_by_the_next_ready(self):
        self.peer.stream.error = errno.ECONNRESET
        self.client.publish("a", "b", qos=1)
        with self.assertRaises(OSError):
            self.client.ready(select.POLLOUT)

    def test_an_error_of_a_write_is_told_by_the_next_tick(self):
        self.client.publish("a", "b")
        self.peer.stream.error = errno.ECONNRESET
        self.client.publish("a", "b")
        with self.assertRaises(OSError):
            self.client.tick()

    def test_an_error_of_a_write_within_ready_is_told_by_it(self):
        def answer(topic, payload, retain, dup, packet_id):
            self.client.publish("a", payload)
            self.peer.stream.error = errno.ECONNRESET

        self.client.on_message = answer
        self.peer.stream.feed(b"\x30\x03\x00\x01a")
        with self.assertRaises(MQTTError) as caught:
            self.client.ready(select.POLLIN)
        self.assertEqual(caught.exception.args[0], "link failed")

    def test_close_frees_the_socket_and_may_be_repeated(self):
        self.client.close()
        self.client.close()
        self.assertIsNone(self.client.stream)
        self.assertFalse(self.client.connected)
        self.assertEqual(self.peer.network.open_sockets, 0)
        self.assertEqual(self.peer.stream.sent, b"")

    def test_close_survives_a_socket_that_cannot_be_closed(self):
        self.peer.network.close_error = True
        self.client.close()
        self.assertIsNone(self.client.stream)
        self.assertEqual(self.peer.network.open_sockets, 0)

    def test_disconnect_says_goodbye(self):
        self.client.disconnect()
        self.assertEqual(self.peer.stream.sent, b"\xe0\x00")
        self.assertEqual(self.peer.network.open_sockets, 0)

    def test_disconnect_survives_a_dead_link(self):
        self.peer.stream.error = errno.ECONNRESET
        self.client.disconnect()
        self.assertEqual(self.peer.network.open_sockets, 0)

    def test_disconnect_before_connack_says_nothing(self):
        self.client.close()
        self.peer.link()
        self.peer.stream.take()
        self.client.disconnect()
        self.assertEqual(self.peer.stream.sent, b"")

    def test_events_after_close_are_ignored(self):
        self.client.close()
        self.client.ready(select.POLLIN)
        self.assertTrue(self.client.tick() > 0)

    def test_open_replaces_a_connection(self):
        first = self.peer.stream
        self.client.open(ADDRESS)
        self.assertTrue(first.closed)
        self.assertEqual(self.peer.network.open_sockets, 1)

    def test_a_thousand_connections_leave_no_socket(self):
        for number in range(1000):
            self.peer.network.connect_error = errno.EINPROGRESS if number % 5 else errno.ENOMEM
            try:
                self.client.open(ADDRESS)
                if number % 3:
                    self.client.ready(select.POLLOUT)
                    if number % 2:
                        self.peer.receive(CONNACK)
                    self.peer.stream.end()
                    self.client.ready(select.POLLIN)
            except OSError:
                self.client.close()
            self.assertTrue(self.peer.network.open_sockets <= 1)
        self.client.close()
        self.assertEqual(self.peer.network.open_sockets, 0)


class DeadlineTest(unittest.TestCase):
    def setUp(self):
        self.peer = Peer()
        self.client = self.peer.client
        self.clock = self.peer.clock

    def expect(self, reason, after_ms):
        """tick() is content until after_ms from now, and then says why not."""
        end_ms = self.clock.now_ms + after_ms
        while self.clock.now_ms < end_ms:
            wait_ms = self.client.tick()
            self.assertTrue(wait_ms > 0)
            self.clock.sleep_ms(min(wait_ms, end_ms - self.clock.now_ms))
        with self.assertRaises(MQTTError) as caught:
            self.client.tick()
        self.assertEqual(caught.exception.args[0], reason)

    def test_a_link_within_five_seconds(self):
        self.client.open(ADDRESS)
        self.expect("no connection", 5000)

    def test_connack_within_five_seconds(self):
        self.peer.link()
        self.expect("no CONNACK", 5000)

    def test_suback_within_five_seconds(self):
        self.peer.connect()
        self.client.subscribe("a")
        self.expect("no SUBACK", 5000)

    def test_unsuback_within_five_seconds(self):
        self.peer.connect()
        self.client.unsubscribe("a")
        self.expect("no SUBACK", 5000)

    def test_puback_within_five_seconds(self):
        self.peer.connect()
        self.client.publish("a", "b", qos=1)
        self.expect("no PUBACK", 5000)

    def test_each_answer_gives_the_next_one_five_seconds(self):
        self.peer.connect()
        first = self.client.publish("a", "1", qos=1)
        asked = self.client.subscribe("a")
        self.client.publish("a", "2", qos=1)
        self.client.subscribe("b")
        self.clock.sleep_ms(4000)
        self.peer.receive(ack(0x40, first) + ack(0x90, asked, 1))
        self.expect("no PUBACK", 5000)

    def test_a_message_after_a_pause_has_five_seconds(self):
        self.peer.connect()
        first = self.client.publish("a", "1", qos=1)
        self.peer.receive(ack(0x40, first))
        self.clock.sleep_ms(10000)
        self.client.publish("a", "2", qos=1)
        self.expect("no PUBACK", 5000)

    def test_what_is_sent_again_has_five_seconds(self):
        self.peer.connect()
        self.client.publish("a", "1", qos=1)
        self.client.close()
        self.clock.sleep_ms(60000)
        self.peer.connect()
        self.expect("no PUBACK", 5000)

    def test_silence_is_noticed_within_one_and_a_half_keepalives(self):
        self.peer.connect()
        self.expect("no PINGRESP", 37500)
        self.assertEqual(self.peer.stream.sent, PINGREQ)

    def test_pings_go_on_as_long_as_they_are_answered(self):
        self.peer.connect()
        for _ in range(20):
            self.clock.sleep_ms(self.client.tick())
            self.client.tick()
            self.assertEqual(self.peer.stream.take(), PINGREQ)
            self.clock.sleep_ms(14000)
            self.client.tick()
            self.peer.receive(PINGRESP)
        self.assertEqual(self.peer.stream.sent, b"")

    def test_what_we_send_is_no_sign_of_life(self):
        self.peer.connect()
        for _ in range(37):
            self.clock.sleep_ms(1000)
            self.client.publish("a", "b")
            self.client.tick()
        self.expect("no PINGRESP", 1000)  # asked at 23 s, by a tick per second

    def test_a_full_buffer_does_not_keep_from_asking(self):
        self.peer.connect()
        self.peer.stream.room = 0
        while self.client.publish("topic", b"x" * 100) is not None:
            pass
        self.expect("no PINGRESP", 37500)
        self.peer.stream.room = 10000
        self.client.ready(select.POLLOUT)
        self.assertEqual(self.peer.stream.sent[-2:], PINGREQ)

    def test_a_ping_on_a_dead_link_goes_up(self):
        self.peer.connect()
        self.clock.sleep_ms(22500)
        self.peer.stream.error = errno.ECONNRESET
        with self.assertRaises(OSError):
            self.client.tick()

    def test_without_keepalive_nothing_is_asked(self):
        peer = Peer(keepalive_s=0)
        client = peer.connect()
        peer.clock.sleep_ms(200000)
        self.assertEqual(client.tick(), 60000)
        self.assertEqual(peer.stream.sent, b"")


class TLSTest(unittest.TestCase):
    def setUp(self):
        self.peer = Peer()
        self.client = self.peer.client

    def test_the_handshake_goes_on_inside_ready(self):
        context = FakeTLS(refusals=3)
        self.client.open(ADDRESS, context, "broker.example")
        self.assertEqual(context.hostname, "broker.example")
        self.assertIsNot(self.client.stream, self.peer.stream)
        self.assertTrue(self.client.securing)
        for _ in range(3):
            self.client.ready(select.POLLOUT)
            self.assertTrue(self.client.securing)
            self.assertEqual(self.client.events(), select.POLLIN | select.POLLOUT)
        self.client.ready(select.POLLIN)
        self.assertFalse(self.client.securing)
        self.assertEqual(self.peer.stream.take(), CONNECT)
        self.peer.receive(CONNACK)
        self.assertTrue(self.client.connected)

    def test_a_refused_write_is_repeated_with_its_length_though_more_waits(self):
        context = FakeTLS()
        self.client.open(ADDRESS, context)
        self.client.ready(select.POLLOUT)
        self.peer.receive(CONNACK)
        context.refusals = 2
        self.client.publish("a", "1")
        self.client.publish("a", "2")
        self.client.ready(select.POLLOUT)
        self.assertEqual(self.client.publish(self.client._good_topic, b"3"), 0)
        self.client.ready(select.POLLOUT)
        self.assertEqual(self.peer.stream.take(), b"0\x04\x00\x01a10\x04\x00\x01a20\x04\x00\x01a3")

    def test_close_closes_both_layers(self):
        self.client.open(ADDRESS, FakeTLS())
        self.client.close()
        self.assertEqual(self.peer.network.open_sockets, 0)

    def test_a_context_that_fails_leaks_nothing(self):
        for error in (OSError(12), ValueError("bad certificate")):
            with self.assertRaises(type(error)):
                self.client.open(ADDRESS, FakeTLS(error=error))
            self.assertEqual(self.peer.network.open_sockets, 0)

    def test_the_handshake_has_fifteen_seconds_and_connack_five_more(self):
        context = FakeTLS(refusals=2)
        self.client.open(ADDRESS, context)
        self.client.ready(select.POLLOUT)
        self.peer.clock.sleep_ms(14999)
        self.assertEqual(self.client.tick(), 1)
        self.client.ready(select.POLLOUT)
        self.client.ready(select.POLLOUT)
        self.assertEqual(self.client.tick(), 5000)
        self.peer.clock.sleep_ms(5000)
        with self.assertRaises(MQTTError) as caught:
            self.client.tick()
        self.assertEqual(caught.exception.args[0], "no CONNACK")

    def test_a_bad_certificate_is_an_error_of_the_link(self):
        # MicroPython 1.25 raises ValueError from within the handshake (tried with Mosquitto).
        context = FakeTLS(handshake_error=ValueError("\nnot signed by the trusted CA\n"))
        self.client.open(ADDRESS, context)
        with self.assertRaises(MQTTError) as caught:
            self.client.ready(select.POLLOUT)
        self.assertEqual(caught.exception.args[0], "certificate: not signed by the trusted CA")
        self.client.close()
        self.assertEqual(self.peer.network.open_sockets, 0)

    def test_a_handshake_that_takes_too_long_is_named(self):
        self.client.open(ADDRESS, FakeTLS(refusals=2))
        self.client.ready(select.POLLOUT)
        self.peer.clock.sleep_ms(15000)
        with self.assertRaises(MQTTError) as caught:
            self.client.tick()
        self.assertEqual(caught.exception.args[0], "no TLS handshake")


if __name__ == "__main__":
    unittest.main()
