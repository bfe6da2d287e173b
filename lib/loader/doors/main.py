"""main.py of the chosen file set, or the rescue program. Never part of an update."""

from loader import start

program = start.program()
del start  # its memory is the program's
try:
    __import__(program)
    # At the prompt nobody would reach it. Without a main.py in the set, what ends is this file.
    raise RuntimeError("the set has no main.py, or it ended")
except KeyboardInterrupt:
    from loader import start

    start.interrupted()
    raise
except Exception as error:
    from loader import start

    start.crashed(error)
