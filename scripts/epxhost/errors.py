"""What goes wrong in front of the person at the terminal."""


class ToolError(Exception):
    """The message says what is wrong and, where it can, what to do; never a traceback."""
