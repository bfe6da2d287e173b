"""What appliances show: which pages are sent, when, and what becomes of a dead display."""

import unittest

import fakes

SECONDS = 1000
MINUTES = 60 * SECONDS
_ALL = 0x3FF


class Chip:
    """As third.ssd1306.SSD1306: notes which transfer went out when; draws nothing."""

    def __init__(self, world):
        self._world = world
        self.dirty = -1
        self.failing = False
        self.sent = []  # (second, bit)

    def send(self, draw):
        dirty = self.dirty & _ALL
        if self.failing:
            raise OSError(19)
        number = 0
        while not dirty >> number & 1:
            number += 1
        self.sent.append(((self._world.now_ms - self._world.began_ms) // 1000, number))
        self.dirty = dirty & ~(1 << number)


class Frame:
    """As framebuf.FrameBuffer: what is drawn."""

    def __init__(self):
        self.drawn = []

    def text(self, words, x, y):
        self.drawn.append((words, x, y))


class ScreenCase(unittest.TestCase):
    def setUp(self):
        self.world = world = fakes.World()
        world.began_ms = world.now_ms
        self.screen, self.loop = world.load("epx.screen", "epx.loop")
        self.chip = Chip(world)
        self.lines = ("one", "two", "three", "four", "five")
        self.seen = None
        case = self

        class Display(self.screen.Screen):
            def text(self):
                return case.lines

            def picture(self):
                return case.seen

            def draw_picture(self, frame, top):
                frame.drawn.append((self.shown, top))

        self.Display = Display

    def make(self, kind=None):
        self.display = (kind or self.Display)("tank: display", self.chip)

    def run_for(self, ms):
        done = []
        self.loop.Task(done.append, ms, arg=1)
        while not done:
            self.loop.step()

    def sent(self):
        """What was sent since the last call."""
        numbers = [number for _, number in self.chip.sent]
        self.chip.sent = []
        return numbers


class TestPages(ScreenCase):
    def test_everything_first_one_transfer_per_turn(self):
        self.make()
        most = 0
        for _ in range(30):
            before = len(self.chip.sent)
            self.loop.step()
            most = max(most, len(self.chip.sent) - before)
        self.assertEqual(self.sent(), list(range(10)))
        self.assertEqual(most, 1)

    def test_a_line_that_changes_costs_its_pages(self):
        self.make()
        self.run_for(500)
        self.sent()
        for i, pages in enumerate(([1], [2, 3], [4], [5, 6], [7])):
            self.lines = self.lines[:i] + ("new",) + self.lines[i + 1 :]
            self.run_for(1 * SECONDS)
            self.assertEqual(self.sent(), pages)

    def test_nothing_new_costs_nothing(self):
        self.make()
        self.run_for(500)
        self.sent()
        self.run_for(60 * SECONDS)
        self.assertEqual(self.sent(), [])

    def test_another_picture_costs_all_pages(self):
        self.make()
        self.run_for(500)
        self.sent()
        self.seen = 1
        self.run_for(1 * SECONDS)
        self.assertEqual(self.sent(), list(range(1, 9)))

    def test_a_profile_may_look_more_often(self):
        self.Display.period_ms = 500
        self.make()
        self.run_for(700)
        self.sent()
        self.lines = ("x",) + self.lines[1:]
        self.run_for(400)
        self.assertEqual(self.sent(), [1])

    def test_lines_stand_at_their_places_and_are_cut(self):
        self.lines = ("a", "b" * 20, "c", "d", "e")
        self.make()
        self.run_for(500)
        frame = Frame()
        self.display.draw(frame, 8)
        # Of the first line nothing reaches row 8, of the second the upper four rows do.
        self.assertEqual(frame.drawn, [("b" * 13, 20, 4)])

    def test_the_picture_is_drawn_as_it_was_looked_at(self):
        self.seen = 7
        self.make()
        self.run_for(500)
        self.seen = 8
        frame = Frame()
        self.display.draw(frame, 64)
        self.assertEqual(frame.drawn, [(7, 64)])

    def test_text_alone_is_enough(self):
        class Plain(self.screen.Screen):
            def text(self):
                return ("one", "two")

        self.make(Plain)
        self.run_for(500)
        self.assertEqual(self.sent(), list(range(10)))
        frame = Frame()
        self.display.draw(frame, 0)
        self.assertEqual(frame.drawn, [("one", 20, 0)])


class TestFailures(ScreenCase):
    def test_a_working_display_is_set_up_anew_every_ten_minutes(self):
        self.make()
        self.run_for(30 * MINUTES + 500)
        starts = [second for second, number in self.chip.sent if not number]
        self.assertEqual(starts, [0, 600, 1200, 1800])

    def test_a_dead_one_is_tried_every_ten_minutes_and_logged_once(self):
        self.make()
        self.run_for(500)
        self.chip.failing = True
        self.lines = ("new",) * 5
        self.run_for(1 * SECONDS)
        tries = []
        send = self.chip.send

        def count(draw):
            tries.append(self.world.now_ms)
            send(draw)

        self.chip.send = count
        self.run_for(25 * MINUTES)
        self.assertEqual(len(tries), 2)
        self.assertEqual(len(self.world.console), 1)
        self.assertIn("tank: display", self.world.console[0])
        self.sent()
        self.chip.failing = False
        self.run_for(6 * MINUTES)
        self.assertEqual(self.sent(), list(range(10)))
        self.assertEqual(self.world.console[1:], ["info tank: display works again"])

    def test_one_that_dies_between_two_pages_stops_there(self):
        self.make()
        self.loop.step()
        self.loop.step()
        self.chip.failing = True
        self.run_for(5 * SECONDS)
        self.assertEqual(self.sent(), [0, 1])
        self.assertEqual(len(self.world.console), 1)


class Net:
    text = None

    def address(self):
        return self.text


class Mqtt:
    up = False

    def connected(self):
        return self.up


class TestStatus(ScreenCase):
    def test_nothing_is_there(self):
        lines = self.screen.status_lines(Net(), Mqtt())
        self.assertEqual(lines, ("no net", "MQTT down", "0:00:00:00"))

    def test_all_is_well(self):
        net, mqtt = Net(), Mqtt()
        net.text, mqtt.up = "192.168.100.107", True
        self.run_for(((26 * 60 + 3) * 60 + 9) * SECONDS)
        lines = self.screen.status_lines(net, mqtt)
        self.assertEqual(lines, ("2.168.100.107", "MQTT up", "1:02:03:09"))


if __name__ == "__main__":
    unittest.main()
