"""What hangs on the pins of a weather sensor on the simulated bench. Never sent to a device."""

from testmock.models.bme280 import BME280
from testmock.models.hdc1080 import HDC1080
from testmock.models.ssd1306 import SSD1306


def stage(bench):
    now_us = bench.clock.now_us
    hygrometer, barometer, display = HDC1080(now_us), BME280(now_us), SSD1306(128, 64)
    bench.i2c(0, 0x40, hygrometer)
    bench.i2c(0, 0x76, barometer)
    bench.i2c(0, 0x3C, display)
    bench.parts["hygrometer"] = hygrometer
    bench.parts["barometer"] = barometer
    bench.parts["display"] = display
