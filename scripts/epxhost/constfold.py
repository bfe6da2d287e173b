"""Constants of a file set that is compiled: numbers in the code, names nowhere.

mpy-cross folds NAME = const(5) within its own module; whoever imports NAME pays for a name, an
entry of a dict and code, and so does the module that has it. A set is compiled as a whole, so here
the text of all its modules is rewritten first:

- Each use of such a NAME elsewhere, as NAME or module.NAME, becomes the number; what is then
  imported for nothing is not imported.
- A NAME that nobody needs at run time any more becomes _NAME, which MicroPython drops. Not so in a
  module that has nothing but constants: nobody loads that any more.
- `from micropython import const` goes when the compiler has done all that const() would do.

An import goes wholly only if it makes no difference whether it runs: the module is loaded anyway
(by imports at the top of modules, beginning with those of the texts that are not rewritten), or it
only defines things, and so do those that it imports.

What is not understood is left as it is: a name that means something else anywhere in its file, a
file with an f-string, a NAME that is still an attribute or a text anywhere in the set. Lines keep
their numbers. The same texts give the same texts.
"""

import ast
import functools
from collections.abc import Collection, Iterator, Mapping

from epxhost.constread import CONST, ModuleText, Target, Values, bound_by

Import = ast.Import | ast.ImportFrom


def folded(texts: Mapping[str, str], untouched: Collection[str] = ()) -> dict[str, str]:
    """The texts of a set by the dotted names of its modules, rewritten.

    untouched: names of those that the device gets as source (main, boot); what they use stays.
    """
    return dict(_folded(tuple(sorted(texts.items())), frozenset(untouched)))


@functools.lru_cache(maxsize=32)  # the tests and bench want the same set again and again
def _folded(texts: tuple[tuple[str, str], ...], untouched: frozenset[str]) -> dict[str, str]:
    names = frozenset(name for name, _ in texts)
    try:
        files = {name: ModuleText(name, text, names) for name, text in texts}
    except SyntaxError:
        return dict(texts)  # the compiler will say where
    return dict(_Folding(files, untouched).texts())


class _Folding:
    def __init__(self, files: Mapping[str, ModuleText], untouched: Collection[str]) -> None:
        self._files = files
        self._values = Values(files)
        self._changed = [
            file for file in files.values() if file.understood and file.name not in untouched
        ]
        # Per module its expressions that become numbers, and what they have in them.
        self._numbers: dict[str, dict[ast.expr, int]] = {}
        self._gone: set[ast.AST] = set()
        for file in self._changed:
            self._numbers[file.name] = dict(self._find_numbers(file))
            for node in self._numbers[file.name]:
                self._gone |= set(ast.walk(node))
        self._loose, self._open = self._find_loose()
        self._always = self._find_always(untouched)
        self._needed: set[Target] = set()
        self._find_needed()

    def texts(self) -> Iterator[tuple[str, str]]:
        changed = {file.name for file in self._changed}
        for name, file in self._files.items():
            yield name, _edited(file.text, self._edits(file)) if name in changed else file.text

    def _find_numbers(self, file: ModuleText) -> Iterator[tuple[ast.expr, int]]:
        """In const() of the module's own, and whatever it uses of others."""
        inside: set[ast.AST] = set()
        for name, definition in file.constants.items():
            argument = definition.value.args[0]
            number = self._values.of(file.name, name)
            if number is not None:
                inside |= set(ast.walk(argument))
                yield argument, number
        uses = [name for each in file.loads.values() for name in each if name not in inside]
        for node in (*uses, *(each for each in file.attributes if each not in inside)):
            own = isinstance(node, ast.Name) and node.id in file.constants
            number = None if own else self._values.used(file, node)
            if number is not None and file.source(node) == ast.unparse(node):
                yield node, number

    def _find_loose(self) -> tuple[set[str], set[str]]:
        """Attributes and texts that are left anywhere: perhaps of a module. And modules that are
        handed on, of which anything may be wanted."""
        loose: set[str] = set()
        handed_on: set[str] = set()
        for file in self._files.values():
            loose |= file.strings
            loose |= {node.attr for node in file.attributes if node not in self._gone}
            for targets in file.imports.values():
                for alias, target in targets.items():
                    bound = bound_by(alias)
                    plain = all(_is_base(file.parents[node], node) for node in file.loads[bound])
                    if alias.name == "*" or (target.name is None and not plain):
                        handed_on.add(target.module)
        return loose, handed_on

    def _find_always(self, untouched: Collection[str]) -> set[str]:
        """Modules that are loaded whatever else happens."""
        found: set[str] = set()
        to_visit = [name for name in untouched if name in self._files]
        while to_visit:
            file = self._files[to_visit.pop()]
            for statement, targets in file.imports.items():
                if file.parents[statement] is not file.tree:
                    continue  # it may never run
                for alias, target in targets.items():
                    if target.module in self._files and not self._is_idle(file, alias, target):
                        to_visit += [target.module] * (target.module not in found)
                        found.add(target.module)
        return found

    def _find_needed(self) -> None:
        """Names of modules that imports still want, until no import wants another one."""
        before = -1
        while before < len(self._needed):
            before = len(self._needed)
            for file in self._files.values():
                for statement, targets in file.imports.items():
                    gone = self._dropped(file, statement)
                    self._needed |= {target for a, target in targets.items() if a not in gone}

    def _is_needed(self, module: str, name: str) -> bool:
        wanted = Target(module, name) in self._needed
        return wanted or name in self._loose or module in self._open

    def _is_idle(self, file: ModuleText, alias: ast.alias, target: Target) -> bool:
        """Does the file itself no longer use what this gives?"""
        bound = bound_by(alias)
        if file.name not in self._numbers or file.target(bound) != target:
            return False
        loads = file.loads[bound]
        if target == CONST:
            return all(self._is_compiled(file, node) for node in loads)
        if target.name is None:
            return bool(loads) and self._gone.issuperset(loads)
        return self._values.of(*target) is not None and self._gone.issuperset(loads)

    def _is_compiled(self, file: ModuleText, const: ast.Name) -> bool:
        """Is this the const of a line that the compiler understands?"""
        call = file.parents[const]
        for name, definition in file.constants.items():
            if call is definition.value:
                is_number = self._values.of(file.name, name) is not None
                return is_number or _is_plain(definition.value.args[0])
        return False

    def _dropped(self, file: ModuleText, statement: Import) -> list[ast.alias]:
        """Which parts of an import may go."""
        targets = file.imports[statement]
        tail = file.rest_of_line(statement).strip()
        if statement.lineno != statement.end_lineno and tail and not tail.startswith("#"):
            return []
        at_top = file.at_top(statement)
        idle = [
            alias
            for alias, target in targets.items()
            if self._is_idle(file, alias, target)
            and not (at_top and self._is_needed(file.name, bound_by(alias)))
        ]
        stays = len(idle) < len(targets)
        return [
            alias
            for alias in idle
            if (stays and targets[alias].name) or self._may_go(targets[alias].module)
        ]

    def _may_go(self, module: str, open_: frozenset[str] = frozenset()) -> bool:
        """Does it make no difference whether a module is imported once more?"""
        if module not in self._files or module in self._always or module in open_:
            return True
        file = self._files[module]
        return file.only_defines() and all(
            self._may_go(target.module, open_ | {module})
            for statement, targets in file.imports.items()
            if file.at_top(statement)
            for target in targets.values()
        )

    def _edits(self, file: ModuleText) -> Iterator[tuple[int, int, str]]:
        for node, number in self._numbers[file.name].items():
            if not _is_number(node):
                yield *file.span(node), _literal(file, node, number)
        for name, definition in file.constants.items():
            number = self._values.of(file.name, name)
            hidden = f"_{name}"
            stays = name.startswith("_") or hidden in file.words or file.only_constants()
            if number is not None and not stays and not self._is_needed(file.name, name):
                yield *file.span(definition.targets[0]), hidden
                # No _NAME: the compiler knows it only below its definition.
                for node in file.loads[name]:
                    if node not in self._gone:
                        yield *file.span(node), _literal(file, node, number)
        for statement in file.imports:
            gone = self._dropped(file, statement)
            if gone:
                yield *file.span(statement), _shorter(statement, gone)


def _is_base(parent: ast.AST, node: ast.Name) -> bool:
    return isinstance(parent, ast.Attribute) and parent.value is node


def _is_number(node: ast.expr) -> bool:
    operand = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(operand, ast.Constant)


def _is_plain(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | str | bytes)


def _literal(file: ModuleText, node: ast.expr, number: int) -> str:
    is_base = isinstance(file.parents[node], ast.Attribute)
    return f"({number})" if number < 0 or is_base else str(number)


def _shorter(statement: Import, gone: Collection[ast.alias]) -> str:
    """The statement without these parts, in as many lines."""
    left = [ast.unparse(alias) for alias in statement.names if alias not in gone]
    lines = "\n" * (statement.end_lineno - statement.lineno)
    if not left:
        return f"pass{lines}"
    names = ", ".join(left)
    if isinstance(statement, ast.Import):
        return f"import {names}{lines}"
    return f"from {'.' * statement.level}{statement.module or ''} import {names}{lines}"


def _edited(text: str, edits: Iterator[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = f"{text[:start]}{new}{text[end:]}"
    return text
