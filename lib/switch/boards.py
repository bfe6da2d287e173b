"""The boards that a switch can be: which pins its inputs and outputs are. Opened by boot.py."""

from collections import namedtuple

_CONFIG = "config.txt"

# inputs, outputs: their pins, zeros for bits of shift registers. on_level: of an input that is on.
# led: as in the key led. registers: the pins enable, latch, clock, in, out of shift registers.
Board = namedtuple("Board", ("driver", "inputs", "on_level", "outputs", "led", "registers"))

_ON_IS_LOW = 0xFF  # of inputs at shift registers
_NO_LED = (None, False)

BOARDS = (
    Board("Direct4", (26, 34, 33, 35), 0, (17, 16, 32, 12), (2, False), None),
    Board("dtwonder2", (36, 39), 0, (16, 2), _NO_LED, None),
    Board("dtwonder4", (36, 39, 33, 35), 0, (16, 2, 32, 12), _NO_LED, None),
    Board(
        "hoffer6", (36, 39, 32, 33, 25, 26, 27, 14), 1, (4, 16, 17, 18, 19, 23), (2, False), None
    ),
    Board("minir4", (27, 0), 0, (26,), (19, True), None),
    Board("dtwonder8", (0,) * 8, 0, (0,) * 8, _NO_LED, (32, 15, 14, 16, 13)),
)


opened = None  # port and board, by boot.py


def board_of(driver):
    """Its row; None if there is none."""
    for board in BOARDS:
        if board.driver == driver:
            return board
    return None


def restore():
    """Open the board that config.txt names, with its outputs as they were -> (port, board).

    None if it names none that there is.
    """
    board = board_of(_driver())
    if board is None:
        return None
    from esp32 import NVS

    kept = NVS("switch")
    levels = 0
    for i in range(len(board.outputs)):
        try:
            if kept.get_i32(str(i)) == 1:
                levels |= 1 << i
        except OSError:  # never switched
            pass
    return _open(board, levels), board


def _open(board, levels):
    """What reads the inputs and writes the outputs; it has set these already."""
    if board.registers:
        from machine import Pin

        from third.shiftregister import ShiftRegisters

        return ShiftRegisters([Pin(number) for number in board.registers], levels, _ON_IS_LOW)
    from switch.ports import PinPort

    return PinPort(board.inputs, board.on_level, board.outputs, levels)


def _driver():
    """Just this key: the rest of config.txt is read when the outputs are right."""
    found = None
    try:
        with open(_CONFIG, "rb") as file:
            for line in file:
                words = line.replace(b"\xef\xbb\xbf", b"").split()  # the mark of some editors
                if len(words) == 2 and words[0] == b"driver":
                    found = str(words[1], "utf-8")  # the last one counts
    except (OSError, UnicodeError):
        pass
    return found
