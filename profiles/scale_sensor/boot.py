"""Runs before main.py: as slow as the radio allows, for the battery."""

from machine import freq

freq(80_000_000)
