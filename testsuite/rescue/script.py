"""No set runs any more: the rescue program is online, says so, and takes an update."""

import pytest

from epxhost.otaclient import OtaRefused
from testsuite import otastory
from testsuite.otastory import ask, is_whole, logged, new_set, running, runs_set, update
from testsuite.story import HOURS, MINUTES, SECONDS, is_online, sent, stat, up

BAD = {"lib/probe/sensor.py": 'raise RuntimeError("no such chip")\n'}


def broken(world, files=None):
    """A device that is in rescue after its boots have failed."""
    otastory.install(world, otastory.probe(BAD) if files is None else files)
    in_rescue(world)


def in_rescue(world):
    device = world.device
    if not device.powered:
        device.power_on()
    rescues = lambda: device.module("loader.rescue") and is_online(world)
    assert world.run_until(rescues, 5 * MINUTES), device.console()[-3000:]
    assert device.module("epx.net").__file__ == "/loader/lib/epx/net.py"
    world.run_for(1 * SECONDS)


def test_it_is_online_and_says_why(world):
    broken(world)
    assert logged(world, "appliance: rescue")
    assert logged(world, "rescue: no set runs: exception: RuntimeError no such chip")
    assert logged(world, "rescue: install the profile again with scripts/ota or scripts/cpall")
    assert stat(world, "Availability") == "online" and stat(world, "Uptime") == "0"
    assert ask(world, "getversion")[0].startswith("rescue, epx ")
    assert ask(world, "open")[0].startswith("OTA: netstatus connected addr 192.168.1.7 ")
    assert "flavor rescue" in sent(world, "OTA")[-1][1]
    identity = otastory.session(world, lambda client: client.identity)
    assert identity["rescue"] == "1" and identity["profile"] == "probe"


def test_an_update_makes_the_device_whole(world):
    broken(world)
    result = update(world, new_set(version=2))
    assert result.needed == ("lib/probe/sensor.py",)
    assert runs_set(world, "b") and running(world) == "b trial a ok"
    assert world.run_until(lambda: running(world) == "b confirmed a", 3 * MINUTES)
    assert is_whole(world, "b") and stat(world, "Value") is not None
    world.run_for(3 * HOURS)
    assert running(world) == "b confirmed a"


def test_one_of_the_same_version_too(world):
    broken(world)
    update(world, new_set(version=1))
    assert world.run_until(lambda: running(world) == "b confirmed a", 3 * MINUTES)


def test_a_bad_update_in_rescue_ends_in_rescue_again(world):
    broken(world)
    update(world, new_set({"lib/probe/sensor.py": "raise ValueError('worse')\n"}))
    in_rescue(world)
    update(world, new_set(version=3))
    assert world.run_until(lambda: running(world) == "b confirmed a", 3 * MINUTES)


@pytest.mark.parametrize("left", ["nothing", "no list", "no pointer", "garbage", "half a set"])
def test_whatever_is_left_of_the_sets(world, left):
    otastory.install(world)
    flash = world.device.flash
    if left == "nothing":
        otastory.installed.remove_folder(flash, "/a")
        flash.remove("/running.txt")
    elif left == "no list":
        otastory.installed.remove_folder(flash, "/a")
        flash.load("/a/main.py", "import nothing\n")
        flash.remove("/running.txt")
    elif left == "no pointer":
        flash.load("/a/lib/probe/sensor.py", "1 / 0")
        flash.remove("/running.txt")
    elif left == "garbage":
        flash.load("/a/lib/probe/sensor.py", "1 / 0")
        flash.load("/running.txt", b"\xff\xfe\x00 a b c")
    else:
        otastory.installed.remove_folder(flash, "/a/lib/epx")
    in_rescue(world)
    update(world, new_set())
    assert world.run_until(lambda: "confirmed" in running(world), 3 * MINUTES), running(world)
    name = running(world)[0]
    assert runs_set(world, name) and is_whole(world, name)


def test_it_tries_the_set_again_after_an_hour(world):
    """What kept it from running may be over."""
    otastory.install(world, otastory.probe({"main.py": "open('/owner.txt')\n" + otastory.MAIN}))
    in_rescue(world)
    world.run_for(61 * MINUTES)
    in_rescue(world)
    assert ask(world, "msg_reboot")[0].startswith("reboot.txt: no set runs: exception: OSError")
    world.device.flash.load("/owner.txt", "")
    assert world.run_until(lambda: world.device.module("probe.sensor"), 61 * MINUTES)
    assert runs_set(world, "a")


def test_it_does_not_go_away_while_somebody_has_opened_the_port(world):
    broken(world)
    world.run_for(55 * MINUTES)
    ask(world, "open")
    world.run_for(8 * MINUTES)
    assert world.device.module("loader.rescue") and otastory.port_is_open(world)
    update(world, new_set())
    assert world.run_until(lambda: running(world) == "b confirmed a", 3 * MINUTES)


def test_without_a_network_it_waits_for_one(world):
    broken(world)
    world.device.wifi.available = False
    world.run_for(5 * HOURS)
    world.device.wifi.available = True
    assert world.run_until(lambda: is_online(world), 5 * MINUTES)
    in_rescue(world)


def test_without_a_key_it_says_what_to_do(world):
    otastory.install(world, otastory.probe(BAD))
    config = "\n".join(line for line in otastory.CONFIG.split("\n") if "otakey" not in line)
    world.device.flash.load("/config.txt", config)
    in_rescue(world)
    answer = ask(world, "open")
    assert answer[0].startswith("OTA: no otakey in config.txt") and len(answer) == 2
    assert not otastory.port_is_open(world)


def test_another_profile_is_refused_there_too(world):
    broken(world)
    try:
        otastory.session(world, lambda client: client.send_set(new_set(profile="h2o")))
        raise AssertionError("not refused")
    except OtaRefused as error:
        assert error.name == "wrong profile"


def send_config(world, text):
    def act(client):
        client.put("/config.txt", text.encode())
        client.reboot()

    count = len(world.device.resets)
    otastory.session(world, act)
    assert world.run_until(lambda: len(world.device.resets) > count, 10 * SECONDS)


def test_settings_with_which_the_set_runs_end_the_rescue(world):
    line = "if 'mqttname Probe' in open('/config.txt').read():\n    raise ValueError('name')\n"
    broken(world, otastory.probe({"main.py": line + otastory.MAIN}))
    text = otastory.CONFIG.replace("mqttname Probe", "mqttname Other")
    send_config(world, text)
    assert runs_set(world, "a")
    world.run_for(3 * MINUTES)
    assert world.device.flash.text("/config.txt") == text
    assert world.device.flash.content("/config.old") is None
    assert running(world) == "a confirmed"


def test_settings_with_which_it_does_not_run_are_taken_back(world):
    """Keys of a profile that is not there are no mistakes, though."""
    broken(world)
    send_config(world, otastory.CONFIG.replace("Probe", "Other") + "levelsensors 1,2\n")
    in_rescue(world)
    assert world.device.flash.text("/config.txt") == otastory.CONFIG


def test_a_fault_of_the_rescue_program_itself(world):
    """It starts again, after a pause: whoever is at the serial port has time."""
    otastory.install(world, otastory.probe(BAD))
    flash = world.device.flash
    good = flash.content("/loader/lib/epx/net.py")
    flash.load("/loader/lib/epx/net.py", "1 / 0")
    world.device.power_on()
    world.run_for(10 * MINUTES)
    assert 3 + 8 <= len(world.device.resets) <= 3 + 10
    flash.load("/loader/lib/epx/net.py", good)
    in_rescue(world)


def test_a_tank_in_rescue(world):
    otastory.install_tank(world, {"lib/epx/loop.py": "def"})
    in_rescue(world)
    update(world, new_set(profile="h2o"))
    assert world.run_until(lambda: running(world) == "b confirmed a", 3 * MINUTES)
    up(world)
    assert stat(world, "LevelSensorMap") == "1,1,1,1,1"
