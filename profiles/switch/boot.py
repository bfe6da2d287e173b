"""Runs before main.py: the outputs are as they were before the power went."""


def restore():
    """No name of this module keeps the table of boards in memory."""
    from switch import boards

    boards.opened = boards.restore()


restore()
