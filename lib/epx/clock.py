"""Durations in milliseconds, so that a table can say `5 * MINUTES`."""

from micropython import const

SECONDS = const(1000)
MINUTES = const(60 * SECONDS)
HOURS = const(60 * MINUTES)
DAYS = const(24 * HOURS)
