"""A caller for the port of updates, in memory, and an appliance with just what updates need."""

import hashlib
import os
from struct import pack

from epx import loop, otakeys, otapaths, otarefusals, otawire

KEY = "sixteen letters and more"


class Sock:
    """The device's end of a connection; the test writes .rx and reads .tx."""

    def __init__(self):
        self._pollers = []
        self.rx = bytearray()
        self.tx = bytearray()
        self.eof = False
        self.error = 0
        self.closed = False
        self.room = 1 << 20  # bytes that may wait in tx

    def _events(self):
        if self.closed:
            return 32
        events = 4 if len(self.tx) < self.room else 0
        return events | (1 if self.rx or self.eof else 0) | (8 if self.error else 0)

    def readinto(self, buffer):
        if self.error:
            raise OSError(self.error)
        if not self.rx:
            return 0 if self.eof else None
        count = min(len(buffer), len(self.rx))
        buffer[:count] = self.rx[:count]
        self.rx = self.rx[count:]
        return count

    def write(self, data):
        if self.error:
            raise OSError(self.error)
        count = min(len(data), self.room - len(self.tx))
        self.tx += data[:count]
        return count if count else None

    def close(self):
        self.closed = True


class _Machine:
    state = "connected"


class _Net:
    sm = _Machine()

    def address(self):
        return "192.168.1.7"


class _Outbox:
    def __init__(self):
        self.told = []

    def post_event(self, topic, payload):
        self.told.append((topic, str(payload, "utf-8")))


class _Mqtt:
    def __init__(self):
        self.outbox = _Outbox()

    def connected(self):
        return True


class _Config:
    otakey = KEY
    mqttname = "Tank"


class App:
    profile = "tank"

    def __init__(self):
        self.config = _Config()
        self.net = _Net()
        self.mqtt = _Mqtt()
        self.ota = None
        self.health_word = "ok"
        self.problems = []

    def health(self):
        return self.health_word

    def read_settings(self, target, lines):
        return self.problems

    def open(self):
        from epx.ota import Ota  # a fresh one: what was closed has been forgotten

        self.ota = Ota(self)
        return self.ota


class Caller:
    """The PC's side, one message at a time; turns the loop until the device has answered."""

    def __init__(self, app, key=KEY, peer="192.168.1.5"):
        self._ota = app.ota
        self.sock = Sock()
        self._ota.admit(self.sock, peer)
        self._key = key
        self._keys = None
        self.identity = {}

    def turn(self, turns=3000, until=None):
        for _ in range(turns):
            if until and until():
                return True
            loop.step()
        return not until

    def leave(self):
        """Hang up."""
        self.sock.eof = True
        assert self.turn(until=lambda: self.sock.closed)

    def take(self, count):
        """So many bytes from the device; fewer if it says no more."""
        self.turn(until=lambda: len(self.sock.tx) >= count or self.sock.closed)
        data = bytes(self.sock.tx[:count])
        self.sock.tx = self.sock.tx[count:]
        return data

    def greet(self, nonce=b"n" * 16):
        """hello and answer -> status."""
        hello = otawire.HELLO + nonce
        self.sock.rx += hello
        answer = self.take(otawire.HELLO_BYTES)
        if len(answer) < otawire.HELLO_BYTES:
            return None
        if answer[3] == otawire.WELCOME:
            self._keys = otakeys.Keys(self._key, hello, answer)
        self.answer = answer
        return answer[3]

    def prove(self):
        """True if the device knows the key, too."""
        self.sock.rx += self._keys.pc_proof
        if self.take(otawire.PROOF_BYTES) != self._keys.device_proof:
            return False
        kind, body = self.hear()
        assert kind == otawire.IDENTITY
        for line in str(body, "utf-8").split("\n"):
            if line:
                words = line.split(" ", 1)
                self.identity[words[0]] = words[1]
        return True

    def say(self, kind, body=b""):
        self.sock.rx += self._keys.from_pc.seal(kind, body)

    def hear(self):
        """(type, body) of the device's next record."""
        header = self.take(otawire.HEADER_BYTES)
        if len(header) < otawire.HEADER_BYTES:
            raise OSError("no answer")
        rest = self.take(otawire.record_bytes(header) - otawire.HEADER_BYTES)
        kind, body = self._keys.from_device.open(memoryview(bytearray(header + rest)))
        return kind, bytes(body)

    def ask(self, kind, body=b""):
        self.say(kind, body)
        return self.hear()

    def list(self, files, version=2, flags=otawire.FULL, mpy=0, profile="tank"):
        """files: path -> bytes (None: is to go) -> the answer."""
        size = sum([len(data) for data in files.values() if data is not None])
        body = pack(otawire.LIST_BEGIN_BODY, flags, version, mpy, len(files), size)
        self.say(otawire.LIST_BEGIN, body + profile.encode())
        for path in sorted(files):
            self.say(otawire.LIST, entry(path, files[path]))
        return self.ask(otawire.LIST_END)

    def bundle(self, packed, raw_bytes, mark=None, wbits=11):
        mark = mark or hashlib.sha256(packed).digest()
        return self.ask(
            otawire.BUNDLE, pack(otawire.BUNDLE_BODY, len(packed), raw_bytes, wbits) + mark
        )

    def data(self, data, piece=700):
        """Send it; the first answer that is not PROGRESS."""
        for at in range(0, len(data), piece):
            self.say(otawire.DATA, data[at : at + piece])
        return self.last()

    def last(self):
        while True:
            kind, body = self.hear()
            if kind != otawire.PROGRESS:
                return kind, body

    def put(self, path, data, mark=None):
        mark = mark or hashlib.sha256(data).digest()
        self.say(otawire.PUT, pack(otawire.PUT_BODY, len(data)) + mark + path.encode())
        return self.data(data) if data else self.last()


def entry(path, data):
    if data is None:
        return otapaths.pack_entry(path, otawire.GONE, bytes(32))
    return otapaths.pack_entry(path, len(data), hashlib.sha256(data).digest())


def stored(data):
    """data as a deflate stream of stored blocks (RFC 1951, 3.2.4)."""
    out = b""
    pieces = [data[at : at + 60000] for at in range(0, len(data), 60000)] or [b""]
    for number, piece in enumerate(pieces):
        last = 1 if number == len(pieces) - 1 else 0
        out += pack("<BHH", last, len(piece), len(piece) ^ 0xFFFF) + piece
    return out


def connect(app):
    """A caller who has proved that he has the key."""
    caller = Caller(app)
    assert caller.greet() == otawire.WELCOME
    assert caller.prove()
    return caller


def install(name, files, version=1, profile="tank"):
    """Make a set of these files."""
    folder = "/" + name
    _make(folder)
    lines = ["profile %s" % profile, "version %d" % version, "mpy 0"]
    for path in sorted(files):
        put_file("%s/%s" % (folder, path), files[path])
        digest = hashlib.sha256(files[path]).digest()
        lines.append("%s %d %s" % (hexadecimal(digest), len(files[path]), path))
    put_file(folder + "/set.txt", ("\n".join(lines) + "\n").encode())


def put_file(path, data):
    at = path.find("/", 1)
    while at > 0:
        _make(path[:at])
        at = path.find("/", at + 1)
    with open(path, "wb") as file:
        file.write(data)


def _make(folder):
    try:
        os.mkdir(folder)
    except OSError:
        pass


def content(path):
    """The bytes of a file, None without it."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def tree(folder):
    """path below folder -> bytes."""
    found = {}
    for item in os.ilistdir(folder):
        path = folder + "/" + item[0]
        if item[1] == 0x4000:
            for name, data in tree(path).items():
                found[item[0] + "/" + name] = data
        else:
            found[item[0]] = content(path)
    return found


def hexadecimal(data):
    return "".join(["%02x" % byte for byte in data])


def refused(answer):
    """The name of the reason, or what else was answered."""
    kind, body = answer
    return otarefusals.REFUSALS[body[0] - 1] if kind == otawire.REFUSED else (kind, body)
