"""Runs before main.py: nothing to switch off."""
