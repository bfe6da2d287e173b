"""Runs before main.py: all relays off; main.py turns on again what was on before a reset."""

from machine import Pin

for number in (25, 26, 27, 33):
    Pin(number, Pin.OUT, value=1)
