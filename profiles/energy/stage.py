"""What hangs on the pins of a mains energy meter on the simulated bench. No part of a device."""

from testmock.models.pzem004t import PZEM004T


def stage(bench):
    bench.parts["meter"] = bench.uart(2, PZEM004T(bench.clock.now_us))
