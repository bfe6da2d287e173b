"""The firmware partitions of a simulated board; a toy program uses them."""

from testmock.flashmap import ONE_FIRMWARE

SECONDS = 1000
IMAGE = b"\xe9" + bytes(range(256)) * 40
BLOCK_BYTES = 4096


def at_each_boot(world, main):
    """Boot main(load, esp32.Partition) and keep the world running."""

    def boot(load):
        main(load, load("esp32").Partition)
        load("time").sleep_ms(100 * SECONDS)

    world.device.boot_function = boot
    world.device.power_on()
    world.run_for(1 * SECONDS)


def label(partition):
    return partition.info()[4]


def error_of(function, *args):
    try:
        function(*args)
    except OSError as error:
        return error.args[0]
    return None


def write_image(partition, image=IMAGE):
    for at in range(0, len(image), BLOCK_BYTES):
        part = image[at : at + BLOCK_BYTES]
        partition.writeblocks(at // BLOCK_BYTES, part + b"\xff" * (BLOCK_BYTES - len(part)))


def test_the_table_is_that_of_a_board_with_two_firmwares(world):
    seen = []

    def main(load, kind):
        running = kind(kind.RUNNING)
        seen.append([label(found) for found in kind.find(kind.TYPE_APP)])
        seen.append([label(found) for found in kind.find(kind.TYPE_DATA, label="vfs")])
        seen.append(running.info())
        seen.append((label(kind(kind.BOOT)), label(running.get_next_update())))
        seen.append(label(running.get_next_update().get_next_update()))
        seen.append((running.ioctl(4, 0), running.ioctl(5, 0)))
        seen.append(error_of(kind, "nobody"))

    at_each_boot(world, main)
    first = (0, 0x10, 0x10000, 0x180000, "ota_0", False)
    slots = ["ota_0", "ota_1"]
    assert seen == [slots, ["vfs"], first, ("ota_0", "ota_1"), "ota_0", (384, 4096), 2], seen


def test_blocks_are_erased_and_bits_only_fall(world):
    seen = []

    def main(load, kind):
        slot = kind("ota_1")
        buffer = bytearray(6)
        slot.readblocks(0, buffer)
        seen.append(bytes(buffer))
        slot.writeblocks(0, b"\xf0" * BLOCK_BYTES + b"\x0f" * BLOCK_BYTES)
        slot.writeblocks(0, b"\x3c\x3c", BLOCK_BYTES - 1)
        slot.readblocks(0, buffer, BLOCK_BYTES - 3)
        seen.append(bytes(buffer))
        slot.ioctl(6, 0)
        slot.readblocks(0, buffer, BLOCK_BYTES - 3)
        seen.append(bytes(buffer))
        seen.append(error_of(slot.writeblocks, 383, bytes(2 * BLOCK_BYTES)))
        seen.append(error_of(slot.readblocks, 385, buffer))

    at_each_boot(world, main)
    fallen = b"\xf0\xf0\x30\x0c\x0f\x0f"
    erased = b"\xff\xff\xff\x0c\x0f\x0f"
    assert seen == [b"\xff" * 6, fallen, erased, -0x104, -0x102], seen
    assert world.device.bench.partitions.content("ota_1", 4097)[-1] == 0x0C


def test_an_unconfirmed_firmware_runs_once_and_a_kept_one_stays(world):
    seen = []

    def main(load, kind):
        running = kind(kind.RUNNING)
        seen.append(label(running))
        if len(seen) == 1:
            following = running.get_next_update()
            write_image(following)
            following.set_boot()
        elif len(seen) == 4:
            kind("ota_1").set_boot()
        elif len(seen) == 5:
            kind.mark_app_valid_cancel_rollback()

    device = world.device
    at_each_boot(world, main)
    for restart in (device.reset, device.reset, device.reset, device.reset, device.reset):
        restart()
        world.run_for(1 * SECONDS)
    device.power_cut()
    device.power_on()
    world.run_for(1 * SECONDS)
    assert seen == ["ota_0", "ota_1", "ota_0", "ota_0", "ota_1", "ota_1", "ota_1"], seen
    assert device.bench.partitions.states["ota_1"] == "valid"


def test_a_power_cut_returns_to_the_old_firmware_too(world):
    seen = []

    def main(load, kind):
        seen.append(label(kind(kind.RUNNING)))
        if len(seen) == 1:
            write_image(kind("ota_1"))
            kind("ota_1").set_boot()

    device = world.device
    at_each_boot(world, main)
    for _ in range(2):
        device.power_cut()
        device.power_on()
        world.run_for(1 * SECONDS)
    assert seen == ["ota_0", "ota_1", "ota_0"], seen


def test_what_is_no_firmware_is_not_chosen(world):
    seen = []

    def main(load, kind):
        seen.append(error_of(kind("ota_1").set_boot))
        seen.append(error_of(kind("vfs").set_boot))
        seen.append(label(kind(kind.BOOT)))

    at_each_boot(world, main)
    assert seen == [-0x1503, -0x102, "ota_0"], seen


def test_a_board_with_one_firmware_says_so(world):
    seen = []

    def main(load, kind):
        running = kind(kind.RUNNING)
        seen.append([label(found) for found in kind.find()])
        seen.append(error_of(running.get_next_update))
        seen.append(error_of(running.set_boot))
        seen.append(error_of(kind.mark_app_valid_cancel_rollback))

    world.device.bench.partitions.use(ONE_FIRMWARE)
    at_each_boot(world, main)
    assert seen == [["factory"], 2, -0x105, -0x105], seen


def test_writing_takes_its_time_when_asked(world):
    seen = []

    def main(load, kind):
        begin_us = world.now_us
        kind("ota_1").writeblocks(0, bytes(BLOCK_BYTES))
        seen.append(world.now_us - begin_us)
        kind("ota_1").readblocks(0, bytearray(BLOCK_BYTES))
        seen.append(world.now_us - begin_us)

    world.device.flash.charge_time = True
    at_each_boot(world, main)
    assert seen == [12_000, 12_400], seen
