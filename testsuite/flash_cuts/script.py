"""Power cuts at every change of a simulated flash, with a toy program."""

SECONDS = 1000
OLD = {"/kept.txt": b"old words", "/log.txt": b"line 1\n", "/d/x": b"x"}


def prepare(world):
    device = world.device
    for path, content in OLD.items():
        device.flash.load(path, content)
    device.boot_function = lambda load: update(device, load)
    return device


def update(device, load):
    """Uses everything that changes flash; the commented number is that of the change."""
    os = load("os")
    flash = device.flash
    with flash.open("/kept.new", "w") as file:  # 1
        file.write("new words")
        file.write(", many")
    # 2: close
    os.rename("/kept.new", "/kept.txt")  # 3
    with flash.open("/log.txt", "a") as file:
        file.write("line 2\n")
        file.flush()  # 4
        file.write("line 3\n")
    # 5: close
    os.mkdir("/e")  # 6
    os.remove("/d/x")  # 7
    os.rmdir("/d")  # 8
    nvs = load("esp32").NVS("toy")
    nvs.set_i32("a", 1)
    nvs.set_i32("b", 2)
    nvs.commit()  # 9
    nvs.set_i32("a", 1)
    nvs.commit()
    load("machine").Pin(2, load("machine").Pin.OUT, value=1)
    load("time").sleep_ms(100 * SECONDS)


def states(world, how):
    """(files, folders, values) after a cut at each change."""
    device = prepare(world)
    begin = device.snapshot()
    number = 0
    while True:
        number += 1
        device.restore(begin)
        device.flash.cut_points = 0
        device.flash.cut_at(number, how)
        device.power_on()
        world.run_for(1 * SECONDS)
        flash = device.flash
        # As soon as the pin is on, everything was done.
        if device.bench.output(2):
            device.restore(begin)
            return
        assert not device.powered and flash.cut_points == number
        yield dict(flash.files), set(flash.folders), dict(device.nvram.get("toy", {}))


NEW = b"new words, many"
LOG = b"line 1\nline 2\nline 3\n"


def test_a_cut_before_a_change(world):
    found = list(states(world, "before"))
    assert len(found) == 9
    assert found[0] == (OLD, {"/", "/d"}, {}), found[0]
    assert found[1][0] == dict(OLD, **{"/kept.new": b""})
    assert found[2][0] == dict(OLD, **{"/kept.new": NEW})
    assert found[3][0] == dict(OLD, **{"/kept.txt": NEW})
    assert found[4][0]["/log.txt"] == b"line 1\nline 2\n"
    assert found[5][0]["/log.txt"] == LOG and found[5][1] == {"/", "/d"}
    assert found[6][1] == {"/", "/d", "/e"}
    assert "/d/x" not in found[7][0] and "/d" in found[7][1]
    assert found[8] == ({"/kept.txt": NEW, "/log.txt": LOG}, {"/", "/e"}, {})


def test_a_cut_after_a_change_is_as_one_before_the_next(world):
    before = list(states(world, "before"))
    after = list(states(world, "after"))
    assert after[:-1] == before[1:]
    assert after[-1][2] == {"a": 1, "b": 2}


def test_a_torn_change_has_half_of_the_bytes(world):
    before = list(states(world, "before"))
    torn = list(states(world, "torn"))
    assert torn[1][0]["/kept.new"] == NEW[:7]
    assert torn[3][0]["/log.txt"] == b"line 1\nlin"
    assert torn[4][0]["/log.txt"] == b"line 1\nline 2\nlin"
    assert len(torn[8][2]) == 1
    for names in (0, 2, 5, 6, 7):
        assert torn[names] == before[names]


def test_a_program_without_power_changes_nothing_more(world):
    device = prepare(world)
    log = []

    def stubborn(load):
        os = load("os")
        try:
            os.remove("/d/x")
        finally:
            log.append("on its way out")
            with device.flash.open("/late.txt", "w") as file:
                file.write("late")

    device.boot_function = stubborn
    device.flash.cut_at(1, "after")
    device.power_on()
    world.run_for(1 * SECONDS)
    assert log == ["on its way out"] and not device.powered
    assert sorted(device.flash.files) == ["/kept.txt", "/log.txt"]
    assert device.crash is None


def test_a_reset_closes_no_file(world):
    device = prepare(world)

    def main(load):
        if device.resets:
            load("time").sleep_ms(100 * SECONDS)
        with device.flash.open("/kept.txt", "w") as file:
            file.write("half of")
            if device.flash.text("/mode") == "inside":
                load("machine").reset()
            load("time").sleep_ms(100 * SECONDS)

    device.boot_function = main
    device.flash.load("/mode", "inside")
    device.power_on()
    world.run_for(1 * SECONDS)
    assert device.resets and device.flash.files["/kept.txt"] == OLD["/kept.txt"]
    device.flash.load("/mode", "outside")
    del device.resets[:]
    device.power_cut()
    device.power_on()
    world.run_for(1 * SECONDS)
    device.reset()
    world.run_for(1 * SECONDS)
    assert device.flash.files["/kept.txt"] == OLD["/kept.txt"]


def test_changes_are_listed(world):
    device = prepare(world)
    device.flash.operations = []
    device.power_on()
    world.run_for(1 * SECONDS)
    assert device.flash.operations == [
        (1, "create", "/kept.new"),
        (2, "write", "/kept.new"),
        (3, "rename", "/kept.new"),
        (4, "write", "/log.txt"),
        (5, "write", "/log.txt"),
        (6, "mkdir", "/e"),
        (7, "remove", "/d/x"),
        (8, "rmdir", "/d"),
        (9, "nvs", "a"),
    ]


def test_a_story_that_changes_flash_itself_is_stopped_too(world):
    from testmock.simworld.world import Stopped

    device = prepare(world)
    device.boot_function = lambda load: load("time").sleep_ms(100 * SECONDS)
    device.power_on()
    world.run_for(1 * SECONDS)
    device.flash.cut_at(1, "before")
    try:
        device.flash.rename("/kept.txt", "/other.txt")
    except Stopped:
        pass
    assert not device.powered and device.flash.files == OLD
    device.flash.rename("/kept.txt", "/other.txt")
    assert "/other.txt" in device.flash.files


def test_flash_takes_its_time_when_asked(world):
    took = []

    def main(load):
        for path, size in (("/small", 100), ("/big", 8200)):
            begin_us = world.now_us
            with device.flash.open(path, "wb") as file:
                for _ in range(0, size, 100):
                    file.write(bytes(100))
            took.append((world.now_us - begin_us) // 1000)
        begin_us = world.now_us
        with device.flash.open("/big", "rb") as file:
            while file.read(1):
                pass
        took.append(world.now_us - begin_us)

    device = prepare(world)
    device.boot_function = main
    device.flash.charge_time = True
    device.power_on()
    world.run_for(1 * SECONDS)
    assert took[:2] == [5 + 9 + 5, 5 + 2 * 12 + 9 + 5], took
    assert 750 <= took[2] <= 850, took


def test_snapshots_are_cheap_and_whole(world):
    device = prepare(world)
    begin = device.snapshot()
    device.power_on()
    world.run_for(1 * SECONDS)
    device.bench.partitions.choose("ota_1")
    end = device.snapshot()
    device.restore(begin)
    assert device.flash.files == OLD and device.nvram == {} and not device.powered
    assert device.bench.partitions.boot == "ota_0"
    device.restore(end)
    assert device.nvram["toy"] == {"a": 1, "b": 2} and "/d" not in device.flash.folders
    assert device.bench.partitions.boot == "ota_1"
