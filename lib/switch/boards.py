"""The boards that a switch can be: which pins its inputs and outputs are. Opened by boot.py."""

from collections import namedtuple

_CONFIG = "config.txt"
_FIRST_WITHOUT_PULL = 34  # of an ESP32's pins

# inputs, outputs: their pins, zeros for bits of shift registers. on_level: of an input that is on.
# led: as in the key led. registers: the pins enable, latch, clock, in, out of shift registers.
Board = namedtuple("Board", ("driver", "inputs", "on_level", "outputs", "led", "registers"))

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


port = None  # what boot.py has opened


def board_of(driver):
    """Its row; None if there is none."""
    for board in BOARDS:
        if board.driver == driver:
            return board
    return None


class Port:
    """The inputs and outputs of an open board. levels: the outputs, a bit for each."""

    def __init__(self, board, levels):
        self.board = board
        self.levels = levels


class PinPort(Port):
    """All of them are pins of the processor."""

    def __init__(self, board, levels):
        from machine import Pin

        Port.__init__(self, board, levels)
        self._on_level = on_level = board.on_level
        # With its level from the first moment on.
        self._outputs = [
            Pin(number, Pin.OUT, value=levels >> i & 1) for i, number in enumerate(board.outputs)
        ]
        pull = Pin.PULL_DOWN if on_level else Pin.PULL_UP
        self._inputs = [
            Pin(number, Pin.IN) if number >= _FIRST_WITHOUT_PULL else Pin(number, Pin.IN, pull)
            for number in board.inputs
        ]

    def read(self):
        """The inputs that are on, a bit for each."""
        found = 0
        bit = 1
        level = self._on_level
        for pin in self._inputs:
            if pin.value() == level:
                found |= bit
            bit <<= 1
        return found

    def write(self, levels):
        self.levels = levels
        for pin in self._outputs:
            pin.value(levels & 1)
            levels >>= 1


class RegisterPort(Port):
    """All of them are bits of shift registers; nothing is enabled before all are set."""

    def __init__(self, board, levels):
        from machine import Pin

        from third.shiftregister import ShiftRegisters

        Port.__init__(self, board, levels)
        self._chips = ShiftRegisters(*[Pin(number) for number in board.registers])
        self.write(levels)

    def read(self):
        return self._chips.transfer(self.levels) ^ 0xFF

    def write(self, levels):
        self.levels = levels
        self._chips.transfer(levels)


def restore():
    """Open the board that config.txt names, with its outputs as they were -> its port, or None."""
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
    return (RegisterPort if board.registers else PinPort)(board, levels)


def _driver():
    """Just this key: the rest of config.txt is read when the outputs are right."""
    found = None
    try:
        with open(_CONFIG, "rb") as file:
            for line in file:
                words = line.split()
                if len(words) == 2 and words[0] == b"driver":
                    found = str(words[1], "utf-8")  # the last one counts
    except (OSError, UnicodeError):
        pass
    return found
