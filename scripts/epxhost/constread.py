"""What modules of a file set bind, read and import, and the numbers of their constants: what
epxhost.constfold has to know."""

import ast
import operator
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

# Calls that only make an object; a module that assigns theirs does nothing else.
_MAKERS = ("const", "bytes", "bytearray", "memoryview", "object", "calcsize")

_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
}
_MOST_SHIFT_BITS = 64


class Target(NamedTuple):
    """What an import gives: a name of a module or, name being None, the module itself."""

    module: str
    name: str | None


CONST = Target("micropython", "const")


class ModuleText:
    """modules: the dotted names of all modules of the set. SyntaxError: the text is no program.

    understood is False if places in the text, or what its names are, cannot be told.
    """

    def __init__(self, name: str, text: str, modules: Collection[str]) -> None:
        self.name = name
        self.text = text
        self.tree = ast.parse(text)
        nodes = list(ast.walk(self.tree))
        self.parents = {c: node for node in nodes for c in ast.iter_child_nodes(node)}
        self.understood = "\r" not in text and "\f" not in text
        self.words: set[str] = set()
        self.strings: set[str] = set()
        self.attributes: list[ast.Attribute] = []
        self.loads: dict[str, list[ast.Name]] = defaultdict(list)
        self.imports: dict[ast.Import | ast.ImportFrom, dict[ast.alias, Target]] = {}
        # For each name what binds it, wherever in the file: a Target, or a node that is no import.
        self._binders: dict[str, list[Target | ast.AST]] = defaultdict(list)
        self._modules = modules
        for node in nodes:
            self._take(node)
        self.words |= self._binders.keys() | self.loads.keys()
        self.constants = self._find_constants()
        self._lines = text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def _take(self, node: ast.AST) -> None:
        match node:
            case ast.Name(id=name):
                if isinstance(node.ctx, ast.Load):
                    self.loads[name].append(node)
                else:
                    self._binders[name].append(node)
            case ast.Attribute(attr=name):
                self.words.add(name)
                self.attributes.append(node)
            case ast.keyword(arg=str(name)):
                self.words.add(name)
            case ast.Constant(value=str(text)):
                self.strings.add(text)
            case ast.Import() | ast.ImportFrom():
                self._take_import(node)
            case ast.JoinedStr():
                self.understood = False  # before Python 3.12 ast does not know places in there
            case _:
                for name in _bound_otherwise(node):
                    self._binders[name].append(node)

    def _take_import(self, node: ast.Import | ast.ImportFrom) -> None:
        targets = self.imports[node] = {}
        for alias in node.names:
            bound = bound_by(alias)
            if alias.name == "*":
                self.understood = False
            if isinstance(node, ast.Import):
                target = Target(alias.name if alias.asname else bound, None)
            else:
                below = f"{node.module}.{alias.name}"
                of_set = below in self._modules
                target = Target(below, None) if of_set else Target(node.module or "", alias.name)
            targets[alias] = target
            in_class = isinstance(self.parents[node], ast.ClassDef)
            self._binders[bound].append(node if in_class else target)

    def _find_constants(self) -> dict[str, ast.Assign]:
        """The lines NAME = const(...) of the module whose name means nothing else anywhere."""
        found = {}
        for node in self.tree.body:
            match node:
                case ast.Assign(
                    targets=[ast.Name(id=name)],
                    value=ast.Call(func=ast.Name(id="const"), args=[argument], keywords=[]),
                ) if node.lineno == node.end_lineno and not isinstance(argument, ast.Starred):
                    if len(self._binders[name]) == 1 and self.target("const") == CONST:
                        found[name] = node
        return found

    def target(self, name: str) -> Target | None:
        """What the name is if it is imported, and nothing else in the whole file."""
        found = set(self._binders.get(name, ()))
        only = found.pop() if len(found) == 1 else None
        return only if isinstance(only, Target) else None

    def at_top(self, statement: ast.stmt) -> bool:
        """Does it run when the module is imported, so that others can import what it binds?"""
        node: ast.AST = statement
        while node in self.parents:
            node = self.parents[node]
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                return False
        return True

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """First character of the text, and the one behind the last."""
        return (
            self._offset(node.lineno, node.col_offset),
            self._offset(node.end_lineno, node.end_col_offset),
        )

    def _offset(self, line_number: int, column: int) -> int:
        """ast counts columns in bytes."""
        line = self._lines[line_number - 1]
        return self._starts[line_number - 1] + len(line.encode()[:column].decode())

    def source(self, node: ast.expr | ast.stmt) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def rest_of_line(self, node: ast.stmt) -> str:
        """What stands behind the statement."""
        end = self.span(node)[1]
        return self.text[end : self._starts[node.end_lineno] - 1]

    def only_constants(self) -> bool:
        """Is there nothing in the module but lines NAME = const(...)?"""
        lines = list(self.constants.values())
        plain = (ast.Import, ast.ImportFrom, ast.Expr)
        return all(node in lines or isinstance(node, plain) for node in self.tree.body)

    def only_defines(self) -> bool:
        """Does it make no difference, but for memory, whether the module is imported at all?

        What it imports itself is another question.
        """
        return all(_only_defines(node) for node in self.tree.body)


class Values:
    """Numbers of constants, wherever in the set they are defined."""

    def __init__(self, files: Mapping[str, ModuleText]) -> None:
        self._files = files
        self._known: dict[tuple[str, str], int | None] = {}
        # Somebody sets this attribute of something: it might be a module.
        self._set = {
            node.attr
            for file in files.values()
            for node in file.attributes
            if not isinstance(node.ctx, ast.Load)
        }

    def of(self, module: str, name: str | None) -> int | None:
        """The number that a name at the top of a module stands for; None: that is not sure."""
        if name is None or module not in self._files or name in self._set:
            return None
        key = module, name
        if key not in self._known:
            self._known[key] = None  # while it is looked for: a circle has no value
            file = self._files[module]
            if name in file.constants:
                self._known[key] = self.computed(file, file.constants[name].value.args[0])
            elif target := file.target(name):
                self._known[key] = self.of(*target)
        return self._known[key]

    def computed(self, file: ModuleText, node: ast.expr) -> int | None:
        """What an expression gives if it consists of whole numbers and such constants only."""
        match node:
            case ast.Constant(value=int(number)) if type(number) is int:
                return number
            case ast.Name() | ast.Attribute():
                return self.used(file, node)
            case ast.UnaryOp(op=op, operand=operand):
                numbers = [self.computed(file, operand)]
            case ast.BinOp(left=left, op=op, right=right):
                numbers = [self.computed(file, left), self.computed(file, right)]
            case _:
                return None
        function = _OPERATORS.get(type(op))
        shifts = isinstance(op, ast.LShift) and (numbers[1] or 0) > _MOST_SHIFT_BITS
        if function is None or None in numbers or shifts:
            return None
        try:
            return function(*numbers)
        except (ZeroDivisionError, ValueError):
            return None

    def used(self, file: ModuleText, node: ast.expr) -> int | None:
        """The number that NAME or module.NAME stands for."""
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                return self.of(file.name, name)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute, ctx=ast.Load()):
                target = file.target(name)
                return self.of(target.module, attribute) if target and not target.name else None
        return None


def bound_by(alias: ast.alias) -> str:
    return alias.asname or alias.name.split(".")[0]


def _bound_otherwise(node: ast.AST) -> list[str]:
    """Names that a node binds which is neither a name nor an import."""
    match node:
        case ast.arg(arg=name):
            return [name]
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            return names
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            return [name]
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            return [name]
    return []


def _only_defines(node: ast.stmt) -> bool:
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.FunctionDef(decorator_list=[]):
            return True
        case ast.ClassDef(decorator_list=[], keywords=[]):
            return all(_only_defines(each) for each in node.body)
        case ast.Assign(targets=[ast.Name()]):
            calls = [each for each in ast.walk(node.value) if isinstance(each, ast.Call)]
            return all(_is_maker(call.func) for call in calls)
    return False


def _is_maker(function: ast.expr) -> bool:
    return isinstance(function, ast.Name) and function.id in _MAKERS
