"""What hangs on the pins of a tnowp on the simulated bench: only the radio. Never sent to a device."""


def stage(bench):
    bench.uses_espnow = True
