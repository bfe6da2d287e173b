"""The lists of files to send follow from the imports of each main.py."""

from epxhost import manifest
from epxhost.door import ROOT

PROFILES = sorted(path.parent.name for path in (ROOT / "profiles").glob("*/main.py"))


def write(root, path, text=""):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_the_manifests_are_what_the_imports_say():
    stale = [path.relative_to(ROOT).as_posix() for path in manifest.stale_manifests()]
    assert not stale, "run `make manifests`"


def test_the_mpf_manifest_says_what_the_list_says():
    for profile in PROFILES:
        assert manifest.read_mpf_manifest(profile) == manifest.device_files(profile)


def test_no_profile_sends_what_only_a_pc_needs():
    for profile in PROFILES:
        remotes = [file.remote.as_posix() for file in manifest.device_files(profile)]
        assert "config.txt" not in remotes and "stage.py" not in remotes
        assert not [name for name in remotes if name.startswith(("testmock", "scripts"))]


def test_imports_are_followed_wherever_they_stand(tmp_path):
    write(tmp_path, "profiles/toy/main.py", "# ship: ca.der\nimport time\nfrom one import two\n")
    write(tmp_path, "profiles/toy/ca.der")
    write(tmp_path, "lib/one/__init__.py")
    write(
        tmp_path, "lib/one/two.py", "def f():\n    import one.lazy\n    __import__('one.named')\n"
    )
    write(tmp_path, "lib/one/lazy.py")
    write(tmp_path, "lib/one/named.py")
    write(tmp_path, "lib/one/nobody.py")
    files = manifest.device_files("toy", tmp_path)
    assert manifest.mpf_manifest(files) == (
        "md /lib\nmd /lib/one\n"
        "put lib/one/__init__.py /lib/one/__init__.py\n"
        "put lib/one/lazy.py /lib/one/lazy.py\n"
        "put lib/one/named.py /lib/one/named.py\n"
        "put lib/one/two.py /lib/one/two.py\n"
        "put profiles/toy/ca.der /ca.der\n"
        "put profiles/toy/main.py /main.py\n"
    )
    assert "profiles/toy/main.py main.py\n" in manifest.ota_manifest(files)
