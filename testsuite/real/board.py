"""A board for tests of the serial tools: real MicroPython behind a pseudo-terminal."""

import contextlib
import errno
import json
import os
import pathlib
import pty
import queue
import select
import subprocess
import threading
import time
import tty

from epxhost import toolchain

_PROGRAM = pathlib.Path(__file__).with_name("board.mjs")
_LIMIT_S = 30


class Board:
    """Power on with the content of a folder as its flash; port is where the tools find it.

    events is the list of what the board told so far (dicts with "event"). mute makes the line
    deaf and dumb, as a board without power, mute_after_bytes later; garble_after_bytes spoils what
    comes then, once.
    """

    def __init__(self, flash: pathlib.Path) -> None:
        self.flash = flash
        self.mute = False
        self.mute_after_bytes: int | None = None
        self.garble_after_bytes: int | None = None
        self.events: list[dict] = []
        self.received_bytes = 0
        self._arrived: queue.Queue = queue.Queue()
        flash.mkdir(parents=True, exist_ok=True)
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        os.set_blocking(self._master, False)
        self._line = select.poll()
        self._line.register(self._master, select.POLLOUT)
        # Nobody may hold the port open but the tool under test.
        os.close(slave)
        self._process: subprocess.Popen | None = None
        self._stopping = False
        # The last words of the board, for a test that fails.
        self.said = bytearray()
        self._more_said = threading.Condition()
        self._threads: list[threading.Thread] = []
        self.power_on()

    def power_on(self) -> None:
        to_board, self._input = os.pipe()
        self._output, from_board = os.pipe()
        os.set_blocking(to_board, False)
        self._process = subprocess.Popen(
            [*toolchain.node(), _PROGRAM, toolchain.board(), self.flash],
            stdin=to_board, stdout=from_board, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        os.close(to_board)
        os.close(from_board)
        self._stopping = False
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._relay, self._listen)
        ]
        for thread in self._threads:
            thread.start()

    def power_off(self) -> None:
        """As with a real one, without a word; the flash is what it was at the last reset."""
        self._stopping = True
        self._process.kill()
        self._process.wait(_LIMIT_S)
        for thread in self._threads:
            thread.join(_LIMIT_S)
        os.close(self._input)
        os.close(self._output)

    def close(self) -> None:
        self.power_off()
        os.close(self._master)

    def wait_for(self, event: str) -> dict:
        """The next event of that kind that was not waited for yet."""
        until = time.monotonic() + _LIMIT_S
        told: dict = {}
        while told.get("event") != event:
            try:
                told = self._arrived.get(timeout=max(0.01, until - time.monotonic()))
            except queue.Empty:
                told = {"event": "silence"}
            if told["event"] in ("died", "silence") and event != told["event"]:
                raise AssertionError(
                    f"the board told no '{event}' but {self.events} and said {bytes(self.said)}"
                )
        return told

    def wait_for_words(self, words: bytes) -> None:
        """Until the console has them among its last 2000 characters."""
        with self._more_said:
            if not self._more_said.wait_for(lambda: words in self.said, _LIMIT_S):
                raise AssertionError(f"the board did not say {words} but {bytes(self.said)}")

    def _listen(self) -> None:
        for line in self._process.stderr:
            told = json.loads(line) if line.startswith("{") else {"event": "noise", "text": line}
            self._note(told)
        self._note({"event": "off" if self._stopping else "died"})

    def _note(self, told: dict) -> None:
        self.events.append(told)
        self._arrived.put(told)

    def _relay(self) -> None:
        while not self._stopping:
            ready, _, _ = select.select([self._master, self._output], [], [], 0.05)
            if self._output in ready:
                data = os.read(self._output, 4096)
                if not data:
                    return
                with self._more_said:
                    self.said = (self.said + data)[-2000:]
                    self._more_said.notify_all()
                self._to_port(data)
            if self._master in ready:
                self._to_board()

    def _to_port(self, data: bytes) -> None:
        """What nobody listens to is lost. Without this, the terminal would echo it to the board:
        Linux forgets that a terminal is raw when its last user closes it.
        """
        while data and not self.mute and not self._stopping:
            happened = dict(self._line.poll(50)).get(self._master, 0)
            if happened & select.POLLHUP:
                return
            if happened & select.POLLOUT:
                with contextlib.suppress(BlockingIOError):
                    data = data[os.write(self._master, data) :]

    def _to_board(self) -> None:
        data = b""
        try:
            data = os.read(self._master, 4096)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EIO:
                raise
        if not data:
            # The port is closed on the other side (EIO on Linux); look again in a moment.
            select.select([self._output], [], [], 0.02)
            return
        self.received_bytes += len(data)
        if self.garble_after_bytes is not None and self.received_bytes > self.garble_after_bytes:
            self.garble_after_bytes = None
            data = b"?" * len(data)
        if self.mute_after_bytes is not None and self.received_bytes > self.mute_after_bytes:
            self.mute_after_bytes = None
            self.mute = True
        if not self.mute:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._input, data)
