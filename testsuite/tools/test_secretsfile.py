"""secrets.txt: who may read it, what stands in it, what goes before it."""

import os
import re
import stat

import pytest

from epxhost import secretsfile
from epxhost.door import ROOT
from epxhost.errors import ToolError

KEY = "0123456789abcdef"


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(secretsfile, "ROOT", tmp_path)
    for name in ("EPX_OTAKEY", "EPX_MQTT_USER", "EPX_MQTT_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def write(folder, text, mode=0o600):
    path = folder / "secrets.txt"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_key_is_found_by_the_name_of_the_device(folder):
    write(folder, f"# keys\n\nTank otakey {KEY}\nbroker user me\nbroker password a b  c\n")
    assert secretsfile.otakey_for("Tank") == KEY
    assert secretsfile.broker_login() == ("me", "a b  c")


def test_the_environment_goes_before_the_file(folder, monkeypatch):
    write(folder, f"Tank otakey {KEY}\nbroker user me\nbroker password other\n")
    monkeypatch.setenv("EPX_OTAKEY", KEY * 2)
    monkeypatch.setenv("EPX_MQTT_USER", "you")
    assert secretsfile.otakey_for("anybody") == KEY * 2
    assert secretsfile.broker_login() == ("you", "other")


def test_no_file_means_no_login_and_a_key_that_is_missing(folder):
    assert secretsfile.broker_login() == (None, None)
    with pytest.raises(ToolError, match=r"no otakey for Tank.*--new-otakey.*EPX_OTAKEY"):
        secretsfile.otakey_for("Tank")


def test_a_file_that_others_can_read_is_refused_with_advice(folder):
    if os.name == "nt":
        pytest.skip("Windows has no such bits")
    for mode in (0o640, 0o604, 0o620):
        write(folder, f"Tank otakey {KEY}\n", mode)
        with pytest.raises(ToolError, match=r"chmod 600 secrets\.txt"):
            secretsfile.otakey_for("Tank")
        with pytest.raises(ToolError, match="chmod 600"):
            secretsfile.keep_otakey("Tank", KEY)


@pytest.mark.parametrize("line", ["Tank", "Tank otakey", "Tank password x", "broker port 1"])
def test_a_line_that_says_nothing_is_named_but_not_shown(folder, line):
    write(folder, f"Tank otakey {KEY}\n{line}\n")
    with pytest.raises(ToolError, match="line 2: want") as caught:
        secretsfile.broker_login()
    assert line not in str(caught.value).replace("`MQTTNAME otakey KEY`", "")


def test_a_key_that_is_too_short_for_the_device_is_refused(folder, monkeypatch):
    write(folder, "Tank otakey short\n")
    with pytest.raises(ToolError, match=r"secrets\.txt: want an otakey of at least 16"):
        secretsfile.otakey_for("Tank")
    monkeypatch.setenv("EPX_OTAKEY", "short")
    with pytest.raises(ToolError, match="EPX_OTAKEY: want"):
        secretsfile.otakey_for("Tank")


def test_a_kept_key_replaces_that_of_the_same_device_only(folder):
    assert secretsfile.keep_otakey("Tank", KEY)
    path = folder / "secrets.txt"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("# mine\nbroker user me\n" + path.read_text())
    assert secretsfile.keep_otakey("Tank2", KEY)
    assert not secretsfile.keep_otakey("Tank", KEY)
    assert secretsfile.keep_otakey("Tank", KEY * 2)
    wanted = f"# mine\nbroker user me\nTank2 otakey {KEY}\nTank otakey {KEY * 2}\n"
    assert path.read_text() == wanted
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in folder.iterdir()] == ["secrets.txt"]


def test_new_keys_are_long_and_differ():
    keys = {secretsfile.new_otakey() for _ in range(100)}
    assert len(keys) == 100
    assert all(len(key) == 32 and key.isalnum() and key.isascii() for key in keys)


def test_a_folder_that_cannot_be_written_is_a_clear_error(folder, monkeypatch):
    monkeypatch.setattr(secretsfile, "ROOT", folder / "not there")
    with pytest.raises(ToolError, match=r"secrets\.txt: No such file"):
        secretsfile.keep_otakey("Tank", KEY)


def test_the_sample_is_valid_and_the_file_itself_is_not_in_the_repository(folder):
    sample = (ROOT / "secrets.txt.example").read_text()
    write(folder, sample)
    secretsfile.check()
    # With the examples in it no longer comments:
    write(folder, re.sub(r"^# (?=\w+ (otakey|user|password) )", "", sample, flags=re.MULTILINE))
    assert secretsfile.otakey_for("H2OControl") and secretsfile.broker_login()[0] == "tools"
    assert "/secrets.txt" in (ROOT / ".gitignore").read_text().splitlines()
