"""Source without comments and docstrings, for files that lie on a device as source.

Every line keeps its number, so that a traceback of the device names the line of the repository.
"""

import ast
import io
import tokenize
from collections.abc import Iterator

from epxhost.errors import ToolError

_BODIES = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def stripped(source: bytes, name: str) -> bytes:
    """The same program in fewer bytes; name is for the error if that should go wrong."""
    text = source.decode("utf-8")
    tree = ast.parse(text, name)
    lines = list(io.StringIO(text))
    for span, instead in sorted((*_comments(text), *_docstrings(tree, lines)), reverse=True):
        _replace(lines, span, instead)
    small = "".join(lines).rstrip("\n")
    small += "\n" if small else ""
    if _meaning(ast.parse(small, name)) != _meaning(tree):
        raise ToolError(f"{name}: without comments it would be another program")
    return small.encode("utf-8")


def _comments(text: str) -> Iterator[tuple]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield (token.start, token.end), ""


def _docstrings(tree: ast.Module, lines: list[str]) -> Iterator[tuple]:
    """Their places, as (row, column in characters), and what has to stand there instead."""
    for node in ast.walk(tree):
        if not _has_docstring(node):
            continue
        first = node.body[0]
        start = (first.lineno, _characters(lines[first.lineno - 1], first.col_offset))
        end = (first.end_lineno, _characters(lines[first.end_lineno - 1], first.end_col_offset))
        if lines[end[0] - 1][end[1] :].lstrip().startswith(";"):
            continue  # more follows in this line; nobody writes that, so it may stay
        alone = len(node.body) == 1 and not isinstance(node, ast.Module)
        yield (start, end), "pass" if alone else ""


def _has_docstring(node: ast.AST) -> bool:
    if not isinstance(node, _BODIES) or not node.body:
        return False
    first = node.body[0]
    return (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )


def _characters(line: str, offset: int) -> int:
    """ast counts bytes, tokenize characters."""
    return len(line.encode("utf-8")[:offset].decode("utf-8"))


def _replace(lines: list[str], span: tuple, instead: str) -> None:
    """From the end of the text to its begin, so the places before stay right."""
    (row, column), (last_row, last_column) = span
    rest = lines[last_row - 1][last_column:]
    lines[row - 1] = f"{lines[row - 1][:column]}{instead}{rest}".rstrip() + "\n"
    for between in range(row, last_row):
        lines[between] = "\n"


def _meaning(tree: ast.Module) -> str:
    """The syntax tree without docstrings, and without places."""
    for node in ast.walk(tree):
        if _has_docstring(node):
            node.body = node.body[1:]
        if isinstance(node, _BODIES[1:]) and not node.body:
            node.body = [ast.Pass()]
    return ast.dump(tree)
