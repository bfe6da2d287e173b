"""Source without comments and docstrings is the same program, line by line."""

import ast

import pytest

from epxhost.door import ROOT
from epxhost.strip import stripped

SOURCES = sorted((ROOT / "lib").rglob("*.py"))


def same(source, wanted):
    assert stripped(source.encode(), "x.py").decode() == wanted


def code_lines(source):
    """Number and kind of each statement that is no docstring."""
    for node in ast.walk(ast.parse(source)):
        constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.stmt) and not constant:
            yield node.lineno, type(node).__name__


def test_comments_and_docstrings_leave_empty_lines():
    same(
        '"""Module\ndoc."""\n\nx = 1  # why\n# alone\ndef f():\n    """Doc."""\n    return x\n',
        "\n\n\nx = 1\n\ndef f():\n\n    return x\n",
    )


def test_a_body_that_was_only_a_docstring_keeps_a_statement():
    same(
        'class Wrong(Exception):\n    """Not\n    right."""\n',
        "class Wrong(Exception):\n    pass\n",
    )
    same("def f(): 'doc'\n", "def f(): pass\n")


def test_texts_that_are_no_docstrings_stay():
    source = "x = '''#1\n   \n# two '''\nf = g('#')\n"
    same(source, source)


def test_what_stands_behind_a_docstring_stays():
    source = 'def f():\n    "doc"; return 1\n'
    same(source, source)


def test_characters_of_several_bytes_shift_nothing():
    same('x = "°C"  # °C\ndef f(): "Größe"\n', 'x = "°C"\ndef f(): pass\n')


def test_a_file_without_a_program_is_empty():
    same("", "")
    same('"""Only words."""\n# more\n', "")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_file_of_the_library_keeps_its_lines_and_its_meaning(path):
    source = path.read_bytes()
    small = stripped(source, path.name)  # raises if the meaning is another one
    more = set(code_lines(small)) ^ set(code_lines(source))
    assert {kind for _, kind in more} <= {"Pass"}, "where only a docstring was"
    assert len(small) <= len(source)
    assert not [line for line in small.splitlines() if line != line.rstrip()]
    assert stripped(small, path.name) == small
