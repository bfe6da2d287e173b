"""What a central makes of what a peripheral says about its update."""

import unittest

from epx import log, nowupdates
from epx.nowpeers import Peer
from epx.nowwire import NO_UPDATE, ON_TRIAL

IDENTITY = b"\x24\x0a\xc4\x00\x01\x01"
BATTERY_MV = 3000


class UpdateCase(unittest.TestCase):
    def setUp(self):
        self.peer = Peer(IDENTITY)

    def said(self):
        """Lines of the log since the last call, without what all begin with."""
        head = "info netnow: update of 240ac4000101: "
        lines = []
        while log.peek():
            line = log.peek()
            log.drop()
            self.assertEqual(line[: len(head)], head)
            lines.append(line[len(head) :].strip())
        return lines

    def wakes(self, state, on_trial=False):
        """As the central handles a wakeup."""
        extra = BATTERY_MV | (ON_TRIAL if on_trial else 0)
        nowupdates.note_flags(self.peer, extra)
        nowupdates.note_state(self.peer, state, on_trial)
        self.peer.set = state[:1]

    def takes_notice(self):
        self.wakes("a")
        nowupdates.announce(self.peer)
        nowupdates.noticed(self.peer)
        self.said()


class TestAnnounced(UpdateCase):
    def test_it_waits_until_the_peripheral_has_noticed(self):
        nowupdates.announce(self.peer)
        self.wakes("a")
        self.assertEqual(self.peer.update, "waits")
        nowupdates.noticed(self.peer)
        self.assertEqual(self.said(), ["waits", "taken"])

    def test_one_that_was_not_announced_is_not_noticed(self):
        nowupdates.noticed(self.peer)
        self.assertEqual((self.peer.update, self.said()), (None, []))

    def test_who_cannot_says_so_when_it_speaks(self):
        nowupdates.announce(self.peer)
        nowupdates.note_flags(self.peer, BATTERY_MV | NO_UPDATE)
        nowupdates.note_flags(self.peer, BATTERY_MV | NO_UPDATE)
        self.assertEqual(self.said(), ["waits", "cannot"])

    def test_or_is_known_to_be_one(self):
        self.peer.cannot = NO_UPDATE
        nowupdates.announce(self.peer)
        self.assertEqual(self.said(), ["cannot"])
        self.peer.cannot = 0  # it has got what it needs, and spoken since
        nowupdates.announce(self.peer)
        self.assertEqual(self.said(), ["waits"])

    def test_during_a_trial_it_is_too_early(self):
        self.wakes("b", True)
        nowupdates.announce(self.peer)
        self.assertEqual((self.peer.update, self.said()), ("trial", ["trial", "trial"]))

    def test_twice_is_as_good_as_once(self):
        self.takes_notice()
        nowupdates.announce(self.peer)
        self.assertEqual((self.peer.update, self.said()), ("waits", ["waits"]))


class TestOver(UpdateCase):
    def test_the_other_set_has_proved_itself(self):
        self.takes_notice()
        self.wakes("b", True)
        self.wakes("b", True)
        self.wakes("b")
        self.assertEqual(self.said(), ["trial", "done, set b"])
        self.wakes("b")
        self.assertEqual((self.peer.update, self.said()), ("done", []))

    def test_it_has_gone_back_from_the_trial(self):
        self.takes_notice()
        self.wakes("b", True)
        self.wakes("aupdate failed, back to set a: it hung")
        words = "old, set a update failed, back to set a: it hung"
        self.assertEqual(self.said(), ["trial", words])

    def test_it_has_gone_back_before_anybody_heard_of_the_trial(self):
        self.takes_notice()
        self.wakes("a")
        self.assertEqual(self.said(), ["old, set a"])

    def test_its_trial_was_not_heard_but_it_has_proved_itself(self):
        self.takes_notice()
        self.wakes("b")
        self.assertEqual(self.said(), ["done, set b"])

    def test_settings_leave_the_set_as_it_is(self):
        self.takes_notice()
        self.wakes("a", True)
        self.wakes("a")
        self.assertEqual(self.said(), ["trial", "done, set a"])

    def test_settings_that_went_back_say_so(self):
        self.takes_notice()
        self.wakes("a", True)
        self.wakes("anew config.txt failed, back to the old one: it hung")
        self.assertEqual(self.said()[1][:10], "old, set a")

    def test_a_central_that_has_restarted_during_the_trial(self):
        self.wakes("b", True)
        self.wakes("b")
        self.assertEqual(self.said(), ["trial", "done, set b"])
        self.wakes("b", True)
        self.wakes("a")
        self.assertEqual(self.said(), ["trial", "old, set a"])

    def test_notice_that_got_lost_is_made_up_for_by_the_trial(self):
        self.wakes("a")
        nowupdates.announce(self.peer)
        self.wakes("b", True)
        self.wakes("b")
        self.assertEqual(self.said(), ["waits", "trial", "done, set b"])


if __name__ == "__main__":
    unittest.main()
