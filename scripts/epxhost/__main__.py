"""`python -m epxhost COMMAND ...`: the whole group."""

import sys

from epxhost.cli import main

sys.exit(main(None, sys.argv[1:]))
