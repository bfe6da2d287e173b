"""The broker's address: asked for, remembered, used when nobody answers."""

import unittest

import fakes


class Watchdog:
    def __init__(self):
        self.depth = 0
        self.blocks = 0

    def may_block(self):
        self.depth += 1
        self.blocks += 1

    def may_block_exit(self):
        self.depth -= 1


class TestResolver(unittest.TestCase):
    def setUp(self):
        self.world = fakes.World()
        self.world.names["broker.home"] = "10.0.0.5"
        self.watchdog = Watchdog()
        self.boot()

    def boot(self, host="broker.home"):
        self.loop, module = self.world.load("epx.loop", "epx.resolver")
        self.module = module
        self.host = host

    def address(self):
        return self.module.resolve(self.host, 1883, self.watchdog)

    def remembered(self):
        return self.world.nvram["mqtt"].get("address")

    def wait(self, minutes):
        self.loop.Task(id, 1000, 1000, arg=0)
        self.world.run(self.loop, minutes * 60000)

    def test_the_name_server_is_asked_and_its_answer_remembered(self):
        self.assertEqual(self.address(), ("10.0.0.5", 1883))
        self.assertEqual(self.remembered(), b"broker.home 10.0.0.5")

    def test_asking_is_a_declared_block_that_ends(self):
        self.address()
        self.assertEqual(self.watchdog.blocks, 1)
        self.assertEqual(self.watchdog.depth, 0)
        self.world.names.clear()
        self.boot("unknown")
        with self.assertRaises(OSError):
            self.address()
        self.assertEqual(self.watchdog.depth, 0)

    def test_the_same_answer_is_written_once(self):
        self.address()
        writes = len(self.world.nvram_writes)
        self.address()
        self.boot()
        self.address()
        self.assertEqual(len(self.world.nvram_writes), writes)

    def test_many_attempts_open_the_nvram_once(self):
        for _ in range(5):
            self.address()
        self.assertEqual(self.world.nvram_handles, 1)

    def test_a_literal_address_is_not_remembered(self):
        self.boot("10.0.0.9")
        self.assertEqual(self.address(), ("10.0.0.9", 1883))
        self.assertIsNone(self.remembered())

    def test_a_dead_name_server_without_anything_remembered_is_an_error(self):
        self.world.names.clear()
        with self.assertRaises(OSError):
            self.address()

    def test_with_a_dead_name_server_the_last_address_serves(self):
        self.address()
        self.world.names.clear()
        self.boot()
        self.assertEqual(self.address(), ("10.0.0.5", 1883))
        self.assertIn("name server", self.world.console[-1])

    def test_a_dead_name_server_is_not_asked_at_every_attempt(self):
        self.address()
        self.world.names.clear()
        self.address()
        before = self.world.slept_ms
        for _ in range(5):
            self.assertEqual(self.address(), ("10.0.0.5", 1883))
        self.assertEqual(self.world.slept_ms, before)
        self.wait(3)
        self.address()
        self.assertEqual(self.world.slept_ms, before + 20000)

    def test_a_broker_that_has_moved_is_found(self):
        self.address()
        self.world.names["broker.home"] = "10.0.0.6"
        self.assertEqual(self.address(), ("10.0.0.6", 1883))
        self.assertEqual(self.remembered(), b"broker.home 10.0.0.6")

    def test_a_name_server_that_lives_again_is_asked_again(self):
        self.address()
        self.world.names.clear()
        self.address()
        self.world.names["broker.home"] = "10.0.0.6"
        self.wait(3)
        self.assertEqual(self.address(), ("10.0.0.6", 1883))

    def test_the_address_of_another_host_is_not_used(self):
        self.address()
        self.world.names.clear()
        self.boot("other.home")
        with self.assertRaises(OSError):
            self.address()

    def test_a_spoilt_memory_is_no_memory(self):
        for words in (b"", b"broker.home", b"broker.home 1 2", b"\xff\xfe"):
            self.world.nvram["mqtt"] = {"address": words, "address_len": len(words)}
            self.boot()
            self.assertEqual(self.address(), ("10.0.0.5", 1883))

    def test_a_full_nvram_does_not_hide_the_answer(self):
        self.world.nvram_full = True
        self.assertEqual(self.address(), ("10.0.0.5", 1883))

    def test_the_raw_addresses_of_the_unix_port_are_not_remembered(self):
        raw = b"\x02\x00\x07\x5b\x0a\x00\x00\x05"
        module = self.world.modules["socket"]
        module.getaddrinfo = lambda host, port: [(2, 1, 0, "", raw)]
        self.assertEqual(self.address(), raw)
        self.assertIsNone(self.remembered())


if __name__ == "__main__":
    unittest.main()
