"""Durations in milliseconds, so that a table can say `5 * MINUTES`."""

SECONDS = 1000
MINUTES = 60 * SECONDS
HOURS = 60 * MINUTES
DAYS = 24 * HOURS
