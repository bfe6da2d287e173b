"""What the documents say is there: pages are fresh, links lead somewhere, commands exist."""

import json
import os
import re

import pytest

from epxhost import docs, docsource, settings
from epxhost.devicelib import profiles
from epxhost.door import ROOT

WRITTEN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
PAGES = WRITTEN + sorted((ROOT / "docs").rglob("*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(path):
    """What the headings of a page are called in a link, as GitHub makes it."""
    text = FENCED.sub("", path.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(path):
    text = FENCED.sub("", path.read_text(encoding="utf-8"))
    for target, source in LINK.findall(text):
        link = target or source
        if "://" not in link:
            yield link


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def test_the_generated_pages_are_fresh():
    stale = [path.as_posix() for path in docs.stale_pages()]
    assert not stale, "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page):
    for link in links(page):
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_is_named_exists(page):
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"(?<![\w/])scripts/([a-z_]+(?:\.py)?)(?![\w/])", text):
        path = ROOT / "scripts" / name
        assert path.exists() and (path.is_dir() or os.access(path, os.X_OK)), f"scripts/{name}"
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for name in re.findall(r"(?:`|^ *)make ([a-z-]+)", text, re.MULTILINE):
        assert name in targets, f"make {name}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_is_named_exists(page):
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:docs|lib|testsuite|testmock|bench|profiles)/[\w./]+)`", text):
        there = [(root / name).exists() for root in (ROOT, ROOT / "docs" / "example")]
        assert any(there) or re.search(r"/(NAME|PROFILE)", name), name


def test_every_page_is_reached_from_the_readme():
    reached, to_visit = set(), [ROOT / "README.md"]
    while to_visit:
        page = to_visit.pop()
        if page in reached:
            continue
        reached.add(page)
        for link in links(page):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.exists():
                to_visit.append(target)
    assert [name_of(page) for page in PAGES if page not in reached] == []


def test_a_configuration_in_a_page_is_one_that_a_device_accepts():
    for page in PAGES:
        for block in re.findall(
            r"^```\n(ssid .*?)^```", page.read_text(), re.MULTILINE | re.DOTALL
        ):
            profile = "h2o" if "capacity" in block else None
            assert settings.config_problems(block, profile) == [], page


def test_the_example_of_a_profile_is_what_the_page_shows():
    pages = sorted((ROOT / "docs").glob("new-profile*.md"))
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    shown = dict(re.findall(r"^`([\w./]+)`:\n\n```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    example = ROOT / "docs" / "example"
    files = {
        path.relative_to(example).as_posix(): path.read_text() for path in example.rglob("*.*")
    }
    assert shown == {
        name: text for name, text in files.items() if text and "__pycache__" not in name
    }


def test_the_numbers_in_the_readme_are_those_that_were_measured():
    measured = json.loads((ROOT / "bench/results.json").read_text())
    told = re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", WRITTEN[0].read_text(), re.MULTILINE)
    assert told
    for key, number in told:
        assert float(number) == pytest.approx(measured[key], rel=0.1), key


@pytest.mark.parametrize("profile", profiles())
def test_every_key_of_a_profile_is_shown_and_explained_in_its_example(profile):
    shown = docsource.example_values(profile)
    for key in settings.profile_keys(profile):
        assert key.name in shown, f"{key.name} is missing"
        assert shown[key.name][1], f"{key.name} stands below no comment"


def test_every_row_of_a_table_has_a_comment():
    """It is the explanation on the generated page."""
    rows = docsource.topic_rows("lib/epx/appliance.py")
    rows += docsource.topic_rows("lib/epx/nowhouse.py")
    for profile in profiles():
        rows += docsource.key_rows(f"{profile}.settings")
        service = docsource.device_module(f"{profile}.service")
        kinds = ("Pub", "Sub", "Tell", "Hear")
        rows += docsource.topic_rows(f"lib/{profile}/service.py", service, kinds)
    silent = [getattr(row, "topic", None) or row.name for row, comment in rows if not comment]
    assert silent == []
