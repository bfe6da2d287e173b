"""A new profile works from its first minute on, and so does what docs/new-profile.md makes of it.

In a copy of the tree, with the commands that somebody would use.
"""

import os
import shutil
import subprocess
import sys

import pytest

from epxhost import cli, newprofile, skeleton, toolchain
from epxhost.door import ROOT

EXAMPLE = ROOT / "docs" / "example"
# A name as long as it may be: no line of the skeleton becomes too long.
LONG = "mushroom_keeper1"
# Of the soil-moisture appliance, comments and blank lines not counted.
MOST_OWN_LINES = 60
LIMIT_S = 240
# What a new profile can hurt.
HOUSE = ("docs", "layers", "manifests", "samples", "style")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of what is ours, with two new profiles; soil is as the page has it."""
    copy = tmp_path_factory.mktemp("tree")
    list_files = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(list_files, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listing.stdout.splitlines():
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    subprocess.run(["git", "init", "-q"], cwd=copy, check=True)
    for profile in (LONG, "soil"):
        done = run(copy, "scripts/new_profile", profile)
        assert done.returncode == 0, done.stderr
        assert f"scripts/runtest {profile}_runs" in done.stdout
        done = run(copy, "scripts/docs", "--check")
        assert done.returncode == 0, done.stderr
    for folder in ("lib", "profiles", "testsuite"):
        shutil.copytree(EXAMPLE / folder, copy / folder, dirs_exist_ok=True)
    for name in ("garage", "letterbox", "letterbox_gate"):
        shutil.rmtree(copy / "lib" / name)
        shutil.rmtree(copy / "profiles" / name)
    for command in ("scripts/manifests", "scripts/docs"):
        done = run(copy, command)
        assert done.returncode == 0, done.stderr
    return copy


def run(folder, *command):
    """One of the tree's own commands, with this Python and what has been fetched already."""
    tools = {"EPX_ANY_PYTHON": "1", "EPX_TOOLS": str(toolchain.TOOLS)}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, **tools},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def test_its_scenario_and_the_house_rules_pass(tree):
    wanted = [f"testsuite/house/test_{name}.py" for name in HOUSE]
    wanted += [f"testsuite/{name}_runs" for name in (LONG, "soil")]
    options = ["-q", "-p", "no:cacheprovider", "-k", "not measured"]
    done = run(tree, "-m", "pytest", *options, *wanted)
    assert done.returncode == 0, done.stdout[-6000:]


def test_its_scenario_passes_on_micropython(tree):
    if toolchain.micropython32() is None:
        pytest.skip(f"no 32-bit MicroPython: {toolchain.why_not('micropython32')}")
    done = run(tree, "scripts/runtest", "--upy", "-q", f"{LONG}_runs", "soil_runs")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    assert "4 passed, 0 failed" in done.stdout


def test_the_linter_has_nothing_to_say(tree):
    places = [f"{place}/{name}" for place in ("lib", "profiles") for name in (LONG, "soil")]
    places += [f"testsuite/{LONG}_runs", "testsuite/soil_runs"]
    for command in (("check",), ("format", "--check")):
        done = run(tree, "-m", "ruff", *command, "--no-cache", *places)
        assert done.returncode == 0, done.stdout


def test_its_page_tells_what_is_on_which_pin(tree):
    page = (tree / "docs/profiles/soil.md").read_text(encoding="utf-8")
    for words in ("| GPIO 34 | a voltage | AnalogSensor |", "`dry`", "`stat/<name>/Moisture`"):
        assert words in page, words
    assert f"| [{LONG}](docs/profiles/{LONG}.md) |" in (tree / "README.md").read_text()


def test_the_soil_moisture_appliance_is_less_than_60_lines_of_its_own(tree):
    written = newprofile.skeleton("soil")
    own = []
    for path in sorted(EXAMPLE.rglob("*.*")):
        name = path.relative_to(EXAMPLE).as_posix()
        if path.is_file() and "soil" in name and "__pycache__" not in name:
            assert name in written, f"{name} is no file of the skeleton"
            own += new_lines(path.read_text(), written[name])
    assert len(own) < MOST_OWN_LINES, "\n".join(own)


def new_lines(text, skeleton_text):
    """Lines that the skeleton does not have, without blank ones and comments."""
    known = skeleton_text.splitlines()
    lines = [line for line in text.splitlines() if line.strip()[:1] not in ("", "#")]
    return [line for line in lines if line not in known]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Soil", "no name for a profile"),
        ("2soil", "no name for a profile"),
        ("../soil", "no name for a profile"),
        ("soil_", "no name for a profile"),
        ("s" * 17, "no name for a profile"),
        ("h2o", "there is a profile 'h2o' already"),
        ("class", "take another"),
        ("time", "take another"),
        ("machine", "take another"),
        ("network", "take another"),
        ("third", "take another"),
    ],
)
def test_names_that_would_hurt_are_refused(name, words, monkeypatch, capsys):
    monkeypatch.setattr(newprofile, "skeleton", lambda name: pytest.fail("it was taken"))
    assert cli.main("new_profile", [name]) == 1
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


def test_what_is_there_is_not_touched(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(newprofile, "ROOT", tmp_path)
    monkeypatch.setattr(newprofile, "_refuse_name", lambda name: None)
    (tmp_path / "testsuite/garden_runs").mkdir(parents=True)
    (tmp_path / "testsuite/garden_runs/flavor").write_text("mine")
    assert cli.main("new_profile", ["garden"]) == 1
    assert "testsuite/garden_runs/flavor already; nothing was written" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["testsuite"]


def test_the_skeleton_names_no_name_but_the_one_that_is_given():
    for path, text in newprofile.skeleton("garden").items():
        assert "NAME" not in path + text and "TITLE" not in text
    assert set(newprofile.skeleton("garden")) == {
        p.replace("NAME", "garden") for p in skeleton.FILES
    }
