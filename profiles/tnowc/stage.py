"""What hangs on the pins of a tnowc on the simulated bench: only the radio. Never sent."""


def stage(bench):
    bench.uses_espnow = True
