"""Safe outputs, then boot.py of the chosen file set. Never part of an update."""

from loader import start

start.boot()
