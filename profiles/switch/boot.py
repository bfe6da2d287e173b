"""Runs before main.py: the outputs are as they were before the power went."""

from switch import boards

boards.port = boards.restore()
