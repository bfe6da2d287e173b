"""Keeps the broker connected; binds tables of topics to what they are about."""

import random
import select

from micropython import const

from epx import diag, log
from epx.clock import SECONDS
from epx.fsm import StateMachine
from epx.loop import Task, uptime_s
from epx.outbox import Outbox
from epx.resolver import Resolver
from epx.topics import BoundPub, BoundSub, Pub, full_topic
from uumqtt.client import Client

_STATES = {
    "initial": ("waiting",),
    "waiting": ("connecting",),
    "connecting": ("subscribing", "lost"),
    "subscribing": ("online", "lost"),
    "online": ("lost",),
    "lost": ("waiting",),
}

_FIRST_RETRY_MS = const(500)
_LAST_RETRY_MS = const(60000)
_REMEMBERED_IDS = const(16)
_COMPLAINTS_PER_SECOND = const(5)


class Mqtt:
    """One connection to the broker, made again for ever; topics by table."""

    def __init__(self, config, net, stats, watchdog):
        self._config = config
        self._net = net
        self._stats = stats
        self._name = config.mqttname or "nameless"
        self._pubs = []
        self._subs = {}
        self._retry_ms = _FIRST_RETRY_MS
        self._heard_s = 0
        self._reboot_s = config.mqttreboot * 60
        self._poll = None
        self._was_online = False
        self._say_online = False
        self._subscribed = False
        self._seen_ids = [0] * _REMEMBERED_IDS
        self._next_seen = 0
        self._complaints = 0
        self.commands = 0  # obeyed since boot
        self.outbox = Outbox(self._wake, full_topic("stat", self._name, "Log"))
        self._availability = full_topic("stat", self._name, "Availability")
        self._filter = full_topic("cmnd", self._name, "#")
        self._drain_task = Task(self._drain, 0, core=True)
        self._resolver = Resolver(config.mqttbroker, _port(config), watchdog)
        self._client = self._make_client(config)
        self.sm = StateMachine("mqtt", self, _STATES, core=True)
        if not config.mqttbroker or not config.mqttname:
            log.warn("mqtt: off, the keys mqttbroker and mqttname are needed")
            return
        self.sm.after(0, "waiting")
        net.sm.observe(self._on_net)
        Task(self._beat, 0, 1 * SECONDS, tolerance_ms=100, core=True)

    def _make_client(self, config):
        client = Client(
            self._name + diag.chip_id(),
            keepalive_s=config.keepalive,
            clean=config.mqttsession == "clean",
            user=config.mqttuser,
            password=config.mqttpassword,
            packet_limit=config.mqttpacket,
        )
        client.set_will(self._availability, b"offline", retain=True, qos=1)
        client.on_connected = self._on_connack
        client.on_subscribed = self._on_suback
        client.on_message = self._on_message
        client.on_skipped = self._on_skipped
        return client

    # What the appliance uses.

    def bind(self, source, table, index=None):
        """Publish and obey the rows of table for source; index numbers one of several sources."""
        listeners = []
        for row in table:
            if isinstance(row, Pub):
                topic = full_topic("stat", self._name, row.topic, index)
                pub = BoundPub(row, source, topic, self.outbox)
                self._pubs.append(pub)
                if row.on:
                    listeners.append(pub)
            else:
                topic = full_topic("cmnd", self._name, row.topic, index)
                self._subs[topic.encode()] = BoundSub(row, source)
        if listeners:
            source.listeners = tuple(source.listeners) + tuple(listeners)

    def connected(self):
        return self.sm.state == "online"

    def refresh(self, _=None):
        """Send every state topic once more; events are never repeated."""
        for pub in self._pubs:
            if not diag.guarded(pub.refresh):
                pub.failed()

    # The states.

    def on_waiting(self):
        if self._net.connected():
            jitter_ms = random.randrange(self._retry_ms // 2 + 1)
            delay_ms = min(self._retry_ms + jitter_ms, _LAST_RETRY_MS)
            self._retry_ms = min(self._retry_ms * 3 // 2, _LAST_RETRY_MS)
            self.sm.after(delay_ms, "connecting")

    def on_connecting(self):
        try:
            address = self._resolver.address()
            self._client.open(address, self._tls_context(), self._config.mqttbroker)
        except (OSError, ValueError) as error:
            log.warn("mqtt: %s", error)
            self.sm.go("lost")
            return
        self._poll = self.sm.poll(self._client.stream, self._client.events(), self._on_ready)

    def _go_on_polling(self):
        """A new state has ended the poll of the one before."""
        self._poll = self.sm.poll(self._client.stream, self._client.events(), self._on_ready)

    def on_subscribing(self):
        self._go_on_polling()
        try:
            self._client.subscribe(self._filter, 1)
        except OSError as error:
            self._lose(error)
        self._update_poll()

    def on_online(self):
        self._go_on_polling()
        log.info("mqtt: connected")
        self._was_online = self._subscribed = True
        self._retry_ms = _FIRST_RETRY_MS
        self._say_online = True
        self.refresh()
        self._wake()

    def on_lost(self):
        self._client.close()
        self._poll = None
        if self._was_online:
            self._was_online = False
            self._stats.add("mqttlost")
        self.sm.go("waiting")

    def _lose(self, why):
        if self.sm.state in ("connecting", "subscribing", "online"):
            log.warn("mqtt: %s", why)
            if self.sm.state == "connecting":
                self._resolver.failed()
            self._client.close()
            self.sm.go("lost")

    def _on_net(self, state):
        if state == "connected":
            self._retry_ms = _FIRST_RETRY_MS
            self._heard_s = uptime_s()
            if self.sm.state == "waiting":
                self.sm.go("connecting")
        elif state == "connlost":
            self._lose("no network")

    # The stream.

    def _on_ready(self, events):
        try:
            self._client.ready(events)
        except OSError as error:
            self._lose(error)
            return
        if events & select.POLLIN:
            self._heard_s = uptime_s()
        if self.connected():
            self._drain()
        self._update_poll()

    def _update_poll(self):
        if self._poll is not None and self._client.stream is not None:
            self._poll.modify(self._client.events())

    def _wake(self):
        if self.connected() and not self._drain_task.active():
            self._drain_task.restart(0)

    def _drain(self):
        if not self.connected():
            return
        try:
            if self._say_online:
                if self._client.publish(self._availability, b"online", True, 1) is None:
                    return
                self._say_online = False
            self.outbox.drain(self._client, diag.guarded)
        except OSError as error:
            self._lose(error)
            return
        self._update_poll()

    def _beat(self):
        """Once per second: rows to look at, deadlines of the connection, the last resort."""
        self._complaints = 0
        for pub in self._pubs:
            try:
                pub.beat()
            except Exception as error:
                pub.failed()
                diag.handle_fault(pub, error)
        if self._client.stream is not None:
            try:
                self._client.tick()
            except OSError as error:
                self._lose(error)
            self._update_poll()
        if self._reboot_s and self._net.connected():
            if uptime_s() - self._heard_s > self._reboot_s:
                diag.reboot("Too much time w/o MQTT connection, rebooting")

    # What the broker says.

    def _on_connack(self, session_present):
        if not session_present:
            for i in range(_REMEMBERED_IDS):
                self._seen_ids[i] = 0
        self.sm.go("online" if session_present and self._subscribed else "subscribing")

    def _on_suback(self, _, granted):
        if granted > 1:
            log.error("mqtt: the broker refuses %s", self._filter)
        if self.sm.state == "subscribing":
            self.sm.go("online")

    def _on_message(self, topic, payload, retain, dup, packet_id):
        sub = self._subs.get(topic)
        if sub is None:
            self._complain("%s: unknown command", topic)
        elif retain:
            self._complain("%s: retained command dropped", topic)
        elif packet_id and self._seen(packet_id, dup):
            self._complain("%s: repeated command dropped", topic)
        else:
            try:
                value = sub.parse(payload)
            except ValueError as error:
                self._complain("%s: %s", topic, error)
                return
            self.commands += 1
            try:
                sub.command(value)
            except Exception as error:
                diag.handle_fault(sub, error)

    def _seen(self, packet_id, dup):
        """Obeyed before? The broker repeats, with DUP, what it does not know to have arrived."""
        seen = self._seen_ids
        if packet_id in seen:
            return dup
        seen[self._next_seen] = packet_id
        self._next_seen = (self._next_seen + 1) % _REMEMBERED_IDS
        return False

    def _on_skipped(self, size):
        self._complain("a packet of %d bytes is longer than mqttpacket, dropped", size)

    def _complain(self, line, *values):
        self._complaints += 1
        if self._complaints <= _COMPLAINTS_PER_SECOND:
            log.warn("mqtt: " + line, *[_shown(value) for value in values])

    def _tls_context(self):
        config = self._config
        if not config.mqtttls:
            return None
        import tls

        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        if config.mqttca:
            with open(config.mqttca, "rb") as file:
                context.load_verify_locations(file.read())
            context.verify_mode = tls.CERT_REQUIRED
        else:
            context.verify_mode = tls.CERT_NONE
        return context


def _shown(value):
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            return str(value, "utf-8")
        except UnicodeError:
            return repr(bytes(value))
    return value


def _port(config):
    return config.mqttport or (8883 if config.mqtttls else 1883)
