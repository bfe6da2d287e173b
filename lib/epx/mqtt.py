"""Keeps the broker connected; binds tables of topics to what they are about."""

import random
import select
from binascii import hexlify

import machine
from micropython import const

from epx import diag, log
from epx.fsm import StateMachine
from epx.loop import Poll, Task, uptime_s
from epx.resolver import resolve
from epx.topics import BoundPub, Outbox, Pub, full_topic
from uumqtt.client import Client

_STATES = {
    "initial": ("waiting",),
    "waiting": ("connecting",),
    "connecting": ("subscribing", "online", "lost"),
    "subscribing": ("online", "lost"),
    "online": ("lost",),
    "lost": ("waiting",),
}

_FIRST_RETRY_MS = const(500)
_LAST_RETRY_MS = const(60000)
_REMEMBERED_IDS = const(16)
_TX_BYTES_MORE = const(256)  # a message as long as the longest received one fits, with its topic
_COMPLAINTS_PER_SECOND = const(5)


class Mqtt:
    """One connection to the broker, made again for ever; topics by table."""

    core = False  # as the owner of commands: what they raise is the appliance's own
    commands = 0  # obeyed since boot
    _retry_ms = _FIRST_RETRY_MS
    _heard_s = 0
    _poll = _tls = None
    _was_online = False
    _was_subscribed = False  # since boot
    _complaints = 0

    def __init__(self, config, net, stats, watchdog):
        self._config = config
        self._net = net
        self._stats = stats
        self._name = name = config.mqttname
        self._pubs = []
        self._subs = {}
        self._seen_ids = [0] * _REMEMBERED_IDS
        self._watchdog = watchdog
        self._wake = wake = Task(self._serve, arg=0, core=True).restart
        self.outbox = Outbox(wake, full_topic("stat", name, "Log"))
        self._availability = full_topic("stat", name, "Availability")
        self._filter = full_topic("cmnd", name, "#")
        self.client = client = Client(
            "%s%s" % (name, hexlify(machine.unique_id()).decode()),
            keepalive_s=config.keepalive,
            clean=config.mqttsession == "clean",
            user=config.mqttuser,
            password=config.mqttpassword,
            rx_bytes=config.mqttpacket + 8,
            tx_bytes=config.mqttpacket + _TX_BYTES_MORE,
            packet_limit=config.mqttpacket,
        )
        client.set_will(self._availability, b"offline")
        client.on_connected = self.on_connected
        client.on_subscribed = self.on_subscribed
        client.on_message = self.on_message
        client.on_skipped = self.on_skipped
        self.sm = StateMachine("mqtt", self, _STATES, core=True)
        if config.mqttbroker and config.mqttname:
            self.sm.after(0, "waiting")
            net.sm.observe(self._on_net)
            Task(self._beat, 0, 1000, tolerance_ms=100, core=True)
            diag.before_reboot.append(self._unsent)
        else:
            log.warn("mqtt: mqttbroker and mqttname are needed")

    # What the appliance uses.

    def bind(self, source, table, index=None):
        """Publish and obey the rows of table for source; index numbers one of several sources."""
        for row in table:
            if isinstance(row, Pub):
                topic = full_topic("stat", self._name, row.topic, index)
                pub = BoundPub(row, source, topic, self.outbox)
                self._pubs.append(pub)
                if row.on:
                    source.listeners += (pub,)
            else:
                topic = full_topic("cmnd", self._name, row.topic, index)
                self._subs[topic.encode()] = (row.parse, getattr(source, row.command))

    def connected(self):
        return self.sm.state == "online"

    def refresh(self):
        """Send every state topic once more; events are never repeated."""
        self._look("refresh")

    def _look(self, method):
        for pub in self._pubs:
            try:
                getattr(pub, method)()
            except Exception as error:
                self._on_fault(pub, error)

    # The states.

    def on_waiting(self):
        if self._net.connected():
            retry_ms = self._retry_ms
            self._retry_ms = min(retry_ms * 3 // 2, _LAST_RETRY_MS)
            retry_ms = min(retry_ms + random.randrange(retry_ms // 2 + 1), _LAST_RETRY_MS)
            self.sm.after(retry_ms, "connecting")

    def on_connecting(self):
        client = self.client
        config = self._config
        host = config.mqttbroker
        try:
            if config.mqtttls and not self._tls:  # once: 2 KB in one piece are hard to get later
                self._tls = _tls_context(config.mqttca)
            tls = self._tls
            port = config.mqttport or (8883 if tls else 1883)
            client.open(resolve(host, port, self._watchdog), tls, host)
        except (ImportError, OSError, ValueError) as error:  # ImportError: firmware without tls
            self._lose(error)
            return
        self._poll = Poll(client.stream, client.events(), self._serve, core=True)

    def on_subscribing(self):
        if self.client.subscribe(self._filter, 1) is None:
            # What goes out again has filled the buffer: as soon as there is room.
            self.sm.add(Task(self.on_subscribing, 100, core=True))
        self._serve(0)

    def on_online(self):
        log.info("mqtt: connected")
        self._was_online = self._was_subscribed = True
        self._retry_ms = _FIRST_RETRY_MS
        self.outbox.greeting = (self._availability, b"online", True, 1)
        self.refresh()
        self._wake()

    def on_lost(self):
        if self._poll:
            self._poll.cancel()
            self._poll = None
        if self._was_online:
            self._was_online = False
            self._stats.add("mqttlost")
        self.sm.go("waiting")

    def _unsent(self):
        count = len(self.outbox.events) + len(self.client.in_flight)
        words = "%d messages lost" % count if count else None
        if self._was_subscribed:
            return words
        from epx import untold

        return untold.add(words)

    def _lose(self, why):
        if self.sm.state in ("connecting", "subscribing", "online"):
            log.warn("mqtt: %s", why)
            self.client.close()
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

    def _serve(self, events):
        """Do what the connection has to do: events of its stream, deadlines, what waits."""
        client = self.client
        if client.stream is None:
            return
        securing = client.securing  # a step of the TLS handshake takes seconds at 80 MHz
        if securing:
            self._watchdog.may_block()
        try:
            if events:
                client.ready(events)
                if events & select.POLLIN:
                    self._heard_s = uptime_s()
            else:
                client.tick()
            if self.connected():
                self.outbox.drain(client, self._on_fault)
        except OSError as error:
            self._lose(error)
        else:
            self._poll.modify(client.events())
        finally:
            if securing:
                self._watchdog.may_block_exit()

    def _on_fault(self, pub, error):
        pub.failed()
        diag.handle_fault(pub, error)

    def _beat(self):
        """Once per second: rows to look at, deadlines of the connection, the last resort."""
        self._complaints = 0
        self._look("beat")
        self._serve(0)
        limit_s = self._config.mqttreboot * 60
        if limit_s and self._net.connected() and uptime_s() - self._heard_s > limit_s:
            diag.reboot("Too much time w/o MQTT connection, rebooting")

    # What the broker says.

    def on_connected(self, session_present):
        if not session_present:
            self._seen_ids = [0] * _REMEMBERED_IDS
        # After a restart of ours nobody knows what the session has subscribed to.
        self.sm.go("online" if session_present and self._was_subscribed else "subscribing")

    def on_subscribed(self, _, granted):
        if granted > 1:
            log.error("mqtt: the broker refuses %s", self._filter)
        if self.sm.state == "subscribing":
            self.sm.go("online")

    def on_message(self, topic, payload, retain, dup, packet_id):
        sub = self._subs.get(topic)
        if sub is None:
            self._complain(topic, "unknown command")
            return
        if retain or not payload:
            self._complain(topic, "retained or empty command dropped")
            return
        if packet_id:
            # The broker repeats, with DUP, what it does not know to have arrived.
            seen = self._seen_ids
            if packet_id not in seen:
                seen.pop(0)
                seen.append(packet_id)
            elif dup:
                self._complain(topic, "repeated command dropped")
                return
        try:
            try:
                value = sub[0](payload)
            except ValueError as error:
                self._complain(topic, error)
                return
            self.commands += 1
            sub[1](value)
        except Exception as error:
            diag.handle_fault(self, error)

    def on_skipped(self, size):
        self._complain("packet of %d bytes" % size, "longer than mqttpacket, dropped")

    def _complain(self, topic, why):
        self._complaints += 1
        if self._complaints <= _COMPLAINTS_PER_SECOND:
            try:
                topic = str(topic, "utf-8")
            except (TypeError, UnicodeError):
                pass
            log.warn("mqtt: %s: %s", topic, why)


def _tls_context(name):
    """Trust only what the certificate in the file name has signed; without a file, anybody."""
    import tls

    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_NONE
    if name:
        with open(name, "rb") as file:
            context.load_verify_locations(file.read())
        context.verify_mode = tls.CERT_REQUIRED
    return context
