"""What hangs on the pins of a scale_manager on the simulated bench: nothing. Never sent to a device."""


def stage(bench):
    pass
