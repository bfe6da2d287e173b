"""Safe outputs, then boot.py of the chosen file set. Never part of an update."""

import gc

from loader import start

# Collect this often, from the start: then what stays lies close together, and large things find
# room. Without, an update beside a water tank needs a heap of 161 KB instead of 101 (measured).
gc.threshold(8192)
start.boot()
