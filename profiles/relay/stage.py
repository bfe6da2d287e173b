"""What hangs on the pins of four relays on the simulated bench. Never sent to a device."""

from testmock.models.ssd1306 import SSD1306


def stage(bench):
    bench.parts["display"] = bench.i2c(0, 0x3C, SSD1306(128, 64))
