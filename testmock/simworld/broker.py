"""An MQTT 3.1.1 broker on the simulated network: it remembers, refuses, hangs, drops.

Topics are text, payloads bytes, times milliseconds since the world began.
"""

from testmock.simworld import mqttwire as wire
from testmock.simworld.lan import BROKER_ADDRESS

_RESULT_ACCEPTED = 0
_SUBSCRIPTION_REFUSED = 0x80
# Messages to one client that it has not yet acknowledged.
_WINDOW = 20
_LOG_LIMIT = 20_000


class Publication:
    """One PUBLISH that came from a client, or a last will."""

    def __init__(self, ms, client, topic, payload, retain, qos, dup, packet_id):
        self.ms = ms
        self.client = client
        self.topic = topic
        self.payload = payload
        self.retain = retain
        self.qos = qos
        self.dup = dup
        self.packet_id = packet_id


class Session:
    """What the broker knows of one client identifier."""

    def __init__(self, client_id):
        self.client_id = client_id
        self.clean = True
        self.subscriptions = {}
        self.link = None
        self.queue = []
        self.unacknowledged = []
        self.next_id = 0

    def free_id(self):
        used = [entry[0] for entry in self.unacknowledged]
        while True:
            self.next_id = self.next_id % 0xFFFF + 1
            if self.next_id not in used:
                return self.next_id


class Link:
    """One network connection to the broker."""

    def __init__(self, broker, end):
        self._broker = broker
        self.end = end
        self.session = None
        self.will = None
        self.user = self.password = None
        self.keepalive_s = 0
        self.heard_ms = broker.world.now_ms()
        self.closed = False
        self.mute = broker.hanging
        self._in = bytearray()
        self._out = bytearray()
        self._alarm = None
        end.on_change = self.changed

    def changed(self):
        """The network has news."""
        if self.closed or self._broker.frozen:
            return
        end = self.end
        if end.error:
            self._lost("reset")
            return
        if end.rx:
            self._in += end.receive()
            self.heard_ms = self._broker.world.now_ms()
            if not self.mute:
                self._process()
        if end.eof and not self.closed:
            self._lost("closed by client")
        if self._out and not self.closed:
            self._flush()

    def _process(self):
        try:
            while not self.closed:
                taken = wire.take_packet(self._in)
                if taken is None:
                    return
                first_byte, body, used = taken
                self._in = self._in[used:]
                self._broker.handle(self, first_byte, body)
        except wire.WireError as error:
            self._broker.violations.append((self._broker.world.now_ms(), str(error)))
            self._lost("protocol: %s" % error)

    def send(self, data):
        if not self.closed:
            self._out += data
            if not self._broker.frozen:
                self._flush()

    def _flush(self):
        sent = self.end.send(bytes(self._out))
        if sent:
            self._out = self._out[sent:]

    def watch(self):
        """Expect something within one and a half times the keepalive (3.1.2.10)."""
        if self.keepalive_s and not self.closed:
            limit_ms = self.keepalive_s * 1500
            left_ms = self.heard_ms + limit_ms - self._broker.world.now_ms()
            if left_ms <= 0 and not self._broker.frozen:
                self._lost("keepalive")
            else:
                self._alarm = self._broker.world.call_after(max(left_ms, 1000), self.watch)

    def _lost(self, why):
        """The connection ends without a DISCONNECT."""
        self._broker.note("lost %s (%s)" % (self.name(), why))
        will, self.will = self.will, None
        self.close()
        if will:
            self._broker.spread(will)

    def name(self):
        return self.session.client_id if self.session else "?"

    def drop(self, why):
        if not self.closed:
            self._lost(why)

    def close(self, reset=False):
        if not self.closed:
            self.closed = True
            if self._alarm:
                self._alarm.cancel()
            if reset:
                self.end.reset()
            else:
                self.end.rx = bytearray()
                self.end.close()
            self._broker.forget(self)


class Broker:
    """The broker of the house. Stories read what came, publish as somebody else, break things."""

    def __init__(self, world, address=BROKER_ADDRESS, port=1883):
        self.world = world
        self.address = address
        self.port = port
        self.frozen = False
        self.hanging = False
        self.running = False
        self.log = []
        self.connects = []
        self.acknowledged = []
        self.violations = []
        self.retained_messages = {}
        self.sessions = {}
        self.links = []
        self._by_topic = {}
        self._last = {}
        self._refusals = 0
        self._refusal_code = 0
        self._dropped_pubacks = 0
        self._dropped_subacks = 0
        # Topic filters whose subscription is refused with 0x80.
        self.refused_filters = set()
        self.watchers = []
        self.start()

    # What stories read.

    def sent(self, topic):
        """What clients published to topic: [(ms, payload)]."""
        return [(p.ms, p.payload) for p in self._by_topic.get(topic, ())]

    def publications(self, topic=None):
        """The same with everything known of each; of all topics without one."""
        return list(self.log if topic is None else self._by_topic.get(topic, ()))

    def last(self, topic):
        """The newest payload published to topic, or None."""
        publication = self._last.get(topic)
        return publication.payload if publication else None

    def topics(self):
        return sorted(self._last)

    def retained(self, topic):
        """The payload that a new subscriber of topic would get, or None."""
        message = self.retained_messages.get(topic)
        return message.payload if message else None

    @property
    def connections(self):
        """Client identifiers that are connected now."""
        return [link.session.client_id for link in self.links if link.session]

    def subscriptions(self, client_id=None):
        """{filter: granted QoS} of a client; of the only one if none is named."""
        if client_id is None:
            if len(self.sessions) != 1:
                return {}
            client_id = next(iter(self.sessions))
        session = self.sessions.get(client_id)
        return session.subscriptions if session else {}

    def forget_publications(self):
        """Begin to count anew."""
        self.log.clear()
        self._by_topic.clear()
        self._last.clear()

    # What others of the house do.

    def publish(self, topic, payload, retain=False, qos=0, dup=False, packet_id=None):
        """Publish as another client. dup and packet_id are put on the wire as they are."""
        if isinstance(payload, str):
            payload = payload.encode()
        message = Publication(
            self.world.now_ms(), "house", topic, payload, retain, qos, dup, packet_id
        )
        self.note("house -> %s %s" % (topic, payload))
        self._route(message)

    def send_raw(self, data, client_id=None):
        """Send these bytes to a client (the only one), whatever they mean."""
        for link in self.links:
            if link.session and client_id in (None, link.session.client_id):
                link.send(data)

    # Faults.

    def refuse(self, n=1, code=3):
        """Refuse the next n connections with a return code of CONNACK."""
        self._refusals = n
        self._refusal_code = code

    def hang(self, on=True):
        """New connections are accepted, and nothing is ever answered on them."""
        self.hanging = on

    def freeze(self):
        """Nothing is read or answered; the system still accepts connections and bytes."""
        self.frozen = True

    def thaw(self):
        self.frozen = False
        self.hanging = False
        for link in list(self.links):
            link.mute = False
            link.heard_ms = self.world.now_ms()
            link.changed()
            if not link.closed:
                link._process()

    def stop(self, forget=False):
        """The broker ends, its port is closed. forget: it loses sessions and retained messages."""
        self.running = False
        self.world.lan.close_port(self.address, self.port)
        for link in list(self.links):
            link.will = None
            link.close()
        for client_id in list(self.sessions):
            if forget or self.sessions[client_id].clean:
                del self.sessions[client_id]
        if forget:
            self.retained_messages.clear()

    def start(self):
        self.running = True
        self.frozen = self.hanging = False
        self.world.lan.listen(self.address, self.port, self)

    def restart(self, down_ms=5000, forget=False):
        self.stop(forget)
        self.world.call_after(down_ms, self.start)

    def close_clients(self):
        """Throw everybody out; wills are published."""
        for link in list(self.links):
            link.drop("thrown out")

    def reset_clients(self):
        """The same with RST."""
        for link in list(self.links):
            link.will = None
            link.close(reset=True)

    def drop_next_puback(self, n=1):
        self._dropped_pubacks = n

    def drop_next_suback(self, n=1):
        self._dropped_subacks = n

    def half_open(self):
        """Everything on the present connections gets lost, and nobody is told."""
        for link in self.links:
            link.end.connection.dead = True

    # The protocol.

    def accepted(self, end):
        self.links.append(Link(self, end))
        if self.frozen:
            # The system took the connection; the broker will see it when it thaws.
            return
        self.links[-1].changed()

    def forget(self, link):
        if link in self.links:
            self.links.remove(link)
        session = link.session
        if session and session.link is link:
            session.link = None
            if session.clean:
                self.sessions.pop(session.client_id, None)

    def note(self, what):
        self.world.note("broker", what)

    def handle(self, link, first_byte, body):
        kind = first_byte >> 4
        reader = wire.Reader(body)
        if link.session is None:
            if kind != wire.CONNECT:
                raise wire.WireError("first packet is not CONNECT")
            self._connect(link, reader)
        elif kind == wire.PUBLISH:
            self._published(link, first_byte, reader)
        elif kind == wire.PUBACK:
            self._acknowledged(link, reader.u16())
        elif kind == wire.SUBSCRIBE:
            self._subscribe(link, reader)
        elif kind == wire.UNSUBSCRIBE:
            self._unsubscribe(link, reader)
        elif kind == wire.PINGREQ:
            link.send(wire.packet(wire.PINGRESP << 4, b""))
        elif kind == wire.DISCONNECT:
            link.will = None
            self.note("disconnect %s" % link.name())
            link.close()
        else:
            raise wire.WireError("unexpected packet %d" % kind)

    def _connect(self, link, reader):
        if reader.field() != b"MQTT" or reader.byte() != 4:
            raise wire.WireError("not MQTT 3.1.1")
        flags = reader.byte()
        if flags & 1:
            raise wire.WireError("reserved connect flag")
        link.keepalive_s = reader.u16()
        client_id = reader.field().decode()
        if flags & 4:
            topic = reader.field().decode()
            payload = reader.field()
            link.will = Publication(
                0, client_id, topic, payload, bool(flags & 32), (flags >> 3) & 3, False, None
            )
        link.user = reader.field() if flags & 128 else None
        link.password = reader.field() if flags & 64 else None
        if reader.more():
            raise wire.WireError("bytes after CONNECT")
        self.connects.append((self.world.now_ms(), client_id))
        if self._refusals:
            self._refusals -= 1
            self.note("refuse %s" % client_id)
            link.send(wire.packet(wire.CONNACK << 4, bytes((0, self._refusal_code))))
            link.will = None
            link.close()
            return
        self._open_session(link, client_id, clean=bool(flags & 2))

    def _open_session(self, link, client_id, clean):
        old = self.sessions.get(client_id)
        if old and old.link:
            old.link.drop("taken over")
            old = self.sessions.get(client_id)
        if old is None or clean:
            session = self.sessions[client_id] = Session(client_id)
            present = False
        else:
            session = old
            present = True
        session.clean = clean
        session.link = link
        link.session = session
        self.note("connect %s" % client_id)
        link.send(wire.packet(wire.CONNACK << 4, bytes((present, _RESULT_ACCEPTED))))
        link.watch()
        for packet_id, message in session.unacknowledged:
            self._transmit(session, message, packet_id, dup=True)
        self._pump(session)

    def _published(self, link, first_byte, reader):
        qos = (first_byte >> 1) & 3
        topic = reader.field().decode()
        if "+" in topic or "#" in topic or not topic:
            raise wire.WireError("topic with wildcard, or none")
        if qos > 1:
            raise wire.WireError("QoS %d is not in use here" % qos)
        packet_id = reader.u16() if qos else None
        if packet_id == 0:
            raise wire.WireError("packet identifier 0")
        message = Publication(
            self.world.now_ms(),
            link.session.client_id,
            topic,
            reader.rest(),
            bool(first_byte & 1),
            qos,
            bool(first_byte & 8),
            packet_id,
        )
        self.spread(message)
        if qos:
            if self._dropped_pubacks:
                self._dropped_pubacks -= 1
            else:
                link.send(wire.packet(wire.PUBACK << 4, packet_id.to_bytes(2, "big")))

    def spread(self, message):
        """A client's publication, or its last will."""
        message.ms = self.world.now_ms()
        self.log.append(message)
        self._last[message.topic] = message
        same = self._by_topic.setdefault(message.topic, [])
        same.append(message)
        if len(same) > _LOG_LIMIT:
            del same[: _LOG_LIMIT // 2]
        if len(self.log) > 2 * _LOG_LIMIT:
            del self.log[:_LOG_LIMIT]
        self.note("%s %s" % (message.topic, message.payload))
        for watcher in self.watchers:
            watcher(message)
        self._route(message)

    def _route(self, message):
        if message.retain:
            if message.payload:
                self.retained_messages[message.topic] = message
            else:
                self.retained_messages.pop(message.topic, None)
        for client_id in sorted(self.sessions):
            session = self.sessions[client_id]
            granted = -1
            for topic_filter in session.subscriptions:
                if wire.matches(topic_filter, message.topic):
                    granted = max(granted, session.subscriptions[topic_filter])
            if granted >= 0:
                self._deliver(session, message, min(granted, message.qos), False)

    def _deliver(self, session, message, qos, retain):
        if qos == 0:
            if session.link:
                session.link.send(
                    wire.publish(message.topic.encode(), message.payload, retain, 0, False, None)
                )
            return
        copy = Publication(
            message.ms,
            message.client,
            message.topic,
            message.payload,
            retain,
            qos,
            message.dup,
            message.packet_id if message.client == "house" else None,
        )
        session.queue.append(copy)
        self._pump(session)

    def _pump(self, session):
        while session.link and session.queue and len(session.unacknowledged) < _WINDOW:
            message = session.queue.pop(0)
            packet_id = message.packet_id or session.free_id()
            session.unacknowledged.append((packet_id, message))
            self._transmit(session, message, packet_id, message.dup)

    def _transmit(self, session, message, packet_id, dup):
        if session.link:
            session.link.send(
                wire.publish(
                    message.topic.encode(), message.payload, message.retain, 1, dup, packet_id
                )
            )

    def _acknowledged(self, link, packet_id):
        session = link.session
        self.acknowledged.append((self.world.now_ms(), packet_id))
        if len(self.acknowledged) > _LOG_LIMIT:
            del self.acknowledged[: _LOG_LIMIT // 2]
        session.unacknowledged = [e for e in session.unacknowledged if e[0] != packet_id]
        self._pump(session)

    def _subscribe(self, link, reader):
        packet_id = reader.u16()
        codes = bytearray()
        fresh = []
        while reader.more():
            topic_filter = reader.field().decode()
            qos = reader.byte()
            if qos > 2:
                raise wire.WireError("QoS %d" % qos)
            if topic_filter in self.refused_filters:
                codes.append(_SUBSCRIPTION_REFUSED)
                continue
            granted = min(qos, 1)
            codes.append(granted)
            link.session.subscriptions[topic_filter] = granted
            fresh.append((topic_filter, granted))
        if not codes or packet_id == 0:
            raise wire.WireError("SUBSCRIBE without a filter or an identifier")
        self.note("subscribe %s %s" % (link.name(), " ".join([f for f, _ in fresh])))
        if self._dropped_subacks:
            self._dropped_subacks -= 1
            return
        link.send(wire.packet(wire.SUBACK << 4, packet_id.to_bytes(2, "big") + bytes(codes)))
        for topic_filter, granted in fresh:
            for topic in sorted(self.retained_messages):
                if wire.matches(topic_filter, topic):
                    message = self.retained_messages[topic]
                    self._deliver(link.session, message, min(granted, message.qos), True)

    def _unsubscribe(self, link, reader):
        packet_id = reader.u16()
        while reader.more():
            link.session.subscriptions.pop(reader.field().decode(), None)
        link.send(wire.packet(wire.UNSUBACK << 4, packet_id.to_bytes(2, "big")))
