"""epx.otawire: keys, records, lists and paths, against a conversation of our own."""

import unittest
from binascii import hexlify, unhexlify

from epx import otaowner, otapaths, otarefusals, otawire
from epx.otakeys import Keys
from epx.otapaths import entries, pack_entry
from epx.otawire import Channel, record_bytes

# A conversation of our own: the nonces count up. Computed by another implementation (the package
# cryptography); docs/ota-protocol.md shows the same bytes.
OTAKEY = "sixteen letters and more"
HELLO = otawire.HELLO + bytes(range(16))
ANSWER = otawire.ANSWER + bytes((otawire.WELCOME,)) + bytes(range(16, 32))
PC_PROOF = "2bd22898d68cfe4d669844672cd6b7e73493b37579330b66e3342135d1a50ad9"
DEVICE_PROOF = "8a56d88f84fba762475dc1b985c630e11b5bedf7ca6db0aa970277ba2b44855e"
CIPHER_KEY = "56aa5318425f27af7a689a889f916da8b9a0ed8967d770b576f1f5ca3867addd"
MAC_KEY = "029e14b84320ef1239933e04b3f8f0370c9650f51fe7f475f3fb90461475b987"
# Records of the PC: number, type, body, bytes.
RECORDS = (
    (
        0,
        otawire.HASH,
        b"/pair.txt",
        "0010fad614a3904d35f1393ec4cf0f180563cce443c59d5bf3b13fdae5fe2f86ab37",
    ),
    (
        1,
        otawire.HASH,
        b"/certs/ca.der",
        "0010dfb984531a56bdcc08ac00a4d9ccfc6356a0e34a5e8c2d3bf784582db0c6f52a",
    ),
    (
        0x102,
        otawire.COMMIT,
        b"",
        "0010d08e4c39ea6f41a5d586e2929099611f79f2914c092c0ea9d602481ecddfbbf4",
    ),
)
FIRST_OF_DEVICE = "0010bba7b4cb702d93b6b20a0453d314f3fe65b4c5f111ebf52c2c12269e6d824bb9"  # DONE


def hexadecimal(data):
    return str(hexlify(data), "ascii")


def opened(channel, record):
    kind, body = channel.open(memoryview(bytearray(record)))
    return kind, bytes(body)


def channels():
    """Both ends of one direction."""
    return Channel(b"c" * 32, b"m" * 32), Channel(b"c" * 32, b"m" * 32)


class Vectors(unittest.TestCase):
    def test_a_conversation(self):
        keys = Keys(OTAKEY, HELLO, ANSWER)
        self.assertEqual(hexadecimal(keys.pc_proof), PC_PROOF)
        self.assertEqual(hexadecimal(keys.device_proof), DEVICE_PROOF)
        first = hexadecimal(keys.from_device.seal(otawire.DONE))
        self.assertEqual(first, FIRST_OF_DEVICE)
        sender = Channel(unhexlify(CIPHER_KEY), unhexlify(MAC_KEY))
        count = 0
        for number, kind, body, wanted in RECORDS:
            while count < number:
                sender.seal(otawire.DATA)
                if number < 2:
                    keys.from_pc.seal(otawire.DATA)
                count += 1
            self.assertEqual(hexadecimal(sender.seal(kind, body)), wanted)
            count += 1
        # What a Keys of the other side reads.
        receiver = Keys(OTAKEY, HELLO, ANSWER).from_pc
        for _, kind, body, record in RECORDS[:2]:
            self.assertEqual(opened(receiver, unhexlify(record)), (kind, body))

    def test_every_part_of_the_greeting_changes_every_key(self):
        seen = set()
        for otakey in (OTAKEY, OTAKEY + "!", "k" * 64, "k" * 65, "sixteen l\u00e4tters"):
            for nonce in (bytes(16), b"\x01" + bytes(15), bytes(15) + b"\x01"):
                for hello, answer in ((HELLO, ANSWER[:4] + nonce), (HELLO[:4] + nonce, ANSWER)):
                    keys = Keys(otakey, hello, answer)
                    for part in (
                        keys.pc_proof,
                        keys.device_proof,
                        keys.from_pc.seal(otawire.COMMIT),
                        keys.from_device.seal(otawire.COMMIT),
                    ):
                        self.assertFalse(part in seen)
                        seen.add(part)


class Records(unittest.TestCase):
    def test_every_length_arrives(self):
        sender, receiver = channels()
        for size in tuple(range(40)) + tuple(range(otawire.MOST_BODY - 18, otawire.MOST_BODY + 1)):
            body = bytes([(size + i) & 255 for i in range(size)])
            record = sender.seal(size & 255, body)
            self.assertEqual(len(record), record_bytes(record[:2]))
            self.assertEqual(opened(receiver, record), (size & 255, body))

    def test_the_longest_one_fits_exactly(self):
        sender, _ = channels()
        record = sender.seal(otawire.DATA, bytes(otawire.MOST_BODY))
        self.assertEqual(len(record), otawire.MOST_RECORD)
        self.assertRaises(ValueError, sender.seal, otawire.DATA, bytes(otawire.MOST_BODY + 1))

    def test_equal_bodies_look_different(self):
        sender, _ = channels()
        records = [sender.seal(otawire.DATA, b"the same") for _ in range(20)]
        self.assertEqual(len({record[2:18] for record in records}), 20)
        self.assertEqual(len({record[18:] for record in records}), 20)

    def test_no_bit_can_be_turned(self):
        sender, receiver = channels()
        record = sender.seal(otawire.REMOVE, b"/pair.txt and more than one block")
        for bit in range(len(record) * 8):
            changed = bytearray(record)
            changed[bit >> 3] ^= 1 << (bit & 7)
            self.assertRaises(ValueError, receiver.open, memoryview(changed))
        self.assertEqual(opened(receiver, record)[0], otawire.REMOVE)

    def test_neither_repeated_nor_swapped_nor_left_out(self):
        sender, receiver = channels()
        first, second, third = [sender.seal(otawire.DATA, b"%d" % i) for i in range(3)]
        self.assertRaises(ValueError, opened, receiver, second)
        opened(receiver, first)
        self.assertRaises(ValueError, opened, receiver, first)
        self.assertRaises(ValueError, opened, receiver, third)
        opened(receiver, second)
        opened(receiver, third)

    def test_shorter_and_longer(self):
        sender, receiver = channels()
        record = sender.seal(otawire.DATA, bytes(50))
        for wrong in (record[:-16], record[:34], record + bytes(16), bytes(34)):
            self.assertRaises(ValueError, opened, receiver, wrong)

    def test_a_direction_does_not_understand_the_other(self):
        keys = Keys(OTAKEY, HELLO, ANSWER)
        record = keys.from_pc.seal(otawire.DATA, b"x")
        self.assertRaises(ValueError, opened, keys.from_device, record)

    def test_a_length_that_does_not_fit_is_refused_though_authentic(self):
        sender, receiver = channels()
        self.forge(sender, b"\x00\x0e" + bytes(14))  # 14 bytes in a block that has 13
        self.assertRaises(ValueError, opened, receiver, self.record)
        self.forge(sender, b"\xff\xff" + bytes(14))
        self.assertRaises(ValueError, opened, receiver, self.record)
        self.forge(sender, b"\x00\x0d\x07" + bytes(13))
        self.assertEqual(opened(receiver, self.record), (7, bytes(13)))

    def forge(self, channel, plain):
        """A record of one who has the key, with a plain text of his own."""
        ciphertext = channel._cipher().encrypt(plain)
        header = bytes((0, len(plain)))
        self.record = header + ciphertext + channel._tag(header, ciphertext)
        channel._count += 1

    def test_which_lengths_there_are(self):
        for size in range(65536):
            header = bytes((size >> 8, size & 255))
            if size % 16 == 0 and 16 <= size <= otawire.MOST_CIPHERTEXT:
                self.assertEqual(record_bytes(header), size + 18)
            elif size % 8 == 0 or size < 100:
                self.assertRaises(ValueError, record_bytes, header)


class Lists(unittest.TestCase):
    def test_there_and_back(self):
        rows = [("main.py", 0, bytes(32)), ("lib/x/y.py", otawire.GONE, bytes(range(32)))]
        rows.append(("d/" + "x" * 78, 0x01020304, b"\xff" * 32))
        body = b"".join([pack_entry(*row) for row in rows])
        self.assertEqual(list(entries(body)), rows)
        self.assertEqual(list(entries(memoryview(bytearray(body)))), rows)
        self.assertEqual(list(entries(b"")), [])

    def test_cut_off_anywhere(self):
        body = pack_entry("main.py", 7, bytes(32)) + pack_entry("boot.py", 8, bytes(32))
        for size in range(1, len(body)):
            if size != len(body) // 2:
                self.assertRaises(ValueError, list, entries(body[:size]))
                self.assertRaises(ValueError, list, entries(memoryview(bytearray(body[:size]))))

    def test_a_path_that_is_no_text(self):
        self.assertRaises(ValueError, list, entries(b"\x02\xc3\x28" + bytes(36)))


SET_PATHS = ("main.py", "lib/epx/loop.mpy", "a/b", "x" * 80, "1/2/3/4/5/6/7/8/9/0", "new.py",
             "x/new", "lib/set.txt", "..x", "x..", "-", "loader/start.py")  # fmt: skip
NO_SET_PATHS = ("", "/", "/main.py", "x" * 81, "a//b", "a/", ".", "..", "../x", "a/../b", "a/./b",
                "...", "new", "new/x", "set.txt", "set.txt/x", "a b", "a\nb", "a\0b", "a\\b",
                "$a", "\u00e4", "1/2/3/4/5/6/7/8/9/0/1", "~/x", "a:b", "%s")  # fmt: skip
ROOT_PATHS = ("/config.txt", "/pair.txt", "/certs/ca.der", "/data/1/2", "/ab/x", "/aa", "/libs/x",
              "/running", "/pins", "/old/config.old", "/new1")  # fmt: skip
NO_ROOT_PATHS = ("", "/", "//", "x", "xconfig.txt", "running.txt", "config.txt", "ab/x",
                 "/running.txt", "/running.txt/x", "/pins.txt", "/pins.txt/x", "/reboot.txt",
                 "/exception.txt/x", "/config.old", "/config.old/x", "/config.txt/x",
                 "/a", "/b", "/a/main.py", "/a/x", "/b/set.txt", "/loader/x", "/lib/x", "/loader",
                 "/boot.py", "/main.py", "/main.py/x", "/x.mpy", "/x.mpy/x", "/x/y.py",
                 "/config.txt.new", "/x.new", "/x.new/y", "/new", "/new/x", "/set.txt",
                 "/../a/x", "/x/../a", "/./a", "//a/x", "/x//y", "/\u00e4", "/a b")  # fmt: skip


class Paths(unittest.TestCase):
    def test_of_a_set(self):
        for path in SET_PATHS:
            self.assertEqual(otapaths.set_path_problem(path), None)
            self.assertEqual(otaowner.path_problem(path), None)
        for path in NO_SET_PATHS:
            self.assertTrue(otapaths.set_path_problem(path), path)

    def test_of_the_root(self):
        for path in ROOT_PATHS:
            self.assertEqual(otaowner.root_path_problem(path), None)
            self.assertEqual(otaowner.path_problem(path), None)
        for path in NO_ROOT_PATHS:
            self.assertTrue(otaowner.root_path_problem(path), path)
            if path[:1] == "/":
                self.assertTrue(otaowner.path_problem(path), path)


class Refusals(unittest.TestCase):
    def test_each_has_its_number(self):
        for number, name in enumerate(otarefusals.REFUSALS, 1):
            self.assertEqual(otarefusals.number(name), number)
        self.assertRaises(ValueError, otarefusals.number, "no such reason")


if __name__ == "__main__":
    unittest.main()
