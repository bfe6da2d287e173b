"""The two kinds of network interface: what exactly the board's drivers are told."""

import unittest

import fakes


class LinkCase(unittest.TestCase):
    def setUp(self):
        self.world = fakes.World()
        self.netlink = self.world.load("epx.netlink")

    def make(self, ssid, password=None):
        self.link = self.netlink.Link(ssid, password)
        self.interface = self.world.interfaces[-1]
        return self.link


class TestChoice(LinkCase):
    def test_a_name_is_wifi(self):
        self.make("My House", "secret")
        self.assertEqual(self.interface.kind, "wlan")
        self.assertEqual(self.interface.arguments, (0,))

    def test_only_one_interface_is_made(self):
        self.make("(wired)")
        self.assertEqual([i.kind for i in self.world.interfaces], ["lan"])


class TestWired(LinkCase):
    def options(self):
        found = dict(self.interface.options)
        for name in ("mdc", "mdio", "power", "ref_clk"):
            if name in found:
                found[name] = found[name].number
        return found

    def test_the_first_wiring(self):
        self.make("(wired)")
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
        self.make("(wired2)")
        self.assertEqual(
            self.options(),
            {"mdc": 23, "mdio": 18, "power": 16, "phy_type": "lan8720", "phy_addr": 1},
        )

    def test_it_is_only_switched_on_and_off(self):
        link = self.make("(wired)")
        link.start()
        link.start()
        link.stop(False)
        link.stop(True)
        self.assertEqual(self.interface.calls, [("active", True), ("active", False)])

    def test_it_never_refuses_and_has_no_signal_strength(self):
        link = self.make("(wired)")
        self.interface.code = 201
        self.assertIsNone(link.refused())
        self.assertIsNone(link.rssi())

    def test_it_knows_whether_it_is_up_and_its_address(self):
        link = self.make("(wired)")
        self.assertFalse(link.up())
        self.interface.is_up = True
        self.assertTrue(link.up())
        self.assertEqual(link.address(), "192.168.1.77")


class TestWifi(LinkCase):
    def test_it_joins_with_name_and_password(self):
        self.make("My House", "secret").start()
        self.assertEqual(
            self.interface.calls, [("active", True), ("connect", ("My House", "secret"))]
        )

    def test_an_open_network_needs_no_password(self):
        self.make("cafe").start()
        self.assertEqual(self.interface.calls[-1], ("connect", ("cafe",)))

    def test_a_radio_that_is_on_stays_on(self):
        link = self.make("cafe")
        link.start()
        link.stop(False)
        link.start()
        link.stop(True)
        self.assertEqual(
            self.interface.calls,
            [
                ("active", True),
                ("connect", ("cafe",)),
                ("disconnect",),
                ("connect", ("cafe",)),
                ("active", False),
            ],
        )

    def test_a_definite_refusal_is_told(self):
        link = self.make("cafe")
        for code in (1000, 1001, 1010):
            self.interface.code = code
            self.assertIsNone(link.refused())
        for code in (200, 201, 202, 203, 204, 205, 2, 15):
            self.interface.code = code
            self.assertEqual(link.refused(), code)

    def test_signal_strength_may_be_unknown(self):
        link = self.make("cafe")
        self.assertEqual(link.rssi(), -60)
        self.interface.rssi = None
        self.assertIsNone(link.rssi())

    def test_it_knows_whether_it_is_up_and_its_address(self):
        link = self.make("cafe")
        self.interface.is_up = True
        self.assertTrue(link.up())
        self.assertEqual(link.address(), "192.168.1.77")


if __name__ == "__main__":
    unittest.main()
