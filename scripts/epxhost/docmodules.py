"""Pages of the common modules, from their docstrings: what somebody who writes a profile calls."""

import ast
from collections.abc import Iterator
from pathlib import Path

from epxhost import manifest
from epxhost.devicelib import profiles
from epxhost.docsource import Source
from epxhost.door import ROOT

# Names of packages, and what they are.
_PACKAGES = (
    ("epx", "The framework", "[framework.md](framework.md) tells how they work together."),
    ("third", "Drivers", "They stand for themselves, without the framework."),
    ("uumqtt", "The MQTT client", "Also without the framework: [uumqtt.md](uumqtt.md)."),
)
# Of updates: docs/ota-protocol.md is their page, and no profile calls them.
_UPDATES = "ota"
_LONGEST = 99


def module_pages() -> dict[Path, str]:
    """docs/modules.md, and a page for each common module of the framework."""
    shipped = {
        profile: {file.local.as_posix() for file in manifest.device_files(profile)}
        for profile in profiles()
    }
    made = {}
    lists = []
    for package, title, about in _PACKAGES:
        rows = []
        for path in _modules(package):
            name = path.stem
            source = Source(path.relative_to(ROOT).as_posix())
            users = [profile for profile in shipped if source.path in shipped[profile]]
            shown = f"`{package}.{name}`"
            if package == "epx" and not name.startswith(_UPDATES):
                made[Path("docs/modules", f"{name}.md")] = _page(
                    f"{package}.{name}", source, users
                )
                shown = f"[{package}.{name}](modules/{name}.md)"
            rows.append(f"| {shown} | {_plain(_first_line(source))} | {_whose(users)} |")
        table = ["| module | | on devices of |", "|---|---|---|", *rows]
        lists += [f"## {title}", about, "\n".join(table)]
    about = "What each module of `lib/` is for. Of the framework's, a page has what can be called."
    made[Path("docs/modules.md")] = "\n\n".join(["# Modules", about, *lists])
    return made


def _modules(package: str) -> list[Path]:
    return sorted(p for p in (ROOT / "lib" / package).glob("*.py") if p.stem != "__init__")


def _first_line(source: Source) -> str:
    return (ast.get_docstring(source.tree) or "").partition("\n")[0]


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace("|", "\\|")


def _whose(users: list[str]) -> str:
    if len(users) == len(profiles()):
        return "every appliance"
    return ", ".join(users) or "none yet"


def _page(name: str, source: Source, users: list[str]) -> str:
    _, _, rest = (ast.get_docstring(source.tree) or "").partition("\n")
    offered = "\n\n\n".join(_offered(source.tree))
    blocks = [
        f"# {name}",
        _plain(_first_line(source)),
        f"```text\n{rest.strip()}\n```" if rest.strip() else "",
        f"Source: `{source.path}`. On devices of: {_whose(users)}. [All modules](../modules.md)",
        f"```python\n{offered}\n```" if offered else "",
    ]
    return "\n\n".join(block for block in blocks if block)


def _offered(tree: ast.Module) -> Iterator[str]:
    """Public constants, functions and classes, without what is in them."""
    constants = [text for node in tree.body if (text := _constant(node))]
    if constants:
        yield "\n".join(constants)
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) if not name.startswith("_"):
                yield "\n".join(_function(node, ""))
            case ast.ClassDef(name=name) if not name.startswith("_"):
                yield "\n".join(_class(node))


def _constant(node: ast.stmt) -> str:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) if not name.startswith("_"):
            text = ast.unparse(node)
            return text if len(text) <= _LONGEST else f"{name} = ..."
    return ""


def _function(node: ast.FunctionDef, indent: str) -> Iterator[str]:
    yield f"{indent}def {node.name}({ast.unparse(node.args)}):"
    yield from _docstring(node, indent + "    ") or [f"{indent}    ..."]


def _class(node: ast.ClassDef) -> Iterator[str]:
    bases = ", ".join(map(ast.unparse, node.bases))
    yield f"class {node.name}({bases}):" if bases else f"class {node.name}:"
    yield from _docstring(node, "    ")
    for inner in node.body:
        match inner:
            case ast.FunctionDef(name=name) if name == "__init__" or not name.startswith("_"):
                yield ""
                yield from _function(inner, "    ")
            case _ if constant := _constant(inner):
                yield f"    {constant}"


def _docstring(node: ast.FunctionDef | ast.ClassDef, indent: str) -> list[str]:
    text = ast.get_docstring(node)
    if not text:
        return []
    first, *others = text.split("\n")
    if not others:
        return [f'{indent}"""{first}"""']
    lines = [f'{indent}"""{first}', *(f"{indent}{line}".rstrip() for line in others)]
    return [*lines, f'{indent}"""']
