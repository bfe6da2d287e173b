"""What a keyfob receiver is told by config.txt and by MQTT; trains of an RMT, old and new."""

import unittest

import fakes

from testmock.models import keyfob as model

GATE = "EV1527:11259365"


class Idle:
    """A listener that hears nothing."""

    every_ms = 0

    def __init__(self, pin, frames, heard):
        pass

    def listen(self):
        pass


class Rmt:
    """esp32.RMTRX: hands out what is in trains."""

    def __init__(self, **options):
        Rmt.made = self
        self.options = options
        self.trains = []
        self.reads = 0

    def get_data(self):
        return self.trains.pop(0) if self.trains else None

    def read_pulses(self):
        self.reads += 1


class NewRmt(Rmt):
    """As in its later versions."""

    is_active = None

    def active(self, on):
        self.is_active = on


def train(pulses):
    """As the peripheral gives it: without the long low that ended the train before."""
    return [us if level else -us for level, us in pulses if us < 5000]


class TestRmt(unittest.TestCase):
    def setUp(self):
        self.heard = 0

    def on_frame(self):
        self.heard += 1

    def make(self, kind):
        world = fakes.World()
        world.modules["esp32"].RMTRX = kind
        self.frames = world.load("third.keyfob").Frames()
        listener = world.load("third.ookrmt").Listener
        return listener("a pin", self.frames, self.on_frame)

    def test_it_is_set_up_for_frames_of_keyfobs(self):
        self.make(Rmt)
        self.assertEqual(
            Rmt.made.options,
            {
                "pin": "a pin",
                "num_symbols": 64,
                "min_ns": 3100,
                "max_ns": 5000000,
                "resolution_hz": 1000000,
            },
        )
        self.assertEqual(Rmt.made.reads, 1)
        self.make(NewRmt)
        self.assertEqual((Rmt.made.is_active, Rmt.made.reads), (1, 0))

    def test_a_train_is_a_frame(self):
        listener = self.make(Rmt)
        listener.listen()
        self.assertEqual(self.heard, 0)
        for code in (GATE, "HT6P20:21"):
            pulses = model.frame(code)
            if code == GATE:
                pulses.append((1, 350))
            Rmt.made.trains.append(train(pulses))
            listener.listen()
        self.assertEqual(self.heard, 2)

    def test_what_is_too_short_or_has_a_spike_is_none(self):
        listener = self.make(Rmt)
        good = train(model.frame(GATE)) + [350]
        Rmt.made.trains += [good[:-1], good[:20] + [40] + good[21:], [1], good]
        for _ in range(4):
            listener.listen()
        self.assertEqual(self.heard, 1)


class TestKeys(unittest.TestCase):
    def setUp(self):
        self.parse = fakes.World().load("rx433.settings").codes

    def test_codes_with_names(self):
        self.assertEqual(
            self.parse("EV1527:11259365 gate,  HT6P20:19088741   garage"),
            ((GATE, "gate"), ("HT6P20:19088741", "garage")),
        )

    def test_what_is_no_code_is_refused(self):
        for words in (
            "",
            "gate",
            "EV1527:12",
            "EV1527: gate",
            "EV1527:x gate",
            "PT2262:12 gate",
            "EV1527:12 front gate",
            "EV1527:12 abcdefghijklmnopq",
            "EV1527:12 gate,",
            ",".join(["EV1527:%d a" % i for i in range(13)]),
        ):
            with self.assertRaises(ValueError):
                self.parse(words)

    def test_a_name_for_learning(self):
        name = fakes.World().load("rx433.service").name
        self.assertEqual(name(b"gate"), "gate")
        self.assertEqual(name("Tür".encode()), "Tür")
        for payload in (b"", b"a b", b"a,b", b"\xff\xfe", b"x" * 17):
            with self.assertRaises(ValueError):
                name(payload)


class TestReceiver(unittest.TestCase):
    """Frames as they come, without a pin."""

    def setUp(self):
        self.world = world = fakes.World()
        world.modules["esp32"].RMTRX = Rmt
        config = fakes.Module(frames=2, unknown=True, codes=((GATE, "gate"),), rmt=True)
        self.app = fakes.Module(config=config, ota=None)
        sensor = world.load("rx433.sensor")
        self.receiver = sensor.Receiver(self.app, "a pin")
        self.told = []
        self.receiver.announce = self.told.append

    def frame(self, code, after_ms=50):
        self.world.now_ms += after_ms
        receiver = self.receiver
        for level, us in model.press(code, 1):
            if receiver._frames.feed(level, us):
                receiver._on_frame()
        if receiver._frames.end():
            receiver._on_frame()

    def test_two_equal_frames_within_a_quarter_of_a_second(self):
        self.frame(GATE)
        self.assertEqual(self.told, [])
        self.frame(GATE, 251)
        self.assertEqual(self.told, [])
        self.frame(GATE, 250)
        self.assertEqual(self.told, ["pressed", "named"])
        self.assertEqual((self.receiver.keyfob, self.receiver.button), (GATE, "gate"))

    def test_a_hole_of_a_quarter_of_a_second_begins_a_new_press(self):
        for after_ms in (50, 50, 250, 50, 251, 50, 50):
            self.frame(GATE, after_ms)
        self.assertEqual(self.told, ["pressed", "named"] * 2)

    def test_the_same_button_half_a_wrap_of_the_clock_later_is_a_new_press(self):
        self.frame(GATE)
        self.frame(GATE)
        for after_ms in (1 << 29, (1 << 29) + 100, (1 << 30) - 100000):
            self.told.clear()
            self.frame(GATE, after_ms)
            self.assertEqual(self.told, [])
            self.frame(GATE)
            self.assertEqual(self.told, ["pressed", "named"])

    def test_a_frame_that_is_nonsense_is_counted(self):
        for _ in range(2):
            self.frame("HT6P20:16")
        self.assertEqual(self.told, [])
        self.assertTrue(self.receiver.statistics().startswith("recv 2 good 0 bad 2 ook_start 2"))

    def test_it_is_deaf_until_it_listens(self):
        self.assertEqual(self.receiver.health(), "deaf")
        self.receiver._make = Idle
        self.receiver._listen()
        self.assertEqual(self.receiver.health(), "ok")


if __name__ == "__main__":
    unittest.main()
