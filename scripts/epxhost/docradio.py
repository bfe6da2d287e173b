"""What the generated pages say of devices on the radio: which part they have, what they tell."""

import ast
from typing import Any, NamedTuple

from epxhost import docsource
from epxhost.docsource import Row

# What main.py imports: the class that it wires.
_CENTRAL = "epx.netnowc"
_PERIPHERAL = "epx.netnowp"


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
        for node in ast.walk(docsource.Source(f"profiles/{profile}/main.py").tree)
        if isinstance(node, ast.ImportFrom)
    }
    if not imported & {_CENTRAL, _PERIPHERAL}:
        return None
    service = docsource.device_module(f"{profile}.service")
    rows = docsource.topic_rows(f"lib/{profile}/service.py", service, ("Tell", "Hear"))
    is_central = _CENTRAL in imported
    topics = docsource.topic_rows("lib/epx/nowhouse.py") if is_central else []
    return Radio(is_central, rows, topics)
