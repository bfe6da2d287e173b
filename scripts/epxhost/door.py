"""How a command in scripts/ enters the private environment. Standard library only."""

import importlib
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"


def enter() -> None:
    """Go on under .venv's interpreter; from a plain shell that means starting again there."""
    if Path(sys.prefix).resolve() == VENV.resolve() or os.environ.get("EPX_ANY_PYTHON"):
        return
    if not (VENV / "ready").exists():
        name = Path(sys.argv[0]).name
        sys.exit(f"{name}: run `make setup` first: it makes the private environment .venv")
    python = str(VENV / "bin" / "python")
    os.execv(python, [python, *sys.argv])


def run(command: str) -> None:
    """Be one command of the `epx` group and exit with its status."""
    enter()
    from epxhost.cli import main

    sys.exit(main(command, sys.argv[1:]))


def call(module: str) -> None:
    """Be a tool that is no command of the group: its main() gives the exit status."""
    enter()
    sys.exit(importlib.import_module(module).main())
