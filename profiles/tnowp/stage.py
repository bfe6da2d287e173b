"""What hangs on the pins of a tnowp on the simulated bench: nothing. Never sent to a device."""


def stage(bench):
    pass
