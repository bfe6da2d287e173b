"""The demo: its picture of the display, its screen, and one short run of all of it."""

import io
import subprocess
import sys
import types
from pathlib import Path

import pytest
from rich.console import Console

from epxhost import demotools
from epxhost.demostate import DemoState
from epxhost.demostory import STEPS, Story
from epxhost.demoview import braille, screen

ROOT = Path(__file__).parents[2]
LIMIT_S = 60


class Broker:
    name, host, port, running = "Mosquitto", "127.0.0.1", 18830, True


@pytest.fixture
def state():
    state = DemoState("h2o", "MicroPython 1.25, 32 bit", Broker())
    for topic in ("Availability", "PumpedAfterLevelChange", "Flow", "LevelSensorMap"):
        state.message(f"stat/H2O/{topic}", b"1,1,1,0,0", False)
    state.event("state", {"wifi": 1010, "pins": {"2": 1}, "picture": "ff" * 1024})
    for i in range(40):
        state.event("console", f"warn line {i} " + "x" * 100)
    return state


@pytest.fixture
def story(state):
    process = types.SimpleNamespace(command=lambda line: None)
    listener = types.SimpleNamespace(command=lambda topic, payload: None)
    return Story(state, process, listener, 90)


@pytest.mark.parametrize("size", [(80, 24), (99, 40), (100, 30), (160, 50), (40, 10)])
def test_the_screen_fits_its_terminal(state, story, size):
    width, height = size
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=True)
    lines = console.render_lines(screen(state, story, width, height), pad=False)
    assert len(lines) <= height
    texts = ["".join(segment.text for segment in line) for line in lines]
    assert max(len(text) for text in texts) <= width
    if width >= 80:
        assert sum("⣿" * 64 in text for text in texts) == 16
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


def test_every_step_is_something_the_story_can_do(story):
    assert [step.at for step in STEPS] == sorted(step.at for step in STEPS)
    for step in STEPS:
        assert callable(getattr(story, step.do))


def test_the_broker_is_not_taken_away_from_an_update(state, story):
    """The broker here has no kill(), so trying it would fail."""
    state.message("stat/H2O/OTA", b"netstatus connected addr 127.0.0.1", False)
    assert state.updating
    story._begin(next(step for step in STEPS if step.do == "stop_broker"))
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


def test_a_short_run_ends_by_itself_with_a_summary():
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "demo"), "--seconds", "12", "--plain"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert "first publication after" in done.stdout
    assert f"{len(STEPS)} of {len(STEPS)} steps" in done.stdout
    assert "after the broker was back" in done.stdout.splitlines()[-1]
