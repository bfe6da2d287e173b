"""Single key presses from a terminal, without waiting for them."""

import os
import select
import sys
from types import TracebackType


class Keyboard:
    """A context: inside it the terminal hands over each key at once and does not echo it."""

    def __init__(self) -> None:
        self._before: list | None = None

    def __enter__(self) -> "Keyboard":
        if sys.stdin.isatty():
            import termios
            import tty

            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            import termios

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def pressed(self) -> str:
        """The keys pressed since the last time, without control sequences of arrows and so on."""
        if self._before is None or not select.select([sys.stdin], [], [], 0)[0]:
            return ""
        keys = os.read(sys.stdin.fileno(), 64).decode("utf-8", "replace")
        return "" if keys.startswith("\x1b") else keys.lower()
