"""A program that raises: isolated, or exception.txt, the set before, rescue (T11)."""

from testsuite import otastory
from testsuite.otastory import SENSOR, ask, is_whole, log, logged, running, runs_set
from testsuite.story import HOURS, MINUTES, SECONDS, is_online, stat, up

RAISES = SENSOR.replace("self.value += 1", 'raise ValueError("sensor %s" % self.value)')
AT_IMPORT = 'raise RuntimeError("no such chip")\n' + SENSOR
NEVER = ["reboot.txt not found"], ["exception.txt not found"]


def install(world, sensor, previous=None):
    """Set b runs, confirmed, and its sensor is this; set a could take over if there is one."""
    otastory.install(world, otastory.probe(previous and {"lib/probe/sensor.py": previous}))
    flash = world.device.flash
    if previous:
        files = otastory.probe({"lib/probe/sensor.py": sensor})
        for path, content in otastory.installed.set_tree("probe", "b", 2, files).items():
            flash.load(path, content)
        otastory.installed.run_set(flash, "b confirmed a")
    else:
        files = otastory.probe({"lib/probe/sensor.py": sensor})
        for path, content in otastory.installed.set_tree("probe", "a", 1, files).items():
            flash.load(path, content)


def faults(world):
    words = stat(world, "Diag").split()
    return int(words[words.index("faults") + 1])


def test_a_sensor_that_raises_is_logged_and_isolated(world):
    install(world, RAISES)
    up(world)
    world.run_for(2 * HOURS)
    assert world.device.resets == [] and is_online(world)
    assert stat(world, "Value") == "0" and int(stat(world, "Uptime")) == 120
    # Tried again after 1, 2, 4 ... s, at most 10 min apart.
    assert 10 <= faults(world) <= 25
    lines = log(world)
    first = lines.index("ValueError: sensor 0")
    assert any('File "/a/lib/probe/sensor.py", line ' in line for line in lines[first - 5 : first])
    assert (ask(world, "msg_reboot"), ask(world, "msg_exception")) == NEVER
    assert otastory.session(world, lambda client: client.identity["profile"]) == "probe"


def test_an_exception_at_import_leads_to_the_set_before(world):
    install(world, AT_IMPORT, previous=SENSOR)
    device = world.device
    device.power_on()
    assert runs_set(world, "a")
    assert len(device.resets) == 3 and running(world) == "a confirmed"
    # All of it within seconds, if the start's chance is left out.
    assert device.resets[2][0] < 5 * SECONDS
    world.run_for(1 * SECONDS)
    words = "set b failed three times, now set a runs: exception: RuntimeError no such chip"
    assert logged(world, words)
    assert ask(world, "msg_reboot") == ["reboot.txt: " + words]
    text = ask(world, "msg_exception")
    assert text[0] == "exception.txt: Traceback (most recent call last):"
    assert any('File "/b/lib/probe/sensor.py", line 1, in <module>' in line for line in text)
    assert text[-1] == "exception.txt: RuntimeError: no such chip"
    assert ask(world, "msg_rm") == ["messages removed"]
    assert (ask(world, "msg_reboot"), ask(world, "msg_exception")) == NEVER
    world.run_for(1 * HOURS)
    assert len(device.resets) == 3 and is_whole(world, "a")


def test_and_without_one_to_rescue(world):
    install(world, AT_IMPORT)
    device = world.device
    device.power_on()
    assert world.run_until(lambda: is_online(world), 1 * MINUTES)
    assert len(device.resets) == 3 and device.module("loader.rescue")
    world.run_for(1 * SECONDS)
    assert logged(world, "rescue: no set runs: exception: RuntimeError no such chip")
    assert logged(world, "rescue: install the profile again with scripts/ota or scripts/cpall")
    text = ask(world, "msg_exception")
    assert text[-1] == "exception.txt: RuntimeError: no such chip"
    assert ask(world, "msg_reboot") == [
        "reboot.txt: no set runs: exception: RuntimeError no such chip"
    ]


def test_both_sets_one_after_the_other_then_rescue(world):
    install(world, AT_IMPORT, previous='raise RuntimeError("older")\n' + SENSOR)
    world.device.power_on()
    assert world.run_until(lambda: is_online(world), 1 * MINUTES)
    assert world.device.module("loader.rescue") and len(world.device.resets) == 6
    world.run_for(1 * SECONDS)
    assert logged(world, "rescue: no set runs: exception: RuntimeError older")


def test_an_exception_after_the_first_minute_is_no_failed_boot(world):
    """A program that has run for so long is reachable: an update can mend it."""
    fault = 'raise RuntimeError("late")'
    text = SENSOR.replace("self.value += 1", "self.value += 1\n        self.late()")
    text += "\n    def late(self):\n        if self.value > 90:\n            %s\n" % fault
    text = text.replace(
        "Task(self.sample, 1000, 1000)", "Task(self.sample, 1000, 1000, core=True)"
    )
    install(world, text, previous=SENSOR)
    world.device.power_on()
    world.run_for(1 * HOURS)
    assert 30 < len(world.device.resets) < 41
    assert runs_set(world, "b") and running(world) == "b confirmed a"
    assert world.run_until(
        lambda: logged(world, "last reboot: exception: RuntimeError late"), 1000
    )
    assert ask(world, "msg_exception")[-1] == "exception.txt: RuntimeError: late"


def test_a_core_fault_in_the_first_minute_is_one(world):
    text = RAISES.replace("Task(self.sample, 1000, 1000)", "Task(self.sample, 30000, core=True)")
    install(world, text, previous=SENSOR)
    world.device.power_on()
    assert runs_set(world, "a", 3 * MINUTES)
    assert len(world.device.resets) == 3


def test_two_failed_boots_are_forgotten_after_a_good_one(world):
    install(world, AT_IMPORT, previous=SENSOR)
    device = world.device
    for _ in range(4):
        device.flash.load("/b/lib/probe/sensor.py", AT_IMPORT)
        device.power_on()
        assert world.run_until(lambda: device.nvram.get("loader", {}).get("boots") == 2, 5000)
        device.flash.load("/b/lib/probe/sensor.py", SENSOR)
        world.run_for(2 * MINUTES)
        assert runs_set(world, "b") and device.nvram["loader"] == {"boots": 0}
        device.power_cut()
        world.run_for(1 * SECONDS)
    assert running(world) == "b confirmed a"
