"""epx.netstats: what is counted, and how rarely it is written."""

import unittest

import fakes

MINUTES = 60000
HOURS = 60 * MINUTES


class TestNetStats(unittest.TestCase):
    def setUp(self):
        self.world = fakes.World()
        self.boot()

    def boot(self):
        self.loop, self.diag, module = self.world.load("epx.loop", "epx.diag", "epx.netstats")
        self.stats = module.NetStats()

    def stored(self):
        return self.world.nvram["netstats"]

    def test_a_new_device_begins_at_zero_and_writes_nothing(self):
        self.assertEqual(self.stats.counts["connlost"], 0)
        self.assertEqual(self.stats.counts["mqttlost"], 0)
        self.assertEqual(self.world.nvram_writes, [])

    def test_the_first_loss_is_written_at_once(self):
        self.stats.add("connlost")
        self.assertEqual(self.stats.counts["connlost"], 1)
        self.assertEqual(self.stored()["connlost"], 1)

    def test_counts_survive_a_power_loss(self):
        self.stats.add("connlost")
        self.stats.add("mqttlost")
        self.world.run(self.loop, 11 * MINUTES)
        self.boot()
        self.assertEqual(self.stats.counts["connlost"], 1)
        self.assertEqual(self.stats.counts["mqttlost"], 1)
        self.stats.add("connlost")
        self.assertEqual(self.stats.counts["connlost"], 2)

    def test_further_losses_wait_for_ten_minutes(self):
        self.stats.add("connlost")
        for _ in range(5):
            self.world.run(self.loop, MINUTES)
            self.stats.add("connlost")
            self.stats.add("mqttlost")
        self.assertEqual(self.stored()["connlost"], 1)
        self.assertEqual(self.stats.counts["connlost"], 6)
        self.world.run(self.loop, 5 * MINUTES)
        self.assertEqual(self.stored(), {"connlost": 6, "mqttlost": 5})

    def test_the_wear_budget_holds_in_the_worst_case(self):
        days = 2
        for _ in range(days * 24 * 60):
            self.stats.add("connlost")
            self.stats.add("mqttlost")
            self.world.run(self.loop, MINUTES)
        for key in ("connlost", "mqttlost"):
            self.assertLessEqual(self.world.nvram_writes.count(key), days * 24 * 6 + 1)
        self.assertEqual(self.stats.counts["connlost"], days * 24 * 60)

    def test_after_a_quiet_time_a_loss_is_written_at_once_again(self):
        self.stats.add("connlost")
        self.world.run(self.loop, 21 * MINUTES)
        self.stats.add("connlost")
        self.assertEqual(self.stored()["connlost"], 2)

    def test_a_quiet_device_does_not_wake_for_it(self):
        self.stats.add("connlost")
        self.world.run(self.loop, HOURS)
        before = self.world.polls
        self.world.run(self.loop, 24 * HOURS)
        self.assertLessEqual(self.world.polls - before, 1)

    def test_all_is_written_before_a_reboot(self):
        self.stats.add("connlost")
        self.stats.add("connlost")
        self.stats.add("mqttlost")
        with self.assertRaises(fakes.Reset):
            self.diag.reboot("test")
        self.assertEqual(self.stored(), {"connlost": 2, "mqttlost": 1})

    def test_a_full_nvram_is_said_and_survived(self):
        self.world.nvram_full = True
        self.stats.add("connlost")
        self.world.run(self.loop, 11 * MINUTES)
        self.assertEqual(self.stats.counts["connlost"], 1)
        self.assertIn("error nvram: ", self.world.console[0])
        self.world.nvram_full = False
        self.stats.add("connlost")
        self.world.run(self.loop, 11 * MINUTES)
        self.assertEqual(self.stored()["connlost"], 2)

    def test_a_counter_at_its_end_begins_again_instead_of_failing(self):
        self.stored()["connlost"] = 0x7FFFFFFF
        self.boot()
        self.stats.add("connlost")
        self.assertEqual(self.stats.counts["connlost"], 0)


if __name__ == "__main__":
    unittest.main()
