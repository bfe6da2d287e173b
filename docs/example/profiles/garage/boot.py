"""Runs before main.py: the relay is off from the first moment on."""

from machine import Pin

Pin(26, Pin.OUT, value=0)
