"""Keys of config.txt that a switch has, and what its outputs are before it runs."""

from epx.config import Key, choice, integer, led

_USUAL_LED = (2, False)

KEYS = (
    # Which board it is; see Wiring.
    Key("driver", choice("Direct4", "dtwonder2", "dtwonder4", "hoffer6", "minir4", "dtwonder8")),
    # How often the inputs are looked at. Each time wakes the processor: at 15 ms 240,000 times an
    # hour.
    Key("poll", integer(5, 1000), 15, unit="ms"),
    # An input counts as changed when it has stayed so for this long.
    Key("debounce", integer(0, 10000), 50, unit="ms"),
    # An input of kind P that stays on for this long is a long press.
    Key("longpress", integer(100, 60000), 1000, unit="ms"),
    # Lit while the program works. None: the board's own LED, if it has one.
    Key("led", led, None),
)


def safe_pins(config):
    """Rows as of SAFE_PINS, for the board that these settings name; for the PC.

    Shift registers keep their outputs by themselves; to drive their pins would disturb them.
    """
    from switch.boards import board_of

    board = board_of(config.driver)
    if board.registers:
        return ()
    return [(pin, 0, "switch", str(i)) for i, pin in enumerate(board.outputs)]


def conflict(config):
    """What is wrong with settings that are right one by one, or None; for the PC.

    The program has a LED of its board, but the rescue program knows none and takes the usual one.
    """
    from switch.boards import board_of

    board = board_of(config.driver)
    pin = (config.led or _USUAL_LED)[0]
    if pin is None or pin not in board.outputs + (board.registers or ()):
        return None
    return "led: want a line 'led none', GPIO %d is an output of %s" % (pin, board.driver)
