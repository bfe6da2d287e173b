"""The device's side of an update, small and in memory, for tests of the PC's side.

It speaks the bytes of lib/epx/otawire.py over a socketpair, one thread per connection, and
misbehaves where a test asks it to.
"""

import hashlib
import secrets
import socket
import threading
import zlib
from struct import calcsize, pack, unpack_from

from epxhost.devicelib import device_module
from epxhost.fileset import FileSet

wire = device_module("epx.otawire")
keys_of = device_module("epx.otakeys")
lists = device_module("epx.otapaths")
reasons = device_module("epx.otarefusals")

KEY = "0123456789abcdef0123"
PROGRESS_BYTES = 8192


class Refusal(Exception):
    pass


class FakeDevice:
    """connect() gives the PC's end of a new connection.

    greetings: answers to the next hellos instead of a welcome, (status, rest of the answer).
    refuse: {type of record: (name, text)}. break_after: bytes taken before a connection ends, one
    number for each of the next connections. state: what all connections share.
    """

    def __init__(self, files=None, profile="toy", version=1):
        self.profile, self.version, self.mpy = profile, version, 6
        self.running = dict(files or {})
        self.root = {"/config.txt": b"ssid x\n"}
        self.staged = None
        self.arrived = {}  # by path and hash
        self.bundle, self.bundle_id = b"", b""
        self.committed = None
        self.reboots = self.kept = 0
        self.firmware = None
        self.greetings, self.refuse, self.break_after = [], {}, []
        self.lie_about_resume = False
        self.key = KEY
        self.otakey_failures = 0
        self.most_ahead = 0
        self.log = []
        self._threads = []
        self._sockets = []
        self._listener = None
        self._closing = False
        self.rebooted = threading.Event()
        self.closed = threading.Event()

    def connect(self):
        ours, theirs = socket.socketpair()
        thread = threading.Thread(target=self._serve, args=(ours,), daemon=True)
        self._threads.append(thread)
        self._sockets.append(theirs)
        thread.start()
        return theirs

    def listen(self):
        """Take connections on a port of this machine, too; its number."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return self._listener.getsockname()[1]

    def _accept(self, listener):
        with listener:
            while True:
                sock, _ = listener.accept()
                if self._closing:
                    sock.close()
                    return
                self._serve(sock)

    def close(self):
        self.closed.set()
        if self._listener:
            self._closing = True
            socket.create_connection(self._listener.getsockname()).close()
        for sock in self._sockets:
            sock.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _serve(self, sock):
        limit = self.break_after.pop(0) if self.break_after else None
        sock.settimeout(10)
        with sock:
            try:
                Conversation(self, sock, limit).run()
            except (EOFError, OSError):
                pass


class Conversation:
    """One connection."""

    def __init__(self, device, sock, limit):
        self.device = device
        self._sock = sock
        self._limit = limit
        self._keys = None
        self._list = None
        self._sink = None

    def run(self):
        device = self.device
        hello = self._read(wire.HELLO_BYTES)
        assert hello.startswith(wire.HELLO)
        if device.greetings:
            status, rest = device.greetings.pop(0)
            answer = wire.ANSWER + bytes((status,)) + rest
            self._sock.sendall(answer.ljust(wire.HELLO_BYTES, b"\0"))
            return
        nonce = secrets.token_bytes(wire.NONCE_BYTES)
        answer = wire.ANSWER + bytes((wire.WELCOME,)) + nonce
        keys = keys_of.Keys(device.key, hello, answer)
        self._sock.sendall(answer)
        if not wire.equal(self._read(wire.PROOF_BYTES), keys.pc_proof):
            device.otakey_failures += 1
            device.greetings.append((wire.LOCKED, pack(">H", 1)))
            return
        self._sock.sendall(keys.device_proof)
        self._keys = keys
        self._tell(wire.IDENTITY, self._identity().encode())
        while True:
            self._obey(*self._receive())

    def _identity(self):
        device = self.device
        lines = {
            "profile": device.profile,
            "version": device.version,
            "set": "a",
            "trial": 0,
            "mpy": device.mpy,
            "firmware": "1.25.0",
            "staged": int(device.staged is not None),
            "free": 1000000,
            "rescue": 0,
        }
        return "".join(f"{key} {value}\n" for key, value in lines.items())

    # Bytes and records.

    def _read(self, size):
        data = b""
        while len(data) < size:
            want = size - len(data)
            if self._limit is not None:
                want = min(want, self._limit)
                if not want:
                    raise EOFError
            more = self._sock.recv(want)
            if not more:
                raise EOFError
            data += more
            if self._limit is not None:
                self._limit -= len(more)
        return data

    def _receive(self):
        header = self._read(wire.HEADER_BYTES)
        record = bytearray(header + self._read(wire.record_bytes(header) - len(header)))
        kind, body = self._keys.from_pc.open(memoryview(record))
        return kind, bytes(body)

    def _tell(self, kind, body=b""):
        self._sock.sendall(self._keys.from_device.seal(kind, body))

    def _obey(self, kind, body):
        self.device.log.append(kind)
        try:
            if kind in self.device.refuse:
                raise Refusal(*self.device.refuse[kind])
            _HANDLERS[kind](self, body)
        except Refusal as refusal:
            name, text = refusal.args
            code = reasons.number(name) if isinstance(name, str) else name
            self._tell(wire.REFUSED, bytes((code,)) + text.encode())

    # What it does.

    def _on_list_begin(self, body):
        fields = unpack_from(wire.LIST_BEGIN_BODY, body)
        self._list = (fields, body[calcsize(wire.LIST_BEGIN_BODY) :].decode(), [])

    def _on_list(self, body):
        self._want_list()
        self._list[2].extend(lists.entries(body))

    def _want_list(self):
        if not self._list:
            raise Refusal("out of order", "no list has begun")

    def _on_list_end(self, body):
        self._want_list()
        (flags, version, _, count, total), _, entries = self._list
        device = self.device
        if count != len(entries):
            raise Refusal("out of order", "fewer files than announced")
        assert total == sum(size for _, size, _ in entries if size != wire.GONE)
        bits = [self._is_missing(*entry) for entry in entries]
        bitmap = bytearray((len(bits) + 7) // 8)
        for i, bit in enumerate(bits):
            bitmap[i // 8] |= bit << (7 - i % 8)
        full = flags & wire.FULL
        there = {path: hashlib.sha256(data).digest() for path, data in device.running.items()}
        wanted = {path: digest for path, _, digest in entries}
        differs = not full or version != device.version or there != wanted
        self._missing = [e for e, bit in zip(entries, bits, strict=True) if bit]
        self._tell(wire.NEEDED, bytes((differs,)) + bitmap)
        if differs and not any(bits) and not flags & wire.ASK:
            self._stage()

    def _on_same(self, body):
        device = self.device
        hashes = [
            hashlib.sha256(
                FileSet(device.profile, device.version, mpy, device.running).text().encode()
            ).digest()
            for mpy in (0, device.mpy)
        ]
        self._tell(wire.NEEDED, bytes((body not in hashes,)))

    def _is_missing(self, path, size, digest):
        if size == wire.GONE:
            return 0
        data = self.device.running.get(path)
        return int(
            (data is None or hashlib.sha256(data).digest() != digest)
            and (path, digest) not in self.device.arrived
        )

    def _stage(self):
        (flags, version, *_), _, entries = self._list
        device = self.device
        files = {} if flags & wire.FULL else dict(device.staged or device.running)
        for path, size, digest in entries:
            if size == wire.GONE:
                files.pop(path, None)
            else:
                files[path] = device.arrived.get((path, digest), device.running.get(path))
        device.staged = files
        device.staged_version = version
        self._tell(wire.STAGED)

    def _on_bundle(self, body):
        packed, raw, wbits = unpack_from(wire.BUNDLE_BODY, body)
        device = self.device
        digest = body[calcsize(wire.BUNDLE_BODY) :]
        if digest != device.bundle_id or wbits & wire.FROM_START:
            device.bundle, device.bundle_id = b"", digest
        self._packed, self._raw, self._wbits = packed, raw, wbits & ~wire.FROM_START
        there = hashlib.sha256(device.bundle).digest()
        if device.lie_about_resume and not wbits & wire.FROM_START:
            self._tell(wire.RESUME, pack(">I", 7) + bytes(32))
            return
        self._told = len(device.bundle)
        self._sink = self._bundle_data
        self._tell(wire.RESUME, pack(">I", len(device.bundle)) + there)
        if len(device.bundle) == packed:
            self._unpack()

    def _on_data(self, body):
        if not self._sink:
            raise Refusal("out of order", "data for nothing")
        self._sink(body)

    def _bundle_data(self, body):
        device = self.device
        device.bundle += body
        count = len(device.bundle)
        device.most_ahead = max(device.most_ahead, count - self._told)
        if count == self._packed:
            self._unpack()
        elif count - self._told >= PROGRESS_BYTES:
            self._told = count
            self._tell(wire.PROGRESS, pack(">I", count))

    def _unpack(self):
        device = self.device
        assert hashlib.sha256(device.bundle).digest() == device.bundle_id
        raw = zlib.decompress(device.bundle, -self._wbits)
        assert len(raw) == self._raw
        at = 0
        for path, size, digest in self._missing:
            data = raw[at : at + size]
            at += size
            assert hashlib.sha256(data).digest() == digest
            device.arrived[path, digest] = data
        device.bundle = device.bundle_id = b""
        self._sink = None
        self._stage()

    def _on_commit(self, body):
        device = self.device
        if device.staged is None:
            raise Refusal("nothing staged", "send an update first")
        device.committed, device.staged = device.staged, None
        self._tell(wire.DONE)

    def _on_reboot(self, body):
        device = self.device
        device.reboots += 1
        if device.committed is not None:
            device.running, device.version = device.committed, device.staged_version
        self._tell(wire.DONE)
        device.rebooted.set()
        raise EOFError

    def _on_put(self, body):
        self._expected = unpack_from(wire.PUT_BODY, body)[0]
        self._digest, self._path = body[4:36], body[36:].decode()
        self._take = self._put_done
        self._content, self._told = b"", 0
        self._sink = self._content_data
        if not self._expected:
            self._content_data(b"")

    def _on_firmware(self, body):
        self._expected = unpack_from(wire.FIRMWARE_BODY, body)[0]
        self._digest = body[4:36]
        self.device.firmware_mpy = unpack_from(">H", body, 36)[0]
        self._take = self._firmware_done
        self._content, self._told = b"", 0
        self._sink = self._content_data
        self._tell(wire.DONE)

    def _content_data(self, body):
        self._content += body
        if len(self._content) == self._expected:
            assert hashlib.sha256(self._content).digest() == self._digest
            self._sink = None
            self._take()
        elif len(self._content) - self._told >= PROGRESS_BYTES:
            self._told = len(self._content)
            self._tell(wire.PROGRESS, pack(">I", self._told))

    def _put_done(self):
        self.device.root[self._path] = self._content
        self._tell(wire.DONE, b"it is there")

    def _firmware_done(self):
        self.device.firmware = self._content
        self._tell(wire.DONE, b"written and checked")

    def _on_hash(self, body):
        path = body.decode()
        device = self.device
        data = (device.root if path.startswith("/") else device.running).get(path)
        if data is None:
            self._tell(wire.HASHED, pack(">I", 0) + wire.NO_FILE)
        else:
            self._tell(wire.HASHED, pack(">I", len(data)) + hashlib.sha256(data).digest())

    def _on_remove(self, body):
        self.device.root.pop(body.decode(), None)
        self._tell(wire.DONE)

    def _on_keep(self, body):
        self.device.kept += 1
        self._tell(wire.DONE, b"Currently running firmware is kept.")


_HANDLERS = {
    wire.LIST_BEGIN: Conversation._on_list_begin,
    wire.LIST: Conversation._on_list,
    wire.LIST_END: Conversation._on_list_end,
    wire.BUNDLE: Conversation._on_bundle,
    wire.DATA: Conversation._on_data,
    wire.COMMIT: Conversation._on_commit,
    wire.REBOOT: Conversation._on_reboot,
    wire.PUT: Conversation._on_put,
    wire.HASH: Conversation._on_hash,
    wire.REMOVE: Conversation._on_remove,
    wire.FIRMWARE: Conversation._on_firmware,
    wire.KEEP: Conversation._on_keep,
    wire.SAME: Conversation._on_same,
}
