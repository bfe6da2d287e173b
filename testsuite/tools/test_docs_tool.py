"""`docs` writes what is stale and nothing else."""

import pathlib

from epxhost import cli, docs


def test_a_stale_page_is_named_and_written(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    monkeypatch.setattr(docs, "pages", lambda: {pathlib.Path("docs/new/page.md"): "# Page\n"})
    assert cli.main("docs", ["--check"]) == 1
    assert capsys.readouterr().err == "docs: run `make docs`, stale: docs/new/page.md\n"
    assert cli.main("docs", []) == 0
    assert (tmp_path / "docs/new/page.md").read_text() == "# Page\n"
    assert cli.main("docs", ["--check"]) == 0
    assert "fresh" in capsys.readouterr().out


def test_the_page_of_a_profile_tells_pins_keys_topics_and_malfunctions():
    page = docs.pages()[pathlib.Path("docs/profiles/h2o.md")]
    for words in (
        "| GPIO 21 | SDA of I2C bus 0 | MCP23017 at 0x20, SSD1306 at 0x3c |",
        "| `levelsensors` | up to 16 rising numbers from 0 to 100",
        "| `stat/<name>/Flow` | number, 1 decimal | every 10 s unless 0, then once | every 30 min",
        "| `cmnd/<name>/Refresh` |",
        "| 4 | read failed |",
        "h2o_at_rest.png",
    ):
        assert words in page, words


def test_the_page_of_a_module_tells_what_can_be_called():
    pages = docs.pages()
    page = pages[pathlib.Path("docs/modules/filters.md")]
    for words in (
        '("median", window)',
        "class Pipeline:",
        "    def __init__(self, rows):",
        "    def feed(self, value, now_ms):",
        "On devices of: ",
    ):
        assert words in page, words
    assert "def _smooth" not in page
    index = pages[pathlib.Path("docs/modules.md")]
    for words in ("[epx.screen](modules/screen.md)", "`third.ds18b20`", "`epx.otawire`"):
        assert words in index, words
    assert "| every appliance |" in index


def test_the_page_of_thermometers_has_its_values_and_its_wire():
    page = docs.pages()[pathlib.Path("docs/profiles/termo.md")]
    for words in ("| GPIO 14 | data of the 1-Wire bus", "| 2 | nobody answers", "| else | nobody"):
        assert words in page, words
    assert "an output, high at the start" in docs.pages()[pathlib.Path("docs/profiles/relay.md")]
