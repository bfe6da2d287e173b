"""Keys of config.txt that a switch has, and what its outputs are before it runs."""

from epx.config import Key, choice, integer, led

KEYS = (
    # Which board it is; see Wiring.
    Key("driver", choice("Direct4", "dtwonder2", "dtwonder4", "hoffer6", "minir4", "dtwonder8")),
    # How often the inputs are looked at.
    Key("poll", integer(5, 1000), 15, unit="ms"),
    # An input counts as changed when it has stayed so for this long.
    Key("debounce", integer(0, 10000), 50, unit="ms"),
    # An input of kind P that stays on for this long is a long press.
    Key("longpress", integer(100, 60000), 1000, unit="ms"),
    # Lit while the program works. None: the board's own LED, if it has one.
    Key("led", led, None),
)


def safe_pins(config):
    """Rows as of SAFE_PINS, for the board that these settings name.

    Shift registers keep their outputs by themselves; to drive their pins would disturb them.
    """
    from switch.boards import board_of

    board = board_of(config.driver)
    if board.registers:
        return ()
    # The rescue program knows no boards: without the key its LED is that of most.
    lit = (config.led or (2, False))[0]
    if lit in board.outputs:
        where = "GPIO %d is an output of %s" % (lit, board.driver)
        raise ValueError("led: want a line 'led none': " + where)
    return [(pin, 0, "switch", str(i)) for i, pin in enumerate(board.outputs)]
