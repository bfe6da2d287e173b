"""The local network: TCP in memory, with latency, back-pressure and faults, and a name server."""

from testmock import errors

# What lwIP on an ESP32 buffers per direction and connection.
WINDOW_BYTES = 5744
# A SYN that nobody answers is given up after this (lwIP's retransmissions).
SYN_LIMIT_MS = 18_000
DNS_LIMIT_MS = 20_000

_POLLIN = 1
_POLLOUT = 4
_BROKEN = 29

BROKER_ADDRESS = "1.2.3.4"


class Connection:
    """Two ends, and what may happen between them."""

    def __init__(self, lan):
        self.lan = lan
        # Nothing arrives any more, in either direction, and nobody is told.
        self.dead = False
        self.client = End(self)
        self.server = End(self)
        self.client.other = self.server
        self.server.other = self.client


class End:
    """One side of a connection."""

    def __init__(self, connection):
        self.connection = connection
        self.other = None
        self.device = None
        self.peer_address = None
        self.on_change = None
        self.rx = bytearray()
        self.in_flight = 0
        self.state = "connecting"
        self.eof = False
        self.error = 0

    def _changed(self):
        if self.on_change:
            self.on_change()

    def events(self):
        if self.error:
            return _BROKEN
        if self.state != "open":
            return 0
        events = _POLLOUT if self.can_send() else 0
        if self.rx or self.eof:
            events |= _POLLIN
        return events

    def settled(self):
        return self.state != "connecting"

    def check(self):
        """Raise what went wrong with the connection."""
        if self.error:
            error = self.error
            if error in (errors.ECONNREFUSED, errors.ETIMEDOUT):
                self.error = errors.ENOTCONN
            raise OSError(error)

    def room(self):
        return WINDOW_BYTES - len(self.other.rx) - self.in_flight

    def can_send(self):
        return self.error != 0 or (self.state == "open" and self.room() > 0)

    def can_receive(self):
        return bool(self.rx) or self.eof or self.error != 0

    def send(self, data):
        """Put as much of data as there is room for on its way; how much that was."""
        if self.state != "open":
            return 0
        n = min(len(data), self.room())
        if n > 0:
            self.in_flight += n
            part = data[:n] if n < len(data) else data
            lan = self.connection.lan
            lan.world.call_after(lan.latency_ms, lambda: self._arrive(part))
        return max(0, n)

    def _arrive(self, data):
        connection = self.connection
        if connection.dead:
            # Unacknowledged: the bytes stay in the sender's buffer.
            return
        self.in_flight -= len(data)
        other = self.other
        if other.state == "open":
            if self.device and connection.lan.cuts(self.device, len(data)):
                self.fail(errors.ECONNRESET)
                other.fail(errors.ECONNRESET)
                return
            other.rx += data
            other._changed()
        elif other.state == "closed":
            # Nobody there any more: the answer is a reset.
            lan = connection.lan
            lan.world.call_after(lan.latency_ms, lambda: self.fail(errors.ECONNRESET))

    def receive(self, n=65536):
        rx = self.rx
        data = bytes(rx[:n])
        was_full = self.other.room() <= 0
        self.rx = rx[n:] if n < len(rx) else bytearray()
        if was_full and data and not self.connection.dead:
            self.other._changed()
        return data

    def close(self):
        """No more from this side; data that was not read makes it a reset."""
        if self.state == "open":
            if self.rx:
                self.reset()
                return
            lan = self.connection.lan
            lan.world.call_after(lan.latency_ms, self._arrive_eof)
        self.state = "closed"

    def _arrive_eof(self):
        other = self.other
        if not self.connection.dead and other.state == "open":
            other.eof = True
            other._changed()

    def reset(self):
        """End the connection the hard way."""
        if self.state == "open":
            lan = self.connection.lan
            lan.world.call_after(lan.latency_ms, self._arrive_reset)
        self.state = "closed"

    def _arrive_reset(self):
        if not self.connection.dead and self.other.state == "open":
            self.other.fail(errors.ECONNRESET)

    def fail(self, error):
        """This side learns that the connection is gone."""
        if self.state != "closed":
            self.error = error
            self.state = "failed"
            self._changed()


class Listener:
    """A port that a device has opened."""

    def __init__(self, device, key, on_change, backlog):
        self.device = device
        self._lan = device.lan
        self._key = key
        self._on_change = on_change
        self._backlog = backlog
        self.waiting = []

    def accepted(self, end):
        end.device = self.device
        self.waiting.append(end)
        self._on_change()

    def events(self):
        return _POLLIN if self.waiting else 0

    def close(self):
        self._lan.close_port(*self._key)
        while self.waiting:
            self.waiting.pop().reset()


class Lan:
    """Who listens where, and what goes wrong."""

    def __init__(self, world):
        self.world = world
        self.latency_ms = 1
        self.names = {"broker.lan": BROKER_ADDRESS}
        self.dns_delay_ms = 5
        self.dns_dead = False
        self.dns_queries = 0
        self.connections = []
        self._ports = {}
        self._silent = set()
        self._cut_after_bytes = None

    def listen(self, address, port, acceptor):
        """acceptor.accepted(end) is called for each connection."""
        self._ports[(address, port)] = acceptor

    def close_port(self, address, port):
        self._ports.pop((address, port), None)

    def lose_syns(self, address, on=True):
        """Connection attempts to address get no answer at all."""
        if on:
            self._silent.add(address)
        else:
            self._silent.discard(address)

    def cut_after(self, n_bytes):
        """Reset the connection over which the n-th byte from now on leaves a device."""
        self._cut_after_bytes = n_bytes

    def cuts(self, device, n):
        if self._cut_after_bytes is None or device not in self.world.devices:
            return False
        self._cut_after_bytes -= n
        if self._cut_after_bytes > 0:
            return False
        self._cut_after_bytes = None
        return True

    def half_open(self, device=None):
        """All connections (of device) are dead, and nobody notices."""
        for connection in self.connections:
            if device is None or device in (connection.client.device, connection.server.device):
                connection.dead = True

    def connect(self, device, address, on_change):
        """Begin a connection from device; its end."""
        if not device.link_is_up():
            raise OSError(errors.EHOSTUNREACH)
        self.connections = [
            c for c in self.connections if c.client.state in ("connecting", "open")
        ]
        connection = Connection(self)
        end = connection.client
        end.device = device
        end.on_change = on_change
        end.peer_address = tuple(address[:2])
        self.connections.append(connection)
        self.world.call_after(2 * self.latency_ms, lambda: self._syn(connection))
        return end

    def _syn(self, connection):
        end = connection.client
        key = end.peer_address
        if connection.dead or end.state != "connecting":
            return
        acceptor = self._ports.get(key)
        if key[0] in self._silent or not (self._is_there(key[0]) or self._hears(acceptor)):
            self.world.call_after(SYN_LIMIT_MS, lambda: self._give_up(end))
        elif acceptor is None:
            end.fail(errors.ECONNREFUSED)
        else:
            end.state = connection.server.state = "open"
            connection.server.peer_address = (end.device.address(), 50000)
            acceptor.accepted(connection.server)
            end._changed()

    def _is_there(self, address):
        """Does a computer with this address answer, be it with a refusal?"""
        for device in self.world.devices:
            if device.address() == address:
                return device.powered and device.link_is_up()
        return address in self.names.values()

    @staticmethod
    def _hears(acceptor):
        """A port of something that is no device, whatever its address."""
        return acceptor is not None and getattr(acceptor, "device", None) is None

    def _give_up(self, end):
        if end.state == "connecting":
            end.fail(errors.ETIMEDOUT)

    def link_down(self, device, deactivated):
        """The device's interface lost its link; deactivated: the program switched it off."""
        for connection in self.connections:
            for end in (connection.client, connection.server):
                if end.device is device:
                    connection.dead = True
                    if deactivated:
                        end.fail(errors.ECONNABORTED)

    def power_lost(self, device):
        """The device's memory of its connections is gone."""
        for connection in self.connections:
            for end in (connection.client, connection.server):
                if end.device is device:
                    connection.dead = True
                    end.on_change = None
                    end.state = "closed"
        for key in list(self._ports):
            if getattr(self._ports[key], "device", None) is device:
                del self._ports[key]


def resolve(device, host):
    """The address of host; blocks the device as the name server takes its time."""
    lan = device.lan
    parts = host.split(".")
    if len(parts) == 4 and all(part.isdigit() for part in parts):
        return host
    if not device.link_is_up():
        raise OSError(errors.EAI_FAIL)
    lan.dns_queries += 1
    if lan.dns_dead:
        device.sleep_us(DNS_LIMIT_MS * 1000)
        raise OSError(errors.EAI_FAIL)
    device.sleep_us(lan.dns_delay_ms * 1000)
    if host not in lan.names:
        raise OSError(errors.EAI_FAIL)
    return lan.names[host]


def opened(device, sock):
    device.open_sockets += 1
    device.sockets_opened += 1


def closed(device, sock):
    device.open_sockets -= 1


def connect_from_device(device, address, on_change):
    return device.lan.connect(device, address, on_change)


def listen_on_device(device, port, on_change, backlog):
    key = (device.address(), port)
    listener = Listener(device, key, on_change, backlog)
    device.lan.listen(key[0], key[1], listener)
    return listener
