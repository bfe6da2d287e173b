"""Half a day of dense random faults; scripts/soak does more, and repeats a failing seed."""

import sys

from testsuite.soak.storm import Storm
from testsuite.story import HOURS, with_keys

# Real MicroPython collects its large heap every virtual minute, which takes its time.
_HOURS = 2 if sys.implementation.name == "micropython" else 6


def test_six_hours_of_dense_faults(world):
    storm = Storm(world)
    storm.run(_HOURS * HOURS)
    assert storm.faults >= 4 * _HOURS, storm.faults


def test_six_hours_of_dense_faults_in_a_persistent_session(world):
    with_keys(world, mqttsession="persistent")
    storm = Storm(world)
    storm.run(_HOURS * HOURS)
    assert storm.faults >= 4 * _HOURS, storm.faults
