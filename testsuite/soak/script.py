"""A short storm upon each profile; scripts/soak does more, and repeats a failing seed."""

import sys

from testsuite.soak.storm import storm_of
from testsuite.story import MINUTES

# Real MicroPython takes its time.
_SHARE = 4 if sys.implementation.name == "micropython" else 1


def survives(world, profile, **keys):
    storm = storm_of(world, profile, **keys)
    storm.run(storm.hardware.story_minutes * MINUTES // _SHARE)
    assert storm.faults


def test_a_water_tank_survives_dense_faults(world):
    survives(world, "h2o")


def test_a_water_tank_in_a_persistent_session_does(world):
    survives(world, "h2o", mqttsession="persistent")


def test_a_weather_sensor_does(world):
    survives(world, "weather")


def test_a_mains_energy_meter_does(world):
    survives(world, "energy", mqttsession="persistent")


def test_relays_do(world):
    survives(world, "relay", mqttsession="persistent")


def test_a_switch_does(world):
    survives(world, "switch")


def test_thermometers_do(world):
    survives(world, "termo")


def test_a_receiver_of_keyfobs_does(world):
    survives(world, "rx433")
