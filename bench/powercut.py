"""Power cuts: points tried in all scenarios, and devices that did not survive one."""

import os

from epxhost import powercut


def measure(_toolchain) -> dict[str, float]:
    rows = powercut.run(powercut.Choice(), os.cpu_count() or 1, say=lambda words: None)
    return powercut.figures(rows)
