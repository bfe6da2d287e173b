"""`make docs`: pages of docs/ that are printed from the tables of the device, never edited."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import click

from epxhost import docmodules, docradio, docsource
from epxhost.devicelib import profiles
from epxhost.docsource import Row
from epxhost.door import ROOT
from epxhost.errors import ToolError

_MADE = "<!-- Written by `make docs` from the sources. Do not edit. -->"
_UNITS_MS = ((3600000, "h"), (60000, "min"), (1000, "s"))
# A value of a topic, or else, and what it means, in the comment of its row.
_VALUE = re.compile(r"(\d+|else):? (.+?)(?=; (?:\d+:|else)|\.?$)")
# These two are not rows of a table: epx.mqtt publishes them by itself.
_OWN_TOPICS = (
    ("Availability", "`online` or `offline`", "retained; `offline` is the last will"),
    ("Log", "a log line", "as they come, from the first line after boot on"),
)
_ABOUT_KEYS = """\
One `key value` per line; the first blank ends the key, and the rest of the line is the value,
blanks included. Lines that begin with `#` are comments. The value `None` means: as if the line
were not there. The keys of a profile are on its own page in `docs/profiles/`.
`scripts/pcp_conf FILE` checks a file with these same rows before it sends it."""
_ABOUT_STATES = """\
Each diagram is a table `_STATES` of the source. A transition that is not in it is an error. What a
state has started (tasks, polls) ends when the state is left."""
_ABOUT_RADIO = {
    False: """\
How it finds its central: [radio.md](../radio.md). What it tells is published by that, under the
name of that.""",
    True: """\
Pairing, and what its peripherals need: [radio.md](../radio.md).""",
}
_NO_TOPICS = """\
It publishes and obeys nothing by itself. While it is awake for an update it has what every
appliance has: `Uptime`, `Diag`, `Availability`, `Log`, `Refresh`, `OTA`."""
_ABOUT_TOPICS = """\
`<name>` is the key `mqttname`. The column "repeated" says how often a value is sent even if it did
not change."""


def pages() -> dict[Path, str]:
    """Every generated page: path below the root, and its text."""
    made = {
        Path("docs/settings.md"): _settings_page(),
        Path("docs/state-machines.md"): _states_page(),
        docradio.PROTOCOL: docradio.protocol_page(),
    }
    for profile in profiles():
        made[Path("docs/profiles", f"{profile}.md")] = _profile_page(profile)
    for path, text in docmodules.module_pages().items():
        made[path] = _page(text)
    return made


def stale_pages() -> dict[Path, str]:
    """Pages that are not what the sources say."""
    return {
        path: text
        for path, text in pages().items()
        if not (ROOT / path).exists() or (ROOT / path).read_text(encoding="utf-8") != text
    }


def _page(*blocks: str) -> str:
    return "\n\n".join([_MADE, *(block for block in blocks if block)]) + "\n"


def _table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(titles)]
    lines += [[cell.replace("|", "\\|") for cell in row] for row in rows]
    body = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([body[0], "|---" * len(lines[0]) + "|", *body[1:]])


def _duration(ms: int) -> str:
    for unit_ms, unit in _UNITS_MS:
        if ms and ms % unit_ms == 0:
            return f"{ms // unit_ms} {unit}"
    return f"{ms} ms" if ms else ""


# Settings


def _wanted(key) -> str:
    """What the parser says it wants, when it is given nothing."""
    try:
        key.parse("")
    except ValueError as error:
        return str(error).removeprefix("want ")
    raise ToolError(f"key {key.name}: its parser takes an empty text")


def _default(key) -> str:
    if key.default is docsource.device_module("epx.config").REQUIRED:
        return "needed"
    if key.default is None or key.default == ():
        return "none"
    if isinstance(key.default, bool):
        return str(int(key.default))
    if key.name == "led":
        return "none" if key.default[0] is None else f"pin {key.default[0]}"
    if isinstance(key.default, tuple):
        return ",".join(str(value) for value in key.default)
    return str(key.default)


def _key_table(rows: list[Row], examples: dict[str, tuple[str, bool]]) -> str:
    lines = []
    for key, comment in rows:
        value = examples.get(key.name, ("", False))[0]
        wanted = f"{_wanted(key)}{' (never printed)' if key.secret else ''}"
        line = [f"`{key.name}`", wanted, key.unit, _default(key), comment]
        lines.append([*line, f"`{value}`" if value else ""] if examples else line)
    titles = ["key", "value", "unit", "default", "meaning"]
    return _table([*titles, "example"] if examples else titles, lines)


def _settings_page() -> str:
    return _page(
        "# Keys of config.txt that every appliance has",
        _ABOUT_KEYS,
        _key_table(docsource.key_rows("epx.config"), {}),
    )


# State machines


def _states_page() -> str:
    blocks = [
        "# State machines",
        _ABOUT_STATES,
    ]
    for path, about, states in docsource.state_tables():
        arrows = [
            f"    {'[*]' if state == 'initial' else state} --> {target}"
            for state, targets in states.items()
            for target in targets
        ]
        name = path.removeprefix("lib/").removesuffix(".py").replace("/", ".")
        blocks += [
            f"## {name}",
            about,
            "\n".join(["```mermaid", "stateDiagram-v2", *arrows, "```"]),
        ]
    return _page(*blocks)


# Profiles


def _profile_page(profile: str) -> str:
    settings = f"lib/{profile}/settings.py"
    examples = docsource.example_values(profile)
    keys = docsource.key_rows(f"{profile}.settings") if (ROOT / settings).exists() else []
    topics = []
    if (ROOT / f"lib/{profile}/service.py").exists():
        service = docsource.device_module(f"{profile}.service")
        topics = docsource.topic_rows(f"lib/{profile}/service.py", service)
    radio = docradio.radio_of(profile)
    return _page(
        f"# {profile}",
        docsource.Source(f"profiles/{profile}/main.py").docstring(),
        "## Wiring",
        _boards(profile) or _wiring(profile),
        "## Keys of config.txt",
        _key_table(keys, examples),
        f"And those [of every appliance](../settings.md). "
        f"The example is `profiles/{profile}/config.txt.example`.",
        *_by_radio(radio),
        *_topics_and_commands(topics, radio),
        _programs(profile),
        _malfunctions(profile, topics, radio),
        _pictures(profile),
    )


def _topics_and_commands(topics: list[Row], radio: docradio.Radio | None) -> list[str]:
    if radio and not radio.is_central:
        return ["## Topics", _NO_TOPICS]
    common = docsource.topic_rows("lib/epx/appliance.py")
    of_centrals = radio.topics if radio else []
    blocks = ["## Topics", _ABOUT_TOPICS, _topic_table(topics)]
    if of_centrals:
        blocks += ["Every central has these:", _topic_table(of_centrals)]
    blocks += ["Every appliance has these, too:", _topic_table(common, _OWN_TOPICS)]
    return [*blocks, "## Commands", _commands(topics + of_centrals + common)]


def _by_radio(radio: docradio.Radio | None) -> list[str]:
    if not radio:
        return []
    lines = [
        [
            f"`{topic}`",
            "sends" if sends else "hears",
            _payload(row) if sends else _obeyed(row.parse),
            comment,
        ]
        for topic, sends, row, comment in radio.told()
    ]
    table = _table(["topic", "this device", "value", "meaning"], lines)
    return ["## By radio", _ABOUT_RADIO[radio.is_central], table]


def _wiring(profile: str) -> str:
    hung = docsource.parts(profile)
    safe = docsource.safe_levels(profile)
    lines = []
    for wire in docsource.wires(profile):
        pin = f"GPIO {wire.pin}"
        on_it = [part for part in hung if part.where in (pin, wire.user)]
        names = ", ".join(
            part.name + (f" at 0x{part.address:02x}" if part.address is not None else "")
            for part in on_it
        )
        role = f"{wire.role} of {wire.user}" if wire.role else wire.user
        for part in on_it:
            role = role if wire.role else part.role or role
        lines.append([pin, role, names or safe.get(wire.pin, "")])
    led, _ = next(key.default for key, _ in docsource.key_rows("epx.config") if key.name == "led")
    lines.append([f"GPIO {led}", "LED", "lit while it works; another pin, or none: key `led`"])
    about = [f"- {part.name}: {part.about}" for part in hung if part.about]
    blocks = [_table(["pin", "used as", "connected to"], lines), "\n".join(about)]
    return "\n\n".join(block for block in blocks if block)


def _boards(profile: str) -> str:
    """Of a profile whose pins are rows of a table."""
    if not (ROOT / f"lib/{profile}/boards.py").exists():
        return ""
    lines = []
    for board in docsource.device_module(f"{profile}.boards").BOARDS:
        led, inverted = board.led
        lines.append(
            [
                f"`{board.driver}`",
                f"{_pins(board.inputs)}, on is {'high' if board.on_level else 'low'}",
                _pins(board.outputs),
                "none" if led is None else f"GPIO {led}{', inverted' if inverted else ''}",
                _shift_pins(board.registers),
            ]
        )
    titles = ["`driver`", "inputs, from 0", "outputs, from 0", "LED", "shift registers"]
    return _table(titles, lines)


def _pins(numbers: tuple[int, ...]) -> str:
    """All zeros: bits of shift registers."""
    if len(numbers) > 1 and not any(numbers):
        return f"{len(numbers)} by shift register"
    return f"GPIO {', '.join(map(str, numbers))}"


def _shift_pins(registers: tuple[int, ...] | None) -> str:
    names = ("enable", "latch", "clock", "in", "out")
    return ", ".join(f"{name} {pin}" for name, pin in zip(names, registers or (), strict=False))


def _programs(profile: str) -> str:
    """What the docstring of a program language says of it, after its first line."""
    path = f"lib/{profile}/language.py"
    if not (ROOT / path).exists():
        return ""
    text = ast.get_docstring(docsource.Source(path).tree) or ""
    return f"## Programs\n\n{text.partition(chr(10))[2].strip()}"


def _payload(pub) -> str:
    if pub.digits is None:
        return "text"
    return "integer" if pub.digits == 0 else f"number, {pub.digits} decimal{'s'[: pub.digits - 1]}"


def _when(pub) -> str:
    words = []
    if pub.on:
        words.append(f"{'each' if pub.event else 'on'} `{pub.on}`")
    if pub.every_ms and pub.idle is not None:
        words.append(f"every {_duration(pub.every_ms)} unless {pub.idle}, then once")
    elif pub.every_ms:
        words.append(f"on change, looked at every {_duration(pub.every_ms)}")
    return "; ".join(words)


def _notes(pub, comment: str) -> str:
    notes = [comment.replace("%s", "`<id>`")]
    if pub.retain:
        notes.append("Retained.")
    if pub.event:
        notes.append("An event: queued while offline, QoS 1, never repeated.")
    return " ".join(note for note in notes if note)


def _shown(topic: str) -> str:
    return topic.replace("%d", "<i>").replace("%s", "<id>")


def _topic_table(rows: list[Row], more: tuple[tuple[str, str, str], ...] = ()) -> str:
    lines = [
        [
            f"`stat/<name>/{_shown(row.topic)}`",
            _payload(row),
            _when(row),
            f"every {_duration(row.refresh_ms)}" if row.refresh_ms else "",
            _notes(row, comment),
        ]
        for row, comment in rows
        if hasattr(row, "digits")
    ]
    lines += [[f"`stat/<name>/{name}`", payload, when, "", ""] for name, payload, when in more]
    return _table(["topic", "payload", "sent", "repeated", "meaning"], lines)


def _commands(rows: list[Row]) -> str:
    lines = []
    for row, comment in rows:
        if not hasattr(row, "digits"):
            lines.append([f"`cmnd/<name>/{_shown(row.topic)}`", _obeyed(row.parse), comment])
    return _table(["topic", "payload", "meaning"], lines)


def _obeyed(parse) -> str:
    """What the parser of a command wants; bytes takes all that is not empty."""
    try:
        parse(b"\xff?")
    except ValueError as error:
        return str(error).removeprefix("want ")
    return "anything but nothing"


def _malfunctions(profile: str, topics: list[Row], radio: docradio.Radio | None) -> str:
    """Bits are constants of the sensor; else the comment of the topic has the values."""
    path = f"lib/{profile}/sensor.py"
    bits = []
    if (ROOT / path).exists() and not radio:
        bits = docsource.Source(path).constants_below("malfunctions")
    rows = topics + (radio.rows if radio else [])
    told = next((text for row, text in rows if "Malfunction" in row.topic), "")
    if bits:
        about = "The sum of what is wrong; 0 is all right."
        lines = [[str(value), name] for value, name in bits]
    elif told:
        about = "0 is all right."
        lines = [list(pair) for pair in _VALUE.findall(told)]
    else:
        where = "on the topic `Log`" if not radio or radio.is_central else "on the console"
        return f"## Malfunctions\n\nNo numbers: what fails is a line {where}."
    return f"## Malfunctions\n\n{about}\n\n" + _table(["value", "meaning"], lines)


def _pictures(profile: str) -> str:
    found = sorted((ROOT / "testsuite/pictures").glob(f"{profile}_*.png"))
    if not found:
        return "## Display\n\nIt has none."
    cells = []
    for path in found:
        title = path.stem.removeprefix(f"{profile}_").replace("_", " ")
        place = path.relative_to(ROOT).as_posix()
        cells.append(f'<td><img src="../../{place}" width="256" alt="{title}"><br>{title}</td>')
    rows = [f"<tr>{''.join(cells[i : i + 3])}</tr>" for i in range(0, len(cells), 3)]
    return "\n".join(["## Display", "", "<table>", *rows, "</table>"])


@click.command()
@click.option("--check", is_flag=True, help="write nothing; status 1 if a page is stale")
def docs(check: bool) -> None:
    """Write the generated pages of docs/: profiles, modules, settings, state machines."""
    stale = stale_pages()
    names = ", ".join(path.as_posix() for path in stale)
    if check and stale:
        raise ToolError(f"run `make docs`, stale: {names}")
    for path, text in stale.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
    click.echo(f"written: {names}" if stale else "all pages are fresh")
