"""Every command prints its errors in one way; every door opens from a plain shell."""

import os
import subprocess

import pytest

from epxhost import cli, devicelib, manifest, toolchain
from epxhost.door import ROOT
from epxhost.errors import ToolError

DOORS = sorted(cli.COMMANDS)


@pytest.mark.parametrize("name", DOORS)
def test_a_door_starts_its_command(name):
    path = ROOT / "scripts" / name
    assert os.access(path, os.X_OK)
    assert f'door.run("{name}")' in path.read_text()
    assert cli.main(name, ["--help"]) == 0


def test_a_door_opens_from_a_plain_shell():
    plain = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
    python = "python3"
    command = [python, ROOT / "scripts/manifests", "--help"]
    done = subprocess.run(command, env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "manifest.mpf" in done.stdout, done.stderr


def test_an_error_is_one_line_and_status_1(capsys):
    assert cli.main("cpall", ["nobody"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("cpall: no profile 'nobody' (there is: ") and said.count("\n") == 1


def test_a_wrong_option_is_status_1(capsys):
    assert cli.main("cpall", ["--nonsense"]) == 1
    assert "--nonsense" in capsys.readouterr().err


def test_a_key_press_stops_without_a_traceback(monkeypatch, capsys):
    def stopped():
        raise KeyboardInterrupt

    monkeypatch.setattr(manifest, "stale_manifests", stopped)
    assert cli.main("manifests", []) == 1
    assert "manifests: stopped" in capsys.readouterr().err


def test_the_group_lists_all_commands(capsys):
    assert cli.main(None, ["--help"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in DOORS)


def test_the_tools_get_only_pure_modules():
    assert devicelib.device_module("epx.clock").SECONDS == 1000
    with pytest.raises(ToolError, match="devices only"):
        devicelib.device_module("epx.loop")


def test_stale_manifests_are_named_and_written(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(manifest, "ROOT", tmp_path)
    path = tmp_path / "profiles/toy/manifest.ota"
    path.parent.mkdir(parents=True)
    monkeypatch.setattr(manifest, "stale_manifests", lambda: {path: "a b\n"})
    assert cli.main("manifests", ["--check"]) == 1
    assert "stale: profiles/toy/manifest.ota" in capsys.readouterr().err
    assert not path.exists()
    assert cli.main("manifests", []) == 0
    assert path.read_text() == "a b\n"


def test_what_is_missing_has_a_reason(monkeypatch, tmp_path):
    reasons = tmp_path / "why_not.json"
    monkeypatch.setattr(toolchain, "_REASONS", reasons)
    assert "no mosquitto: not fetched yet" in toolchain.why_not("mosquitto")
    reasons.write_text('{"mosquitto": "no network"}')
    assert toolchain.why_not("mosquitto") == "no mosquitto: no network"
