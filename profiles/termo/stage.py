"""What hangs on the pins of a termo on the simulated bench. Never sent to a device."""

from testmock.models.ds18b20 import DS18B20
from testmock.models.onewire import OneWireBus


def stage(bench):
    now_us = bench.clock.now_us
    parts = bench.parts
    parts["first"] = DS18B20(now_us, 1, 21)
    parts["second"] = DS18B20(now_us, 2, 22)
    parts["third"] = DS18B20(now_us, 3, 23)
    parts["wire"] = wire = OneWireBus(parts["first"], parts["second"], parts["third"])
    bench.onewire(14, wire)
