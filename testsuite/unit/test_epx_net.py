"""Keeping the link up: states, retry times and the ladder of recovery."""

import unittest

import fakes

SECONDS = 1000
MINUTES = 60 * SECONDS


class Config:
    ssid = "house"
    password = "secret"
    netreboot = 10


class Stats:
    def __init__(self):
        self.added = []

    def add(self, key):
        self.added.append(key)


class NetCase(unittest.TestCase):
    def setUp(self):
        self.world = fakes.World()
        self.world.cause = 2
        self.config = Config()
        self.boot()

    def boot(self):
        self.loop, module = self.world.load("epx.loop", "epx.net")
        self.stats = Stats()
        self.world.interfaces = []
        self.net = module.Net(self.config, self.stats)
        self.states = []
        self.net.sm.observe(self.hear)

    def hear(self, state):
        self.states.append(state)

    def interface(self):
        return self.world.interfaces[0]

    def run_for(self, ms):
        self.world.run(self.loop, ms)

    def up(self):
        self.interface().is_up = True
        self.interface().code = 1010
        self.run_for(60 * SECONDS)
        self.assertTrue(self.net.connected())

    def down(self, code=1000):
        self.interface().is_up = False
        self.interface().code = code


class TestStart(NetCase):
    def test_nothing_waits_after_a_reset(self):
        self.run_for(10)
        self.assertEqual(self.states, ["idle", "connecting"])
        self.assertEqual(self.interface().calls[-1], ("connect", ("house", "secret")))

    def test_after_a_power_on_there_is_jitter(self):
        self.world.cause = 1
        waits = []
        for _ in range(40):
            self.boot()
            start = self.world.now_ms
            while not self.states:
                self.run_for(100)
            waits.append(self.world.now_ms - start)
        self.assertLessEqual(max(waits), 10100)
        self.assertGreater(max(waits), 7000)
        self.assertLess(min(waits), 3000)

    def test_without_a_network_there_is_no_interface(self):
        for ssid in (None, "(none)"):
            self.config.ssid = ssid
            self.boot()
            self.run_for(60 * MINUTES)
            self.assertEqual(self.world.interfaces, [])
            self.assertFalse(self.net.connected())
            self.assertIsNone(self.net.address())
            self.assertIsNone(self.net.rssi())

    def test_the_link_is_seen_within_a_second(self):
        self.run_for(10)
        self.interface().is_up = True
        self.run_for(1200)
        self.assertTrue(self.net.connected())
        self.assertEqual(self.net.address(), "192.168.1.77")
        self.assertEqual(self.net.rssi(), -60)


class TestRecovery(NetCase):
    def test_a_lost_link_is_counted_and_made_again(self):
        self.up()
        self.down()
        self.run_for(6 * SECONDS)
        self.assertEqual(self.states[-1], "connlost")
        self.assertEqual(self.stats.added, ["connlost"])
        self.assertIsNone(self.net.address())
        self.interface().is_up = True
        self.run_for(47 * SECONDS)
        self.assertEqual(self.states[-3:], ["idle", "connecting", "connected"])
        self.assertEqual(self.stats.added, ["connlost"])

    def test_the_pause_is_30_to_45_seconds(self):
        for _ in range(20):
            self.up()
            self.down()
            while self.states[-1] != "connlost":
                self.run_for(100)
            start = self.world.now_ms
            while self.states[-1] == "connlost":
                self.run_for(100)
            self.assertGreaterEqual(self.world.now_ms - start, 30 * SECONDS)
            self.assertLessEqual(self.world.now_ms - start, 45100)

    def test_a_refusal_ends_the_attempt_at_once_and_is_not_counted(self):
        for code in (200, 201, 202, 203, 15):
            self.boot()
            self.interface().code = code
            self.run_for(1200)
            self.assertEqual(self.states, ["idle", "connecting", "connlost"])
            self.assertEqual(self.stats.added, [])

    def test_an_attempt_without_an_answer_ends_after_a_minute(self):
        self.run_for(59 * SECONDS)
        self.assertEqual(self.states[-1], "connecting")
        self.run_for(2 * SECONDS)
        self.assertEqual(self.states[-1], "connlost")

    def test_a_cable_that_is_out_is_waited_for_a_full_minute(self):
        self.config.ssid = "(wired)"
        self.boot()
        self.interface().code = 201
        self.run_for(57 * SECONDS)
        self.assertEqual(self.states[-1], "connecting")
        self.interface().is_up = True
        self.run_for(1200)
        self.assertEqual(self.states[-1], "connected")

    def test_the_second_failure_in_a_row_switches_the_radio_off(self):
        self.up()
        self.down(201)
        calls = self.interface().calls
        self.run_for(6 * SECONDS)
        self.assertEqual(calls[-1], ("disconnect",))
        self.run_for(48 * SECONDS)
        self.assertEqual(calls[-1], ("active", False))
        self.run_for(48 * SECONDS)
        self.assertEqual(calls[-3][0:1] + calls[-2][0:1], ("active", "connect"))
        self.assertEqual(calls[-1], ("active", False))
        self.up()
        self.down(201)
        self.run_for(6 * SECONDS)
        self.assertEqual(calls[-1], ("disconnect",))

    def test_a_driver_that_raises_is_tried_again(self):
        def fails(*arguments):
            raise OSError("Wifi Internal State Error")

        self.interface().connect = fails
        self.interface().disconnect = fails
        self.run_for(120 * SECONDS)
        self.assertGreaterEqual(self.states.count("connecting"), 3)
        del self.interface().connect
        self.up()


class TestReboot(NetCase):
    def reboots_after(self, limit_ms):
        start = self.world.now_ms
        try:
            self.run_for(limit_ms)
        except fakes.Reset:
            return self.world.now_ms - start
        return None

    def reason(self):
        return self.world.files["reboot.txt"]

    def test_ten_minutes_without_a_link_after_the_start(self):
        took = self.reboots_after(20 * MINUTES)
        self.assertGreater(took, 10 * MINUTES)
        self.assertLess(took, 12 * MINUTES)
        self.assertEqual(self.reason(), b"Network repeated failures, trying device reboot")

    def test_ten_minutes_since_the_link_was_lost_not_since_the_start(self):
        self.up()
        self.run_for(60 * MINUTES)
        self.down(201)
        took = self.reboots_after(20 * MINUTES)
        self.assertGreater(took, 10 * MINUTES)
        self.assertLess(took, 12 * MINUTES)

    def test_a_link_that_comes_back_in_time_prevents_it(self):
        self.up()
        for _ in range(5):
            self.down(201)
            self.assertIsNone(self.reboots_after(8 * MINUTES))
            self.up()

    def test_the_time_is_a_key(self):
        self.config.netreboot = 30
        self.boot()
        took = self.reboots_after(60 * MINUTES)
        self.assertGreater(took, 30 * MINUTES)
        self.assertLess(took, 32 * MINUTES)

    def test_zero_means_never(self):
        self.config.netreboot = 0
        self.boot()
        self.assertIsNone(self.reboots_after(24 * 60 * MINUTES))


if __name__ == "__main__":
    unittest.main()
