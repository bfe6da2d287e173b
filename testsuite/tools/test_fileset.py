"""A file set from the repository, and set.txt."""

import hashlib

import pytest

from epxhost import devicelib, fileset, manifest, toolchain
from epxhost.door import ROOT
from epxhost.errors import ToolError

PROFILE = "h2o"


def test_a_set_holds_what_the_manifest_says():
    made = fileset.from_repository(PROFILE)
    listed = manifest.read_manifest(PROFILE)
    assert (made.profile, made.version, made.mpy) == (PROFILE, listed.version, 0)
    assert made.files == {
        file.remote.as_posix(): (ROOT / file.local).read_bytes() for file in listed.files
    }
    assert made.size() == sum(map(len, made.files.values()))


def test_its_list_says_profile_version_and_each_file():
    data = b"x = 1\n"
    made = fileset.FileSet("toy", 3, 0, {"main.py": data, "lib/a b.py": b""})
    empty = hashlib.sha256().hexdigest()
    assert made.text() == (
        "profile toy\nversion 3\nmpy 0\n"
        f"{empty} 0 lib/a b.py\n{hashlib.sha256(data).hexdigest()} 6 main.py\n"
    )
    assert fileset.parse(made.text()) == made.list()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "profile a\nversion 1\n",
        "profile a\nversion x\nmpy 0\n",
        "profile a\nversion 1\nmpy 0\nx",
    ],
)
def test_what_is_no_list_is_refused(text):
    with pytest.raises(ValueError, match=r"set\.txt"):
        fileset.parse(text)


def test_compiled_modules_name_the_version_of_their_firmware():
    if not toolchain.mpy_cross():
        pytest.skip(toolchain.why_not("mpy_cross"))
    made = fileset.from_repository(PROFILE, compiled=True)
    assert made.mpy == made.files["lib/epx/loop.mpy"][1] > 5
    assert {"boot.py", "main.py", "lib/epx/__init__.py"} <= set(made.files)
    sources = [path for path in made.files if path.startswith("lib/") and path.endswith(".py")]
    assert not any(made.files[path] for path in sources), "only empty ones"


def test_mpy_files_of_two_versions_fit_no_firmware():
    with pytest.raises(ToolError, match=r"different versions: \[5, 6\]"):
        fileset.mpy_version({"a.mpy": b"M\x05", "b.mpy": b"M\x06", "c.py": b""})


def test_a_module_has_a_twin_and_what_the_loader_names_has_none():
    assert fileset.twin("lib/a.py") == "lib/a.mpy" and fileset.twin("lib/a.mpy") == "lib/a.py"
    assert fileset.twin("main.py") is None and fileset.twin("ca.der") is None


def test_a_file_that_the_manifest_names_must_be_there(tmp_path):
    (tmp_path / "profiles/toy").mkdir(parents=True)
    (tmp_path / "profiles/toy/manifest.ota").write_text("# version 2\nlib/no.py lib/no.py\n")
    with pytest.raises(ToolError, match=r"lib/no\.py is missing: run `make manifests`"):
        fileset.from_repository("toy", root=tmp_path)


def test_the_wire_is_shared_with_the_device():
    """Its cipher is the one of the simulator."""
    wire = devicelib.device_module("epx.otawire")
    assert wire.PORT == 1337
