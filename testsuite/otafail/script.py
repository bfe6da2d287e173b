"""Each way to go wrong at the sender: no file has changed, the next one works (T10)."""

import hashlib
from struct import pack

import pytest

from testsuite import otastory
from testsuite.otacaller import KEY, PORT, Caller, Refused, _Pc, open_port, wire
from testsuite.otastory import is_whole, new_set, running
from testsuite.story import SECONDS, is_online

ASKS = "an answer"
DATA = b"four"
W = wire()
L = wire("otapaths")


class Half(Caller):
    """A connection on which nothing has been said yet."""

    def __init__(self, world):
        self._world = world
        self._wire = W
        self.end = world.lan.connect(_Pc("192.168.1.66"), (world.device.address(), PORT), None)
        assert world.run_until(self.end.settled, 20 * SECONDS) and self.end.state == "open"

    def answer(self):
        return self.read(W.HELLO_BYTES)

    def prove(self, hello, answer, key=KEY):
        keys = wire("otakeys").Keys(key, hello, answer)
        self._keys = keys
        return keys.pc_proof

    def keys(self):
        return self._keys

    def is_over(self, limit_ms=2 * SECONDS):
        """Does the device end the connection within this time?"""
        end = self.end
        return self._world.run_until(lambda: end.eof or end.error, limit_ms)


HELLO = W.HELLO + b"sixteen letters!"


def start(world):
    otastory.start(world)
    world.device.flash.load("/data.bin", b"old data")
    open_port(world)


def files(world):
    """What must not change: all but what an update has gathered."""
    found = world.device.flash.files
    return {path: found[path] for path in found if not path.startswith("/b/new/")}


def works(world):
    """One honest file."""
    data = bytes([world.random.below(256) for _ in range(100)])
    otastory.session(world, lambda client: client.put("/honest.bin", data))
    assert world.device.flash.content("/honest.bin") == data
    world.device.flash.remove("/honest.bin")


def updates(world):
    """And one honest update."""
    assert running(world) == "a confirmed"
    result = otastory.update(world, new_set({"new.py": "x = 1\n"}), reboot=False)
    assert result.differs and is_whole(world, "b")
    assert running(world) == "b trial a ok"
    assert world.device.resets == [] and is_online(world)


def end_of(world, caller):
    if caller.end.state == "open":
        caller.end.close()
    world.run_for(100)
    assert otastory.port_is_open(world)


def reset(caller):
    caller.end.reset()


def close(caller):
    caller.end.close()


# Before anybody has proved anything.

STRANGE = {
    "nothing": (b"", None),
    "one byte": (HELLO[:1], None),
    "half a hello": (HELLO[:10], None),
    "a hello": (HELLO, None),
    "another version": (b"epx\x02" + HELLO[4:], "ended"),
    "another protocol": (b"GET / HTTP/1.0\r\n\r\n\r\n", "ended"),
    "zeros": (bytes(2000), "ended"),
    "the old protocol": (b"\x08\x01\x00\x04name" + bytes(20), "ended"),
}


@pytest.mark.parametrize("how", [reset, close])
@pytest.mark.parametrize("kind", STRANGE)
def test_before_the_proof(world, kind, how):
    start(world)
    data, ends = STRANGE[kind]
    before = files(world)
    caller = Half(world)
    caller.send(data)
    world.run_for(50)
    if ends:
        assert caller.is_over()
    else:
        how(caller)
    world.run_for(50)
    end_of(world, caller)
    works(world)
    assert files(world) == before
    updates(world)


@pytest.mark.parametrize("kind", ["nothing", "one byte", "half a hello", "a hello"])
def test_silence_before_the_proof_ends_after_ten_seconds(world, kind):
    start(world)
    caller = Half(world)
    caller.send(STRANGE[kind][0])
    begin_ms = world.now_ms()
    assert caller.is_over(15 * SECONDS)
    assert 9 * SECONDS <= world.now_ms() - begin_ms <= 12 * SECONDS
    works(world)
    updates(world)


@pytest.mark.parametrize("how", [reset, close])
@pytest.mark.parametrize("size", [0, 1, 31])
def test_the_end_while_it_waits_for_the_proof(world, how, size):
    start(world)
    before = files(world)
    caller = Half(world)
    caller.send(HELLO)
    answer = caller.answer()
    caller.send(caller.prove(HELLO, answer)[:size])
    world.run_for(50)
    how(caller)
    world.run_for(50)
    works(world)  # and no lock-out: nothing wrong was said
    assert files(world) == before
    updates(world)


@pytest.mark.parametrize("how", [reset, close])
def test_the_end_while_the_device_answers(world, how):
    start(world)
    for step in ("hello", "proof"):
        caller = Half(world)
        caller.send(HELLO)
        if step == "proof":
            caller.send(caller.prove(HELLO, caller.answer()))
        how(caller)
        world.run_for(50)
        works(world)
    updates(world)


def test_a_wrong_proof(world):
    start(world)
    before = files(world)
    for at in (0, 31):
        caller = Half(world)
        caller.send(HELLO)
        proof = bytearray(caller.prove(HELLO, caller.answer()))
        proof[at] ^= 1
        caller.send(bytes(proof))
        assert caller.is_over()
        assert not caller.end.rx
        works(world)
    assert files(world) == before
    updates(world)


@pytest.mark.parametrize("pieces", [(2, 18), (1,) * 20, (19, 1)])
def test_a_hello_in_pieces_is_fine(world, pieces):
    start(world)
    caller = Half(world)
    at = 0
    for size in pieces:
        caller.send(HELLO[at : at + size])
        at += size
        world.run_for(1 * SECONDS if len(pieces) == 2 else 200)
    proof = caller.prove(HELLO, caller.answer())
    caller.send(proof[:5])
    world.run_for(1 * SECONDS)
    caller.send(proof[5:])
    assert caller.read(W.PROOF_BYTES) == caller.keys().device_proof
    kind, body = caller.hear()
    assert kind == W.IDENTITY and b"profile probe\n" in body


def test_all_of_it_in_one_piece_is_fine(world):
    """Records that follow each other without a pause, and one that comes byte by byte."""
    start(world)
    caller = Caller(world)
    record = caller.record(W.HASH, b"/data.bin")
    for n in range(len(record)):
        caller.send(record[n : n + 1])
        world.run_for(20)
    assert caller.hear()[0] == W.HASHED
    caller.send(b"".join([caller.record(W.HASH, b"/data.bin") for _ in range(10)]))
    for _ in range(10):
        assert caller.hear()[1][:4] == pack(">I", 8)


# Records that are not what they should be.


def header(size):
    def spoil(record):
        return pack(">H", size) + record[2:]

    return spoil


def shifted(by):
    def spoil(record):
        return pack(">H", len(record) - 18 + by) + record[2:]

    return spoil


def flipped(at):
    def spoil(record):
        record = bytearray(record)
        record[at] ^= 1
        return bytes(record)

    return spoil


SPOILT = {
    "length one too small": shifted(-1),
    "length one too large": shifted(1),
    "length a block too small": shifted(-16),
    "length a block too large": lambda record: shifted(16)(record) + bytes(16),
    "length 0": header(0),
    "length 2064": header(2064),
    "length 65535": header(65535),
    "wrong tag, first byte": flipped(-16),
    "wrong tag, last byte": flipped(-1),
    "first bit of the text": flipped(2),
    "in the middle": flipped(20),
    "twice": lambda record: record + record,
    "not encrypted": lambda record: record[:2] + bytes(len(record) - 2),
    "random": lambda record: bytes([n * 77 & 0xFF for n in range(300)]),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_spoilt_record_ends_the_session(world, kind):
    start(world)
    before = files(world)
    caller = Caller(world)
    body = pack(">I", 4) + hashlib.sha256(DATA).digest() + b"/data.bin"
    caller.send(SPOILT[kind](caller.record(W.PUT, body)))
    end = caller.end
    assert world.run_until(lambda: end.eof or end.error, 3 * SECONDS), "the session goes on"
    assert not end.rx
    world.run_for(50)
    works(world)  # no lock-out: whoever can disturb a session must not shut the owner out
    assert files(world) == before
    updates(world)


@pytest.mark.parametrize("how", [reset, close])
@pytest.mark.parametrize("size", [1, 2, 3, 100, -17, -1])
def test_the_end_within_a_record(world, how, size):
    start(world)
    before = files(world)
    caller = Caller(world)
    caller.tell(W.PUT, pack(">I", 200) + hashlib.sha256(bytes(200)).digest() + b"/data.bin")
    caller.send(caller.record(W.DATA, bytes(200))[:size])
    world.run_for(50)
    how(caller)
    world.run_for(50)
    works(world)
    assert files(world) == before
    updates(world)


@pytest.mark.parametrize("how", [reset, close])
@pytest.mark.parametrize("kind", [W.HASH, W.COMMIT, W.LIST_END, W.REMOVE])
def test_the_end_while_a_record_is_answered(world, how, kind):
    start(world)
    caller = Caller(world)
    caller.tell(kind, b"/data.bin" if kind == W.HASH else b"")
    how(caller)
    world.run_for(50)
    works(world)
    updates(world)


def test_forty_seconds_of_silence_are_allowed_seventy_are_not(world):
    start(world)
    caller = Caller(world)
    for _ in range(2):
        world.run_for(40 * SECONDS)
        caller.tell(W.HASH, b"/data.bin")
        assert caller.hear()[0] == W.HASHED
    caller.send(caller.record(W.HASH, b"/data.bin")[:30])
    world.run_for(70 * SECONDS)
    assert caller.end.eof or caller.end.error
    works(world)
    updates(world)


def test_a_caller_who_does_not_read(world):
    """The device keeps a few answers for him, then he is gone."""
    start(world)
    caller = Caller(world)
    end = caller.end
    for _ in range(400):
        if end.error or end.state != "open":
            break
        caller.send(caller.record(W.HASH, b"/missing"))
        world.run_for(10)
    assert end.error or world.run_until(lambda: end.eof or end.error, 70 * SECONDS)
    works(world)
    updates(world)


# Authentic records with nonsense in them: refused, and the session goes on.


def listed(*entries, flags=W.FULL, count=None, version=2, profile=b"probe", size=100):
    """Records of a list with these entries."""
    count = len(entries) if count is None else count
    begin = pack(W.LIST_BEGIN_BODY, flags, version, 0, count, size) + profile
    body = b"".join(entries)
    return [(W.LIST_BEGIN, begin), (W.LIST, body), (W.LIST_END, b"")]


def entry(path, data=DATA):
    return L.pack_entry(path, len(data), hashlib.sha256(data).digest())


def put(path, data=DATA, size=None, sha256=None):
    size = len(data) if size is None else size
    body = pack(">I", size) + (sha256 or hashlib.sha256(data).digest()) + path
    return [(W.PUT, body), (W.DATA, data)]


def bundle(packed=100, raw=100, wbits=12, more=bytes(32)):
    return (W.BUNDLE, pack(W.BUNDLE_BODY, packed, raw, wbits) + more)


SHORT = {
    "LIST_BEGIN": [(W.LIST_BEGIN, bytes(12))],
    "LIST": [listed(entry("x.py"))[0], (W.LIST, entry("x.py")[:-1])],
    "BUNDLE": [(W.BUNDLE, bytes(40))],
    "PUT": [(W.PUT, bytes(35))],
    "FIRMWARE": [(W.FIRMWARE, bytes(35))],
}


@pytest.mark.parametrize("kind", SHORT)
def test_bodies_that_are_too_short(world, kind):
    refused(world, SHORT[kind], "bad message")


def test_empty_bodies_of_every_type(world):
    start(world)
    before = files(world)
    caller = Caller(world)
    for kind in range(256):
        if kind in (W.REBOOT, W.KEEP, W.LIST, W.DATA):
            continue
        caller.tell(kind)
        try:
            caller.hear()
            raise AssertionError(kind)
        except Refused as error:
            names = ("bad message", "out of order", "nothing staged", "path not allowed")
            assert error.args[0] in names, (kind, error.args)
    caller.close()
    world.run_for(100)
    assert files(world) == before
    works(world)
    updates(world)


WRONG = {
    "data for nothing": ([(W.DATA, b"x")], "out of order"),
    "a list without its beginning": ([(W.LIST, entry("x.py"))], "out of order"),
    "the end of no list": ([(W.LIST_END, b"")], "out of order"),
    "a bundle without a list": ([bundle()], "out of order"),
    "a bundle within a list": ([listed(entry("x.py"))[0], bundle()], "out of order"),
    "a commit without anything": ([(W.COMMIT, b"")], "nothing staged"),
    "more files than announced": (
        listed(entry("x.py"), entry("y.py"), count=1)[:2],
        "out of order",
    ),
    "fewer files than announced": (listed(entry("x.py"), count=2), "out of order"),
    "too many files": (listed(count=201)[:1], "too large"),
    "more bytes than there is room for": (listed(size=1 << 31)[:1], "too large"),
    "a path with ..": (listed(entry("../main.py"))[:2], "path not allowed"),
    "a path with .. inside": (listed(entry("lib/../../main.py"))[:2], "path not allowed"),
    "an absolute path": (listed(entry("/main.py"))[:2], "path not allowed"),
    "an empty path": (listed(entry(""))[:2], "path not allowed"),
    "a path that is no text": (
        [listed(entry("x"))[0], (W.LIST, b"\x02\xff\xfe" + bytes(36))],
        "bad message",
    ),
    "a long path": (listed(entry("x" * 81))[:2], "path not allowed"),
    "another profile": (listed(entry("x.py"), profile=b"h2o")[:1], "wrong profile"),
    "no profile": (listed(entry("x.py"), profile=b"")[:1], "wrong profile"),
    "a lower version": (listed(entry("x.py"), version=0)[:1], "lower version"),
    "window too large": (listed(entry("x.py")) + [ASKS, bundle(wbits=15)], "bad message"),
    "window too small": (listed(entry("x.py")) + [ASKS, bundle(wbits=7)], "bad message"),
    "a bundle of 4 GB": (
        listed(entry("x.py")) + [ASKS, bundle(packed=0xFFFFFFFF, raw=0xFFFFFFFF)],
        "too large",
    ),
    "a byte more than the bundle has": (
        listed(entry("x.py")) + [ASKS, bundle(packed=10), ASKS, (W.DATA, bytes(11))],
        "out of order",
    ),
    "a bundle that is garbage": (
        listed(entry("x.py")) + [ASKS, bundle(packed=10), ASKS, (W.DATA, b"\xff" * 10)],
        "corrupt",
    ),
    "a bundle that ends too early": (
        listed(entry("x.py")) + [ASKS, bundle(packed=5), ASKS, (W.DATA, b"\0\4\0\xfb\xff")],
        "corrupt",
    ),
    "a bundle with other content": (
        listed(entry("x.py")) + [ASKS, bundle(packed=9), ASKS, (W.DATA, b"\1\4\0\xfb\xfffive")],
        "corrupt",
    ),
    "a byte more than the file has": (put(b"/data.bin", DATA, size=3), "out of order"),
    "a wrong checksum": (put(b"/data.bin", DATA, sha256=bytes(32)), "corrupt"),
    "a file of 4 GB": (put(b"/data.bin", DATA, size=0xFFFFFFFF)[:1], "too large"),
    "a file with ..": (put(b"/../data.bin")[:1], "path not allowed"),
    "a file in a set": (put(b"/a/main.py")[:1], "path not allowed"),
    "a file of the loader": (put(b"/loader/start.py")[:1], "path not allowed"),
    "a file without /": (put(b"data.bin")[:1], "path not allowed"),
    "a hash of something with ..": ([(W.HASH, b"/data/../config.txt")], "path not allowed"),
    "a removal with ..": ([(W.REMOVE, b"/data/../config.txt")], "path not allowed"),
    "a hash of no text": ([(W.HASH, b"/\xff\xfe")], "bad message"),
    "no firmware image": (
        [(W.FIRMWARE, pack(">I", 8192) + bytes(34)), ASKS, (W.DATA, bytes(1000))],
        "bad firmware image",
    ),
    "an answer of the device": ([(W.STAGED, b"")], "bad message"),
}


def refused(world, records, name):
    """Tell all of it; the last record is refused, the session goes on, and so does all else."""
    start(world)
    before = files(world)
    caller = Caller(world)
    for record in records[:-1]:
        if record is ASKS:
            caller.hear()
        else:
            caller.tell(*record)
    caller.tell(*records[-1])
    try:
        answer = caller.hear()
        raise AssertionError(answer)
    except Refused as error:
        assert error.args[0] == name, error.args
    # The same session goes on.
    caller.tell(W.HASH, b"/data.bin")
    assert caller.hear()[1] == pack(">I", 8) + hashlib.sha256(b"old data").digest()
    caller.close()
    world.run_for(100)
    assert files(world) == before
    works(world)
    updates(world)


@pytest.mark.parametrize("kind", WRONG)
def test_nonsense_is_refused(world, kind):
    refused(world, *WRONG[kind])


@pytest.mark.parametrize("size", [0, 1, 99])
def test_fewer_bytes_than_declared_are_never_used(world, size):
    start(world)
    before = files(world)
    for after in ("close", "another file", "commit", "silence"):
        caller = Caller(world)
        data = bytes(range(100))
        caller.tell(W.PUT, pack(">I", 100) + hashlib.sha256(data).digest() + b"/data.bin")
        if size:
            caller.tell(W.DATA, data[:size])
        if after == "another file":
            for record in put(b"/honest.bin"):
                caller.tell(*record)
            assert caller.done() == "/honest.bin is there"
            world.device.flash.remove("/honest.bin")
        elif after == "commit":
            caller.tell(W.COMMIT)
            try:
                caller.hear()
                raise AssertionError
            except Refused as error:
                assert error.args[0] == "nothing staged"
        elif after == "silence":
            world.run_for(70 * SECONDS)
        end_of(world, caller)
        assert files(world) == before, after
        works(world)
    updates(world)


def test_a_bundle_with_fewer_bytes_than_declared_is_never_used(world):
    start(world)
    before = files(world)
    caller = Caller(world)
    for record in listed(entry("x.py")):
        caller.tell(*record)
    caller.hear()
    caller.tell(*bundle(packed=9))
    caller.hear()
    caller.tell(W.DATA, b"\1\4\0\xfb\xfffou")
    caller.tell(W.COMMIT)
    try:
        caller.hear()
        raise AssertionError
    except Refused as error:
        assert error.args[0] == "nothing staged"
    caller.close()
    world.run_for(100)
    assert files(world) == before
    updates(world)


# Folders and files in each other's place.


def test_a_folder_where_a_file_should_be(world):
    otastory.install(world)
    flash = world.device.flash
    flash.load("/b/main.py/x", "in the way")
    flash.load("/b/lib/probe/sensor.py/x/y", "in the way")
    flash.load("/b/new/$new.py/x", "in the way")
    flash.load("/b/new/sent/x", "in the way")
    flash.load("/b/new/bundle/x", "in the way")
    flash.load("/b/new/bundle.id/x", "in the way")
    flash.load("/b/new/list/x", "in the way")
    flash.load("/b/new/list.new/x", "in the way")
    flash.load("/b/set.txt/x", "in the way")
    otastory.up(world)
    updates(world)


def test_a_file_where_a_folder_should_be(world):
    otastory.install(world)
    flash = world.device.flash
    flash.load("/b/lib", "in the way")
    flash.load("/b/new", "in the way")
    otastory.up(world)
    updates(world)


def test_the_same_for_the_folder_of_the_set(world):
    otastory.install(world)
    world.device.flash.load("/b", "in the way")
    otastory.up(world)
    updates(world)


def test_the_same_for_the_owners_files(world):
    start(world)
    flash = world.device.flash
    flash.load("/folder/x", "x")
    flash.load("/file", "x")
    before = files(world)
    for path in (b"/folder", b"/file/x", b"/file/x/y"):
        caller = Caller(world)
        try:
            for record in put(path):
                caller.tell(*record)
            caller.done()
            raise AssertionError(path)
        except Refused as error:
            assert error.args[0] == "path not allowed", (path, error.args)
        caller.close()
        world.run_for(100)
        assert files(world) == before, path
        works(world)
    updates(world)


def test_a_flash_that_is_full(world):
    start(world)
    flash = world.device.flash
    before = files(world)
    flash.capacity_bytes = flash.used_bytes() + 40_000
    for records in (
        listed(size=100_000)[:1],
        put(b"/data.bin", bytes(50_000))[:1],
    ):
        caller = Caller(world)
        for record in records:
            caller.tell(*record)
        try:
            caller.hear()
            raise AssertionError
        except Refused as error:
            assert error.args[0] == "too large"
        caller.close()
        world.run_for(100)
    assert files(world) == before
    works(world)
    flash.capacity_bytes += 1 << 20
    updates(world)
