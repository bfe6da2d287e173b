"""What every main.py starts, and what it survives."""

import sys
import unittest

import fakes


class Stop(BaseException):
    """Ends a loop that turns for ever."""


class ApplianceCase(unittest.TestCase):
    def setUp(self):
        self.world = fakes.World()
        self.world.cause = 2
        self.built = []

    def write(self, *lines):
        self.world.files["config.txt"] = "\n".join(lines).encode()

    def keys(self):
        from epx.config import Key, integer

        return (Key("capacity", integer(1, 1000)),)

    def boot(self):
        self.loop, self.diag, module = self.world.load("epx.loop", "epx.diag", "epx.appliance")
        self.appliance = module.Appliance("toy", self.keys)
        return self.appliance

    def run_for(self, ms, build=None):
        """Run the appliance so long."""

        def stop():
            raise Stop

        self.loop.Task(stop, ms)
        try:
            self.appliance.run(build or self.built.append)
        except Stop:
            pass

    def said(self, words):
        return [line for line in self.world.console if words in line]


class TestStart(ApplianceCase):
    def test_a_good_file_starts_the_profile(self):
        self.write("ssid house", "capacity 7", "watchdog 0", "led none")
        appliance = self.boot()
        self.run_for(100)
        self.assertEqual(self.built, [appliance])
        self.assertEqual(appliance.config.capacity, 7)
        self.assertEqual(self.world.interfaces[0].kind, "wlan")
        self.assertEqual(fakes.Pin.made, [])

    def test_the_led_is_lit_by_the_loop(self):
        self.write("ssid house", "capacity 7", "led 5 inverted")
        self.boot()
        self.run_for(10)
        self.assertEqual(fakes.Pin.made[0].number, 5)
        self.assertEqual(fakes.Pin.made[0].values[:3], [1, 0, 1])

    def test_a_pin_that_the_chip_lacks_is_said(self):
        self.write("ssid house", "capacity 7", "led 99")
        self.boot()
        self.run_for(10)
        self.assertEqual(len(self.said("led")), 1)
        self.assertEqual(len(self.built), 1)

    def test_a_bad_key_of_the_profile_leaves_network_and_watchdog(self):
        self.write("ssid house", "capacity many")
        self.boot()
        self.run_for(20000)
        self.assertEqual(self.built, [])
        self.assertEqual(len(self.world.interfaces), 1)
        self.assertEqual(self.world.wdt_timeout, 15000)
        self.assertEqual(len(self.said("capacity: want an integer from 1 to 1000")), 1)
        self.assertEqual(len(self.said("does not start before")), 1)

    def test_without_a_file_it_waits_without_a_watchdog(self):
        self.boot()
        self.run_for(60000)
        self.assertEqual(self.built, [])
        self.assertIsNone(self.world.wdt_timeout)
        self.assertEqual(len(self.said("no config.txt on this device")), 1)

    def test_the_log_level_is_obeyed(self):
        self.write("ssid house", "capacity 7", "loglevel error")
        self.boot()
        self.run_for(100)
        self.assertEqual(self.world.console, [])


class TestMemory(ApplianceCase):
    def test_the_code_of_the_settings_is_forgotten(self):
        self.write("ssid house", "capacity 7", "watchdog 0")
        self.boot()
        self.assertNotIn("epx.config", sys.modules)


class TestFaults(ApplianceCase):
    def setUp(self):
        super().setUp()
        self.write("ssid house", "capacity 7", "watchdog 0")

    def test_a_profile_that_cannot_be_built_leaves_the_device_reachable(self):
        def build(app):
            raise ValueError("no such pin")

        self.boot()
        self.run_for(60000, build)
        self.assertEqual(len(self.said("toy could not start")), 1)
        self.assertEqual(len(self.said("ValueError: no such pin")), 1)
        self.assertNotIn("exception.txt", self.world.files)
        self.assertIn("faults 1 ", self.appliance.summary())

    def test_a_fault_of_ours_leaves_its_traceback(self):
        def build(app):
            self.loop.fault_handler = None

            def fails():
                raise ValueError("ours")

            self.loop.Task(fails, 10)

        self.boot()
        with self.assertRaises(fakes.Reset):
            self.run_for(1000, build)
        self.assertIn(b"ValueError: ours", self.world.files["exception.txt"])

    def test_a_start_that_fails_leaves_its_traceback(self):
        self.keys = None
        with self.assertRaises(fakes.Reset):
            self.boot()
        self.assertIn("exception.txt", self.world.files)

    def test_an_interrupt_from_the_keyboard_ends_it(self):
        def build(app):
            def press():
                raise KeyboardInterrupt

            self.loop.Task(press, 10)

        self.boot()
        with self.assertRaises(KeyboardInterrupt):
            self.run_for(1000, build)


class TestAbout(ApplianceCase):
    def test_it_tells_uptime_and_figures(self):
        self.write("ssid house", "capacity 7", "watchdog 0")
        self.boot()
        self.run_for(125 * 1000)
        self.assertEqual(self.appliance.uptime_min(), 2)
        self.assertEqual(
            self.appliance.summary(), "heap 60000 faults 0 connlost 0 mqttlost 0 rssi None"
        )
        self.appliance.refresh(b"x")


if __name__ == "__main__":
    unittest.main()
