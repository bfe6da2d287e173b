"""A new firmware: what is refused before flash is touched, what is written, what is selected."""

import hashlib
import os
import sys
import unittest

import esp32
import otafw_fakes
from otafw_fakes import BLOCK

from epx.otawire import Refusal
from loader import sets, verdict

RECORD = 2045  # most bytes of a DATA record
OTHER_MPY = 5
SIZE = 8 * BLOCK + 16 * 77


class Firmwares(unittest.TestCase):
    """A board with two firmware partitions, the first one running."""

    two = True

    def setUp(self):
        self.flash = otafw_fakes.Flash(otafw_fakes.image(2 * BLOCK, seed=99), self.two)
        otafw_fakes.Partition.flash = self.flash
        esp32.Partition = otafw_fakes.Partition
        self.before = bytes(self.flash.content[self.flash.running])
        from epx import otafw  # takes the name out of esp32

        self.otafw = otafw
        verdict.chosen = "a"
        for folder in ("/a", "/b", "/b/new"):
            os.mkdir(folder)
        self.set_list("/a/set.txt", 0)

    def set_list(self, path, mpy):
        with open(path, "w") as file:
            file.write("profile h2o\nversion 3\nmpy %d\n%s 12 boot.py\n" % (mpy, "0" * 64))

    def send(self, data, record=RECORD, sha256=None, mpy=OTHER_MPY):
        """All of a transfer but its end."""
        firmware = self.otafw.Firmware(len(data), sha256 or hashlib.sha256(data).digest(), mpy)
        self.turns = []
        view = memoryview(data)
        for at in range(0, len(data), record):
            del self.flash.log[:]
            firmware.write(view[at : at + record])
            self.turns.append([what for what, _, _ in self.flash.log if what != "read"])
        return firmware

    def update(self, data, **options):
        for _ in self.send(data, **options).finish():
            pass

    def refused(self, reason, words, function, *arguments, **options):
        try:
            function(*arguments, **options)
        except Refusal as refusal:
            self.assertEqual(refusal.args[0], reason)
            self.assertTrue(words in refusal.args[1], refusal.args[1])
        else:
            self.fail("not refused: " + words)

    def assert_untouched(self):
        """Nothing has been erased or written, and the same firmware is selected."""
        done = [what for what, _, _ in self.flash.log if what != "read"]
        self.assertEqual(done, [])
        self.assertEqual(self.flash.boot, self.flash.running)
        self.assertEqual(bytes(self.flash.content[self.flash.running]), self.before)


class TestTransfer(Firmwares):
    def test_an_image_stands_in_the_other_partition_and_is_selected(self):
        for size in (2 * BLOCK, SIZE, 16 * BLOCK):
            data = otafw_fakes.image(size, seed=size)
            self.flash.boot = "ota_0"
            self.update(data)
            self.assertTrue(self.flash.content["ota_1"][:size] == data)
            self.assertEqual(self.flash.boot, "ota_1")
        self.assertEqual(bytes(self.flash.content["ota_0"]), self.before)

    def test_bytes_may_come_in_pieces_of_any_size(self):
        data = otafw_fakes.image(SIZE)
        for record in (100, 288, 4096, 5000, len(data)):
            self.flash.boot = "ota_0"
            self.update(data, record=record)
            self.assertTrue(self.flash.content["ota_1"][:SIZE] == data)
            self.assertEqual(self.flash.boot, "ota_1")

    def test_no_record_costs_an_erasure_and_a_write(self):
        for record in (500, 1024, RECORD):
            self.update(otafw_fakes.image(SIZE), record=record)
            for done in self.turns:
                self.assertTrue(len(done) <= 1, self.turns)

    def test_each_block_is_erased_and_written_once(self):
        del self.flash.log[:]
        data = otafw_fakes.image(SIZE)
        firmware = self.otafw.Firmware(SIZE, hashlib.sha256(data).digest(), OTHER_MPY)
        for at in range(0, SIZE, RECORD):
            firmware.write(data[at : at + RECORD])
        for _ in firmware.finish():
            pass
        done = [row for row in self.flash.log if row[0] != "read"]
        wanted = []
        for block in range(9):
            wanted += [("erase", "ota_1", block), ("write", "ota_1", block)]
        wanted.append(("set_boot", "ota_1", 0))
        self.assertEqual(done, wanted)

    def test_a_step_of_reading_back_is_short(self):
        self.flash.content["ota_1"] = bytearray(64 * BLOCK)
        data = otafw_fakes.image(64 * BLOCK)
        job = self.send(data).finish()
        while True:
            del self.flash.log[:]
            try:
                next(job)
            except StopIteration:
                break
            self.assertTrue(len(self.flash.log) <= 16, len(self.flash.log))
            self.assertEqual(self.flash.boot, "ota_0")
        self.assertEqual(self.flash.log, [("set_boot", "ota_1", 0)])

    def test_what_was_broken_off_begins_anew(self):
        data = otafw_fakes.image(SIZE, seed=2)
        firmware = self.otafw.Firmware(SIZE, hashlib.sha256(data).digest(), 0)
        firmware.write(data[: 3 * BLOCK])
        self.assertEqual(firmware.received_bytes, 3 * BLOCK)
        firmware.close()
        self.refused("out of order", "more", firmware.write, b"x")
        self.assertEqual(self.flash.boot, "ota_0")
        other = otafw_fakes.image(SIZE, seed=3)
        self.update(other)
        self.assertTrue(self.flash.content["ota_1"][:SIZE] == other)
        self.assertEqual(self.flash.boot, "ota_1")

    def test_an_image_without_a_hash_of_its_own_is_fine(self):
        self.update(otafw_fakes.image(SIZE, hashed=False))
        self.assertEqual(self.flash.boot, "ota_1")

    def test_from_the_second_partition_it_goes_into_the_first(self):
        self.flash.content["ota_1"][:] = self.flash.content["ota_0"]
        self.flash.running = self.flash.boot = "ota_1"
        self.before = bytes(self.flash.content["ota_1"])
        data = otafw_fakes.image(SIZE)
        self.update(data)
        self.assertTrue(self.flash.content["ota_0"][:SIZE] == data)
        self.assertEqual(self.flash.boot, "ota_0")
        self.assertEqual(bytes(self.flash.content["ota_1"]), self.before)


class TestWhatIsRefusedAtOnce(Firmwares):
    def construct(self, size, mpy=OTHER_MPY):
        return self.otafw.Firmware(size, bytes(32), mpy)

    def test_an_image_larger_than_the_partition(self):
        self.construct(16 * BLOCK)
        self.refused("too large", "room for 65536", self.construct, 16 * BLOCK + 1)
        self.refused("too large", "room for", self.construct, 0xFFFFFFFF)
        self.assert_untouched()

    def test_an_image_too_small_to_be_one(self):
        for size in (0, 1, 287):
            self.refused("bad firmware image", "cannot be", self.construct, size)
        self.assert_untouched()

    def test_while_the_running_firmware_is_not_kept(self):
        for sector in range(2):
            otadata = self.flash.content["otadata"]
            otadata[:] = b"\xff" * 2 * BLOCK
            for state in (0, 2, 3, 4):
                otadata[sector * BLOCK : sector * BLOCK + 28] = bytes(24) + bytes((state, 0, 0, 0))
                self.construct(SIZE)
            otadata[sector * BLOCK : sector * BLOCK + 28] = bytes(24) + b"\x01\0\0\0"
            self.assertTrue(self.otafw.on_trial())
            self.refused("on trial", "keepversion", self.construct, SIZE)
        self.assert_untouched()

    def test_a_firmware_that_would_load_no_set(self):
        self.set_list("/a/set.txt", 6)
        for mpy in (0, OTHER_MPY):
            self.refused("wrong mpy version", "source", self.construct, SIZE, mpy)
        self.assert_untouched()

    def test_not_if_the_set_matches_or_somebody_insists(self):
        self.set_list("/a/set.txt", OTHER_MPY)
        self.construct(SIZE, OTHER_MPY)
        self.set_list("/a/set.txt", 9)
        self.construct(SIZE, self.otafw.ANY_MPY)

    def test_not_if_the_firmware_loads_the_same_files_as_the_running_one(self):
        own = getattr(sys.implementation, "_mpy", 0) & 0xFF
        if not own:
            self.skipTest("this interpreter loads no .mpy files")
        self.set_list("/a/set.txt", own)
        self.construct(SIZE, own)

    def test_not_if_the_running_set_is_source(self):
        for mpy in (0, OTHER_MPY):
            self.construct(SIZE, mpy)

    def test_not_if_what_is_staged_is_source_or_matches(self):
        self.set_list("/a/set.txt", 9)
        self.set_list("/b/new/list", 8)
        self.refused("wrong mpy version", "source", self.construct, SIZE)
        self.set_list("/b/new/list", OTHER_MPY)
        self.construct(SIZE)
        self.set_list("/b/new/list", 0)
        self.construct(SIZE)
        self.construct(SIZE, 0)

    def test_not_if_what_is_committed_is_source_or_matches(self):
        self.set_list("/a/set.txt", 9)
        self.set_list("/b/set.txt", OTHER_MPY)
        sets.confirm("a", "b")
        self.refused("wrong mpy version", "source", self.construct, SIZE)
        sets.start_trial("b", "ok")
        self.construct(SIZE)

    def test_not_in_rescue(self):
        self.set_list("/a/set.txt", 9)
        verdict.chosen = None
        self.construct(SIZE, 0)

    def test_a_set_without_a_readable_list_counts_as_compiled(self):
        with open("/a/set.txt", "w") as file:
            file.write("mpy six\n")
        self.refused("wrong mpy version", "source", self.construct, SIZE)
        os.remove("/a/set.txt")
        self.refused("wrong mpy version", "source", self.construct, SIZE)


class TestWhatIsRefusedByItsFirstBytes(Firmwares):
    def test_what_follows_a_refusal_is_not_taken(self):
        firmware = self.otafw.Firmware(SIZE, bytes(32), 0)
        for _ in range(4):
            for piece in (bytes(RECORD), b""):
                with self.assertRaises(Refusal):
                    firmware.write(piece)
        self.assertFalse(firmware.complete)
        self.assert_untouched()

    def refuses(self, data, words):
        del self.flash.log[:]
        for record in (RECORD, len(data)):
            self.refused("bad firmware image", words, self.send, data, record=record)
            self.assert_untouched()

    def test_something_else(self):
        for data in (bytes(BLOCK), b"UF2\n" * BLOCK, b"import os\n" * 200):
            self.refuses(data, "not a firmware")

    def test_a_whole_flashable_file(self):
        data = otafw_fakes.whole_flash(otafw_fakes.image(SIZE))
        self.flash.content["ota_1"] += bytes(len(data))
        self.refuses(data, "app.bin")

    def test_a_copy_of_a_whole_flash(self):
        self.refuses(b"\xff" * BLOCK + bytes(BLOCK), "app.bin")

    def test_an_image_for_another_chip(self):
        self.refuses(otafw_fakes.image(SIZE, otafw_fakes.ESP32_S3), "for ESP32-S3, this board")
        self.refuses(otafw_fakes.image(SIZE, 77), "for chip 77")

    def test_an_impossible_number_of_segments(self):
        for segments in (0, 17, 255):
            data = bytearray(otafw_fakes.image(SIZE))
            data[1] = segments
            self.refuses(bytes(data), "segments")


class TestWhatIsRefusedInTheEnd(Firmwares):
    def refused_and_safe(self, reason, words, function, *arguments, **options):
        self.refused(reason, words, function, *arguments, **options)
        self.assertEqual(self.flash.boot, "ota_0")
        self.assertEqual(bytes(self.flash.content["ota_0"]), self.before)

    def test_bytes_that_the_pc_did_not_announce(self):
        data = otafw_fakes.image(SIZE)
        self.refused_and_safe("corrupt", "announced", self.update, data, sha256=bytes(32))

    def test_a_bit_that_flips_in_flash(self):
        data = otafw_fakes.image(SIZE)
        for self.flash.rots in (0, 300, 5000, SIZE - 1):
            if self.flash.rots:  # byte 0 is checked before
                self.refused_and_safe("corrupt", "flash", self.update, data)

    def test_more_bytes_than_announced(self):
        data = otafw_fakes.image(SIZE)
        firmware = self.send(data)
        self.refused_and_safe("out of order", "more", firmware.write, b"x")
        firmware = self.otafw.Firmware(1000, bytes(32), 0)
        self.refused_and_safe("out of order", "more", firmware.write, bytes(1001))

    def test_a_transfer_that_is_not_complete(self):
        data = otafw_fakes.image(SIZE)
        for size in (0, 100, 3 * BLOCK, SIZE - 1):
            firmware = self.otafw.Firmware(SIZE, hashlib.sha256(data).digest(), 0)
            firmware.write(data[:size])
            self.refused_and_safe("out of order", "complete", next, firmware.finish())

    def test_an_image_that_was_cut_off_before_it_was_sent(self):
        data = otafw_fakes.image(SIZE)
        for size in (SIZE - 1, SIZE - 32, SIZE // 2, BLOCK, 300):
            self.refused_and_safe("bad firmware image", "cut off", self.update, data[:size])

    def test_flash_that_fails(self):
        data = otafw_fakes.image(SIZE)
        for operation in ("erase", "write"):
            self.flash.broken = (operation,)
            self.refused_and_safe("file system", "flash, block 0", self.send, data)
            self.flash.broken = ()
        firmware = self.send(data)
        self.flash.broken = ("read",)
        self.refused_and_safe("file system", "flash, block 0", list, firmware.finish())

    def test_an_image_that_the_boot_loader_refuses(self):
        firmware = self.send(otafw_fakes.image(SIZE))
        self.flash.broken = ("set_boot",)
        self.refused_and_safe("bad firmware image", "boot loader", list, firmware.finish())


class TestOnePartition(Firmwares):
    two = False

    def test_there_is_no_firmware_update(self):
        self.refused(
            "no firmware update", "one app partition", self.otafw.Firmware, SIZE, bytes(32), 0
        )
        self.assert_untouched()

    def test_nor_with_a_single_partition_for_updates(self):
        otafw_fakes.Partition.get_next_update = lambda partition: partition
        self.refused("no firmware update", "one app partition", self.otafw.target)


class TestKeeping(Firmwares):
    def setUp(self):
        super().setUp()
        from epx import firmware

        self.firmware = firmware

    def test_what_runs_is_kept(self):
        self.flash.running = self.flash.boot = "ota_1"
        self.assertEqual(self.firmware.keep(), "Currently running firmware is kept.")
        self.assertEqual(self.flash.kept, "ota_1")

    def test_what_has_never_run_is_not(self):
        self.update(otafw_fakes.image(SIZE))
        self.assertTrue("has not run yet" in self.firmware.keep())
        self.assertIsNone(self.flash.kept)

    def test_a_chip_that_refuses_is_quoted(self):
        self.flash.broken = ("keep",)
        self.assertTrue("cannot be marked" in self.firmware.keep())

    def test_the_partitions_are_told(self):
        told = self.firmware.partitions()
        self.assertEqual(told, ["available partitions ota_0,ota_1, running ota_0"])


class TestOnePartitionIsTold(Firmwares):
    two = False

    def test_it_says_that_it_cannot(self):
        from epx import firmware

        lines = firmware.partitions()
        self.assertEqual(lines[0], "available partitions factory, running factory")
        self.assertEqual(lines[1], "partition table does not have support for firmware OTA")
