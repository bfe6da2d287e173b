"""Two callers at once, wrong keys, recorded sessions, and a port that nobody uses any more."""

import pytest

from epxhost.otaclient import OtaBusy, OtaClient, OtaKeyError, OtaLocked
from testmock.simworld.pc import Pc
from testsuite import otastory
from testsuite.otacaller import KEY, PORT, Caller, open_port, wire
from testsuite.otastory import ask, is_whole, link, logged, new_set, running
from testsuite.story import MINUTES, SECONDS, command, sent, up

W = wire()
ADDRESS = "192.168.1.7"
WRONG = "another 20 characters"
UPDATE = {"new.py": "x = 1\n"}


def start(world):
    otastory.start(world)
    open_port(world)


def files(world):
    return dict(world.device.flash.files)


def open_session(world, key=KEY, address="192.168.1.66"):
    """One try to open a session, without the patience of the tools: what it raises, or None."""
    pc = Pc(world, address)

    def act():
        client = OtaClient(pc.connect(ADDRESS, PORT), key)
        try:
            client.open()
        finally:
            client.close()

    job = pc.run(act)
    try:
        pc.wait(job, 60 * SECONDS)
    except (OtaBusy, OtaKeyError, OtaLocked) as error:
        return error
    return None


def updates(world):
    """One honest update."""
    result = otastory.update(world, new_set(UPDATE), reboot=False)
    assert result.differs and is_whole(world, "b") and running(world) == "b trial a ok"
    assert world.device.resets == []


# Two at once.


def test_the_second_caller_is_told_who_holds_it(world):
    start(world)
    first = Caller(world, address="192.168.1.50")
    for address in ("192.168.1.51", "192.168.1.52", "192.168.1.51"):
        error = open_session(world, address=address)
        assert isinstance(error, OtaBusy) and error.holder == "192.168.1.50"
        assert "held by 192.168.1.50" in str(error)
    # Neither is the first one disturbed, nor does the second need the key to be told.
    assert isinstance(open_session(world, WRONG), OtaBusy)
    first.tell(W.HASH, b"/config.txt")
    assert first.hear()[0] == W.HASHED
    first.close()
    world.run_for(100)
    assert open_session(world) is None
    updates(world)


def test_many_at_once(world):
    start(world)
    first = Caller(world)
    count = world.device.open_sockets
    ends = []
    for n in range(30):
        pc = Pc(world, "192.168.1.%d" % (100 + n))
        ends.append(world.lan.connect(pc, (ADDRESS, PORT), None))
    world.run_for(1 * SECONDS)
    assert world.device.open_sockets <= count + 1
    first.tell(W.HASH, b"/config.txt")
    assert first.hear()[0] == W.HASHED
    world.run_for(15 * SECONDS)
    assert world.device.open_sockets == count
    assert all(end.eof or end.error for end in ends)
    first.close()
    world.run_for(100)
    updates(world)


def test_two_updates_at_once(world):
    """The one who comes first does it; the other one is told, and nothing is mixed."""
    start(world)
    jobs = []
    for n in range(2):
        pc = Pc(world, "192.168.1.%d" % (100 + n))
        fileset = new_set({"who.txt": "%d" % n, "more.bin": bytes(range(256)) * 40})

        def act(client, fileset=fileset):
            client.send_set(fileset)
            return client.commit()

        jobs.append((pc, pc.run(link(pc).run, act)))
    pc, job = jobs[0]
    pc.wait(job, 1 * MINUTES)
    pc, job = jobs[1]
    try:
        pc.wait(job, 1 * MINUTES)
        raise AssertionError("both")
    except OtaBusy as error:
        assert error.holder == "192.168.1.100"
    assert is_whole(world, "b") and world.device.flash.content("/b/who.txt") == b"0"


def test_a_commit_by_mqtt_holds_it_too(world):
    start(world)
    otastory.session(world, lambda client: client.send_set(new_set(UPDATE)))
    flash = world.device.flash
    flash.charge_time = True
    command(world, "OTA", "commit")
    world.run_for(200)
    error = open_session(world)
    assert isinstance(error, OtaBusy) and error.holder == "a commit"
    # The tools wait for it.
    assert otastory.session(world, lambda client: client.identity["staged"]) == "0"
    assert running(world) == "b trial a ok" and is_whole(world, "b")


def test_a_commit_by_mqtt_waits_for_the_end_of_a_session(world):
    start(world)
    otastory.session(world, lambda client: client.send_set(new_set(UPDATE)))
    caller = Caller(world)
    assert ask(world, "commit") == ["OTA: busy"]
    assert running(world) == "a confirmed"
    caller.close()
    world.run_for(1 * SECONDS)
    assert ask(world, "commit") == ["OTA: committed, set b runs after a reboot"]


# Wrong keys.


def test_a_wrong_key_opens_nothing_and_each_time_it_takes_longer(world):
    start(world)
    before = files(world)
    expected = 1
    for _ in range(8):
        error = open_session(world, WRONG)
        assert isinstance(error, OtaKeyError), error
        error = open_session(world, WRONG)
        assert isinstance(error, OtaLocked) and error.seconds == expected, (error, expected)
        # Whoever asks meanwhile does not make it longer.
        error = open_session(world)
        assert isinstance(error, OtaLocked) and error.seconds == expected
        world.run_for(error.seconds * SECONDS + 1)
        expected = min(2 * expected, 64)
    world.run_for(1 * SECONDS)
    assert logged(world, "OTA: wrong key from 192.168.1.66")
    assert files(world) == before
    assert open_session(world) is None
    # The honest one has ended it.
    assert isinstance(open_session(world, WRONG), OtaKeyError)
    error = open_session(world)
    assert isinstance(error, OtaLocked) and error.seconds == 1
    updates(world)


def test_the_honest_one_waits_and_gets_in(world):
    start(world)
    for _ in range(7):
        assert isinstance(open_session(world, WRONG), OtaKeyError)
        seconds = open_session(world).seconds
        if seconds < 64:
            world.run_for(seconds * SECONDS + 1)
    assert seconds == 64
    said = []
    pc = Pc(world)
    begin_ms = world.now_ms()
    identity = pc.do(5 * MINUTES, link(pc, say=said.append).run, lambda client: client.identity)
    assert identity["profile"] == "probe"
    assert 63 * SECONDS <= world.now_ms() - begin_ms <= 66 * SECONDS
    assert len(said) == 1 and "locked" in said[0]


def test_a_stranger_who_never_stops_gets_nothing(world):
    """He can keep the owner waiting, as anybody can who disturbs a network, and no more."""
    start(world)
    before = files(world)
    found = []
    stop = []

    def stranger():
        pc = strangers[0]
        while not stop:
            client = None
            try:
                client = OtaClient(pc.connect(ADDRESS, PORT), WRONG)
                found.append(client.open())
            except OtaLocked as error:
                pc.sleep(error.seconds + 0.5)
            except (OtaKeyError, OSError):
                pc.sleep(1)
            finally:
                if client:
                    client.close()

    strangers = [Pc(world, "192.168.1.66")]
    job = strangers[0].run(stranger)
    world.run_for(8 * MINUTES)
    assert files(world) == before and not found and not job.done
    stop.append(True)
    pc = Pc(world)
    assert pc.do(3 * MINUTES, link(pc).run, lambda client: client.identity)["profile"] == "probe"


def test_neither_side_tells_the_key_nor_anything_else_before_the_proof(world):
    start(world)
    otastory.session(world, lambda client: client.hash("/config.txt"))
    pc = Pc(world)
    pc.do(1 * MINUTES, link(pc).run, lambda client: client.hash("lib/probe/sensor.py"))
    (socket,) = pc.sockets
    for data in (bytes(socket.sent), bytes(socket.received)):
        for word in (KEY, "probe", "sensor", "lib/", "profile", "192.168"):
            assert word.encode() not in data
    assert open_session(world, WRONG)
    caller = W.HELLO + bytes(16)
    pc = Pc(world)

    def ask_without_key():
        socket = pc.connect(ADDRESS, PORT)
        socket.sendall(caller)
        answer = socket.recv(1000)
        socket.sendall(bytes(32) + bytes(100))
        try:
            return answer + socket.recv(1000)
        except ConnectionResetError:
            return answer

    world.run_for(2 * SECONDS)
    answer = pc.do(1 * MINUTES, ask_without_key)
    assert len(answer) == W.HELLO_BYTES and answer[:4] == b"epx\0"


def test_nonces_are_fresh(world):
    start(world)
    nonces = set()
    for _ in range(50):
        pc = Pc(world)

        def ask_for_nonce(pc=pc):
            socket = pc.connect(ADDRESS, PORT)
            socket.sendall(W.HELLO + bytes(16))
            answer = socket.recv(1000)
            socket.close()
            return answer

        nonces.add(pc.do(1 * MINUTES, ask_for_nonce)[4:])
        world.run_for(10)
    assert len(nonces) == 50


# Recorded sessions.


def test_a_recorded_session_does_nothing(world):
    start(world)
    pc = Pc(world)

    def everything(client):
        client.send_set(new_set(UPDATE))
        client.put("/data.bin", b"data")
        client.commit()
        client.remove("/data.bin")

    pc.do(1 * MINUTES, link(pc).run, everything)
    (socket,) = pc.sockets
    recorded = bytes(socket.sent)
    otastory.installed.remove_folder(world.device.flash, "/b")
    otastory.installed.run_set(world.device.flash, "a confirmed")
    before = files(world)
    other = Pc(world, "192.168.1.66")

    def replay(data, piece):
        socket = other.connect(ADDRESS, PORT)
        answer = b""
        try:
            for at in range(0, len(data), piece):
                socket.sendall(data[at : at + piece])
            while True:
                more = socket.recv(1000)
                if not more:
                    return answer
                answer += more
        except OSError:
            return answer

    for data, piece in ((recorded, 10000), (recorded, 20), (recorded[:52], 52), (recorded, 52)):
        answer = other.do(2 * MINUTES, replay, data, piece)
        assert len(answer) <= W.HELLO_BYTES
        world.run_for(70 * SECONDS)
    # Without the greeting, too.
    assert other.do(2 * MINUTES, replay, recorded[52:], 10000) == b""
    world.run_for(70 * SECONDS)
    assert files(world) == before
    updates(world)


def test_the_tools_do_not_believe_a_recorded_device(world):
    start(world)
    pc = Pc(world)
    pc.do(1 * MINUTES, link(pc).run, lambda client: client.identity)
    recorded = bytes(pc.sockets[0].received)

    class Fake:
        """Answers with what the device has said to somebody."""

        def __init__(self):
            self._left = recorded

        def sendall(self, data):
            pass

        def recv(self, size):
            data, self._left = self._left[:size], self._left[size:]
            return data

        def settimeout(self, seconds):
            pass

        def close(self):
            pass

    with pytest.raises(OtaKeyError, match="does not know the otakey"):
        OtaClient(Fake(), KEY).open()


# A port that nobody uses.


def given_back(world, count):
    """Is nothing left of the open port?"""
    device = world.device
    assert device.open_sockets == count
    names = [name for name in device.modules() if name.startswith("epx.ota")]
    assert not names, names
    assert not device.module("epx.remote")
    return True


def test_it_closes_after_ten_idle_minutes_and_opens_again(world):
    otastory.start(world)
    count = world.device.open_sockets
    for _ in range(3):
        open_port(world)
        assert world.device.open_sockets == count + 1
        otastory.session(world, lambda client: client.hash("/config.txt"))
        begin_ms = world.now_ms()
        closed = lambda: not otastory.port_is_open(world)
        assert world.run_until(closed, 11 * MINUTES)
        assert 600 * SECONDS <= world.now_ms() - begin_ms <= 603 * SECONDS
        world.run_for(1 * SECONDS)
        assert logged(world, "OTA: closed, ten minutes without use", begin_ms)
        assert given_back(world, count)
        told = len(sent(world, "OTA"))
        world.run_for(1 * MINUTES)
        assert len(sent(world, "OTA")) == told
    updates(world)


def test_who_uses_it_keeps_it_open(world):
    start(world)
    for _ in range(4):
        world.run_for(9 * MINUTES)
        assert open_session(world) is None
    for _ in range(3):
        world.run_for(9 * MINUTES)
        ask(world, "open")
    assert otastory.port_is_open(world)
    world.run_for(11 * MINUTES)
    assert not otastory.port_is_open(world)


def test_strangers_do_not_keep_it_open(world):
    start(world)
    begin_ms = world.now_ms()
    while otastory.port_is_open(world) and world.now_ms() < begin_ms + 20 * MINUTES:
        pc = Pc(world, "192.168.1.66")
        end = world.lan.connect(pc, (ADDRESS, PORT), None)
        world.run_for(9 * SECONDS)
        end.close()
        world.run_for(1 * SECONDS)
    assert world.now_ms() - begin_ms <= 611 * SECONDS


def test_a_session_with_nobody_at_the_other_end_does_not_keep_it_open(world):
    otastory.start(world)
    count = world.device.open_sockets
    open_port(world)
    Caller(world)
    world.lan.half_open(world.device)
    world.run_for(12 * MINUTES)
    up(world)
    assert given_back(world, count)


def test_without_a_network_it_closes_too(world):
    otastory.start(world)
    count = world.device.open_sockets
    open_port(world)
    world.device.wifi.available = False
    world.run_for(9 * MINUTES)
    world.device.wifi.available = True
    up(world)
    world.run_for(11 * MINUTES)
    assert given_back(world, count)
    updates(world)
