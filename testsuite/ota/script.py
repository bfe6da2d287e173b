"""Commands, single files and their hashes, from open to reboot (T09)."""

import hashlib

from epxhost.otaclient import OtaRefused
from testsuite import otastory
from testsuite.otastory import ask, is_whole, log, running, runs_set, session
from testsuite.story import MINUTES, SECONDS, command, sent, up, with_keys

COMMANDS = (
    "commit getversion keepversion msg_exception msg_reboot msg_rm open partitions reboot "
    "resetstats stats"
)


def start(world):
    otastory.install_tank(world)
    up(world)
    world.run_for(2 * SECONDS)


def noise(world, size):
    return bytes([world.random.below(256) for _ in range(size)])


def send(world, files):
    """Stage single files of the set (None: it is to go)."""
    return session(world, lambda client: client.send_files(files))


def put(world, path, data):
    return session(world, lambda client: client.put(path, data))


def commit(world):
    (answer,) = ask(world, "commit", 3 * SECONDS)
    return answer


def content(world, path):
    return world.device.flash.content(path)


def test_1_an_unknown_command_and_a_commit_without_open(world):
    start(world)
    for text in ("moo", "", "OPEN", b"\xff\xfe", "open please", "test_exception"):
        answer = ask(world, text)
        if text:
            assert answer == ["OTA: unknown command, want one of " + COMMANDS], (text, answer)
        else:
            assert answer == ["mqtt: cmnd/H2OControl/OTA: retained or empty command dropped"]
    assert ask(world, "commit") == ["OTA inactive"]
    assert not otastory.port_is_open(world)
    assert ask(world, " open \n")[0].startswith("OTA: netstatus ")


def test_a_retained_command_opens_nothing(world):
    world.broker.publish("cmnd/H2OControl/OTA", "open", retain=True)
    start(world)
    assert not otastory.port_is_open(world)
    assert otastory.logged(world, "cmnd/H2OControl/OTA: retained or empty command dropped")


def test_2_leftovers_do_no_harm_and_the_state_goes_out_every_ten_seconds(world):
    otastory.install_tank(world)
    flash = world.device.flash
    for path in ("bla", "ble", "bli/", "bli/blo", "list.new", "bundle", "$lib$h2o$sensor.py"):
        flash.load("/b/new/" + path, b"left" if path[-1:] != "/" else b"")
    flash.load("/b/leftover.py", "left")
    flash.load("/b/folder/leftover.py", "left")
    up(world)
    world.run_for(5 * SECONDS)
    assert ask(world, "open") == [
        "OTA: netstatus connected addr 192.168.1.7 mac 240ac4000001 flavor h2o count 1 state idle"
    ]
    opened_ms = sent(world, "OTA")[0][0]
    world.run_for(61 * SECONDS)
    told = sent(world, "OTA")
    assert [words for _, words in told] == [
        "netstatus connected addr 192.168.1.7 mac 240ac4000001 flavor h2o count %d state idle" % n
        for n in range(1, 8)
    ]
    for number, (ms, _) in enumerate(told):
        assert abs(ms - opened_ms - number * 10 * SECONDS) <= 1100, (number, ms - opened_ms)
    # Opened again it says so at once, and opens nothing more.
    count = world.device.open_sockets
    assert ask(world, "open")[0].endswith("count 8 state idle")
    assert world.device.open_sockets == count
    # The leftovers are gone with the next update, and nothing of them is in it.
    send(world, {"data/new.txt": b"new"})
    assert commit(world) == "OTA: committed, set b runs after a reboot"
    assert is_whole(world, "b") and not flash.kind("/b/new") and not flash.kind("/b/folder")
    assert content(world, "/b/data/new.txt") == b"new"


def test_while_it_is_busy_the_state_says_with_whom(world):
    start(world)
    states = []

    def stay(client):
        pc.sleep(15)
        return client.identity

    otastory.open_port(world)
    pc = otastory.Pc(world)
    job = pc.run(otastory.link(pc).run, stay)
    world.run_for(12 * SECONDS)
    states = [words.partition(" state ")[2] for _, words in sent(world, "OTA")]
    assert states == ["idle", "session with 192.168.1.100"]
    pc.wait(job, 10 * SECONDS)
    world.run_for(10 * SECONDS)
    assert sent(world, "OTA")[-1][1].endswith(" state idle")


def test_3_new_files_of_any_size(world):
    start(world)
    for number in range(12):
        size = (1, 5000, 1024, 2045)[number] if number < 4 else world.random.between(1, 5000)
        data = noise(world, size)
        path = "file%d.bin" % number
        result = send(world, {path: data})
        assert result.differs and result.needed == (path,) and result.raw == size
        assert content(world, "/b/new/$" + path) == data
        assert content(world, "/a/" + path) is None and content(world, "/b/" + path) is None
    assert commit(world) == "OTA: committed, set b runs after a reboot"
    for number in range(12):
        assert content(world, "/b/file%d.bin" % number) is not None
        assert content(world, "/a/file%d.bin" % number) is None
    assert content(world, "/b/file11.bin") == data
    assert is_whole(world, "a") and is_whole(world, "b")
    assert not world.device.flash.kind("/b/new")


def test_4_the_old_content_stays_until_the_commit(world):
    start(world)
    old = content(world, "/a/lib/h2o/service.py")
    new = old + b"# new\n"
    send(world, {"lib/h2o/service.py": new})
    assert content(world, "/a/lib/h2o/service.py") == old
    assert content(world, "/b/lib/h2o/service.py") is None
    assert commit(world) == "OTA: committed, set b runs after a reboot"
    assert content(world, "/a/lib/h2o/service.py") == old
    assert content(world, "/b/lib/h2o/service.py") == new
    assert running(world) == "b trial a ok"
    command(world, "OTA", "reboot")
    assert runs_set(world, "b", 1 * MINUTES)


def test_5_folders_are_made(world):
    start(world)
    for name in ("one.txt", "two.txt", "one.txt"):
        data = noise(world, 100)
        path = "folder.sim/folder.sim2/" + name
        send(world, {path: data})
        assert content(world, "/b/new/$" + path.replace("/", "$")) == data
        assert not world.device.flash.kind("/b/folder.sim")
    assert commit(world) == "OTA: committed, set b runs after a reboot"
    assert content(world, "/b/folder.sim/folder.sim2/one.txt") == data
    assert content(world, "/b/folder.sim/folder.sim2/two.txt") is not None
    # The owner's files, at the root, are there at once.
    for name in ("one.txt", "two.txt", "one.txt"):
        data = noise(world, 100)
        path = "/data/folder/" + name
        assert put(world, path, data) == path + " is there"
        assert content(world, path) == data and content(world, path + ".new") is None


def test_6_hashes(world):
    start(world)
    data = noise(world, 3000)
    put(world, "/data.bin", data)
    hash_of = lambda path: session(world, lambda client: client.hash(path))
    assert hash_of("/data.bin") == (3000, hashlib.sha256(data).digest())
    main = content(world, "/a/main.py")
    assert hash_of("main.py") == (len(main), hashlib.sha256(main).digest())
    for path in ("/missing.bin", "missing.py", "lib/h2o/missing.py", "lib/h2o", "/data"):
        assert hash_of(path) is None, path


def test_7_an_empty_file_and_removing_twice(world):
    start(world)
    assert put(world, "/empty.txt", b"") == "/empty.txt is there"
    assert content(world, "/empty.txt") == b""
    empty = hashlib.sha256(b"").digest()
    assert session(world, lambda client: client.hash("/empty.txt")) == (0, empty)
    for _ in range(2):
        session(world, lambda client: client.remove("/empty.txt"))
        assert content(world, "/empty.txt") is None
        assert session(world, lambda client: client.hash("/empty.txt")) is None
    # Of the set, too.
    send(world, {"empty.txt": b""})
    assert commit(world) == "OTA: committed, set b runs after a reboot"
    assert content(world, "/b/empty.txt") == b""
    for _ in range(2):
        send(world, {"empty.txt": None})
    assert commit(world) == "OTA: committed, set b runs after a reboot"
    assert content(world, "/b/empty.txt") is None and is_whole(world, "b")


def test_a_new_file_and_one_that_goes_in_two_sessions_and_one_commit(world):
    start(world)
    send(world, {"one.txt": b"1"})
    send(world, {"lib/third/ssd1306.py": None, "two.txt": b"2"})
    send(world, {"one.txt": b"11"})
    assert commit(world) == "OTA: committed, set b runs after a reboot"
    assert content(world, "/b/one.txt") == b"11" and content(world, "/b/two.txt") == b"2"
    assert content(world, "/b/lib/third/ssd1306.py") is None
    assert content(world, "/a/lib/third/ssd1306.py") is not None
    assert is_whole(world, "b")


def test_8_the_identity(world):
    start(world)
    identity = session(world, lambda client: client.identity)
    assert identity["profile"] == "h2o"
    assert {key: identity[key] for key in ("version", "set", "trial", "staged", "rescue")} == {
        "version": "1",
        "set": "a",
        "trial": "0",
        "staged": "0",
        "rescue": "0",
    }
    assert identity["chip"] == "240ac4000001" and int(identity["free"]) > 1_000_000
    send(world, {"one.txt": b"1"})
    assert session(world, lambda client: client.identity["staged"]) == "1"


def test_9_every_command_with_its_answer(world):
    start(world)
    device = world.device
    assert ask(world, "msg_reboot") == ["reboot.txt not found"]
    assert ask(world, "msg_exception") == ["exception.txt not found"]
    assert ask(world, "stats") == ["connlost events net 0 mqtt 0"]
    world.broker.restart(100)
    up(world)
    world.run_for(2 * SECONDS)
    assert ask(world, "stats") == ["connlost events net 0 mqtt 1"]
    assert device.nvram["netstats"]["mqttlost"] == 1
    assert ask(world, "resetstats") == ["connlost events net 0 mqtt 0"]
    assert device.nvram["netstats"]["mqttlost"] == 0
    version = ask(world, "getversion")
    assert version[0].startswith("h2o, epx 0.1.0, MicroPython ")
    assert version[1:] == ["set a runs: h2o version 1, mpy 0"]
    assert ask(world, "partitions") == ["available partitions ota_0,ota_1, running ota_0"]
    assert ask(world, "keepversion") == ["Currently running firmware is kept."]
    device.flash.load("/reboot.txt", "some reason")
    device.flash.load("/exception.txt", "Traceback:\n  line 1\nError: x")
    assert ask(world, "msg_reboot") == ["reboot.txt: some reason"]
    assert ask(world, "msg_exception") == [
        "exception.txt: Traceback:",
        "exception.txt:   line 1",
        "exception.txt: Error: x",
    ]
    for _ in range(2):
        assert ask(world, "msg_rm") == ["messages removed"]
    assert ask(world, "msg_reboot") == ["reboot.txt not found"]
    assert ask(world, "msg_exception") == ["exception.txt not found"]
    ask(world, "open")
    assert ask(world, "commit") == ["OTA: nop, nothing is staged"]
    command(world, "OTA", "reboot")
    assert world.run_until(lambda: device.resets, 5 * SECONDS)
    assert device.flash.text("/reboot.txt") == "Received MQTT reboot cmd"
    assert device.resets[0][1] == 2
    up(world)
    world.run_for(2 * SECONDS)
    reset = [line for line in log(world) if line.startswith("reset by hard reset")]
    assert reset == ["reset by hard reset, last reboot: Received MQTT reboot cmd"]
    assert ask(world, "msg_reboot") == ["reboot.txt: Received MQTT reboot cmd"]


def test_both_sets_are_told_of(world):
    start(world)
    send(world, {"one.txt": b"1"})
    commit(world)
    command(world, "OTA", "reboot")
    assert runs_set(world, "b", 1 * MINUTES)
    world.run_for(2 * SECONDS)
    assert ask(world, "getversion")[1:] == [
        "set b runs on trial: h2o version 1, mpy 0",
        "set a: h2o version 1, mpy 0",
    ]


def test_without_a_key_the_port_stays_shut(world):
    otastory.install_tank(world)
    with_keys(world, otakey=None)
    up(world)
    world.run_for(2 * SECONDS)
    assert ask(world, "open") == [
        "OTA: no otakey in config.txt, so the port stays shut: make one with",
        "OTA: scripts/pcp_conf --new-otakey config.txt, at the serial port",
    ]
    assert not otastory.port_is_open(world)
    pc = otastory.Pc(world)
    try:
        pc.do(10 * SECONDS, pc.connect, "192.168.1.7", otastory.PORT)
        raise AssertionError("open")
    except ConnectionRefusedError:
        pass
    # What needs no key works.
    assert ask(world, "stats") == ["connlost events net 0 mqtt 0"]


def test_at_every_log_level_the_answers_come(world):
    for level in ("error", "warn", "info", "debug"):
        otastory.install_tank(world)
        with_keys(world, loglevel=level)
        up(world)
        world.run_for(2 * SECONDS)
        assert ask(world, "stats") == ["connlost events net 0 mqtt 0"], level
        assert ask(world, "open")[0].startswith("OTA: netstatus connected"), level
        world.device.power_cut()
        world.run_for(1 * SECONDS)


def test_what_cannot_be_sent_to_or_removed(world):
    start(world)
    names = (
        "/boot.py /main.py /loader/start.py /loader/x.txt /running.txt /running.txt.new /pins.txt "
        "/config.old /reboot.txt /exception.txt /a/main.py /b/main.py /lib/x.txt /x.py /x.mpy "
        "/../main.py /data/../a/main.py / // /data//x"
    ).split()
    before = dict(world.device.flash.files)
    otastory.open_port(world)
    for path in names:
        for act in (
            lambda client, path=path: client.put(path, b"x"),
            lambda client, path=path: client.remove(path),
        ):
            try:
                session(world, act)
                raise AssertionError(path)
            except OtaRefused as error:
                assert error.name == "path not allowed", (path, error)
    for path in ("config.txt", "/config.txt"):
        try:
            session(world, lambda client, path=path: client.remove(path))
            raise AssertionError(path)
        except OtaRefused as error:
            assert error.name == "path not allowed", (path, error)
    assert world.device.flash.files == before
