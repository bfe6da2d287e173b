"""Source without comments, docstrings and needless blanks, for files that lie on a device as
source. Every line keeps its number, so that a traceback of the device names the line of the
repository.
"""

import ast
import io
import tokenize
from collections.abc import Iterator
from tokenize import TokenInfo

from epxhost.errors import ToolError

_BODIES = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_SILENT = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER)
# From Python 3.12 on an f-string is several tokens.
_FSTRING_START = getattr(tokenize, "FSTRING_START", None)

Place = tuple[int, int]  # line and column


def stripped(source: bytes, name: str) -> bytes:
    """The same program in fewer bytes; name is for the error if that should go wrong."""
    text = source.decode("utf-8")
    tree = ast.parse(text, name)
    if any(token.type == _FSTRING_START for token in _tokens(text)):
        raise ToolError(f"{name}: has an f-string, which device code does without")
    writer = _Writer(_docstrings(tree, text))
    for token in _tokens(text):
        writer.take(token)
    small = writer.text()
    if _meaning(ast.parse(small, name)) != _meaning(tree):
        raise ToolError(f"{name}: stripped it would be another program")
    return small.encode("utf-8")


class _Writer:
    """Puts tokens one after the other, each into its line."""

    def __init__(self, docstrings: dict[Place, str]) -> None:
        self._docstrings = docstrings
        self._lines = [""]
        self._level = 0
        self._number_before = False
        self._goes_on = False  # the logical line has begun
        self._brackets = 0

    def take(self, token: TokenInfo) -> None:
        if token.type == tokenize.INDENT:
            self._level += 1
        elif token.type == tokenize.DEDENT:
            self._level -= 1
        elif token.type in _SILENT:
            self._goes_on = self._goes_on and token.type != tokenize.NEWLINE
        elif token.start in self._docstrings:
            self._put(token.start[0], self._docstrings[token.start], token.type)
        else:
            self._put(token.start[0], token.string, token.type)

    def _put(self, row: int, text: str, kind: int) -> None:
        if not text:
            return
        if row > len(self._lines):
            if self._goes_on and not self._brackets:
                self._lines[-1] += "\\"
            self._lines += [""] * (row - len(self._lines))
        line = self._lines[-1]
        if not line:
            line = "" if self._goes_on else " " * self._level
        elif self._touch(line, text):
            line += " "
        first, *more = text.split("\n")
        self._lines[-1] = line + first
        self._lines += more
        self._brackets += (text in "([{") - (text in ")]}")
        self._goes_on = True
        self._number_before = kind == tokenize.NUMBER

    def _touch(self, line: str, text: str) -> bool:
        """Would they be read as one word?"""
        word = line[-1].isalnum() or line[-1] == "_"
        return (word and (text[0].isalnum() or text[0] in "_\"'")) or (
            self._number_before and text[0] == "."
        )

    def text(self) -> str:
        text = "\n".join(self._lines).rstrip("\n")
        return f"{text}\n" if text else ""


def _tokens(text: str) -> Iterator[TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(text).readline)


def _docstrings(tree: ast.Module, text: str) -> dict[Place, str]:
    """Where they begin, and what has to stand there instead."""
    lines = list(io.StringIO(text))
    found = {}
    for node in ast.walk(tree):
        if not _has_docstring(node):
            continue
        first = node.body[0]
        behind = lines[first.end_lineno - 1].encode("utf-8")[first.end_col_offset :]
        if behind.lstrip()[:1] not in (b"", b"#"):
            continue  # more follows in this line; nobody writes that, so it may stay
        # ast counts bytes, but before a docstring there are only ASCII characters.
        alone = len(node.body) == 1 and not isinstance(node, ast.Module)
        found[first.lineno, first.col_offset] = "pass" if alone else ""
    return found


def _has_docstring(node: ast.AST) -> bool:
    if not isinstance(node, _BODIES) or not node.body:
        return False
    first = node.body[0]
    return (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )


def _meaning(tree: ast.Module) -> str:
    """The syntax tree without docstrings, and without places."""
    for node in ast.walk(tree):
        if _has_docstring(node):
            node.body = node.body[1:]
        if isinstance(node, _BODIES[1:]) and not node.body:
            node.body = [ast.Pass()]
    return ast.dump(tree)
