"""What hangs on the pins of soil on the simulated bench. Never sent to a device."""

from testmock.models.analogsensor import AnalogSensor


def stage(bench):
    bench.parts["probe"] = bench.analog(34, AnalogSensor(1.6))
