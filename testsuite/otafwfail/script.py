"""A firmware that breaks off, is damaged, or is none: the old one stays, the next works (T13)."""

from testmock.flashmap import ONE_FIRMWARE
from testsuite import otacaller
from testsuite.otacaller import Caller, Lost, Refused, open_port
from testsuite.story import MINUTES, SECONDS, is_online, sent, up
from testsuite.unit.otafw_fakes import BLOCK, ESP32_S3, image, noise, whole_flash

NEW = image(12 * BLOCK - 16 * 5, seed=7)
OLD = image(3 * BLOCK, seed=99)


def start(world):
    partitions(world).load("ota_0", OLD)
    up(world)
    open_port(world)


def partitions(world):
    return world.device.bench.partitions


def assert_unharmed(world):
    """The same firmware runs and is selected, byte by byte, and nothing has restarted."""
    board = partitions(world)
    assert (board.running, board.boot) == ("ota_0", "ota_0"), (board.running, board.boot)
    assert board.content("ota_0", len(OLD)) == OLD
    assert world.device.resets == []


def works_afterwards(world):
    """The harm is over: one honest transfer."""
    assert_unharmed(world)
    world.run_for(5 * SECONDS)
    caller = Caller(world)
    caller.send_firmware(NEW)
    caller.close()
    assert partitions(world).content("ota_1", len(NEW)) == NEW
    assert partitions(world).boot == "ota_1"
    partitions(world).boot = "ota_0"


def refuses(world, reason, words, act, *arguments, **options):
    caller = Caller(world)
    try:
        act(caller, *arguments, **options)
    except Refused as refused:
        assert refused.args[0] == reason and words in refused.args[1], refused.args
    else:
        raise AssertionError("not refused")
    assert_unharmed(world)
    caller.close()
    world.run_for(1 * SECONDS)


def send(caller, data, **options):
    caller.send_firmware(data, **options)


def test_a_connection_may_break_anywhere(world):
    start(world)
    for how in ("reset", "close"):
        for size in (0, 1, 1021, 4096, 5 * BLOCK + 100, len(NEW) - 1):
            caller = Caller(world)
            caller.announce_firmware(NEW)
            caller.send_data(NEW[:size])
            if how == "reset":
                caller.end.reset()
            else:
                caller.end.close()
            world.run_for(5 * SECONDS)
            assert_unharmed(world)
    works_afterwards(world)


def test_it_may_break_within_a_record(world):
    start(world)
    wire = otacaller.wire()
    caller = Caller(world)
    caller.announce_firmware(NEW)
    caller.send_data(NEW[: 3 * BLOCK])
    caller.send(caller.record(wire.DATA, NEW[3 * BLOCK : 3 * BLOCK + 1000])[:777])
    world.run_for(1 * SECONDS)
    caller.end.reset()
    world.run_for(5 * SECONDS)
    works_afterwards(world)


def test_it_may_break_before_the_first_byte_and_in_the_handshake(world):
    start(world)
    caller = Caller(world)
    caller.end.reset()
    world.run_for(5 * SECONDS)
    works_afterwards(world)


def test_silence_ends_the_session(world):
    start(world)
    caller = Caller(world)
    caller.announce_firmware(NEW)
    caller.send_data(NEW[: 2 * BLOCK])
    end = caller.end
    assert world.run_until(lambda: end.eof or end.error, 70 * SECONDS), "it waits for ever"
    works_afterwards(world)


def test_a_record_in_place_of_another_ends_the_session(world):
    start(world)
    wire = otacaller.wire()
    for kind in ("repeated", "left out", "swapped"):
        caller = Caller(world)
        caller.announce_firmware(NEW)
        records = [caller.record(wire.DATA, NEW[at : at + 1000]) for at in range(0, 6000, 1000)]
        if kind == "repeated":
            records[3] = records[2]
        elif kind == "left out":
            del records[3]
        else:
            records[3], records[5] = records[5], records[3]
        try:
            for record in records:
                caller.send(record)
            caller.done()
            raise AssertionError("accepted")
        except Lost:
            pass
        world.run_for(5 * SECONDS)
        assert_unharmed(world)
    works_afterwards(world)


def test_a_flipped_bit_ends_the_session(world):
    start(world)
    wire = otacaller.wire()
    for at in (2, 100, 1000, -1):
        caller = Caller(world)
        caller.announce_firmware(NEW)
        caller.send_data(NEW[: 2 * BLOCK])
        record = bytearray(caller.record(wire.DATA, NEW[2 * BLOCK : 2 * BLOCK + 1000]))
        record[at] ^= 4
        try:
            caller.send(bytes(record))
            caller.done()
            raise AssertionError("accepted")
        except Lost:
            pass
        world.run_for(5 * SECONDS)
        assert_unharmed(world)
    works_afterwards(world)


def test_another_hash_than_announced_is_refused(world):
    start(world)
    refuses(world, "corrupt", "announced", send, NEW, sha256=noise(32, 1))
    damaged = bytearray(NEW)
    damaged[9 * BLOCK] ^= 1
    caller = Caller(world)
    caller.announce_firmware(NEW)
    caller.send_data(bytes(damaged))
    try:
        caller.done()
        raise AssertionError("not refused")
    except Refused as refused:
        assert refused.args[0] == "corrupt", refused.args
    caller.close()
    works_afterwards(world)


def test_what_is_no_firmware_for_this_board_is_refused(world):
    start(world)
    refuses(world, "bad firmware image", "not a firmware", send, noise(5000, 3))
    refuses(world, "bad firmware image", "app.bin", send, whole_flash(NEW))
    refuses(world, "bad firmware image", "app.bin", send, b"\xff" * BLOCK + NEW)
    refuses(world, "bad firmware image", "ESP32-S3", send, image(5 * BLOCK, ESP32_S3))
    assert "ota_1" not in partitions(world).blocks, "flash was touched"
    refuses(world, "bad firmware image", "cut off", send, NEW[: 4 * BLOCK])
    works_afterwards(world)


def test_what_does_not_fit_is_refused_before_any_data(world):
    start(world)
    refuses(world, "too large", "room for", Caller.announce_firmware, NEW, size=0x180000 + 1)
    assert "ota_1" not in partitions(world).blocks, "flash was touched"
    works_afterwards(world)


def test_data_without_an_announcement_or_beyond_it_is_refused(world):
    start(world)
    wire = otacaller.wire()

    def unannounced(caller):
        caller.tell(wire.DATA, NEW[:1000])
        caller.done()

    def too_much(caller):
        caller.announce_firmware(NEW, size=3000)
        caller.send_data(NEW[:4000])
        caller.done()

    refuses(world, "out of order", "", unannounced)
    refuses(world, "out of order", "more", too_much)
    works_afterwards(world)


def test_a_board_with_one_partition_says_that_it_cannot(world):
    board = partitions(world)
    board.use(ONE_FIRMWARE)
    board.load("factory", OLD)
    up(world)
    open_port(world)
    caller = Caller(world)
    try:
        caller.announce_firmware(NEW)
        raise AssertionError("not refused")
    except Refused as refused:
        assert refused.args[0] == "no firmware update", refused.args
    words = "partition table does not have support for firmware OTA"
    world.run_for(2 * SECONDS)
    assert any(words in line for _, line in sent(world, "Log"))
    assert (board.boot, board.running) == ("factory", "factory")
    assert board.content("factory", len(OLD)) == OLD


def test_the_power_may_go_at_any_change_of_the_flash(world):
    start(world)
    device = world.device
    before = device.flash.cut_points
    caller = Caller(world)
    small = image(3 * BLOCK, seed=5)
    caller.send_firmware(small)
    points = device.flash.cut_points - before
    assert points >= 7, points  # three erasures, three writes, the selection
    cuts = []
    for point in range(1, points + 1):
        for how in ("before", "torn", "after"):
            partitions(world).load("ota_0", OLD)
            partitions(world).boot = partitions(world).running = "ota_0"
            partitions(world).states = {"ota_0": "valid"}
            device.power_cut()
            world.run_for(1 * SECONDS)
            up(world, 2 * MINUTES)
            open_port(world)
            caller = Caller(world)
            device.flash.cut_at(device.flash.cut_points + point, how)
            try:
                caller.send_firmware(small)
            except Lost:
                pass
            assert not device.powered, (point, how)
            cuts.append(partitions(world).boot)
            up(world, 2 * MINUTES)
            running = partitions(world).running
            assert running == cuts[-1], (point, how)
            if running == "ota_1":
                assert partitions(world).content("ota_1", len(small)) == small
            assert partitions(world).content("ota_0", len(OLD)) == OLD
            device.reset()
            world.run_for(1 * SECONDS)
            up(world, 2 * MINUTES)
            assert partitions(world).running == "ota_0", (point, how)
    assert cuts.count("ota_1") == 1, cuts  # after the selection, and only then
    assert is_online(world)
