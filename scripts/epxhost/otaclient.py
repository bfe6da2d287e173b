"""The PC's side of an update over the air; the bytes are those of lib/epx/otawire.py.

OtaClient is one session over anything with sendall, recv, settimeout, close. OtaLink makes
sessions: it waits where a device asks for that, and goes on after a lost connection.
"""

import hashlib
import time
import zlib
from collections.abc import Callable, Mapping
from struct import error as StructError
from struct import pack, unpack_from
from typing import NamedTuple, Protocol, TypeVar

from epxhost.devicelib import device_module
from epxhost.errors import ToolError
from epxhost.fileset import FileSet

wire = device_module("epx.otawire")
keys_of = device_module("epx.otakeys")
lists = device_module("epx.otapaths")
reasons = device_module("epx.otarefusals")
owner = device_module("epx.otaowner")

# A device that reads, inflates and hashes everything at 80 MHz answers late.
_ANSWER_LIMIT_S = 30.0
_LONG_LIMIT_S = 180.0
# What may be under way before the device has told that it has it.
WINDOW_BYTES = 16384
WBITS = 11
_MEMORY_LEVEL = 9  # of zlib: the most, for the smallest stream
# The device's own lock-out ends after 64 s; a session that broke off, after 60 s.
MOST_WAIT_S = 150.0
MOST_RECONNECTS = 3
_BUSY_PAUSE_S = 5.0
_LOST_PAUSE_S = 2.0
# Who holds the device while it works on something that nobody is connected for any more.
_COMMIT_HOLDS = "a commit"
_UNKNOWN_HOLDS = "somebody"  # a device that cannot tell addresses

Progress = Callable[[int, int, str], None]  # bytes done, bytes in all, what is going on
Result = TypeVar("Result")

# What to do about each refusal of the device.
ADVICE = {
    "wrong profile": "name the profile that the device runs; another one goes on a board by "
    "cpall, at its USB port",
    "wrong mpy version": "its firmware cannot read these .mpy files: leave out --mpy, or install "
    "mpy-cross of the version that fits its firmware",
    "lower version": "the device has a newer version: `git pull`, or say --allow-downgrade if "
    "the older one is what you want",
    "too large": "remove files of yours from the device (`otatool ADDRESS rm /NAME`), or send "
    "with --mpy: compiled files take less flash",
    "path not allowed": "choose another name: the loader, the rescue program and what the device "
    "writes itself cannot be changed over the air",
    "bad message": "this tool and the program on the device do not fit together: use the tools of "
    "the version that the device runs, or install by cpall",
    "out of order": "somebody else may have changed the device meanwhile: start the command again",
    "corrupt": "what arrived is not what was sent; nothing of it is used: start the command again",
    "file system": "the device's flash is full or damaged: `otatool ADDRESS info` shows the free "
    "space; if there is enough, erase the board and install by cpall",
    "bad config": "mend the lines that are named, then send the file again",
    "on trial": "wait until the update before this one is confirmed (`monmqtt DEVICE` shows it), "
    "at most 10 minutes, then start again",
    "nothing staged": "send something first: `ota DEVICE PROFILE` does all of it",
    "no firmware update": "this board has room for one firmware only: a partition table with two "
    "(ota_0, ota_1) has to be flashed at its USB port first",
    "bad firmware image": "take the file that ends in .app.bin, for this chip, and download it "
    "again if it is damaged",
}


class OtaRefused(ToolError):
    """The device does not do it; name is one of REFUSALS of the wire."""

    def __init__(self, code: int, text: str) -> None:
        known = 0 < code <= len(reasons.REFUSALS)
        self.name = reasons.REFUSALS[code - 1] if known else f"refusal {code}"
        self.text = text
        words = self.name if text in ("", self.name) else f"{self.name}: {text}"
        advice = ADVICE.get(self.name, "use the tools of the version that the device runs")
        super().__init__(f"the device refuses, {words}\n  what to do: {advice}")


class OtaBusy(ToolError):
    """Somebody else has the only session."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        super().__init__(
            f"held by {holder}: another update is going on from there; try again when it has ended"
        )


class OtaLocked(ToolError):
    """Somebody has used wrong keys; nobody is let in for some seconds."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(
            f"the device is locked for {seconds} s more, since somebody has tried wrong keys; "
            "try again then"
        )


class OtaKeyError(ToolError):
    """The two sides have different keys. surely: it was proved, else it only looks like that."""

    def __init__(self, words: str, surely: bool = True) -> None:
        self.surely = surely
        super().__init__(words)


class OtaLost(ToolError):
    """The connection is gone; trying again may help. silent: it only seems to be gone."""

    def __init__(self, words: str, silent: bool = False) -> None:
        self.silent = silent
        super().__init__(words)


class Socket(Protocol):
    """What a session needs of a connection."""

    def sendall(self, data: bytes, /) -> object: ...
    def recv(self, size: int, /) -> bytes: ...
    def settimeout(self, seconds: float | None, /) -> object: ...
    def close(self) -> object: ...


class Sent(NamedTuple):
    """What send_set did. differs: from the set that runs, so there is something to commit;
    needed: paths; packed, raw: bytes of the bundle; resumed: those that were there from before."""

    differs: bool
    needed: tuple[str, ...]
    packed: int = 0
    raw: int = 0
    resumed: int = 0


class Needed(NamedTuple):
    """What the device says to a list. differs: the set that runs is not what was listed."""

    differs: bool
    paths: tuple[str, ...]


def deflate(data: bytes, wbits: int = WBITS) -> bytes:
    """One raw deflate stream with a window that a device has room for."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -wbits, _MEMORY_LEVEL)
    return packer.compress(data) + packer.flush()


class OtaClient:
    """One session. Bytes on the wire are counted in sent and received."""

    def __init__(self, sock: Socket, otakey: str) -> None:
        self.sent = 0
        self.received = 0
        self.identity: dict[str, str] = {}
        self._socket = sock
        self._otakey = otakey
        self._buffer = bytearray()
        self._keys = None

    # The connection.

    def open(self) -> dict[str, str]:
        """Prove to each other that both know the key; what the device says about itself."""
        import secrets

        self._socket.settimeout(_ANSWER_LIMIT_S)
        hello = wire.HELLO + secrets.token_bytes(wire.NONCE_BYTES)
        self._write(hello)
        answer = self._read(wire.HELLO_BYTES)
        self._judge(answer)
        keys = keys_of.Keys(self._otakey, hello, answer)
        self._write(keys.pc_proof)
        try:
            proof = self._read(wire.PROOF_BYTES)
        except OtaLost as error:
            if error.silent:
                raise
            raise OtaKeyError(
                "the device does not accept our key: otakey in its config.txt is not the one on "
                "this PC. `pcp_conf FILE`, at its USB port, makes them the same",
                surely=False,
            ) from None
        if not wire.equal(proof, keys.device_proof):
            raise OtaKeyError("what answers there does not know the otakey: it is not the device")
        self._keys = keys
        self.identity = _parse_identity(self._expect(wire.IDENTITY))
        return self.identity

    def close(self) -> None:
        self._socket.close()

    @staticmethod
    def _judge(answer: bytes) -> None:
        if not answer.startswith(wire.ANSWER):
            raise ToolError("what answers there is no epx device: check the address")
        status, rest = answer[len(wire.ANSWER)], answer[len(wire.ANSWER) + 1 :]
        if status == wire.BUSY:
            raise OtaBusy(rest.rstrip(b"\0").decode("ascii", "replace") or _UNKNOWN_HOLDS)
        if status == wire.LOCKED:
            raise OtaLocked(unpack_from(">H", rest)[0])
        if status != wire.WELCOME:
            raise ToolError(f"the device answers with the unknown status {status}: update the PC")

    def _write(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            self._tell_refusal_before_loss()
            raise OtaLost(f"the connection to the device is lost ({_words(error)})") from None
        self.sent += len(data)

    def _tell_refusal_before_loss(self) -> None:
        """A device that refuses may have closed while we were still sending."""
        if self._keys:
            try:
                while True:
                    self._receive()
            except OtaLost:
                pass

    def _read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            try:
                data = self._socket.recv(4096)
            except TimeoutError:
                raise OtaLost("the device has stopped answering", silent=True) from None
            except OSError as error:
                words = f"the connection to the device is lost ({_words(error)})"
                raise OtaLost(words) from None
            if not data:
                raise OtaLost("the device has closed the connection")
            self.received += len(data)
            self._buffer += data
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    # Records.

    def _send(self, *records: tuple[int, bytes]) -> None:
        """All of them in one piece."""
        seal = self._keys.from_pc.seal
        self._write(b"".join([seal(kind, body) for kind, body in records]))

    def _receive(self) -> tuple[int, bytes]:
        """The next record; a refusal is raised."""
        try:
            header = self._read(wire.HEADER_BYTES)
            record = bytearray(header)
            record += self._read(wire.record_bytes(header) - len(header))
            kind, body = self._keys.from_device.open(memoryview(record))
        except (ValueError, StructError) as error:
            raise OtaLost(f"somebody interferes with the connection ({error})") from None
        body = bytes(body)
        if kind == wire.REFUSED:
            code = body[0] if body else 0
            raise OtaRefused(code, body[1:].decode("utf-8", "replace"))
        return kind, body

    def _expect(self, wanted: int, limit_s: float = _ANSWER_LIMIT_S) -> bytes:
        """The body of the next record, which must be of this type."""
        self._socket.settimeout(limit_s)
        while True:
            kind, body = self._receive()
            if kind == wanted:
                return body
            # How far it is may be said at any time.
            if kind != wire.PROGRESS:
                raise ToolError(
                    f"the device answers with the unexpected record {kind}: use the tools of the "
                    "version that the device runs"
                )

    # What a session can do.

    def needed(self, fileset: FileSet, downgrade: bool = False) -> Needed:
        """Only ask what the device does not have of a whole set; nothing is staged."""
        if self._runs(fileset):
            return Needed(False, ())
        header = (_flags(True, downgrade) | wire.ASK, fileset.version, fileset.mpy)
        return self._list(header, fileset.profile, fileset.files)

    def _runs(self, fileset: FileSet) -> bool:
        """Whether it is this that runs, each of its files as it should be: a short question."""
        self._send((wire.SAME, hashlib.sha256(fileset.text().encode()).digest()))
        return self._expect(wire.NEEDED, limit_s=_LONG_LIMIT_S)[:1] == b"\0"

    def _list(
        self, header: tuple[int, int, int], profile: str, files: Mapping[str, bytes | None]
    ) -> Needed:
        total = sum(len(data) for data in files.values() if data is not None)
        begin = pack(wire.LIST_BEGIN_BODY, *header, len(files), total) + profile.encode()
        records = [(wire.LIST_BEGIN, begin)]
        body = b""
        for path in sorted(files):
            entry = _entry(path, files[path])
            if len(body) + len(entry) > wire.MOST_BODY:
                records.append((wire.LIST, body))
                body = b""
            body += entry
        records += [(wire.LIST, body), (wire.LIST_END, b"")]
        self._send(*records)
        answer = self._expect(wire.NEEDED, limit_s=_LONG_LIMIT_S)
        bits = "".join(f"{byte:08b}" for byte in answer[1:])
        wanted = [path for path, bit in zip(sorted(files), bits, strict=False) if bit == "1"]
        return Needed(answer[:1] != b"\0", tuple(wanted))

    def send_set(
        self,
        fileset: FileSet,
        full: bool = True,
        downgrade: bool = False,
        progress: Progress | None = None,
    ) -> Sent:
        """Stage a set; only what the device lacks goes over the wire."""
        if full and self._runs(fileset):
            return Sent(False, ())
        header = (_flags(full, downgrade), fileset.version, fileset.mpy)
        needed = self._list(header, fileset.profile, fileset.files)
        return self._send_needed(fileset.files, needed, progress)

    def send_files(
        self, files: Mapping[str, bytes | None], progress: Progress | None = None
    ) -> Sent:
        """Stage single files of the set (None: it is to go), beside what is staged or runs."""
        header = (0, int(self.identity.get("version") or 0), 0)
        needed = self._list(header, self.identity.get("profile", ""), files)
        return self._send_needed(files, needed, progress)

    def _send_needed(
        self, files: Mapping[str, bytes | None], needed: Needed, progress: Progress | None
    ) -> Sent:
        if not needed.differs:
            return Sent(*needed)
        packed = raw = resumed = 0
        if needed.paths:
            data = b"".join([files[path] or b"" for path in needed.paths])
            bundle = deflate(data)
            packed, raw = len(bundle), len(data)
            resumed = self._begin_bundle(bundle, raw)
            self._transfer(bundle, resumed, "sending", progress)
        self._expect(wire.STAGED, limit_s=_LONG_LIMIT_S)
        return Sent(*needed, packed, raw, resumed)

    def _begin_bundle(self, bundle: bytes, raw: int) -> int:
        """How many of its bytes the device has already."""
        digest = hashlib.sha256(bundle).digest()
        for flag in (0, wire.FROM_START):
            body = pack(wire.BUNDLE_BODY, len(bundle), raw, WBITS | flag) + digest
            self._send((wire.BUNDLE, body))
            answer = self._expect(wire.RESUME, limit_s=_LONG_LIMIT_S)
            start = unpack_from(">I", answer)[0]
            there = hashlib.sha256(bundle[:start]).digest()
            if start <= len(bundle) and (not start or answer[4:36] == there):
                return start
        raise ToolError("the device does not let the transfer begin anew: start the command again")

    def _transfer(self, data: bytes, start: int, what: str, progress: Progress | None) -> None:
        """Send data from start on; never more ahead of the device than the window."""
        done = told = start
        while done < len(data):
            records = []
            while done < len(data) and done - told + wire.MOST_BODY <= WINDOW_BYTES:
                piece = data[done : done + wire.MOST_BODY]
                records.append((wire.DATA, piece))
                done += len(piece)
            if records:
                self._send(*records)
            if progress:
                progress(told, len(data), what)
            if done < len(data):
                told = unpack_from(">I", self._expect(wire.PROGRESS))[0]
                if not start <= told <= done:
                    raise ToolError(f"the device says it has {told} bytes of the {done} sent")
        if progress:
            progress(len(data), len(data), what)

    def commit(self) -> str:
        """Check everything that is staged and make it what boots next."""
        self._send((wire.COMMIT, b""))
        return self._done()

    def reboot(self) -> None:
        """The device restarts; that it closes at once is as good as an answer."""
        self._send((wire.REBOOT, b""))
        try:
            self._done()
        except OtaLost:
            pass

    def put(self, path: str, data: bytes, progress: Progress | None = None) -> str:
        """Write one of the owner's files at the root."""
        body = pack(wire.PUT_BODY, len(data)) + hashlib.sha256(data).digest() + path.encode()
        self._send((wire.PUT, body))
        self._transfer(data, 0, path, progress)
        return self._done()

    def hash(self, path: str) -> tuple[int, bytes] | None:
        """Size and SHA-256 of a file, None if there is none."""
        self._send((wire.HASH, path.encode()))
        body = self._expect(wire.HASHED, limit_s=_LONG_LIMIT_S)
        if body[4:36] == wire.NO_FILE:
            return None
        return unpack_from(">I", body)[0], body[4:36]

    def remove(self, path: str) -> str:
        """Remove one of the owner's files at the root."""
        self._send((wire.REMOVE, path.encode()))
        return self._done()

    def firmware(self, image: bytes, mpy: int = 0, progress: Progress | None = None) -> str:
        """Write a firmware image into the next partition and have it boot next."""
        digest = hashlib.sha256(image).digest()
        body = pack(wire.FIRMWARE_BODY, len(image)) + digest + pack(">H", mpy)
        self._send((wire.FIRMWARE, body))
        self._done()
        self._transfer(image, 0, "firmware", progress)
        return self._done()

    def keep(self) -> str:
        """The firmware that runs is kept."""
        self._send((wire.KEEP, b""))
        return self._done()

    def _done(self) -> str:
        return self._expect(wire.DONE, limit_s=_LONG_LIMIT_S).decode("utf-8", "replace")


class OtaLink:
    """Sessions with one device, one after the other.

    connect() gives a new connection or raises OSError. say(words) tells the person why it takes
    longer. connections, sent, received: of all sessions together.
    """

    def __init__(
        self,
        connect: Callable[[], Socket],
        otakey: str,
        own_addresses: Callable[[Socket], tuple[str, ...]] | None = None,
        say: Callable[[str], None] = lambda words: None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.connections = self.sent = self.received = 0
        self._connect = connect
        self._otakey = otakey
        self._own_addresses = own_addresses or _own_address
        self._say = say
        self._sleep = sleep
        self._broken_off = self._has_been_in = False
        self._suspicion: OtaKeyError | None = None
        self._waited_s = 0.0

    def run(self, action: Callable[[OtaClient], Result]) -> Result:
        """What action(client) returns; it is called again after a lost connection, so what it
        does must be something that can be repeated."""
        for attempt in range(MOST_RECONNECTS + 1):
            client = None
            try:
                client = self._session()
                result = action(client)
                self._broken_off = False
                return result
            except OtaLost as error:
                if attempt == MOST_RECONNECTS:
                    raise ToolError(
                        f"{error}, {MOST_RECONNECTS + 1} times in a row. Start the same command "
                        "again when the network is better: what has arrived is not sent again"
                    ) from None
                self._broken_off = True
                self._say(f"{error}; connecting again")
            finally:
                self._account(client)
            self._sleep(_LOST_PAUSE_S)
        raise AssertionError

    def _account(self, client: OtaClient | None) -> None:
        if client:
            client.close()
            self.sent += client.sent
            self.received += client.received

    def _session(self) -> OtaClient:
        """An open session; waits while the device is locked, or holds a dead one of ours."""
        while True:
            sock = self._connection()
            client = OtaClient(sock, self._otakey)
            opened = False
            try:
                client.open()
                opened = self._has_been_in = True
                self._suspicion = None
                return client
            except OtaKeyError as error:
                # A link that broke at this moment looks the same. A device that did get a wrong
                # key is locked now: asking again tells, and costs no further failure.
                if error.surely or self._suspicion:
                    raise
                self._suspicion = error
            except OtaLocked as error:
                if self._suspicion:
                    raise self._suspicion from None
                self._wait(error.seconds + 1, error, "the device is locked after wrong keys")
            except OtaBusy as error:
                self._wait(_BUSY_PAUSE_S, error, self._why_busy(error, sock))
            finally:
                if not opened:
                    self._account(client)

    def _connection(self) -> Socket:
        try:
            sock = self._connect()
        except ConnectionRefusedError:
            if self._has_been_in:
                raise OtaLost("the device does not take connections now") from None
            raise ToolError(
                "the device's port for updates is shut: `otacmd DEVICE open` opens it, for 10 "
                "minutes without use; and check the address"
            ) from None
        except OSError as error:
            raise OtaLost(f"no connection to the device ({_words(error)})") from None
        self.connections += 1
        return sock

    def _why_busy(self, error: OtaBusy, sock: Socket) -> str:
        """Why it is worth waiting; what is not is raised."""
        if error.holder == _COMMIT_HOLDS:
            return "a commit is going on"
        if self._broken_off and error.holder in (*self._own_addresses(sock), _UNKNOWN_HOLDS):
            return "the device still holds the session we lost"
        raise error

    def _wait(self, seconds: float, error: ToolError, why: str) -> None:
        self._waited_s += seconds
        if self._waited_s > MOST_WAIT_S:
            raise error
        self._say(f"{why}: trying again in {seconds:.0f} s")
        self._sleep(seconds)


def _flags(full: bool, downgrade: bool) -> int:
    return (wire.FULL if full else 0) | (wire.DOWNGRADE if downgrade else 0)


def _own_address(sock: Socket) -> tuple[str, ...]:
    try:
        return (sock.getsockname()[0],)  # type: ignore[attr-defined]
    except (AttributeError, OSError, IndexError, TypeError):
        return ()


def _words(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _entry(path: str, data: bytes | None) -> bytes:
    if data is None:
        return lists.pack_entry(path, wire.GONE, wire.NO_FILE)
    return lists.pack_entry(path, len(data), hashlib.sha256(data).digest())


def _parse_identity(body: bytes) -> dict[str, str]:
    lines = body.decode("utf-8", "replace").splitlines()
    return {key: value for key, _, value in (line.partition(" ") for line in lines) if key}
