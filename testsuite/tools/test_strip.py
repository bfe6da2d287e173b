"""Source without comments and docstrings is the same program, line by line."""

import ast
import subprocess
import sys

import pytest

from epxhost import manifest, toolchain
from epxhost.door import ROOT
from epxhost.errors import ToolError
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
        "\n\n\nx=1\n\ndef f():\n\n return x\n",
    )


def test_a_body_that_was_only_a_docstring_keeps_a_statement():
    same(
        'class Wrong(Exception):\n    """Not\n    right."""\n\n\nx = 1\n',
        "class Wrong(Exception):\n pass\n\n\n\nx=1\n",
    )
    same("def f(): 'doc'\n", "def f():pass\n")


def test_texts_that_are_no_docstrings_stay():
    source = "x='''#1\n   \n# two '''\nf=g('#')\n"
    same(source, source)


def test_what_stands_behind_a_docstring_stays():
    same('def f():\n    "doc"; return 1\n', 'def f():\n "doc";return 1\n')


def test_a_docstring_may_have_a_comment():
    same('def f():\n    "doc"  # why\n    return 1\n', "def f():\n\n return 1\n")


def test_blanks_between_words_stay():
    same(
        "if not a in b or c is not 'x':\n        d = 1 .real if e else - 2\n",
        "if not a in b or c is not 'x':\n d=1 .real if e else-2\n",
    )


def test_lines_that_go_on_keep_their_places():
    same(
        "x = f(\n    1,  # one\n\n    2,\n)\ny = 1 + \\\n    2\n",
        "x=f(\n1,\n\n2,\n)\ny=1+\\\n2\n",
    )
    same(
        "if a:\n    while b:\n        c(\n            1)\n    d\ne\n",
        "if a:\n while b:\n  c(\n1)\n d\ne\n",
    )


def test_characters_of_several_bytes_shift_nothing():
    same('x = "°C"  # °C\ndef f(): "Größe"\n', 'x="°C"\ndef f():pass\n')


def test_a_file_without_a_program_is_empty():
    same("", "")
    same('"""Only words."""\n# more\n', "")


def test_an_f_string_is_refused_where_python_takes_it_apart():
    if sys.version_info < (3, 12):
        same("x = f'{y}'\n", "x=f'{y}'\n")
    else:
        with pytest.raises(ToolError, match="f-string"):
            stripped(b"x = f'{y}'\n", "x.py")


def test_micropython_reads_the_rescue_files():
    compiler = toolchain.mpy_cross()
    if not compiler:
        pytest.skip(toolchain.why_not("mpy_cross"))
    for path, data in manifest.rescue_files().items():
        done = subprocess.run([*compiler, "-", "-o", "/dev/null"], input=data, check=False)
        assert done.returncode == 0, path


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_file_of_the_library_keeps_its_lines_and_its_meaning(path):
    source = path.read_bytes()
    small = stripped(source, path.name)  # raises if the meaning is another one
    more = set(code_lines(small)) ^ set(code_lines(source))
    assert {kind for _, kind in more} <= {"Pass"}, "where only a docstring was"
    assert len(small) <= len(source)
    assert not [line for line in small.splitlines() if line != line.rstrip()]
    assert stripped(small, path.name) == small
