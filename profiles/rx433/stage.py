"""What hangs on the pins of a keyfob receiver on the simulated bench. Never sent to a device."""

from testmock.models.keyfob import Keyfob


def stage(bench):
    keyfob = Keyfob(bench.clock.now_us)
    bench.signal(14, keyfob)
    bench.parts["keyfob"] = keyfob
