"""What the framework does with its MQTT client: states, back-off, commands, last resort."""

import unittest

import fakes

SECONDS = 1000
MINUTES = 60 * SECONDS


class Client:
    """As much of uumqtt.client.Client as is used; the test plays the broker."""

    made = None
    world = None
    securing = False
    on_ready = None

    def __init__(self, client_id, **options):
        Client.made = self
        self.opened = []  # when
        self.client_id = client_id
        self.options = options
        self.stream = None
        self.calls = []
        self.published = []
        self.filters = []
        self.error = None  # raised by open()
        self.fault = None  # raised by ready() and tick()
        self.room = 1000
        self.ticks = 0
        self.in_flight = []

    def set_will(self, topic, payload, retain=True, qos=1):
        self.will = (topic, payload, retain, qos)

    def open(self, address, tls=None, host=None):
        self.calls.append(("open", address, host))
        self.opened.append(Client.world.now_ms)
        if self.error:
            raise self.error
        self.stream = fakes.Stream()

    def events(self):
        return fakes.POLLIN

    def ready(self, events):
        if self.on_ready:
            self.on_ready()
        if self.fault:
            raise self.fault

    def tick(self):
        self.ticks += 1
        if self.fault:
            raise self.fault

    def subscribe(self, topic_filter, qos):
        if self.room < 1:
            return None
        self.filters.append((topic_filter, qos))
        return len(self.filters)

    def gather(self, on):
        self.gathering = on

    def publish(self, topic, payload, retain=False, qos=0):
        if self.room < 1:
            return None
        self.room -= 1
        self.published.append((topic, bytes(payload), retain, qos))
        return qos

    def close(self):
        self.calls.append(("close",))
        self.stream = None


class Config:
    mqttbroker = "10.0.0.9"
    mqttname = "H2O"
    mqttport = None
    mqttuser = None
    mqttpassword = None
    mqtttls = False
    mqttca = None
    mqttsession = "clean"
    mqttpacket = 512
    mqttreboot = 10
    keepalive = 30


class Machine:
    def __init__(self):
        self.observers = []

    def observe(self, callback):
        self.observers.append(callback)


class Net:
    def __init__(self):
        self.is_up = False
        self.sm = Machine()

    def connected(self):
        return self.is_up

    def set(self, up):
        self.is_up = up
        for callback in self.sm.observers:
            callback("connected" if up else "connlost")


class Stats:
    def __init__(self):
        self.added = []

    def add(self, key):
        self.added.append(key)


class Watchdog:
    depth = 0

    def may_block(self):
        self.depth += 1

    def may_block_exit(self):
        self.depth -= 1


class MqttCase(unittest.TestCase):
    def setUp(self):
        self.world = fakes.World()
        self.world.modules["uumqtt.client"] = fakes.Module(Client=Client)
        Client.world = self.world
        self.config = Config()
        self.boot()

    def boot(self):
        names = ("epx.loop", "epx.log", "epx.diag", "epx.topics", "epx.mqtt")
        self.loop, self.log, self.diag, self.topics, module = self.world.load(*names)
        self.diag.start()
        self.net, self.stats = Net(), Stats()
        self.watchdog = Watchdog()
        self.mqtt = module.Mqtt(self.config, self.net, self.stats, self.watchdog)
        self.client = Client.made
        self.states = []
        self.mqtt.sm.observe(self.states.append)
        self.loop.step()
        self.level = 5
        self.heard = []
        self.error = None

    def obey(self, value):
        if self.error:
            raise self.error
        self.heard.append(value)

    def run_for(self, ms):
        self.world.run(self.loop, ms)

    def said(self, words):
        return [line for line in self.world.console if words in line]

    def connect(self):
        """The network and the broker are there."""
        if not self.net.is_up:
            self.net.set(True)
        while self.mqtt.sm.state != "connecting":
            self.run_for(10)
        self.client.on_connected(False)
        self.loop.step()
        self.client.on_subscribed(1, 1)
        self.loop.step()
        self.assertTrue(self.mqtt.connected())
        self.run_for(10)

    def lose(self):
        self.client.fault = OSError(104)
        self.client.stream.ready = fakes.POLLIN
        self.loop.step()
        self.client.fault = None
        self.loop.step()

    def bind(self, *rows, **options):
        self.mqtt.bind(self, rows, **options)


class TestConnection(MqttCase):
    def test_the_client_is_made_from_the_settings(self):
        self.assertEqual(self.client.client_id, "H2O240ac4010203")
        self.assertEqual(self.client.options["keepalive_s"], 30)
        self.assertIs(self.client.options["clean"], True)
        self.assertEqual(self.client.will, ("stat/H2O/Availability", b"offline", True, 1))
        self.config.mqttsession = "persistent"
        self.boot()
        self.assertIs(self.client.options["clean"], False)

    def test_without_broker_or_name_it_is_off_and_says_so(self):
        for key in ("mqttbroker", "mqttname"):
            self.config = Config()
            setattr(self.config, key, None)
            self.boot()
            self.bind(self.topics.Pub("Level", "level", every_ms=1000))
            self.net.set(True)
            self.run_for(60 * MINUTES)
            self.assertEqual(self.states, [])
            self.assertEqual(self.client.calls, [])
            self.assertEqual(len(self.said("mqttname are needed")), 1)
            self.world.console.clear()

    def test_it_waits_for_the_network_and_connects_at_once_then(self):
        self.run_for(5 * MINUTES)
        self.assertEqual(self.states, ["waiting"])
        self.net.set(True)
        self.run_for(10)
        self.assertEqual(self.states, ["waiting", "connecting"])
        self.assertEqual(self.client.calls, [("open", ("10.0.0.9", 1883), "10.0.0.9")])

    def test_it_is_online_only_after_the_suback(self):
        self.net.set(True)
        self.run_for(10)
        self.client.on_connected(False)
        self.run_for(100)
        self.assertFalse(self.mqtt.connected())
        self.assertEqual(self.client.filters, [("cmnd/H2O/#", 1)])
        self.assertEqual(self.client.published, [])
        self.client.on_subscribed(1, 1)
        self.run_for(10)
        self.assertTrue(self.mqtt.connected())
        self.assertEqual(self.client.published[0], ("stat/H2O/Availability", b"online", True, 1))

    def test_a_refused_subscription_is_said(self):
        self.net.set(True)
        self.run_for(10)
        self.client.on_connected(False)
        self.run_for(10)
        self.client.on_subscribed(1, 0x80)
        self.run_for(10)
        self.assertEqual(len(self.said("refuses cmnd/H2O/#")), 1)

    def test_a_session_that_is_there_needs_no_subscription_unless_since_our_boot(self):
        self.net.set(True)
        self.run_for(10)
        self.client.on_connected(True)
        self.run_for(10)
        self.assertEqual(self.states[-1], "subscribing")
        self.client.on_subscribed(1, 1)
        self.run_for(10)
        self.lose()
        self.run_for(1000)
        self.client.on_connected(True)
        self.run_for(10)
        self.assertTrue(self.mqtt.connected())
        self.assertEqual(len(self.client.filters), 1)

    def test_it_subscribes_again_whenever_the_broker_has_no_session(self):
        for count in range(1, 5):
            self.connect()
            self.assertEqual(len(self.client.filters), count)
            self.lose()

    def test_a_subscription_that_has_no_room_yet_is_tried_again(self):
        self.net.set(True)
        self.run_for(10)
        self.client.room = 0
        self.client.on_connected(False)
        self.run_for(500)
        self.assertEqual(self.states[-1], "subscribing")
        self.assertEqual(self.client.filters, [])
        self.client.room = 1000
        self.run_for(200)
        self.assertEqual(self.client.filters, [("cmnd/H2O/#", 1)])
        self.run_for(500)
        self.assertEqual(len(self.client.filters), 1)

    def test_only_a_connection_that_was_online_counts_as_lost(self):
        self.client.error = OSError(111)
        self.net.set(True)
        self.run_for(30 * SECONDS)
        self.assertEqual(self.stats.added, [])
        self.client.error = None
        self.connect()
        self.lose()
        self.assertEqual(self.stats.added, ["mqttlost"])

    def test_a_lost_connection_is_closed_and_no_longer_polled(self):
        self.connect()
        self.lose()
        self.assertEqual(self.client.calls[-1], ("close",))
        self.assertEqual(self.loop._polls, [])

    def test_a_missed_deadline_loses_the_connection(self):
        self.connect()
        self.client.fault = OSError("no PINGRESP")
        self.run_for(1200)
        self.assertIn("lost", self.states)
        self.assertEqual(len(self.said("no PINGRESP")), 1)

    def test_a_lost_network_loses_the_connection(self):
        self.connect()
        self.net.set(False)
        self.run_for(10)
        self.assertEqual(self.states[-1], "waiting")
        self.run_for(5 * MINUTES)
        self.assertEqual(self.states[-1], "waiting")
        self.connect()

    def test_what_the_broker_says_too_late_is_ignored(self):
        self.connect()
        self.client.on_subscribed(2, 1)
        self.run_for(10)
        self.assertTrue(self.mqtt.connected())
        self.mqtt._serve(fakes.POLLOUT)
        self.assertTrue(self.mqtt.connected())

    def test_a_connection_lost_twice_in_a_turn_is_lost_once(self):
        self.connect()
        self.mqtt._lose("first")
        self.mqtt._lose("second")
        self.run_for(10)
        self.assertEqual(self.states.count("lost"), 1)
        self.mqtt._lose("late")
        self.assertEqual(self.said("late"), [])

    def test_a_network_lost_while_nothing_is_open_changes_nothing(self):
        self.run_for(10)
        self.net.set(False)
        self.run_for(10)
        self.assertEqual(self.states, ["waiting"])


class TestBackOff(MqttCase):
    def attempts(self, ms):
        """Times between attempts while each one fails."""
        self.client.error = OSError(111)
        self.client.opened = times = []
        self.run_for(ms)
        return [times[i + 1] - times[i] for i in range(len(times) - 1)]

    def test_it_grows_by_half_from_half_a_second_to_a_minute(self):
        self.config.mqttreboot = 0
        self.boot()
        self.net.set(True)
        waits = self.attempts(15 * MINUTES)
        expected = 500
        for wait in waits:
            self.assertGreaterEqual(wait, min(expected, 60000) - 20)
            self.assertLessEqual(wait, min(expected * 1.5, 60000) + 40)
            expected = min(expected * 3 // 2, 60000)
        self.assertGreater(len(waits), 15)

    def test_it_begins_anew_after_a_success(self):
        self.net.set(True)
        self.attempts(60 * SECONDS)
        self.client.error = None
        self.connect()
        self.lose()
        self.assertLessEqual(self.attempts(3 * SECONDS)[0], 1200)

    def test_it_begins_anew_when_the_network_returns(self):
        self.net.set(True)
        self.attempts(60 * SECONDS)
        self.net.set(False)
        self.run_for(1000)
        self.net.set(True)
        self.assertLessEqual(self.attempts(3 * SECONDS)[0], 800)


class Context:
    """tls.SSLContext, as far as epx.mqtt goes."""

    made = None
    verify_mode = None
    trusted = None

    def __init__(self, protocol):
        self.protocol = protocol
        Context.made = self

    def load_verify_locations(self, data):
        self.trusted = data


class TestTls(MqttCase):
    def tearDown(self):
        fakes.sys.modules.pop("tls", None)

    def open_with_tls(self, ca_file):
        # Imported only when it is needed, hence not one of the world's modules.
        fakes.sys.modules["tls"] = fakes.Module(
            SSLContext=Context, PROTOCOL_TLS_CLIENT=0, CERT_NONE=0, CERT_REQUIRED=2
        )
        self.config.mqtttls = True
        self.config.mqttca = ca_file
        self.boot()
        self.net.set(True)
        self.run_for(1000)

    def test_without_a_certificate_anybody_is_trusted(self):
        self.open_with_tls(None)
        self.assertEqual(Context.made.verify_mode, 0)
        self.assertIsNone(Context.made.trusted)
        self.assertEqual(self.client.calls[-1][1][1], 8883)

    def test_with_a_certificate_only_what_it_has_signed(self):
        self.world.files["ca.der"] = b"certificate"
        self.open_with_tls("ca.der")
        self.assertEqual(Context.made.verify_mode, 2)
        self.assertEqual(bytes(Context.made.trusted), b"certificate")

    def test_the_context_is_made_once(self):
        self.open_with_tls(None)
        first = Context.made
        self.lose()
        self.run_for(5000)
        self.assertGreaterEqual(len(self.client.opened), 2)
        self.assertIs(Context.made, first)

    def test_other_states_of_the_network_are_no_news(self):
        self.connect()
        for observer in self.net.sm.observers:
            observer("connecting")
        self.loop.step()
        self.assertTrue(self.mqtt.connected())

    def test_a_missing_certificate_is_said_and_tried_again(self):
        self.open_with_tls("ca.der")
        self.assertFalse(self.client.opened)
        self.assertTrue(self.said("warn mqtt: "))
        self.world.files["ca.der"] = b"certificate"
        self.run_for(5000)
        self.assertTrue(self.client.opened)

    def test_a_step_of_the_handshake_may_block_and_nothing_else(self):
        depths = []
        self.client.on_ready = lambda: depths.append(self.watchdog.depth)
        self.connect()
        self.client.stream.ready = fakes.POLLIN
        self.client.securing = True
        self.loop.step()
        self.client.securing = False
        self.loop.step()
        self.assertEqual(depths, [1, 0])
        self.assertEqual(self.watchdog.depth, 0)

    def test_a_handshake_that_fails_leaves_no_block_behind(self):
        self.connect()
        self.client.securing = True
        self.lose()
        self.assertEqual(self.watchdog.depth, 0)
        self.assertFalse(self.mqtt.connected())

    def test_firmware_without_tls_is_said_and_does_not_reboot(self):
        self.client.error = ImportError("no module named 'tls'")
        self.net.set(True)
        self.run_for(5000)
        self.assertTrue(self.said("tls"))
        self.assertFalse(self.mqtt.connected())


class TestLastResort(MqttCase):
    def reboots_after(self, ms):
        start = self.world.now_ms
        try:
            self.run_for(ms)
        except fakes.Reset:
            return self.world.now_ms - start
        return None

    def test_ten_minutes_without_an_answer_reboot(self):
        self.client.error = OSError(111)
        self.net.set(True)
        took = self.reboots_after(20 * MINUTES)
        self.assertGreaterEqual(took, 10 * MINUTES)
        self.assertLess(took, 11 * MINUTES)
        reason = b"Too much time w/o MQTT connection, rebooting"
        self.assertEqual(self.world.files["reboot.txt"], reason)

    def test_a_reboot_says_what_it_loses(self):
        self.mqtt.outbox.post_event("stat/H2O/Event", b"P")
        self.client.in_flight = [1, 2]
        with self.assertRaises(fakes.Reset):
            self.diag.reboot("test")
        self.assertEqual(self.world.files["reboot.txt"], b"test, 3 messages lost")

    def test_what_is_heard_prevents_it(self):
        self.connect()
        for _ in range(30):
            self.client.stream.ready = fakes.POLLIN
            self.loop.step()
            self.client.stream.ready = 0
            self.assertIsNone(self.reboots_after(1 * MINUTES))

    def test_without_a_network_the_broker_is_not_to_blame(self):
        self.assertIsNone(self.reboots_after(60 * MINUTES))
        self.net.set(True)
        self.assertIsNone(self.reboots_after(9 * MINUTES))

    def test_the_time_is_a_key_and_zero_means_never(self):
        self.config.mqttreboot = 0
        self.boot()
        self.client.error = OSError(111)
        self.net.set(True)
        self.assertIsNone(self.reboots_after(120 * MINUTES))


class TestPublishing(MqttCase):
    def payloads(self, topic):
        return [row[1] for row in self.client.published if row[0] == "stat/H2O/" + topic]

    def test_rows_are_published_once_online(self):
        self.bind(self.topics.Pub("Level", "level", 0, every_ms=1000))
        self.run_for(5000)
        self.level = 8
        self.connect()
        self.assertEqual(self.payloads("Level"), [b"8"])

    def test_an_index_stands_in_the_topic(self):
        self.bind(self.topics.Pub("State", "level", 0, every_ms=1000), index=3)
        self.connect()
        self.assertEqual(self.payloads("3/State"), [b"5"])

    def test_log_lines_of_the_boot_are_sent(self):
        self.connect()
        lines = self.payloads("Log")
        self.assertIn(b"epx", lines[0])
        self.assertEqual(lines[-1], b"info mqtt: connected")

    def test_everything_is_said_again_on_a_new_connection_but_no_event(self):
        self.listeners = ()
        self.bind(
            self.topics.Pub("Level", "level", 0, every_ms=1000),
            self.topics.Pub("Press", "level", 0, on="press", event=True),
        )
        self.connect()
        self.listeners[0].look()
        self.run_for(100)
        self.lose()
        self.client.published = []
        self.connect()
        self.assertEqual(self.payloads("Level"), [b"5"])
        self.assertEqual(self.payloads("Press"), [])
        self.assertEqual(self.payloads("Availability"), [b"online"])

    def test_a_full_client_is_given_the_rest_later(self):
        self.bind(self.topics.Pub("Level", "level", 0, every_ms=1000))
        self.client.room = 0
        self.connect()
        self.run_for(3000)
        self.assertEqual(self.client.published, [])
        self.client.room = 1000
        self.client.stream.ready = fakes.POLLOUT | fakes.POLLIN
        self.loop.step()
        self.assertEqual(self.payloads("Availability"), [b"online"])
        self.assertEqual(self.payloads("Level"), [b"5"])

    def test_a_source_that_fails_does_not_stop_the_others(self):
        def fails():
            raise ValueError("broken sensor")

        self.bad = fails
        self.bind(
            self.topics.Pub("Bad", "bad", 0, every_ms=1000, refresh_ms=2000),
            self.topics.Pub("Level", "level", 0, every_ms=1000),
        )
        self.connect()
        self.run_for(10 * MINUTES)
        self.mqtt.refresh()
        self.run_for(100)
        self.assertEqual(self.payloads("Level"), [b"5", b"5"])
        self.assertGreaterEqual(self.diag.faults, 9)
        self.assertLessEqual(self.diag.faults, 30)


class TestCommands(MqttCase):
    def setUp(self):
        super().setUp()
        self.bind(self.topics.Sub("Set", "obey", int), self.topics.Sub("Say", "obey", bytes))
        self.connect()
        self.world.console.clear()

    def message(self, topic, payload, retain=0, dup=0, packet_id=0):
        self.client.on_message(topic, payload, retain, dup, packet_id)

    def test_a_command_is_parsed_and_obeyed(self):
        self.message(b"cmnd/H2O/Set", b"30")
        self.assertEqual(self.heard, [30])
        self.assertEqual(self.mqtt.commands, 1)

    def test_an_unknown_command_is_logged(self):
        self.message(b"cmnd/H2O/invalid", b"x")
        self.message(b"cmnd/H2O/\xff", b"x")
        self.assertEqual(len(self.said("unknown command")), 2)

    def test_nonsense_is_logged_and_nothing_happens(self):
        self.message(b"cmnd/H2O/Set", b"foo")
        self.assertEqual(self.heard, [])
        self.assertEqual(self.mqtt.commands, 0)
        self.assertEqual(len(self.said("cmnd/H2O/Set")), 1)

    def test_retained_and_empty_commands_are_dropped(self):
        self.message(b"cmnd/H2O/Set", b"30", retain=1)
        self.message(b"cmnd/H2O/Say", b"")
        self.assertEqual(self.heard, [])
        self.assertEqual(len(self.said("dropped")), 2)

    def test_a_redelivered_command_is_obeyed_once(self):
        self.message(b"cmnd/H2O/Set", b"1", packet_id=7)
        self.message(b"cmnd/H2O/Set", b"1", dup=1, packet_id=7)
        self.assertEqual(self.heard, [1])
        self.assertEqual(len(self.said("repeated")), 1)

    def test_a_repetition_of_what_never_arrived_is_obeyed(self):
        self.message(b"cmnd/H2O/Set", b"1", dup=1, packet_id=7)
        self.assertEqual(self.heard, [1])

    def test_a_packet_id_that_is_used_again_is_a_new_command(self):
        self.message(b"cmnd/H2O/Set", b"1", packet_id=7)
        self.message(b"cmnd/H2O/Set", b"1", packet_id=7)
        self.assertEqual(self.heard, [1, 1])

    def test_many_ids_are_remembered(self):
        for packet_id in range(1, 101):
            self.message(b"cmnd/H2O/Set", b"1", packet_id=packet_id)
        self.heard = []
        for packet_id in range(85, 101):
            self.message(b"cmnd/H2O/Set", b"1", dup=1, packet_id=packet_id)
        self.assertEqual(self.heard, [])

    def test_ids_are_forgotten_with_the_session(self):
        self.message(b"cmnd/H2O/Set", b"1", packet_id=7)
        self.lose()
        self.connect()
        self.message(b"cmnd/H2O/Set", b"1", dup=1, packet_id=7)
        self.assertEqual(self.heard, [1, 1])

    def test_ids_are_kept_with_the_session(self):
        self.message(b"cmnd/H2O/Set", b"1", packet_id=7)
        self.lose()
        self.run_for(1000)
        self.client.on_connected(True)
        self.message(b"cmnd/H2O/Set", b"1", dup=1, packet_id=7)
        self.assertEqual(self.heard, [1])

    def test_a_command_that_fails_is_a_fault_of_the_appliance(self):
        self.error = ValueError("no such valve")
        self.message(b"cmnd/H2O/Set", b"1")
        self.assertEqual(self.diag.faults, 1)
        self.assertNotIn("exception.txt", self.world.files)

    def test_a_parser_that_fails_is_a_fault_of_the_appliance(self):
        self.bind(self.topics.Sub("Odd", "obey", lambda payload: payload.nothing))
        self.message(b"cmnd/H2O/Odd", b"1")
        self.assertEqual(self.diag.faults, 1)

    def test_complaints_are_limited_per_second(self):
        for _ in range(1000):
            self.message(b"cmnd/H2O/invalid", b"x")
        self.assertEqual(len(self.world.console), 5)
        self.run_for(1200)
        self.message(b"cmnd/H2O/invalid", b"x")
        self.assertEqual(len(self.said("unknown")), 6)

    def test_a_packet_that_was_too_large_is_said(self):
        self.client.on_skipped(5000)
        self.assertEqual(len(self.said("5000 bytes")), 1)


if __name__ == "__main__":
    unittest.main()
