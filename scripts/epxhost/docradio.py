"""What the generated pages say of devices on the radio: which part they have, what they tell."""

import ast
import importlib
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from epxhost import docsource
from epxhost.docsource import Row
from epxhost.door import ROOT
from epxhost.errors import ToolError

# What a profile imports: the class that it wires.
_CENTRAL = "epx.netnowc"
_PERIPHERAL = "epx.netnowp"
# Where the topics of every central are.
_TOPICS = "lib/epx/nowhouse.py"
# This page is written by hand, but for two parts, each between a line of _BEGIN and one of _END.
PROTOCOL = Path("docs/radio-protocol.md")
_BEGIN = "<!-- made: {} -->\n"
_END = "<!-- end -->"
_BYTES_PER_LINE = 40


class Radio(NamedTuple):
    """Of a profile: the rows of its service, and of its central's topics, if it is one."""

    is_central: bool
    rows: list[Row]
    topics: list[Row]

    def told(self) -> list[tuple[str, bool, Any, str]]:
        """(topic, whether this device sends it, the row, its comment)"""
        return [(row.topic, not hasattr(row, "parse"), row, comment) for row, comment in self.rows]


def radio_of(profile: str) -> Radio | None:
    """None: it has none."""
    imported = {
        node.module
        for path in (f"profiles/{profile}/main.py", *_modules(profile))
        for node in ast.walk(docsource.Source(path).tree)
        if isinstance(node, ast.ImportFrom)
    }
    if not imported & {_CENTRAL, _PERIPHERAL}:
        return None
    service = docsource.device_module(f"{profile}.service")
    rows = docsource.topic_rows(f"lib/{profile}/service.py", service, ("Tell", "Hear"))
    is_central = _CENTRAL in imported
    topics = docsource.topic_rows(_TOPICS) if is_central else []
    if not rows or is_central > bool(topics):
        raise ToolError(f"{profile}: no rows in its service.py or in {_TOPICS}")
    return Radio(is_central, rows, topics)


def _modules(profile: str) -> list[str]:
    found = sorted((ROOT / "lib" / profile).glob("*.py"))
    return [path.relative_to(ROOT).as_posix() for path in found]


def protocol_page() -> str:
    """It, with its made parts as the sources have them now."""
    text = (ROOT / PROTOCOL).read_text(encoding="utf-8")
    for name, made in (("costs", _costs()), ("vectors", _vectors())):
        before, begin, rest = text.partition(_BEGIN.format(name))
        _, end, after = rest.partition(_END)
        if not end:
            raise ToolError(f"{PROTOCOL}: want a part '{name}' that ends with {_END}")
        text = f"{before}{begin}\n{made}\n\n{end}{after}"
    return text


def _module_at(path: str) -> ModuleType:
    """Of a file that is neither the device's nor the tools'."""
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
    return importlib.import_module(path.removesuffix(".py").replace("/", "."))


def _costs() -> str:
    radio = _module_at("testmock/simworld/deviceradio.py")
    lines = ["| Packet | received | sent |", "|---|---|---|"]
    wire = docsource.device_module("epx.nowwire")
    for name in ("DATA", "TIME", "PING", "PAIRING", "WAKEUP"):
        number = getattr(wire, name)
        received, sent = (radio.COST_US[way, number] / 1000 for way in ("receive", "send"))
        lines.append(f"| {name} | {received:g} | {sent:g} |")
    lines.append(f"| anything else | {radio.OTHER_COST_US / 1000:g} | |")
    key = radio.KEY_COST_US / 1000
    lines.append(f"| one multiplication of X25519, two per pairing on each side | {key:g} | |")
    return "\n".join(lines)


def _vectors() -> str:
    data = _module_at("testsuite/unit/nowvectors.py")
    blocks = []
    lines = [f"{'secret of the group':26}{data.GROUP_SECRET}"]
    names = ("NETWORK", "PAIRING_KEY", "PERIPHERAL", "CENTRAL")
    names += ("PERIPHERAL_SECRET", "PERIPHERAL_PUBLIC", "CENTRAL_SECRET", "CENTRAL_PUBLIC")
    names += ("SHARED", "PAIR_SECRET", "OTAKEY", "PROOF", "ANSWER")
    names += ("EARLIER_PUBLIC", "EARLIER_PROOF", "ANSWER_AGAIN")
    for name in names:
        words = name.lower().replace("_", " ")
        first, *more = textwrap.wrap(getattr(data, name), 2 * _BYTES_PER_LINE)
        lines += [f"{words:26}{first}", *(f"{'':26}{line}" for line in more)]
    for name, (encryption, authentication) in data.KEYS.items():
        lines += [f"{name + ', encrypt':26}{encryption}"]
        lines += [f"{name + ', authenticate':26}{authentication}"]
    blocks.append("\n".join(lines))
    for about, keys, kinds, peer, counter, tid, time, extra, payload, packet in data.PACKETS:
        said = [f"{about}: type {kinds[0]}, kind {kinds[1]}, keys {keys}"]
        said += [f"  peer {peer}, counter {counter}, extra {extra}, TID {tid}, time {time}"]
        said += _wrapped("  payload  ", payload) if payload else []
        said += _wrapped("  packet   ", packet)
        blocks.append("\n".join(said))
    return "```\n" + "\n\n".join(blocks) + "\n```"


def _wrapped(name: str, digits: str) -> list[str]:
    first, *more = textwrap.wrap(digits, 2 * _BYTES_PER_LINE)
    return [name + first, *(" " * len(name) + line for line in more)]
