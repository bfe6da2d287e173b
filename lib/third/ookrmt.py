"""Pulses of a pin by the remote control peripheral of an ESP32, which times them in hardware.

esp32.RMTRX is not in MicroPython's own firmware (1.26): it is pull request 18454, or a firmware
built with it.
"""

import esp32
from micropython import const

_SYMBOLS = const(64)  # of two pulses: the peripheral's memory, more than the longest frame
_GLITCH_NS = const(3100)  # the most that its filter takes
_IDLE_NS = const(5000000)  # so long a level ends a train; a preamble does
_RESOLUTION_HZ = const(1000000)


class Listener:
    """Feeds frames, a keyfob.Frames, and calls heard() when one is complete."""

    # Trains wait in the driver; the shortest frames of a held button are 29 ms apart.
    every_ms = 20

    def __init__(self, pin, frames, heard):
        self._frames = frames
        self._heard = heard
        self._rmt = rmt = esp32.RMTRX(
            pin=pin,
            num_symbols=_SYMBOLS,
            min_ns=_GLITCH_NS,
            max_ns=_IDLE_NS,
            resolution_hz=_RESOLUTION_HZ,
        )
        # Newer ones are switched on, older ones told to read.
        if hasattr(rmt, "active"):
            rmt.active(1)
        else:
            rmt.read_pulses()

    def listen(self):
        """What has come since the last time: a high is positive, a low negative."""
        pulses = self._rmt.get_data()
        if not pulses:
            return
        frames = self._frames
        frames.begin()
        for us in pulses:
            frames.feed(us > 0, abs(us))
        if frames.end():
            self._heard()
