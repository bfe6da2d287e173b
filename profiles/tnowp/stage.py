"""What hangs on the pins of a tnowp on the simulated bench: only the radio. Never sent."""


def stage(bench):
    bench.uses_espnow = True
