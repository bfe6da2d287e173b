"""The demo: its picture of the display, its screen, and one short run of all of it."""

import io
import queue
import runpy
import select
import subprocess
import sys
import types
from pathlib import Path

import pytest
from rich.console import Console

from epxhost import demostory, demotools, settings
from epxhost.demostate import DemoState
from epxhost.demoview import braille, screen
from epxhost.devicelib import profiles
from epxhost.errors import ToolError
from testmock.bench import Bench
from testmock.control import Control

ROOT = Path(__file__).parents[2]
LIMIT_S = 90
# What a short run of each profile must have shown, and how long that is. The others need their
# time: a weather sensor waits 15 s for its first reading, a receiver 12 s (a meter 20 s).
SHOWN = {
    "energy": (18, "Malfunction 0"),
    "h2o": (18, "Flow ", "Pumped "),
    "relay": (18, "0/State 1", "3/State 1"),
    "rx433": (22, "Keyfob ", "Button "),
    "scale_manager": (40, "Weight 7.000", "Peers "),
    "switch": (18, "Manual0/Event P", "Manual2/Event T+"),
    "termo": (18, "Temperature/2801000000000029 ", "Temperature/2802000000000070 "),
    "tnowc": (40, "YourRSSI ", "Peers "),
    "weather": (22, "Temperature ", "Pressure 10"),
}
# A new profile has no story at first.
PROFILES = [
    profile
    if profile in SHOWN
    else pytest.param(
        profile, marks=pytest.mark.skip(reason=f"no story of {profile} in demostories/ and SHOWN")
    )
    for profile in profiles()
    if profile not in demostory.PAIRS
]
# As users see it; the others are on CPython, which needs no time to compile.
ON_MICROPYTHON = ("h2o", "rx433", "scale_manager", "tnowc")  # of two, with a fast clock
# Nothing hangs on their pins that somebody could change.
NO_HARDWARE = ("relay", "scale_manager", "tnowc")


class Broker:
    name, host, port, running = "Mosquitto", "127.0.0.1", 18830, True


@pytest.fixture
def state():
    state = DemoState("h2o", "MicroPython 1.25, 32 bit", Broker(), "H2O")
    for topic in ("Availability", "PumpedAfterLevelChange", "Flow", "LevelSensorMap"):
        state.message(f"stat/H2O/{topic}", b"1,1,1,0,0", False)
    state.event("state", {"wifi": 1010, "pins": {"2": 1}, "picture": "ff" * 1024})
    for i in range(40):
        state.event("console", f"warn line {i} " + "x" * 100)
    return state


def story_in(state, profile):
    process = types.SimpleNamespace(command=lambda line: None)
    listener = types.SimpleNamespace(command=lambda topic, payload: None)
    return demostory.story_of(profile)(state, process, listener, 90)


@pytest.fixture
def story(state):
    return story_in(state, "h2o")


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("size", [(80, 24), (99, 40), (100, 30), (160, 50), (40, 10)])
def test_the_screen_fits_its_terminal(state, size, profile):
    width, height = size
    story = story_in(state, profile)
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=True)
    lines = console.render_lines(screen(state, story, width, height), pad=False)
    assert len(lines) <= height
    texts = ["".join(segment.text for segment in line) for line in lines]
    assert max(len(text) for text in texts) <= width
    if width >= 80:
        assert sum("⣿" * 64 in text for text in texts) == 16 * story.has_display
        assert any("1,1,1,0,0" in text for text in texts)
        assert any("line 39" in text for text in texts)
        assert any("quit" in text for text in texts)


def test_every_pixel_is_one_dot():
    picture = bytearray(1024)
    assert set("".join(braille(bytes(picture)))) == {"\u2800"}
    picture[0] = 0x01  # left, top
    picture[1] = 0x08  # second column, fourth row
    picture[7 * 128 + 127] = 0x80  # right, bottom
    lines = braille(bytes(picture))
    assert (len(lines), len(lines[0])) == (16, 64)
    assert lines[0][0] == chr(0x2800 + 0x01 + 0x80)
    assert lines[15][63] == "\u2880"
    assert sum(character != "\u2800" for line in lines for character in line) == 2


@pytest.mark.parametrize("profile", PROFILES)
def test_all_topics_of_an_appliance_are_seen_where_there_is_room(state, profile):
    story = story_in(state, profile)
    for i in range(21 - len(state.topics)):
        state.message(f"stat/H2O/Topic{i}", b"value%02d" % i, False)
    console = Console(width=100, height=32, file=io.StringIO(), force_terminal=True)
    console.print(screen(state, story, 100, 32))
    seen = console.file.getvalue()
    assert story.has_display or all(f"value{i:02}" in seen for i in range(17))


@pytest.mark.parametrize("profile", PROFILES)
def test_every_step_and_key_is_something_the_story_can_do(state, profile):
    story = story_in(state, profile)
    steps = story.steps
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert len(steps) == len(set(steps)) and steps[-1].at < 1
    for step in steps:
        assert callable(getattr(story, step.do))
        assert "{" not in step.why
    keys = "".join(row.keys for row in story.keys)
    assert len(set(keys + "q ")) == len(keys) + 2 == len(story.actions()) + 2
    state.broker = types.SimpleNamespace(running=True, kill=lambda: None, start=lambda: None)
    for act in story.actions().values():
        act()
    assert story.rows(narrow=True) and story.rows(narrow=False)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_hardware_understands_what_it_is_told(state, profile):
    """By keys, by itself, and after a reset."""
    told, told_other = [], []
    story = story_in(state, profile)
    story._process.command = told.append
    story.other = types.SimpleNamespace(command=told_other.append, events=queue.Queue())
    state.broker = types.SimpleNamespace(running=True, kill=lambda: None, start=lambda: None)
    for act in story.actions().values():
        act()
    story.live(2.0)
    story.set_up_again()
    obey(profile, told)
    obey(story.other_profile or profile, told_other)
    assert len(told) > (0 if profile in NO_HARDWARE else 1)


def obey(profile, lines):
    bench = Bench(types.SimpleNamespace(now_us=lambda: 1_000_000))
    runpy.run_path(str(ROOT / "profiles" / profile / "stage.py"))["stage"](bench)
    control = Control(bench, None, select, 0, None)
    for line in lines:
        control._obey(line.split())


@pytest.mark.parametrize("profile", PROFILES)
def test_a_story_knows_its_profile(profile):
    story = demostory.story_of(profile)
    stage = (ROOT / "profiles" / profile / "stage.py").read_text()
    assert story.has_display == ("SSD1306" in stage)
    text = demostory.config_text(story, 1883, "abcdefghijklmnop")
    assert settings.config_problems(text, profile) == []
    if story.other_profile:
        assert settings.config_problems(story.other_config, story.other_profile) == []


@pytest.mark.parametrize("profile", demostory.PAIRS)
def test_two_that_talk_by_radio_have_one_story(profile):
    assert demostory.story_of(profile).profile == demostory.PAIRS[profile]


def test_a_scale_weighs_what_lies_on_it_in_each_wake(state):
    told = []
    story = story_in(state, "scale_manager")
    story.other = types.SimpleNamespace(command=told.append, events=queue.Queue())
    story.put_on()
    told.clear()
    story.other.events.put(("state", {"deepsleep": 3600000}))
    story._hear_other()
    assert (story.sensor, told) == ("sleeps", [])
    story.other.events.put(("console", "info reset by deep sleep"))
    story._hear_other()
    assert (story.sensor, told) == ("awake", ["set cell.mass_kg 12.5", "set cell.present 1"])


def test_a_profile_without_a_story_is_told():
    with pytest.raises(ToolError, match=r"no story for 'toaster' .there are: energy, h2o, "):
        demostory.story_of("toaster")


def test_a_command_waits_until_the_appliance_hears(state, story):
    sent = []
    story._listener.command = lambda topic, payload: sent.append((topic, payload))
    state.message("stat/H2O/Availability", b"offline", False)
    story.refresh()
    story._send_pending(state.now_s() + 1)
    assert not sent
    state.message("stat/H2O/Availability", b"online", False)
    story._send_pending(state.now_s())
    assert not sent
    story._send_pending(state.now_s() + 1)
    assert sent == [("Refresh", "1")]


def test_an_event_is_news_each_time(state):
    state.take_happenings()
    state.events = ("/Event",)
    for _ in range(2):
        state.message("stat/H2O/Manual0/Event", b"P", False)
        state.message("stat/H2O/0/State", b"1", False)
    told = [happening.text for happening in state.take_happenings()]
    assert told == ["Manual0/Event P", "0/State 1", "Manual0/Event P"]


def test_the_broker_is_not_taken_away_from_an_update(state, story):
    """The broker here has no kill(), so trying it would fail."""
    state.message("stat/H2O/OTA", b"netstatus connected addr 127.0.0.1", False)
    assert state.updating
    story._begin(next(step for step in story.steps if step.do == "stop_broker"))
    state.event("console", "info OTA: committed, set b runs after a reboot")
    state.event("console", "info update: set b on trial")
    assert state.updating and state.updates == 1
    state.event("console", "info update: set b confirmed")
    assert not state.updating


def test_after_a_reset_the_hardware_is_what_it_was(state, story):
    told = []
    story._process.command = told.append
    story.set_pump(True)
    story.toggle_wifi()
    story._tell_switches()
    told.clear()
    state.event("state", {"reset": 2})
    story._ticked_s -= 1
    story.tick()
    assert {line.rpartition(" ")[0] for line in told} == {
        "set flow.rate_hz",
        "set wifi.available",
        "set expander.inputs",
    }


def test_the_tools_find_the_demo_while_it_runs(monkeypatch, tmp_path):
    monkeypatch.setattr(demotools, "ROOT", tmp_path)
    path = tmp_path / "build" / "demo.env"
    with demotools.for_the_tools(Broker(), "abcdefghijklmnop"):
        assert path.stat().st_mode & 0o777 == 0o600
        program = f"{demotools.ENTER}; echo $EPX_MQTT_SERVER $EPX_OTAKEY"
        told = subprocess.check_output(["sh", "-c", program], cwd=tmp_path)
        assert told == b"127.0.0.1:18830 abcdefghijklmnop\n"
    assert not path.exists()


@pytest.fixture(scope="module")
def runs():
    """All demos, at the same time."""
    started = {}
    for profile in SHOWN:
        seconds = SHOWN[profile][0]
        command = [sys.executable, str(ROOT / "scripts" / "demo"), "--plain"]
        command += ["--seconds", str(seconds), "--profile", profile]
        if profile not in ON_MICROPYTHON:
            command += ["--interpreter", "cpython"]
        started[profile] = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    yield started
    for process in started.values():
        process.kill()
        process.communicate()


@pytest.mark.parametrize("profile", PROFILES)
def test_a_short_run_ends_by_itself_with_a_summary(runs, profile):
    text, _ = runs[profile].communicate(timeout=LIMIT_S)
    print(text)
    assert runs[profile].returncode == 0
    assert "first publication after" in text
    steps = len(demostory.steps_of(demostory.story_of(profile)))
    assert f"{steps} of {steps} steps" in text
    assert "  error  " not in text
    assert "after the broker was back" in text.splitlines()[-1]
    for words in SHOWN[profile][1:]:
        assert f"topic  {words}" in text
