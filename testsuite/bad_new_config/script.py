"""A new config.txt over the air: refused, confirmed, or taken back by the device itself."""

import pytest

from epxhost.otaclient import OtaRefused
from testsuite import otastory
from testsuite.otastory import CONFIG, log, new_set, running, runs_set
from testsuite.story import MINUTES, SECONDS, is_online, sent, stat, up


def send(world, text, reboot=True):
    """As ota_config does."""

    def act(client):
        words = client.put("/config.txt", text.encode())
        if reboot:
            client.reboot()
        return words

    count = len(world.device.resets)
    words = otastory.session(world, act)
    if reboot:
        assert world.run_until(lambda: len(world.device.resets) > count, 10 * SECONDS)
    return words


def refused(world, text):
    try:
        send(world, text, False)
    except OtaRefused as error:
        return error
    raise AssertionError("not refused")


def config(world):
    return world.device.flash.text("/config.txt")


def on_trial(world):
    return world.device.flash.content("/config.old") is not None


def goes_back(world, words, limit_ms):
    """The old one is back within this time, and the device is reachable and says why."""
    begin_ms = world.now_ms()
    assert world.run_until(lambda: not on_trial(world), limit_ms)
    assert config(world) == CONFIG
    assert runs_set(world, "a", begin_ms + limit_ms - world.now_ms())
    world.run_for(1 * SECONDS)
    said = [line for line in log(world, begin_ms) if "new config.txt failed" in line]
    assert len(said) == 1, log(world, begin_ms)
    assert "new config.txt failed, back to the old one: " + words in said[0], said[0]
    # And there it stays.
    count = len(world.device.resets)
    world.run_for(30 * MINUTES)
    assert is_online(world) and len(world.device.resets) == count
    assert running(world) == "a confirmed"


def test_a_good_one_is_confirmed_after_two_minutes(world):
    otastory.start(world)
    text = CONFIG.replace("mqttname Probe", "mqttname Cellar")
    assert send(world, text) == "config.txt is on trial after a reboot"
    booted_ms = world.device.resets[0][0]
    assert config(world) == text and world.device.flash.text("/config.old") == CONFIG
    world.run_for(booted_ms + 119 * SECONDS - world.now_ms())
    assert on_trial(world)
    assert world.run_until(lambda: not on_trial(world), 4 * SECONDS)
    world.run_for(1 * SECONDS)
    assert otastory.logged(world, "update: config.txt on trial")
    assert otastory.logged(world, "update: config.txt confirmed")
    for cause in (2, 3, 2, 2):
        world.device.reset(cause)
        world.run_for(1 * SECONDS)
        up(world)
    assert config(world) == text and stat(world, "Value") is not None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("mqttport many", "mqttport"),
        ("keepalive 0", "keepalive"),
        ("otakey short", "otakey"),
        ("watchdog", "watchdog"),
    ],
)
def test_a_bad_one_is_refused_with_what_is_wrong(world, line, words):
    otastory.start(world)
    error = refused(world, CONFIG + line + "\n")
    assert error.name == "bad config" and words in error.text
    assert "short" not in error.text and "secret" not in error.text
    assert config(world) == CONFIG and not on_trial(world)
    assert world.device.flash.content("/config.txt.new") is None
    world.device.reset()
    world.run_for(1 * SECONDS)
    up(world)
    assert otastory.session(world, lambda client: client.identity["trial"]) == "0"


def test_what_the_profile_needs_is_checked_too(world):
    otastory.install_tank(world)
    up(world)
    text = config(world)
    error = refused(world, text.replace("capacity 1000", "capacity big"))
    assert error.name == "bad config" and "capacity" in error.text
    error = refused(world, text.replace("capacity 1000\n", ""))
    assert error.name == "bad config" and "capacity" in error.text
    assert config(world) == text


def test_one_that_is_too_large_or_garbage(world):
    otastory.start(world)
    assert refused(world, CONFIG + "# long\n" * 2000).name == "too large"
    assert refused(world, "").name == "bad config"
    assert config(world) == CONFIG


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ssid House", "ssid Hose", "no network"),
        ("password secret word", "password secret wrd", "no network"),
        ("mqttbroker 1.2.3.4", "mqttbroker 1.2.3.9", "no broker"),
        ("mqttbroker 1.2.3.4", "mqttbroker brker.lan", "no broker"),
        ("mqttbroker 1.2.3.4", "mqttbroker 1.2.3.4\nmqttport 1884", "no broker"),
    ],
)
def test_with_a_wrong_house_it_goes_back_by_itself(world, old, new, words):
    otastory.start(world)
    watch_house(world)
    send(world, CONFIG.replace(old, new))
    goes_back(world, "not confirmed within ten minutes: " + words, 11 * MINUTES)


def test_the_reboots_for_want_of_a_network_do_not_prolong_the_trial(world):
    otastory.start(world)
    watch_house(world)
    send(world, CONFIG.replace("ssid House", "ssid Hose") + "netreboot 4\n")
    goes_back(world, "not confirmed within ten minutes: no network", 11 * MINUTES)


def test_nor_those_for_want_of_a_broker(world):
    otastory.start(world)
    send(world, CONFIG.replace("1.2.3.4", "1.2.3.9") + "mqttreboot 4\n")
    goes_back(world, "not confirmed within ten minutes: no broker", 11 * MINUTES)


def test_after_the_confirmation_they_work_again(world):
    otastory.start(world)
    device = world.device
    send(world, CONFIG + "netreboot 4\nmqttreboot 5\n")
    assert world.run_until(lambda: not on_trial(world), 3 * MINUTES)
    world.run_for(10 * SECONDS)
    world.broker.stop()
    count = len(device.resets)
    begin_ms = world.now_ms()
    assert world.run_until(lambda: len(device.resets) > count, 7 * MINUTES)
    assert 270 * SECONDS <= world.now_ms() - begin_ms
    world.run_for(60 * SECONDS)
    device.wifi.available = False
    assert world.run_until(lambda: len(device.resets) > count + 1, 7 * MINUTES)


def watch_house(world):
    """The access point lets in only who has its name and password."""
    wifi = world.device.wifi
    lets_in = []

    def look():
        right = not wifi.connects or wifi.connects[-1][1:] == ("House", "secret word")
        if lets_in != [right]:
            lets_in[:] = [right]
            wifi.status = 1010 if right else 202
        world.call_after(100, look)

    look()


def test_it_is_not_left_without_a_watchdog_during_its_trial(world):
    otastory.start(world)
    send(world, CONFIG + "watchdog 0\n")
    assert runs_set(world, "a")
    assert world.device.bench.watchdog_timeout_ms == 60000
    world.run_for(15 * SECONDS)
    assert world.device.bench.watchdog_timeout_ms == 15000


def test_a_second_one_during_the_trial_keeps_the_copy_that_was_good(world):
    otastory.start(world)
    send(world, CONFIG.replace("mqttname Probe", "mqttname One"))
    assert runs_set(world, "a")
    send(world, CONFIG.replace("mqttname Probe", "mqttname Two").replace("1.2.3.4", "1.2.3.9"))
    assert world.device.flash.text("/config.old") == CONFIG
    goes_back(world, "not confirmed within ten minutes: no broker", 11 * MINUTES)


def test_power_cuts_during_its_trial(world):
    otastory.start(world)
    device = world.device
    send(world, CONFIG.replace("1.2.3.4", "1.2.3.9"))
    for _ in range(3):
        world.run_for(90 * SECONDS)
        assert on_trial(world)
        device.power_cut()
        world.run_for(5 * SECONDS)
        device.power_on()
    goes_back(world, "not confirmed in three boots", 1 * MINUTES)


def test_together_with_a_new_program_both_go_back(world):
    otastory.start(world)
    change = {"lib/probe/sensor.py": otastory.SENSOR + "# new\n"}
    otastory.update(world, new_set(change), reboot=False)
    send(world, CONFIG.replace("1.2.3.4", "1.2.3.9"))
    assert running(world) == "b trial a ok" and on_trial(world)
    begin_ms = world.now_ms()
    assert world.run_until(lambda: not on_trial(world), 11 * MINUTES)
    assert runs_set(world, "a") and running(world) == "a confirmed" and config(world) == CONFIG
    world.run_for(1 * SECONDS)
    words = "update failed, back to set a, new config.txt failed, back to the old one: "
    assert otastory.logged(world, words + "not confirmed within", begin_ms), log(world, begin_ms)


def test_together_with_a_new_program_both_are_confirmed(world):
    otastory.start(world)
    change = {"lib/probe/sensor.py": otastory.SENSOR + "# new\n"}
    otastory.update(world, new_set(change), reboot=False)
    text = CONFIG.replace("mqttname Probe", "mqttname Cellar")
    send(world, text)
    assert world.run_until(lambda: not on_trial(world), 3 * MINUTES)
    assert running(world) == "b confirmed a" and config(world) == text
    world.run_for(1 * SECONDS)
    assert otastory.logged(world, "update: set b and config.txt confirmed")
    assert sent(world, "Value")


# Outputs.

PINS = "25 1\n26 0\n27 1 relay 0\n33 1 relay 1\n"
LEVELS = {25: 1, 26: 0, 27: 0, 33: 1}


def with_pins(world, text=PINS):
    """Outputs, two of which are kept; the levels are looked at after each import of the program.

    The list that is returned gets (milliseconds, module) of those that came too early."""
    device = world.device
    device.flash.load("/pins.txt", text)
    device.nvram["relay"] = {"0": 1, "1": 0}
    wrong = []
    device.after_import = lambda name, module: look(world, name, wrong)
    return wrong


def look(world, name, wrong):
    device = world.device
    ours = name == "boot" or name.startswith(("epx", "probe", "uumqtt"))
    if ours and {pin: device.bench.output(pin) for pin in LEVELS} != LEVELS:
        wrong.append((world.now_ms(), name))


def never_wrong(world, wrong):
    """They were safe before all else at every boot, never had another level, and are so now."""
    bench = world.device.bench
    for pin, level in LEVELS.items():
        assert [entry[1] for entry in bench.pin(pin).history] == [level]
        assert bench.output(pin) == level
    return not wrong


def test_outputs_are_safe_before_a_set_runs(world):
    otastory.install(world)
    wrong = with_pins(world)
    up(world)
    assert never_wrong(world, wrong)
    for _ in range(3):
        world.device.reset()
        world.run_for(1 * SECONDS)
        up(world)
        assert never_wrong(world, wrong)


def test_outputs_are_safe_in_a_trial(world):
    otastory.install(world)
    wrong = with_pins(world)
    up(world)
    world.spin_hangs = True
    otastory.update(world, new_set({"main.py": "while True: pass"}))
    world.run_for(10 * SECONDS)
    assert running(world) == "b trial a ok" and never_wrong(world, wrong)
    assert world.run_until(lambda: running(world) == "a confirmed", 2 * MINUTES)
    assert runs_set(world, "a")
    assert never_wrong(world, wrong)


def test_outputs_are_safe_in_rescue(world):
    otastory.install(world, otastory.probe({"main.py": "1 / 0"}))
    wrong = with_pins(world)
    world.device.power_on()
    world.run_for(30 * SECONDS)
    assert world.device.module("loader.rescue")
    assert never_wrong(world, wrong)


def test_outputs_are_safe_without_config_txt(world):
    otastory.install(world)
    wrong = with_pins(world)
    world.device.flash.remove("/config.txt")
    world.device.power_on()
    world.run_for(30 * SECONDS)
    assert world.device.said("no config.txt on this device")
    assert never_wrong(world, wrong)


def test_outputs_are_safe_whatever_else_is_in_their_file(world):
    otastory.install(world)
    wrong = with_pins(world, "# comment\n\n25\nx y\n25 high\n1 2 3\n99 1\n" + PINS)
    up(world)
    assert never_wrong(world, wrong)
