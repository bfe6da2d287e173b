"""The machine's own apt sources, for the release that has what we need."""

import pytest

from epxhost import aptroot
from epxhost.errors import ToolError

SOURCES = """\
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Architectures: amd64
Components: main
Signed-By: /usr/share/keyrings/example.gpg

Types: deb
URIs: http://mirror.example/cloud
Suites: cloud-bookworm
Components: main
"""
LINES = """\
# comment
deb [arch=amd64 signed-by=/a.gpg] http://mirror.example/debian bookworm main contrib
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian bookworm-security main
deb http://mirror.example/other stable main
"""


@pytest.fixture
def etc(tmp_path):
    (tmp_path / "apt/sources.list.d").mkdir(parents=True)
    (tmp_path / "os-release").write_text("ID=debian\nVERSION_CODENAME=bookworm\n")
    return tmp_path


def test_stanzas_of_the_distribution_are_renamed_and_others_left_out(etc, tmp_path):
    (etc / "apt/sources.list.d/debian.sources").write_text(SOURCES)
    assert aptroot._write_sources(tmp_path, etc).read_text() == (
        "Types: deb\n"
        "URIs: http://mirror.example/debian\n"
        "Suites: trixie trixie-updates\n"
        "Components: main\n"
        "Signed-By: /usr/share/keyrings/example.gpg\n"
    )


def test_lines_of_the_distribution_are_renamed_and_others_left_out(etc, tmp_path):
    (etc / "apt/sources.list").write_text(LINES)
    written = aptroot._write_sources(tmp_path, etc).read_text().split()
    assert " ".join(written) == (
        "deb [ signed-by=/a.gpg] http://mirror.example/debian trixie main contrib "
        "deb http://mirror.example/debian trixie-security main"
    )


def test_a_newer_release_keeps_its_name(etc, tmp_path):
    (etc / "os-release").write_text('VERSION_CODENAME="forky"\n')
    (etc / "apt/sources.list").write_text("deb http://mirror.example/debian forky main\n")
    assert " forky main" in aptroot._write_sources(tmp_path, etc).read_text()


def test_a_machine_without_sources_of_its_release_says_so(etc, tmp_path):
    with pytest.raises(ToolError, match="no apt source of this machine serves bookworm"):
        aptroot._write_sources(tmp_path, etc)
