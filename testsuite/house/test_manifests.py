"""The lists of files to send follow from the imports of each main.py."""

import pytest

from epxhost import manifest, settings
from epxhost.door import ROOT
from epxhost.errors import ToolError

PROFILES = sorted(path.parent.name for path in (ROOT / "profiles").glob("*/main.py"))


def write(root, path, text=""):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_the_manifests_are_what_the_imports_say():
    stale = [path.relative_to(ROOT).as_posix() for path in manifest.stale_manifests()]
    assert not stale, "run `make manifests`"


def test_both_manifests_say_what_the_list_says():
    for profile in PROFILES:
        read = manifest.read_manifest(profile)
        assert read == (manifest.version(), manifest.device_files(profile))
        script = (ROOT / "profiles" / profile / "manifest.mpf").read_text().splitlines()
        puts = [line.split()[1:] for line in script if line.startswith("put ")]
        assert puts == [[str(f.local), f"/{f.remote}"] for f in read.files]


def test_no_profile_sends_what_only_a_pc_needs():
    for profile in PROFILES:
        remotes = [file.remote.as_posix() for file in manifest.device_files(profile)]
        assert "config.txt" not in remotes and "stage.py" not in remotes
        assert not [name for name in remotes if name.startswith(("testmock", "scripts"))]


def test_the_loader_is_no_part_of_any_profile():
    for profile in PROFILES:
        assert not [f for f in manifest.device_files(profile) if "loader" in f.local.parts]


def test_the_rescue_files_are_whole_and_hold_nothing_of_a_profile():
    files = manifest.rescue_files()
    assert {"/boot.py", "/main.py", "/loader/start.py", "/loader/rescue.py"} <= set(files)
    assert {"/loader/lib/epx/loop.py", "/loader/lib/uumqtt/client.py"} <= set(files)
    packages = {path.split("/")[3] for path in files if path.startswith("/loader/lib/")}
    assert not packages & {*PROFILES, "loader"}
    assert "/loader/__init__.py" in files and "/loader/lib/epx/__init__.py" in files
    assert not [path for path in files if not path.endswith(".py")]


def test_safe_pins_are_rows_of_a_table(monkeypatch):
    class Table:
        SAFE_PINS = ((4, 0), (5, 1, "switch", "relay1"))

    monkeypatch.setattr(settings, "device_module", lambda name: Table)
    assert settings.safe_pins("h2o") == "4 0\n5 1 switch relay1\n"
    Table.SAFE_PINS = ((4, 2),)
    with pytest.raises(ToolError, match="SAFE_PINS: want"):
        settings.safe_pins("h2o")


def test_every_profile_has_pins_that_are_valid():
    for profile in PROFILES:
        settings.safe_pins(profile)
    assert settings.safe_pins("h2o") == "", "the tank switches nothing"


def pins_of(*lines):
    """pins.txt of a switch with these lines in its config.txt."""
    return settings.safe_pins("switch", "ssid House\n" + "".join(f"{line}\n" for line in lines))


def test_the_pins_of_a_switch_are_those_of_its_board():
    assert settings.pins_follow_config("switch") and not settings.pins_follow_config("h2o")
    assert pins_of("driver Direct4") == (
        "17 0 switch 0\n16 0 switch 1\n32 0 switch 2\n12 0 switch 3\n"
    )
    assert pins_of("driver minir4", "poll 20") == "26 0 switch 0\n"
    assert pins_of("driver dtwonder8") == "", "the registers keep their outputs"
    assert pins_of() == pins_of("driver unknown") == settings.safe_pins("switch") == ""


def test_a_led_on_an_output_of_the_board_is_refused():
    def problems(*lines):
        return settings.config_problems("\n".join(["ssid House", *lines]), "switch")

    refused = ["config.txt: led: want a line 'led none', GPIO 2 is an output of dtwonder2"]
    assert problems("driver dtwonder2") == problems("driver dtwonder2", "led 2") == refused
    assert problems("driver Direct4", "led 32") != []
    for lines in (["driver dtwonder2", "led none"], ["driver Direct4"], ["driver dtwonder8"]):
        assert problems(*lines) == [], lines


def test_imports_are_followed_wherever_they_stand(tmp_path):
    write(tmp_path, "profiles/toy/main.py", "# ship: ca.der\nimport time\nfrom one import two\n")
    write(tmp_path, "profiles/toy/ca.der")
    write(tmp_path, "lib/one/__init__.py")
    write(
        tmp_path,
        "lib/one/two.py",
        "from loader import verdict\ndef f():\n    import one.lazy\n    __import__('one.named')\n",
    )
    write(tmp_path, "lib/one/lazy.py")
    write(tmp_path, "lib/one/named.py")
    write(tmp_path, "lib/one/nobody.py")
    write(tmp_path, "lib/loader/__init__.py")
    write(tmp_path, "lib/loader/verdict.py")
    files = manifest.device_files("toy", tmp_path)
    assert manifest.mpf_manifest(files, 7) == (
        "# version 7\n"
        "md /lib\nmd /lib/one\n"
        "put lib/one/__init__.py /lib/one/__init__.py\n"
        "put lib/one/lazy.py /lib/one/lazy.py\n"
        "put lib/one/named.py /lib/one/named.py\n"
        "put lib/one/two.py /lib/one/two.py\n"
        "put profiles/toy/ca.der /ca.der\n"
        "put profiles/toy/main.py /main.py\n"
    )
    made = manifest.ota_manifest(files, 7)
    assert made.startswith("# version 7\n") and "profiles/toy/main.py main.py\n" in made
    write(tmp_path, "profiles/toy/manifest.ota", made)
    assert manifest.read_manifest("toy", tmp_path) == (7, files)


def test_a_manifest_that_is_none_is_a_clear_error(tmp_path):
    write(tmp_path, "profiles/toy/main.py")
    with pytest.raises(ToolError, match="is missing: run `make manifests`"):
        manifest.read_manifest("toy", tmp_path)
    for text, words in (("", "names no version"), ("# version 1\none\n", ":2: want `LOCAL")):
        write(tmp_path, "profiles/toy/manifest.ota", text)
        with pytest.raises(ToolError, match=words):
            manifest.read_manifest("toy", tmp_path)


def test_the_version_is_an_integer_in_a_file(tmp_path):
    assert manifest.version() >= 1
    with pytest.raises(ToolError, match="VERSION: No such file"):
        manifest.version(tmp_path)
    write(tmp_path, "VERSION", "1.2\n")
    with pytest.raises(ToolError, match="want an integer"):
        manifest.version(tmp_path)
