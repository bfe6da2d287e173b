"""A new MicroPython over the air: on trial until somebody says that it is kept (T12)."""

from struct import pack

from testsuite import otacaller
from testsuite.otacaller import Caller, Refused, open_port
from testsuite.story import MINUTES, SECONDS, command, is_online, sent, up
from testsuite.unit.otafw_fakes import BLOCK, image

KEPT = "Currently running firmware is kept."


def start(world):
    """At the broker, with a firmware of the factory in the first of two partitions."""
    world.device.bench.partitions.load("ota_0", image(3 * BLOCK, seed=99))
    up(world)


def show_states(world):
    """Have the partition otadata read as on a board: a sector's entry for each firmware."""
    numbers = {"new": 0, "pending": 1, "valid": 2, "aborted": 4}
    board = partitions(world)
    block = board.block

    def block_or_entry(label, number):
        if label != "otadata":
            return block(label, number)
        state = board.states.get(board.apps[number])
        if state is None:
            return b"\xff" * BLOCK
        entry = pack("<I20sII", number + 1, b"", numbers[state], 0)
        return entry + b"\xff" * (BLOCK - len(entry))

    board.block = block_or_entry


def partitions(world):
    return world.device.bench.partitions


def answer(world, text, words):
    """Command, and wait for a line of the log with these words."""
    before = len(sent(world, "Log"))
    command(world, "OTA", text)

    def answered():
        return any(words in line for _, line in sent(world, "Log")[before:])

    assert world.run_until(answered, 5 * SECONDS), sent(world, "Log")[before:]


def update(world, new):
    open_port(world)
    caller = Caller(world)
    words = caller.send_firmware(new)
    caller.close()
    return words


def reboot(world, text=b"reboot"):
    count = len(world.device.resets)
    command(world, "OTA", text)
    assert world.run_until(lambda: len(world.device.resets) > count, 20 * SECONDS)
    up(world)


def test_an_image_is_written_and_runs_from_the_next_reboot_on(world):
    start(world)
    old = partitions(world).content("ota_0", 3 * BLOCK)
    for blocks in (10, 14, 19):
        new = image(blocks * BLOCK - 16 * 33, seed=blocks)
        words = update(world, new)
        assert "next reboot" in words, words
        assert partitions(world).content("ota_1", len(new)) == new
        assert partitions(world).boot == "ota_1"
        assert partitions(world).running == "ota_0"
    answer(world, b"partitions", "available partitions ota_0,ota_1, running ota_0")
    answer(world, b"getversion", "MicroPython")
    assert partitions(world).content("ota_0", 3 * BLOCK) == old
    reboot(world)
    assert partitions(world).running == "ota_1"
    answer(world, b"partitions", "available partitions ota_0,ota_1, running ota_1")


def test_it_is_kept_by_keepversion(world):
    start(world)
    update(world, image(10 * BLOCK))
    reboot(world)
    answer(world, b"keepversion", KEPT)
    reboot(world)
    assert partitions(world).running == "ota_1"
    world.device.power_cut()
    world.run_for(1 * SECONDS)
    up(world)
    assert partitions(world).running == "ota_1"


def test_else_the_next_reset_returns_to_the_old_one_whatever_its_cause(world):
    start(world)
    for reset in ("command", "button", "power"):
        update(world, image(10 * BLOCK))
        reboot(world)
        assert partitions(world).running == "ota_1", reset
        if reset == "command":
            reboot(world)
        elif reset == "button":
            world.device.reset()
            world.run_for(1 * SECONDS)
        else:
            world.device.power_cut()
            world.run_for(1 * SECONDS)
        up(world)
        assert partitions(world).running == "ota_0", reset
        world.run_for(1 * MINUTES)
        assert is_online(world)


def test_what_has_not_run_yet_is_not_kept(world):
    start(world)
    update(world, image(10 * BLOCK))
    answer(world, b"keepversion", "has not run yet")
    reboot(world)
    reboot(world)
    assert partitions(world).running == "ota_0"


def test_the_session_can_keep_it_too(world):
    start(world)
    update(world, image(10 * BLOCK))
    reboot(world)
    open_port(world)
    caller = Caller(world)
    caller.tell(otacaller.wire().KEEP)
    assert caller.done() == KEPT
    caller.close()
    reboot(world)
    assert partitions(world).running == "ota_1"


def test_during_a_trial_the_way_back_is_not_overwritten(world):
    start(world)
    show_states(world)
    old = partitions(world).content("ota_0", 3 * BLOCK)
    update(world, image(10 * BLOCK))
    reboot(world)
    open_port(world)
    caller = Caller(world)
    try:
        caller.announce_firmware(image(10 * BLOCK, seed=2))
        raise AssertionError("not refused")
    except Refused as refused:
        assert refused.args[0] == "on trial", refused.args
    assert partitions(world).content("ota_0", 3 * BLOCK) == old
    answer(world, b"keepversion", KEPT)
    new = image(12 * BLOCK, seed=3)
    caller.send_firmware(new)
    caller.close()
    assert partitions(world).content("ota_0", len(new)) == new
    reboot(world)
    assert partitions(world).running == "ota_0"


def test_no_turn_erases_and_writes(world):
    """Typical of a Winbond W25Q32: 45 ms to erase 4 KB, 0.7 ms to program 256 bytes."""
    start(world)
    open_port(world)
    caller = Caller(world)
    flash = world.device.flash
    flash.charge_time = True
    flash.erase_us = 45000
    flash.program_us_per_kb = 2800
    world.device.longest_turn_ms = 0
    caller.send_firmware(image(12 * BLOCK - 48))
    assert 45 <= world.device.longest_turn_ms <= 50, world.device.longest_turn_ms
