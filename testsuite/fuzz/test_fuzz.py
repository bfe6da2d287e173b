"""Hostile bytes at the port of updates and on the topic OTA, found by hypothesis.

1,000 examples in `make test`, 20,000 in `make fuzz`. What an example means and what must hold
after it: testsuite/unit/ota_hostile.py. `--seed N` chooses other ones; the same seed gives the
same examples, and a failure shows the bytes that repeat it.
"""

import os
import pathlib

import hypothesis.configuration
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from testmock.simworld.scene import end_world, make_world

# It keeps what it knows about its own speed; not at the root, where pytest stumbles over it.
hypothesis.configuration.set_hypothesis_home_dir(
    pathlib.Path(__file__).parents[2] / "build" / "hypothesis"
)

EXAMPLES = int(os.environ.get("EPX_FUZZ_EXAMPLES", "1000"))
# How the examples are shared out.
SHARES = {"stranger": 0.2, "tampered": 0.25, "insider": 0.45, "commander": 0.1}
# A device lives through so many, one after the other; then memory is given back.
MOST_PER_DEVICE = 500

LENGTHS = {"stranger": (8, 120), "tampered": (8, 60), "insider": (24, 300), "commander": (4, 80)}


class Bench:
    """A simulated device that is replaced when it has failed or is worn."""

    def __init__(self):
        self.examples = 0
        self._world = None
        self._scene = None

    def run(self, kind, data):
        if self._scene is None or self._scene.examples >= MOST_PER_DEVICE:
            self._renew()
        self.examples += 1
        try:
            self._world.device.run(lambda: self._scene.run(kind, data))
        except BaseException:
            self._scene = None
            raise

    def _renew(self):
        self.close()
        self._world = make_world(None, None)
        device = self._world.device
        device.extra_paths = ("testsuite/unit",)
        device.powered = True
        program = device.prepare()
        self._scene = device.run(lambda: program.load("ota_hostile").Scene())

    def close(self):
        if self._world:
            end_world(self._world)
            self._world = None


@pytest.mark.parametrize("kind", SHARES)
def test_nobody_does_harm(kind, request):
    number = request.config.getoption("--seed")
    shortest, longest = LENGTHS[kind]
    bench = Bench()

    @seed(number)
    @settings(
        max_examples=int(EXAMPLES * SHARES[kind]),
        database=None,  # the same seed means the same examples, whatever ran before
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.binary(min_size=shortest, max_size=longest))
    def example(data):
        bench.run(kind, data)

    try:
        example()
    finally:
        bench.close()
        print(f"\n{bench.examples} examples of {kind}, seed {number}")
