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

    def test_a_refusal_that_was_there_before_the_attempt_does_not_end_it(self):
        self.interface().old_code = self.interface().code = 201
        self.run_for(50 * SECONDS)
        self.assertEqual(self.states, ["idle", "connecting"])
        self.interface().code = 202
        self.run_for(1200)
        self.assertEqual(self.states[-1], "connlost")
        self.interface().code = 201
        self.run_for(48 * SECONDS)
        self.assertEqual(self.states[-1], "connecting")
        self.interface().is_up = True
        self.run_for(1200)
        self.assertEqual(self.states[-1], "connected")

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
        # The second is how MicroPython says what it has no words for, as "no memory".
        for error in (OSError("Wifi Internal State Error"), RuntimeError("Wifi Unknown Error")):

            def fails(*arguments, error=error):
                raise error

            self.boot()
            self.interface().connect = fails
            self.interface().disconnect = fails
            self.run_for(120 * SECONDS)
            self.assertGreaterEqual(self.states.count("connecting"), 3)
            del self.interface().connect
            self.up()


class TestNoInterface(NetCase):
    def test_firmware_without_lan_goes_on_and_ends_in_the_reboot_of_the_ladder(self):
        self.config.ssid = "(wired)"
        del self.world.modules["network"].LAN
        self.boot()
        self.assertTrue(self.world.console[-1].startswith("error net: "))
        self.run_for(9 * MINUTES)
        self.assertFalse(self.net.connected())
        self.assertIsNone(self.net.address())
        self.assertIsNone(self.net.rssi())
        with self.assertRaises(fakes.Reset):
            self.run_for(2 * MINUTES)


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


class TestWired(NetCase):
    def wire(self, ssid):
        self.config.ssid = ssid
        self.boot()
        self.assertEqual([i.kind for i in self.world.interfaces], ["lan"])

    def options(self):
        found = dict(self.interface().options)
        for name in ("mdc", "mdio", "power", "ref_clk"):
            if name in found:
                found[name] = found[name].number
        return found

    def test_the_first_wiring(self):
        self.wire("(wired)")
        self.assertEqual(
            self.options(),
            {
                "mdc": 23,
                "mdio": 18,
                "power": 0,
                "phy_type": "generic",
                "phy_addr": 1,
                "ref_clk": 17,
                "ref_clk_mode": fakes.Pin.OUT,
            },
        )

    def test_the_second_wiring(self):
        self.wire("(wired2)")
        self.assertEqual(
            self.options(),
            {"mdc": 23, "mdio": 18, "power": 16, "phy_type": "lan8720", "phy_addr": 1},
        )

    def test_it_is_only_switched_on_and_off(self):
        self.wire("(wired)")
        self.up()
        self.down()
        self.run_for(165 * SECONDS)  # the third attempt, whatever the jitter
        self.assertEqual(
            self.interface().calls, [("active", True), ("active", False), ("active", True)]
        )

    def test_it_has_an_address_and_no_signal_strength(self):
        self.wire("(wired)")
        self.up()
        self.assertEqual(self.net.address(), "192.168.1.77")
        self.assertIsNone(self.net.rssi())


class TestWifi(NetCase):
    def test_it_joins_with_name_and_password(self):
        self.run_for(10)
        self.assertEqual(self.interface().kind, "wlan")
        self.assertEqual(self.interface().arguments, (0,))
        self.assertEqual(
            self.interface().calls, [("active", True), ("connect", ("house", "secret"))]
        )

    def test_an_open_network_needs_no_password(self):
        self.config.password = None
        self.boot()
        self.run_for(10)
        self.assertEqual(self.interface().calls[-1], ("connect", ("house",)))

    def test_a_radio_that_is_on_stays_on(self):
        self.up()
        self.down()
        self.run_for(6 * SECONDS)
        self.interface().is_up = True
        self.run_for(60 * SECONDS)
        join = ("connect", ("house", "secret"))
        self.assertEqual(self.interface().calls, [("active", True), join, ("disconnect",), join])

    def test_only_a_definite_refusal_ends_an_attempt(self):
        for code in (1000, 1001, 1010):
            self.boot()
            self.interface().code = code
            self.run_for(30 * SECONDS)
            self.assertEqual(self.states[-1], "connecting")
        for code in (200, 201, 202, 203, 204, 205, 2, 15):
            self.boot()
            self.interface().code = code
            self.run_for(2 * SECONDS)
            self.assertEqual(self.states[-1], "connlost")

    def test_signal_strength_may_be_unknown(self):
        self.up()
        self.assertEqual(self.net.rssi(), -60)
        self.interface().rssi = None
        self.assertIsNone(self.net.rssi())
        self.interface().rssi = -60
        self.down()
        self.run_for(6 * SECONDS)
        self.assertIsNone(self.net.rssi())


if __name__ == "__main__":
    unittest.main()
