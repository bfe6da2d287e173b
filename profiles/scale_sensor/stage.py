"""What hangs on the pins of a scale on the simulated bench. Never sent to a device."""

from testmock.models.analogsensor import AnalogSensor
from testmock.models.hx711 import HX711


def stage(bench):
    bench.uses_espnow = True
    # What a scale with calibration_a 10 and calibration_b 20 takes for 7 kg.
    bench.parts["cell"] = HX711(bench, 5, 4, mass_kg=7, counts_per_kg=10, zero=-20)
    # Two cells of an alkaline battery, halved.
    bench.parts["battery"] = bench.analog(35, AnalogSensor(1.55))
