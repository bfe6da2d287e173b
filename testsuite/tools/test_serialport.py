"""What a serial tool says when the board reports an error."""

import pytest
from mp.pyboard import PyboardError

from epxhost import serialport

TRACE = b'Traceback (most recent call last):\r\n  File "<stdin>", line 1, in <module>\r\n'


@pytest.mark.parametrize(
    ("last_line", "words"),
    [
        (b"OSError: 28", "the board's flash is full (OSError: 28)"),
        (b"OSError: [Errno 28] ENOSPC", "the board's flash is full (OSError: [Errno 28] ENOSPC)"),
        (b"OSError: [Errno 128] EX", "the board says: OSError: [Errno 128] EX"),
        (b"MemoryError: ", "the board says: MemoryError:"),
    ],
)
def test_the_last_line_of_a_traceback_is_shown_with_advice(last_line, words):
    error = PyboardError("exception", b"", TRACE + last_line + b"\r\n")
    assert serialport._explained(error) == words


def test_a_garbled_answer_is_no_error_of_the_files():
    assert not serialport._is_of_the_files(PyboardError("could not exec command"))
    assert not serialport._is_of_the_files(PyboardError("exception", b"", b"SyntaxError: x"))
    assert serialport._is_of_the_files(PyboardError("exception", b"", b"OSError: 28"))
