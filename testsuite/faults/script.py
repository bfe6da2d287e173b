"""Exceptions: of the appliance they are survived, of ours they end in a restart."""

from testmock.simworld.device import HARD_RESET
from testsuite.story import MINUTES, SECONDS, Insight, command, is_online, sent, stat, up


class Trouble:
    """A part of the program that raises what a story tells it to, and when it did."""

    def __init__(self, world):
        self.world = world
        self.error = None
        self.called = []

    def call(self):
        self.called.append(self.world.now_ms())
        if self.error is not None:
            raise self.error


def with_task(world, trouble, delay_ms, period_ms=None, core=False):
    boots = []

    def more(app, load):
        # Only in the first boot: a fault that is there for ever is another story.
        if not boots:
            boots.append(True)
            load("epx.loop").Task(trouble.call, delay_ms, period_ms, core=core)

    return Insight(world, more)


def pauses(times):
    return [times[i + 1] - times[i] for i in range(len(times) - 1)]


def test_a_task_that_raises_is_tried_again_ever_later_while_the_rest_goes_on(world):
    trouble = Trouble(world)
    insight = with_task(world, trouble, 30 * SECONDS, 2 * SECONDS)
    device = world.device
    up(world)
    world.run_for(60 * SECONDS)
    assert all(abs(pause - 2 * SECONDS) <= 50 for pause in pauses(trouble.called))
    trouble.error = ZeroDivisionError("by the tank")
    del trouble.called[:]
    faults = insight.count("faults")
    world.run_for(40 * MINUTES)
    found = pauses(trouble.called)
    expected = (2, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600)
    for pause, seconds in zip(found, expected):
        assert abs(pause - seconds * SECONDS) <= 200, found
    assert len(found) >= len(expected), found
    assert insight.count("faults") - faults == len(trouble.called)
    log = [line for _, line in sent(world, "Log")]
    assert len([line for line in log if "ZeroDivisionError: by the tank" in line]) == len(
        trouble.called
    )
    # The traceback says where.
    assert [line for line in log if "in call" in line]
    assert is_online(world)
    assert stat(world, "Malfunctions") == "0"
    assert stat(world, "Uptime") == str(int((world.now_ms() - 300) // MINUTES))
    assert device.resets == []
    trouble.error = None
    del trouble.called[:]
    world.run_for(12 * MINUTES)
    assert all(abs(pause - 2 * SECONDS) <= 50 for pause in pauses(trouble.called))
    assert insight.count("faults") - faults == len(found) + 1


def test_a_single_task_that_raises_is_tried_until_it_succeeds_once(world):
    trouble = Trouble(world)
    with_task(world, trouble, 30 * SECONDS)
    trouble.error = ValueError("not yet")
    up(world)
    world.run_for(60 * SECONDS)
    tried = len(trouble.called)
    assert tried >= 4
    trouble.error = None
    world.run_for(2 * MINUTES)
    assert len(trouble.called) == tried + 1
    world.run_for(30 * MINUTES)
    assert len(trouble.called) == tried + 1


def test_a_command_that_raises_is_logged_and_the_connection_stays(world):
    trouble = Trouble(world)

    class Door:
        def open(self, _):
            trouble.call()

    def more(app, load):
        topics = load("epx.topics")
        app.mqtt.bind(Door(), (topics.Sub("Open", "open", bytes),))

    insight = Insight(world, more)
    trouble.error = KeyError("handle")
    up(world)
    for _ in range(3):
        command(world, "Open", "1")
        world.run_for(1 * SECONDS)
    # A command is never repeated by us: who sent it sees that nothing happened.
    assert len(trouble.called) == 3
    assert insight.count("faults") == 3
    assert [line for _, line in sent(world, "Log") if "KeyError" in line]
    assert insight.times("mqtt", "lost") == []
    command(world, "Refresh", "1")
    world.run_for(1 * SECONDS)
    assert insight.app.mqtt.commands == 4
    assert world.device.resets == []


def test_a_value_that_cannot_be_read_does_not_silence_the_others(world):
    trouble = Trouble(world)

    class Gauge:
        def pressure(self):
            trouble.call()
            return 7

    def more(app, load):
        topics = load("epx.topics")
        app.mqtt.bind(Gauge(), (topics.Pub("Pressure", "pressure", 0, every_ms=1000),))

    insight = Insight(world, more)
    trouble.error = OSError(5)
    up(world)
    world.run_for(10 * MINUTES)
    assert stat(world, "Pressure") is None
    # Left alone for a minute after each failure.
    assert 8 <= len(trouble.called) <= 14, len(trouble.called)
    assert stat(world, "CoarseLevelPct") == "100"
    assert insight.count("faults") == len(trouble.called)
    trouble.error = None
    world.run_for(61 * SECONDS)
    assert stat(world, "Pressure") == "7"
    assert insight.times("mqtt", "lost") == []


def test_a_profile_that_cannot_start_leaves_a_device_that_can_be_reached(world):
    def more(app, load):
        raise OSError(19)

    insight = Insight(world, more)
    up(world)
    world.run_for(5 * SECONDS)
    assert [line for _, line in sent(world, "Log") if "h2o could not start" in line]
    assert insight.count("faults") == 1
    command(world, "Refresh", "1")
    world.run_for(30 * MINUTES)
    assert is_online(world)
    assert world.device.resets == []


def test_our_own_exception_leaves_its_traceback_and_restarts(world):
    trouble = Trouble(world)
    trouble.error = RuntimeError("impossible")
    with_task(world, trouble, 40 * SECONDS, core=True)
    device = world.device
    up(world)
    assert world.run_until(lambda: device.resets, 60 * SECONDS)
    assert device.resets[0][1] == HARD_RESET
    assert abs(device.resets[0][0] - 40_300) <= 200, device.resets
    text = device.flash.text("/exception.txt")
    assert "Traceback" in text and "in call" in text and "RuntimeError: impossible" in text
    assert device.flash.text("/reboot.txt") == "exception: RuntimeError impossible"
    up(world)
    world.run_for(1 * SECONDS)
    log = [line for _, line in sent(world, "Log")]
    assert [line for line in log if "last reboot: exception: RuntimeError impossible" in line]
    world.run_for(10 * MINUTES)
    assert len(device.resets) == 1


def test_too_little_memory_is_survived_once_and_twice(world):
    trouble = Trouble(world)
    insight = with_task(world, trouble, 30 * SECONDS, 5 * MINUTES)
    trouble.error = MemoryError("memory allocation failed")
    up(world)
    assert world.run_until(lambda: len(trouble.called) == 2, 10 * MINUTES)
    trouble.error = None
    world.run_for(60 * SECONDS)
    assert len([line for _, line in sent(world, "Log") if "out of memory" in line]) == 2
    assert world.device.resets == []
    assert insight.times("mqtt", "lost") == []


def test_too_little_memory_again_and_again_is_a_restart(world):
    trouble = Trouble(world)
    with_task(world, trouble, 30 * SECONDS, 10 * SECONDS)
    trouble.error = MemoryError("memory allocation failed")
    up(world)
    assert world.run_until(lambda: world.device.resets, 2 * MINUTES)
    assert len(trouble.called) == 3
    assert world.device.flash.text("/reboot.txt") == "out of memory"
    assert world.device.flash.text("/exception.txt") is None
    up(world)


def test_the_keyboard_ends_the_program(world):
    # The simulator gives what nobody catches to the story.
    for core in (False, True):
        trouble = Trouble(world)
        trouble.error = KeyboardInterrupt()
        with_task(world, trouble, 20 * SECONDS, core=core)
        up(world)
        try:
            world.run_for(60 * SECONDS)
        except KeyboardInterrupt:
            pass
        else:
            raise AssertionError("somebody caught it")
        assert len(trouble.called) == 1
        assert world.device.flash.text("/exception.txt") is None
        assert world.device.flash.text("/reboot.txt") is None
        assert world.device.resets == []
        world.device.power_cut()


def test_the_keyboard_ends_a_program_whose_profile_only_starts(world):
    def more(app, load):
        raise KeyboardInterrupt

    Insight(world, more)
    world.device.power_on()
    try:
        world.run_for(5 * SECONDS)
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError("somebody caught it")
    assert world.device.flash.text("/reboot.txt") is None


def test_an_event_that_is_too_long_is_the_appliances_fault_not_ours(world):
    def more(app, load):
        topics = load("epx.topics")

        class Talker(topics.Source):
            words = "x" * 5000

        talker = Talker()
        app.mqtt.bind(talker, (topics.Pub("Said", "words", on="said", event=True),))
        load("epx.loop").Task(lambda: talker.announce("said"), 30 * SECONDS)

    insight = Insight(world, more)
    up(world)
    world.run_for(60 * SECONDS)
    assert world.device.resets == []
    assert insight.times("mqtt", "lost") == []
    assert [line for _, line in sent(world, "Log") if line.startswith("error") and "Said" in line]
    assert is_online(world)
    assert world.run_until(lambda: stat(world, "Uptime") == "2", 2 * MINUTES)
