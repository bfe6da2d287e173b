"""Every config.txt in the tree is one that a device would accept."""

import pytest

from epxhost import settings
from epxhost.door import ROOT

PROFILES = sorted(path.parent.name for path in (ROOT / "profiles").glob("*/main.py"))
# A story about bare boards names neither profile nor configuration.
SCENARIOS = sorted(
    path.parent
    for path in (ROOT / "testsuite").glob("*/script.py")
    if (path.with_name("flavor").exists() or path.with_name("config.txt").exists())
)
# First line of a config.txt whose story is that it is wrong.
WRONG_ON_PURPOSE = "# wrong on purpose"


@pytest.mark.parametrize("profile", PROFILES)
def test_the_example_of_a_profile_is_valid(profile):
    text = (ROOT / "profiles" / profile / "config.txt.example").read_text()
    assert settings.config_problems(text, profile) == []


@pytest.mark.parametrize("profile", PROFILES)
def test_the_example_shows_every_key_of_the_profile(profile):
    text = (ROOT / "profiles" / profile / "config.txt.example").read_text()
    words = {word for line in text.splitlines() for word in line.lstrip("# ").split()[:1]}
    missing = [key.name for key in settings.profile_keys(profile) if key.name not in words]
    assert not missing


@pytest.mark.parametrize("folder", SCENARIOS, ids=lambda folder: folder.name)
def test_a_scenario_names_a_profile_and_a_valid_configuration(folder):
    flavor = (folder / "flavor").read_text().strip()
    assert flavor in PROFILES
    text = (folder / "config.txt").read_text()
    wrong = text.startswith(WRONG_ON_PURPOSE)
    assert bool(settings.config_problems(text, flavor)) == wrong


def test_the_samples_for_this_pc_are_valid():
    serial = settings.serial_parameters((ROOT / "serial_params.txt.example").read_text())
    assert serial == ("/dev/ttyUSB0", 115200, False)
    host, port = settings.mqtt_server((ROOT / "mqttserver.txt.example").read_text())
    assert host and port == 1883
